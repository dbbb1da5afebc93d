// SPDX-License-Identifier: GPL-3.0-or-later
// The fused forward scan.
//
// Time runs inside a warp; channels and states run across lanes, so the states never leave registers. A pair of warps
// owns `channels` neighbouring channels, each shared by S lanes that hold NS states of it (and of CH channels in all),
// and walks through time in tiles of TT tokens. One warp of the pair only carries the recurrence on; the other prepares
// the next tile for it meanwhile and finishes the last. Pairs of neighbouring channels make a block and share B and C:
//
//   fetch     inputs of three tiles ahead are copied to shared memory, past the registers
//   prepare   they become Δ and Δ·x, a few channels of one token a lane, and B and C become float32
//   advance   every lane moves its NS · CH states on, token by token, and leaves its share of C·h in shared memory
//   finish    the shares are added up, D·x and the gate follow, and y is written
//
// Two streams of instructions hide each other's latencies, and the recurrence, which nothing can run beside, waits for
// nothing else. One barrier a tile. Few channels have a shape of their own (scan_narrow.cuh). The floor is the
// special-function unit: one exponential per token, channel and state, and three more per token and channel, 16 a cycle
// in a multiprocessor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "cuda/launch.cuh"
#include "cuda/scan_carry.cuh"
#include "cuda/scan_ends.cuh"
#include "cuda/scan_helper.cuh"
#include "cuda/scan_narrow.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace {

template <class T, class Sh, bool Aligned, bool Full, bool StateOnly, bool Sums>
__global__ void __launch_bounds__(2 * warp * Sh::Pairs, Sh::On / Sh::Pairs)
    scan_forward(const ScanArgs args, const Chunks chunks) {
  extern __shared__ float4 shared_memory[];
  const int pairs = pairs_here<Sh>();
  // A shuffle that changes nothing keeps the compiler from reading the thread's index again in every tile.
  const int thread = __shfl_sync(~0u, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) % warp);
  const int lane = thread % warp, pair = thread / warp % pairs;
  Shared<T, Sh>& shared = *reinterpret_cast<Shared<T, Sh>*>(shared_memory);
  const auto of_group = static_cast<int>(args.E / args.groups);
  const auto batch = static_cast<unsigned>(args.batch), groups = static_cast<unsigned>(args.groups);
  const unsigned blocks = (of_group + pairs * Sh::channels - 1) / (pairs * Sh::channels);  // of a group
  const unsigned of_all = blockIdx.x / blocks, group = of_all % groups, sequence = of_all / groups;
  Place place;
  place.chunk = sequence / batch;
  place.sequence = sequence % batch;
  // Where a group's last block has too many pairs, they do again what the last does.
  place.first =
      std::int64_t{group} * of_group + min((static_cast<int>(blockIdx.x % blocks) * pairs + pair) * Sh::channels,
                                           (of_group - 1) / Sh::channels * Sh::channels);
  place.t_begin = place.chunk * chunks.length;
  place.T = min(args.T - place.t_begin, chunks.length);
  if (StateOnly) allow_next_kernel();
  auto* sums = reinterpret_cast<SumsOf<Sh>*>(&shared.pairs[pairs]) + pair;
  if (thread / warp < pairs)
    carry_on<Sh, StateOnly, Sums>(args, chunks, place, lane, shared.pairs[pair].tiles, shared.projections, sums);
  else
    Helper<T, Sh, Aligned, Full, StateOnly, Sums>(args, place, pair, lane, shared, sums).run();
}

// Any N, any groups: one thread for `width` neighbouring channels, their states in memory. Right, not fast.
template <class T>
__global__ void scan_forward_any(const ScanArgs args, const int width) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t slots = (args.E + width - 1) / width, sequence = index / slots;
  if (sequence >= args.batch) return;
  const auto at = [&](const Input& input, std::int64_t t) {
    return static_cast<const T*>(input.data) + sequence * input.batch + t * input.row;
  };
  const std::int64_t emitted = args.channel_list ? args.channels : args.E, first = index % slots * width;
  for (std::int64_t e = first; e < min(first + width, args.E); ++e) {
    const std::int64_t group = e / (args.E / args.groups) * args.N;
    const std::int64_t slot = args.h_all ? slot_of(args, e) : -1;
    std::int64_t passed = 0;  // states that were left in passing
    for (std::int64_t t = 0; t < args.T; ++t) {
      float* leave = nullptr;
      if (passed < args.passed.count && t + 1 == (passed + 1) * args.passed.interval)
        leave = args.passed.to + (sequence * args.passed.count + passed++) * args.passed.step + e;
      float delta = to_float(at(args.delta, t)[e]) + (args.delta_bias ? args.delta_bias[e] : 0.0f);
      if (args.softplus) delta = softplus(delta);
      const float x = to_float(at(args.x, t)[e]);
      const T *B = at(args.B, t) + group, *C = at(args.C, t) + group;
      float y = 0.0f, squares = 0.0f;
      for (std::int64_t n = 0; n < args.N; ++n) {
        float& h = args.h[(sequence * args.N + n) * args.E + e];
        h = fmaf(exp2_unit(delta * (args.A[n * args.E + e] * log2_e)), h, delta * x * to_float(B[n]));
        y = fmaf(h, to_float(C[n]), y);
        squares = fmaf(h, h, squares);
        if (slot >= 0) args.h_all[((sequence * args.T + t) * emitted + slot) * args.N + n] = h;
        if (leave) leave[n * args.E] = h;
      }
      if (args.D) y = fmaf(args.D[e], x, y);
      if (args.z.data) y *= silu(to_float(at(args.z, t)[e]));
      (static_cast<T*>(args.y.data) + sequence * args.y.batch + t * args.y.row)[e] = from_float<T>(y);
      if (!args.sums) continue;
      float* sums = sums_of(args, sequence, t, index % slots, slots) + t % summed_tokens;
      sums[0] = (e > first ? sums[0] : 0.0f) + delta;
      sums[summed_tokens] = (e > first ? sums[summed_tokens] : 0.0f) + squares;
    }
  }
}

bool aligned_to(const void* data, std::int64_t row, std::int64_t batch, std::int64_t size, std::int64_t elements) {
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(size * elements) == 0 &&
         row % elements == 0 && batch % elements == 0;
}

// Whether channels can be read `width` at a time, and states four at a time.
template <class T>
bool rows_aligned(const ScanArgs& args, int width) {
  constexpr std::int64_t size = sizeof(T), longest_row = std::numeric_limits<std::int32_t>::max() / size;
  const auto good = [](const auto& sequence, std::int64_t elements) {
    return aligned_to(sequence.data, sequence.row, sequence.batch, size, elements) && sequence.row <= longest_row;
  };
  return good(args.x, width) && good(args.delta, width) && good(args.z, width) && good(args.y, width) &&
         good(args.B, 4) && good(args.C, 4);
}
template <class T, class Sh>
bool is_aligned(const ScanArgs& args) {
  return args.E % Sh::channels == 0 && args.N == Sh::states && rows_aligned<T>(args, Sh::width);
}

std::int64_t blocks_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

// Found by measuring on an H200. Shorter tiles keep two blocks of float32 in a multiprocessor's shared memory.
template <class T>
using Wide = Shape<8, 2, 1, sizeof(T) == 4 ? 8 : 16, 4, 8, 8>;
using States8 = Shape<2, 4, 2, 16, 4, 4, 8>;
using States64 = Shape<16, 4, 2, 8, 2, 4, 8>;
using States128 = Shape<16, 8, 2, 8, 2, 1, 4>;

template <class T, class Sh, bool StateOnly>
void launch_pass(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream) {
  const bool aligned = is_aligned<T, Sh>(args), full = args.softplus && args.z, sums = !StateOnly && args.sums;
  auto kernel = !aligned ? scan_forward<T, Sh, false, false, StateOnly, false>
                : full   ? scan_forward<T, Sh, true, true, StateOnly, false>
                         : scan_forward<T, Sh, true, false, StateOnly, false>;
  if constexpr (!StateOnly) {
    constexpr bool quick = std::is_same<Sh, Wide<T>>::value;  // the states of most models that are not narrow
    if (sums)
      kernel = aligned && full && quick ? scan_forward<T, Sh, quick, quick, false, true>
                                        : scan_forward<T, Sh, false, false, false, true>;
  }
  const Blocks blocks = blocks_of_group(args, plan, chunks.length);
  const std::int64_t count = blocks.count * args.groups * args.batch * (chunks.count - (StateOnly ? 1 : 0));
  const auto bytes = static_cast<int>(sizeof(Shared<T, Sh>) - (Sh::Pairs - blocks.pairs) * sizeof(SharedByPair<T, Sh>) +
                                      (sums ? blocks.pairs * sizeof(SumsOf<Sh>) : 0));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "preparing the scan");
  launch("the selective scan", kernel, dim3(static_cast<unsigned>(count)),
         static_cast<unsigned>(2 * warp * blocks.pairs), bytes, stream, !StateOnly && chunks.count > 1, args, chunks);
}

std::int64_t shared_memory_of_block() {
  int device = 0, bytes = 0;
  check(cudaGetDevice(&device), "asking for the device");
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "asking for its shared memory");
  return bytes;
}

// In place of `plan`, whose channels are added up together.
template <class T>
void launch_any(const ScanArgs& args, Plan plan, cudaStream_t stream) {
  const int width = args.sums ? channels_of(plan) : 1;
  const std::int64_t threads = args.batch * blocks_of(args.E, width);
  scan_forward_any<T><<<static_cast<unsigned>(blocks_of(threads, warp)), warp, 0, stream>>>(args, width);
  check_launch("the selective scan");
}

// `Cut` where time may be cut.
template <class T, class Sh, Plan Of, bool Cut>
void launch_shape(const ScanArgs& args, const Chunks& chunks, cudaStream_t stream) {
  static_assert(Sh::channels == channels_of(Of) && Sh::Pairs == pairs_of_block(Of, worth_summing));
  // Before compute capability 8.0 a block has too little.
  if (static_cast<std::int64_t>(sizeof(Shared<T, Sh>) + Sh::Pairs * sizeof(SumsOf<Sh>)) > shared_memory_of_block())
    return launch_any<T>(args, Of, stream);
  if constexpr (Cut) {
    if (chunks.count > 1 && chunks.length >= worth_summing)
      launch_ends<T>(args, chunks, stream);
    else if (chunks.count > 1)
      launch_pass<T, Sh, true>(args, Of, chunks, stream);
  }
  launch_pass<T, Sh, false>(args, Of, chunks, stream);
}

template <class T>
void launch_narrow(const ScanArgs& args, cudaStream_t stream) {
  const std::int64_t bytes =
      sizeof(narrow::Shared<T>) + (args.sums ? narrow::quads_of_block * sizeof(narrow::QuadSums) : 0);
  if (bytes > shared_memory_of_block()) return launch_any<T>(args, Plan::narrow, stream);
  const bool full = args.softplus && args.z, aligned = args.E % narrow::channels == 0 && args.N == narrow::states &&
                                                       rows_aligned<T>(args, narrow::channels);
  auto kernel = !aligned ? narrow::scan<T, false, false, false>
                : full   ? narrow::scan<T, true, true, false>
                         : narrow::scan<T, true, false, false>;
  if (args.sums) kernel = aligned && full ? narrow::scan<T, true, true, true> : narrow::scan<T, false, false, true>;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
        "preparing the scan");
  launch("the selective scan", kernel, dim3(static_cast<unsigned>(args.batch * narrow::blocks_of_channels(args))),
         3 * narrow::quads_of_block * warp, static_cast<std::size_t>(bytes), stream, false, args);
}

}  // namespace

template <class T>
void run_scan(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream) {
  switch (plan) {
    case Plan::any:
      return launch_any<T>(args, plan, stream);
    case Plan::narrow:
      return launch_narrow<T>(args, stream);
    case Plan::wide:
      return launch_shape<T, Wide<T>, Plan::wide, true>(args, chunks, stream);
    case Plan::states_8:
      return launch_shape<T, States8, Plan::states_8, false>(args, chunks, stream);
    case Plan::states_64:
      return launch_shape<T, States64, Plan::states_64, true>(args, chunks, stream);
    case Plan::states_128:
      return launch_shape<T, States128, Plan::states_128, false>(args, chunks, stream);
  }
}

}  // namespace statescope::kernels::cuda
