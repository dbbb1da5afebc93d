// SPDX-License-Identifier: GPL-3.0-or-later
// The first pass of a scan whose time is cut into long chunks: the state in which a chunk would end had it begun with
// nothing, and the sum of its Δ. With decay_n = A_n log2(e) that state is a sum, not a recurrence:
//
//   end[n] = Σ_t 2^(decay_n S_t) Δ_t x_t B_t[n],   S_t = Σ_{s>t} Δ_s
//
// so tokens go across lanes, a warp to a channel. It walks back from the chunk's end and leaves each state out as soon
// as all that is older has decayed below 2^-32 of itself: in float32 nothing is left of it. With the steps and decays
// of trained models that is a few hundred tokens, however long the chunk.
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
constexpr int rows_of_round = threads / channels, rounds = tile / rows_of_round;
static_assert(states == channels, "a thread loads the same column of B as of x");
constexpr float forgotten = 32.0f;  // halvings

// What the warps of a block share of a tile of tokens; rows are padded against meeting in one bank.
struct Tile {
  alignas(16) float delta[channels][tile + 4];
  alignas(16) float step[channels][tile + 4];  // Δ·x
  alignas(16) float B[states][tile + 4];
  float decay[channels][states];
};

// A thread's elements of a tile, a column of some rows, on their way from memory.
template <class T>
struct Elements {
  T delta[rounds], x[rounds], B[rounds];
};

// Blocks: [channels and states, sequences, chunks but the last].
template <class T>
__global__ void __launch_bounds__(threads, 2) scan_ends(const ScanArgs args, const Chunks chunks) {
  __shared__ Tile shared;
  allow_next_kernel();
  const int lane = static_cast<int>(threadIdx.x) % warp, c = static_cast<int>(threadIdx.x) / warp;
  const auto state_blocks = static_cast<int>((args.N + states - 1) / states);
  const int first = static_cast<int>(blockIdx.x) / state_blocks * channels, e = first + c;
  const int first_state = static_cast<int>(blockIdx.x) % state_blocks * states;
  const bool there = e < args.E;

  const int column = static_cast<int>(threadIdx.x) % channels, row = static_cast<int>(threadIdx.x) / channels;
  const std::int64_t from = blockIdx.z * chunks.length, loaded = min(std::int64_t{first + column}, args.E - 1);
  const auto start = [&](const Input& input, std::int64_t at) {
    return static_cast<const T*>(input.data) + blockIdx.y * input.batch + from * input.row + at;
  };
  const T *const delta = start(args.delta, loaded), *const x = start(args.x, loaded);
  const T* const B =
      start(args.B, first / (args.E / args.groups) * args.N + min(std::int64_t{first_state + column}, args.N - 1));
  const float loaded_bias = args.delta_bias ? args.delta_bias[loaded] : 0.0f;
  Elements<T> next;
  const auto fetch = [&](int t0) {
#pragma unroll
    for (int i = 0; i < rounds; ++i) {
      const std::int64_t t = max(t0 + row + i * rows_of_round, 0);
      next.delta[i] = delta[t * args.delta.row];
      next.x[i] = x[t * args.x.row];
      next.B[i] = B[t * args.B.row];
    }
  };
  int t0 = static_cast<int>(chunks.length) - tile;  // the tile's first token; below 0 there is nothing
  fetch(t0);

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

  float sum[states] = {}, after = 0.0f;  // after: ΣΔ behind the tile
  bool walking = there;
  while (true) {
#pragma unroll
    for (int i = 0; i < rounds; ++i) {
      const int r = row + i * rows_of_round;
      float d = to_float(next.delta[i]) + loaded_bias;
      if (args.softplus) d = softplus(d);
      if (t0 + r < 0) d = 0.0f;
      shared.delta[column][r] = d;
      shared.step[column][r] = d * to_float(next.x[i]);
      shared.B[column][r] = to_float(next.B[i]);
    }
    if (t0 > 0) fetch(t0 - tile);
    __syncthreads();
    if (walking) {
      float d[own], S[own], step[own];
      load(&shared.delta[c][own * lane], d);
      load(&shared.step[c][own * lane], step);
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
        float b[own];
        load(&shared.B[n][own * lane], b);
#pragma unroll
        for (int i = 0; i < own; ++i) sum[n] = fmaf(exp2_unit(decay * S[i]) * step[i], b[i], sum[n]);
      }
      after += __shfl_sync(~0u, behind, 0);
      walking = after < slowest;
    }
    t0 -= tile;
    if (!__syncthreads_or(walking && t0 > -tile)) break;
  }

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
  const dim3 grid(blocks_for(args.E, ends::channels) * blocks_for(args.N, ends::states),
                  static_cast<unsigned>(args.batch), static_cast<unsigned>(chunks.count - 1));
  launch("the ends of a scan's chunks", ends::scan_ends<T>, grid, ends::threads, 0, stream, false, args, chunks);
}

}  // namespace statescope::kernels::cuda
