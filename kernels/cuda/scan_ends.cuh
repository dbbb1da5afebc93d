// SPDX-License-Identifier: GPL-3.0-or-later
// The first pass of a scan whose time is cut into long chunks: the state in which a chunk would end had it begun with
// nothing, and the sum of its Δ. With decay_n = A_n log2(e) that state is a sum, not a recurrence:
//
//   end[n] = Σ_t 2^(decay_n S_t) Δ_t x_t B_t[n],   S_t = Σ_{s>t} Δ_s
//
// so tokens go across lanes, a warp to a channel. It walks back from the chunk's end and leaves each state out as soon
// as all that is older has decayed below 2^-26 of itself, a quarter of what float32 rounds off. With the steps and
// decays of trained models that is a few hundred tokens, however long the chunk.
//
// Every channel forgets at its own pace. So the block copies rows as they lie, which takes few instructions, and only a
// warp that still walks makes steps of its channel's column.
#pragma once

#include <cstdint>

#include "cuda/element.cuh"
#include "cuda/lanes.cuh"
#include "cuda/launch.cuh"
#include "cuda/selective_scan_plan.h"

namespace statescope::kernels::cuda {
namespace ends {

constexpr int warp = 32;
constexpr int channels = 16;  // of a block, a warp each: a row of bf16 is then one sector of memory
constexpr int states = 16;    // of a block
constexpr int own = 4;        // neighbouring tokens of a lane
constexpr int tile = own * warp;
constexpr int threads = channels * warp;
constexpr float forgotten = 26.0f;  // halvings
template <class T>
constexpr int ring = sizeof(T) == 4 ? 3 : 4;  // tiles: one is read, the others are on their way
static_assert(states == channels, "rows of B are as wide as those of x");
static_assert(tile == tile_of_sums, "a chunk is a whole number of tiles");

// Rows of a tile of tokens as they lie in memory. After the rows of a lane a word stays free, so that lanes that read
// a column meet in no bank.
template <class T>
struct Rows {
  static constexpr int words = channels * static_cast<int>(sizeof(T)) / 4, of_lane = own * words + 1;
  unsigned data[warp * of_lane];

  __device__ T* row(int r) { return reinterpret_cast<T*>(data + r / own * of_lane + r % own * words); }
};

template <class T>
struct Tile {
  Rows<T> delta, x, B;
};

template <class T>
struct Shared {
  Tile<T> tiles[ring<T>];
  float decay[channels][states];
};

// A block's copies from memory. `Aligned` rows are whole and copied without passing through registers.
template <class T, bool Aligned>
class Copier {
 public:
  __device__ Copier(const ScanArgs& args, const Chunks& chunks, int first, int first_state)
      : args_(args),
        column_(static_cast<int>(threadIdx.x) % copies * count),
        row_(static_cast<int>(threadIdx.x) / copies),
        channel_there_(first + column_ < args.E),
        state_there_(first_state + column_ < args.N) {
    const auto start = [&](const Input& input, std::int64_t at) {
      return static_cast<const T*>(input.data) + blockIdx.y * input.batch + blockIdx.z * chunks.length * input.row + at;
    };
    const std::int64_t last_tile = chunks.length - tile + row_;
    delta_ = start(args.delta, first + column_) + last_tile * args.delta.row;
    x_ = start(args.x, first + column_) + last_tile * args.x.row;
    B_ = start(args.B, first / (args.E / args.groups) * args.N + first_state + column_) + last_tile * args.B.row;
  }

  // Begins to copy the chunk's last tile, then, call by call, the one before.
  __device__ void fetch(Tile<T>& to) {
#pragma unroll
    for (int i = 0; i < tile / rows_apart; ++i) {
      const int r = row_ + i * rows_apart;
      copy(to.delta.row(r) + column_, delta_ + i * rows_apart * args_.delta.row, channel_there_);
      copy(to.x.row(r) + column_, x_ + i * rows_apart * args_.x.row, channel_there_);
      copy(to.B.row(r) + column_, B_ + i * rows_apart * args_.B.row, state_there_);
    }
    delta_ -= tile * args_.delta.row;
    x_ -= tile * args_.x.row;
    B_ -= tile * args_.B.row;
  }

 private:
  __device__ static void copy(T* to, const T* from, bool there) {
    if constexpr (Aligned)
      copy_async<4>(to, from);
    else
      *to = there ? *from : from_float<T>(0.0f);
  }

  static constexpr int count = Aligned ? 4 / static_cast<int>(sizeof(T)) : 1;  // elements of one copy
  static constexpr int copies = channels / count, rows_apart = threads / copies;

  const ScanArgs& args_;
  const int column_, row_;  // of the thread's first copy of a tile
  const bool channel_there_, state_there_;
  const T *delta_, *x_, *B_;  // what it copies next
};

// Blocks: [channels and states, sequences, chunks but the last].
template <class T, bool Aligned>
__global__ void __launch_bounds__(threads, 2) scan_ends(const ScanArgs args, const Chunks chunks) {
  extern __shared__ float4 shared_memory[];
  Shared<T>& shared = *reinterpret_cast<Shared<T>*>(shared_memory);
  allow_next_kernel();
  const int lane = static_cast<int>(threadIdx.x) % warp, c = static_cast<int>(threadIdx.x) / warp;
  const auto state_blocks = static_cast<int>((args.N + states - 1) / states);
  const int first = static_cast<int>(blockIdx.x) / state_blocks * channels, e = first + c;
  const int first_state = static_cast<int>(blockIdx.x) % state_blocks * states;
  const bool there = e < args.E;

  Copier<T, Aligned> copier(args, chunks, first, first_state);
  const int tiles = static_cast<int>(chunks.length) / tile;
  const auto fetch = [&](int k) {
    if (k < tiles) copier.fetch(shared.tiles[k % ring<T>]);
    end_copies();
  };
#pragma unroll
  for (int k = 0; k + 1 < ring<T>; ++k) fetch(k);

  // ΣΔ from which on a state has forgotten; of the lane's state, and of the slowest of the channel.
  const auto limit_of = [&](int n) {
    if (n >= args.N || !there) return -1.0f;
    const float halvings = -args.A[n * args.E + e] * log2_e;
    return halvings > 0.0f ? forgotten / halvings : INFINITY;
  };
  const float limit = lane < states ? limit_of(first_state + lane) : -1.0f;
  float slowest = -1.0f;
  for (int n = lane; n < args.N; n += warp) slowest = fmaxf(slowest, limit_of(n));
#pragma unroll
  for (int offset = warp / 2; offset > 0; offset /= 2) slowest = fmaxf(slowest, __shfl_xor_sync(~0u, slowest, offset));
  if (lane < states) shared.decay[c][lane] = limit < 0.0f ? 0.0f : args.A[(first_state + lane) * args.E + e] * log2_e;
  const float bias = there && args.delta_bias ? args.delta_bias[e] : 0.0f;

  float sum[states] = {}, after = 0.0f;  // after: ΣΔ behind the tile
  bool walking = there;
  for (int k = 0;; ++k) {
    wait_for_copies<ring<T> - 2>();
    if (!__syncthreads_or(walking)) break;
    fetch(k + ring<T> - 1);  // where tile k - 1 was, which all have read
    if (!walking) continue;
    Tile<T>& now = shared.tiles[k % ring<T>];
    float d[own], S[own], step[own];
#pragma unroll
    for (int i = 0; i < own; ++i) {
      d[i] = to_float(now.delta.row(own * lane + i)[c]) + bias;
      if (args.softplus) d[i] = softplus(d[i]);
      step[i] = d[i] * to_float(now.x.row(own * lane + i)[c]);
    }
    float behind = d[0];  // of the lane's tokens, then also of the lanes after it
#pragma unroll
    for (int i = 1; i < own; ++i) behind += d[i];
#pragma unroll
    for (int offset = 1; offset < warp; offset *= 2) {
      const float other = __shfl_down_sync(~0u, behind, offset);
      if (lane + offset < warp) behind += other;
    }
    const float later = __shfl_down_sync(~0u, behind, 1);
    S[own - 1] = after + (lane + 1 < warp ? later : 0.0f);
#pragma unroll
    for (int i = own - 1; i > 0; --i) S[i - 1] = S[i] + d[i];
    const unsigned active = __ballot_sync(~0u, after < limit);
#pragma unroll
    for (int n = 0; n < states; ++n) {
      if (!(active >> n & 1)) continue;
      const float decay = shared.decay[c][n];
#pragma unroll
      for (int i = 0; i < own; ++i)
        sum[n] = fmaf(exp2_unit(decay * S[i]) * step[i], to_float(now.B.row(own * lane + i)[n]), sum[n]);
    }
    after += __shfl_sync(~0u, behind, 0);
    walking = after < slowest && k + 1 < tiles;
  }
  wait_for_copies<0>();

  float end = sum_over_lanes(sum, lane);
  if (!there) return;
  constexpr int of_state = warp / states;  // lanes that got its sum
  const std::int64_t sequence = blockIdx.y, chunk = blockIdx.z, state = first_state + lane / of_state;
  const std::int64_t at = (sequence * args.N + state) * args.E + e;
  if (lane % of_state == 0 && state < args.N) {
    if (chunk == 0) {
      const float before = args.h[at];
      chunks.start[at] = before;
      end = fmaf(exp2_unit(shared.decay[c][lane / of_state] * after), before, end);
    }
    chunks.end[chunk * args.batch * args.N * args.E + at] = end;
  }
  // Where the walk ended early, all that comes before has decayed that far at least.
  if (lane == 0 && first_state == 0) chunks.delta[(chunk * args.batch + sequence) * args.E + e] = after;
}

}  // namespace ends

template <class T>
void launch_ends(const ScanArgs& args, const Chunks& chunks, cudaStream_t stream) {
  constexpr std::int64_t word = 4 / sizeof(T);
  const auto good = [&](const Input& input) {
    return reinterpret_cast<std::uintptr_t>(input.data) % 4 == 0 && input.row % word == 0 && input.batch % word == 0;
  };
  const bool aligned =
      args.E % ends::channels == 0 && args.N % ends::states == 0 && good(args.x) && good(args.delta) && good(args.B);
  const auto kernel = aligned ? ends::scan_ends<T, true> : ends::scan_ends<T, false>;
  constexpr auto bytes = static_cast<int>(sizeof(ends::Shared<T>));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "preparing the scan");
  const dim3 grid(blocks_for(args.E, ends::channels) * blocks_for(args.N, ends::states),
                  static_cast<unsigned>(args.batch), static_cast<unsigned>(chunks.count - 1));
  launch("the ends of a scan's chunks", kernel, grid, ends::threads, bytes, stream, false, args, chunks);
}

}  // namespace statescope::kernels::cuda
