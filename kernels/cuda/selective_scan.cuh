// SPDX-License-Identifier: GPL-3.0-or-later
// The fused forward scan.
//
// Time runs inside a warp; channels and states run across lanes, so the states never leave registers. A pair of warps
// owns `channels` neighbouring channels, each shared by S lanes that hold NS states of it (and of CH channels in all),
// and walks through time in tiles of TT tokens. One warp of the pair only carries the recurrence on; the other prepares
// the next tile for it meanwhile and finishes the last:
//
//   fetch     inputs of three tiles ahead are copied to shared memory, past the registers
//   prepare   they become Δ and Δ·x, a few channels of one token a lane, and B and C become float32
//   advance   every lane moves its NS · CH states on, token by token, and leaves its share of C·h in shared memory
//   finish    the shares are added up, D·x and the gate follow, and y is written
//
// Two streams of instructions hide each other's latencies, and the recurrence, which nothing can run beside, waits for
// nothing else. One barrier of 64 threads a tile; nothing is exchanged between pairs. The floor is the special-function
// unit: one exponential per token, channel and state, and three more per token and channel, 16 a cycle in a
// multiprocessor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "cuda/launch.cuh"
#include "cuda/scan_carry.cuh"
#include "cuda/scan_helper.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace {

// The first token, a multiple of a tile, from which on a piece must be read to know the state it ends in: what was
// there before has decayed below 2^-32 of itself, for every state of the pair's channels, when the piece ends. By one
// warp.
template <class T, class Sh>
__device__ std::int64_t first_that_matters(const ScanArgs& args, const Place& place, int lane) {
  constexpr int rows = warp / Sh::channels, at_once = 32;
  constexpr float forgotten = 32.0f;           // halvings
  constexpr std::int64_t worth_asking = 2048;  // tokens
  static_assert(Sh::channels <= warp, "a lane for every channel");
  if (place.T < worth_asking) return 0;
  const std::int64_t e = min(place.first + lane % Sh::channels, args.E - 1);
  float slowest = INFINITY;  // halvings for a Δ of 1
  for (std::int64_t n = 0; n < args.N; ++n) slowest = fminf(slowest, -args.A[n * args.E + e] * log2_e);
  const float bias = args.delta_bias ? args.delta_bias[e] : 0.0f;
  const T* delta =
      static_cast<const T*>(args.delta.data) + place.sequence * args.delta.batch + place.t_begin * args.delta.row + e;
  float sum = 0.0f;
  for (std::int64_t end = place.T; end > 0; end -= rows * at_once) {
    const std::int64_t last = end - 1 - lane / Sh::channels;
    float values[at_once];
#pragma unroll
    for (int i = 0; i < at_once; ++i)
      values[i] = to_float(delta[max(last - i * rows, std::int64_t{0}) * args.delta.row]) + bias;
#pragma unroll
    for (int i = 0; i < at_once; ++i)
      if (last - i * rows >= 0) sum += args.softplus ? softplus(values[i]) : values[i];
    float halvings = sum * slowest;
#pragma unroll
    for (int offset = Sh::channels; offset < warp; offset *= 2) halvings += __shfl_xor_sync(~0u, halvings, offset);
    const std::int64_t start = max(end - rows * at_once, std::int64_t{0});
    if (__all_sync(~0u, halvings > forgotten)) return start / Sh::TT * Sh::TT;
    // At this rate the whole piece matters, or nearly.
    const float tokens = static_cast<float>(place.T - start);
    if (__any_sync(~0u, halvings * 0.8f * static_cast<float>(place.T) < forgotten * tokens)) return 0;
  }
  return 0;
}

template <class T, class Sh, bool Aligned, bool Full, bool StateOnly>
__global__ void __launch_bounds__(2 * warp * Sh::Pairs, Sh::On / Sh::Pairs)
    scan_forward(const ScanArgs args, const Chunks chunks) {
  extern __shared__ float4 shared_memory[];
  // A shuffle that changes nothing keeps the compiler from reading the thread's index again in every tile.
  const int thread = __shfl_sync(~0u, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) % warp);
  const int lane = thread % warp, pair = thread / warp % Sh::Pairs;
  Shared<T, Sh>& shared = reinterpret_cast<Shared<T, Sh>*>(shared_memory)[pair];
  const std::int64_t pairs_of_sequence = (args.E + Sh::channels - 1) / Sh::channels;
  const std::int64_t index = std::int64_t{blockIdx.x} * Sh::Pairs + pair;
  Place place;
  place.chunk = index / pairs_of_sequence / args.batch;
  place.sequence = index / pairs_of_sequence % args.batch;
  place.first = index % pairs_of_sequence * Sh::channels;
  place.t_begin = place.chunk * chunks.length;
  place.T = min(args.T - place.t_begin, chunks.length);
  if (place.T <= 0 || place.chunk >= chunks.count - (StateOnly ? 1 : 0)) return;
  if constexpr (StateOnly) {
    allow_next_kernel();
    if (thread / warp >= Sh::Pairs) {
      const std::int64_t from = first_that_matters<T, Sh>(args, place, lane);
      if (lane == 0) shared.from = from;
    }
    meet(pair);
    place.skipped = shared.from > 0;
    place.t_begin += shared.from;
    place.T -= shared.from;
  }
  if (thread / warp < Sh::Pairs)
    carry_on<Sh, StateOnly>(args, chunks, place, pair, lane, shared.tiles);
  else
    Helper<T, Sh, Aligned, Full, StateOnly>(args, place, lane, shared.raw).run(pair, shared.tiles);
}

// Any N, any groups: one thread per channel, its states in memory. Right, not fast.
template <class T>
__global__ void scan_forward_any(const ScanArgs args) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t sequence = index / args.E, e = index % args.E;
  if (sequence >= args.batch) return;
  const auto at = [&](const Input& input, std::int64_t t) {
    return static_cast<const T*>(input.data) + sequence * input.batch + t * input.row;
  };
  const std::int64_t group = e / (args.E / args.groups) * args.N;
  const std::int64_t emitted = args.channel_list ? args.channels : args.E;
  const std::int64_t slot = args.h_all ? slot_of(args, e) : -1;
  for (std::int64_t t = 0; t < args.T; ++t) {
    float delta = to_float(at(args.delta, t)[e]) + (args.delta_bias ? args.delta_bias[e] : 0.0f);
    if (args.softplus) delta = softplus(delta);
    const float x = to_float(at(args.x, t)[e]);
    const T *B = at(args.B, t) + group, *C = at(args.C, t) + group;
    float y = 0.0f;
    for (std::int64_t n = 0; n < args.N; ++n) {
      float& h = args.h[(sequence * args.N + n) * args.E + e];
      h = fmaf(exp2_unit(delta * (args.A[n * args.E + e] * log2_e)), h, delta * x * to_float(B[n]));
      y = fmaf(h, to_float(C[n]), y);
      if (slot >= 0) args.h_all[((sequence * args.T + t) * emitted + slot) * args.N + n] = h;
    }
    if (args.D) y = fmaf(args.D[e], x, y);
    if (args.z.data) y *= silu(to_float(at(args.z, t)[e]));
    (static_cast<T*>(args.y.data) + sequence * args.y.batch + t * args.y.row)[e] = from_float<T>(y);
  }
}

bool aligned_to(const void* data, std::int64_t row, std::int64_t batch, std::int64_t size, std::int64_t elements) {
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(size * elements) == 0 &&
         row % elements == 0 && batch % elements == 0;
}

template <class T, class Sh>
bool is_aligned(const ScanArgs& args) {
  constexpr std::int64_t size = sizeof(T), longest_row = std::numeric_limits<std::int32_t>::max() / size;
  const auto good = [](const auto& sequence, std::int64_t elements) {
    return aligned_to(sequence.data, sequence.row, sequence.batch, size, elements) && sequence.row <= longest_row;
  };
  return args.E % Sh::channels == 0 && args.N == Sh::states && good(args.x, Sh::width) && good(args.delta, Sh::width) &&
         good(args.z, Sh::width) && good(args.y, Sh::width) && good(args.B, 4) && good(args.C, 4);
}

std::int64_t blocks_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// Found by measuring on an H200. Few channels leave most of the device idle: then their states spread over more lanes.
// Shorter tiles keep two blocks of float32 in a multiprocessor's shared memory.
using Narrow = Shape<2, 8, 2, 16, 4, 1, 8>;
template <class T>
using Wide = Shape<8, 2, 1, sizeof(T) == 4 ? 8 : 16, 4, 4, 8>;
using States8 = Shape<2, 4, 2, 16, 4, 4, 8>;
using States64 = Shape<16, 4, 2, 8, 2, 2, 8>;
using States128 = Shape<16, 8, 2, 8, 2, 1, 4>;

template <class T, class Sh, bool StateOnly>
void launch_pass(const ScanArgs& args, const Chunks& chunks, cudaStream_t stream) {
  const bool full = args.softplus && args.z;
  const auto kernel = !is_aligned<T, Sh>(args) ? scan_forward<T, Sh, false, false, StateOnly>
                      : full                   ? scan_forward<T, Sh, true, true, StateOnly>
                                               : scan_forward<T, Sh, true, false, StateOnly>;
  const std::int64_t pairs = blocks_of(args.E, Sh::channels) * args.batch * (chunks.count - (StateOnly ? 1 : 0));
  constexpr int bytes = Sh::Pairs * static_cast<int>(sizeof(Shared<T, Sh>));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "preparing the scan");
  launch("the selective scan", kernel, dim3(static_cast<unsigned>(blocks_of(pairs, Sh::Pairs))), 2 * warp * Sh::Pairs,
         bytes, stream, !StateOnly && chunks.count > 1, args, chunks);
}

std::int64_t shared_memory_of_block() {
  int device = 0, bytes = 0;
  check(cudaGetDevice(&device), "asking for the device");
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "asking for its shared memory");
  return bytes;
}

template <class T>
void launch_any(const ScanArgs& args, cudaStream_t stream) {
  scan_forward_any<T><<<static_cast<unsigned>(blocks_of(args.batch * args.E, warp)), warp, 0, stream>>>(args);
  check_launch("the selective scan");
}

// `Cut` where time may be cut.
template <class T, class Sh, bool Cut>
void launch_shape(const ScanArgs& args, const Chunks& chunks, cudaStream_t stream) {
  // Before compute capability 8.0 a block has too little.
  if (static_cast<std::int64_t>(Sh::Pairs * sizeof(Shared<T, Sh>)) > shared_memory_of_block())
    return launch_any<T>(args, stream);
  if constexpr (Cut) {
    if (chunks.count > 1) launch_pass<T, Sh, true>(args, chunks, stream);
  }
  launch_pass<T, Sh, false>(args, chunks, stream);
}

}  // namespace

template <class T>
void run_scan(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream) {
  switch (plan) {
    case Plan::any:
      return launch_any<T>(args, stream);
    case Plan::narrow:
      return launch_shape<T, Narrow, false>(args, chunks, stream);
    case Plan::wide:
      return launch_shape<T, Wide<T>, true>(args, chunks, stream);
    case Plan::states_8:
      return launch_shape<T, States8, false>(args, chunks, stream);
    case Plan::states_64:
      return launch_shape<T, States64, true>(args, chunks, stream);
    case Plan::states_128:
      return launch_shape<T, States128, false>(args, chunks, stream);
  }
}

}  // namespace statescope::kernels::cuda
