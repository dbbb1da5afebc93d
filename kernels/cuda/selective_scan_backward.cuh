// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of the selective scan (the formulas stand in kernels/selective_scan.h).
//
// Time is cut into chunks that run side by side, and each chunk into tiles of a few tokens. A lane holds 8 states of
// two neighbouring channels, S lanes share such a pair, and a warp owns `width` channels. Two passes:
//
//   keep_states   runs every chunk forward from nothing (the first from h), keeping the states before every tile, and
//                 finds what the adjoint state would be before the chunk if nothing came from behind it
//   scan_backward begins each chunk with what the chunks before and behind it imply, and walks through its tiles
//                 backwards: a tile runs forward from its kept state, all its states in registers, then backward
//
// What is summed over states (dx, ddelta, dz) crosses the S lanes of a channel by shuffles: a lane gives up the channel
// that its neighbour keeps. What is summed over channels (dB, dC) crosses the other lanes in the same way: half of the
// states are given up in every step. So that no lane has to choose what to give up, register i of a lane holds state
// i xor p, where p is the lane's; B and C lie in shared memory once for every p. Warps of a block add up theirs in
// shared memory, and blocks, chunks and sequences leave slices which partial_sums adds. Every sum runs in one order.
#pragma once

#include <algorithm>
#include <string>

#include "cuda/selective_scan_backward_tile.cuh"

namespace statescope::kernels::cuda::scan_gradients {
namespace {

constexpr float log_2 = 0.693147180559945f;

template <class T, class Sh>
__device__ void read_decay(const ScanArgs& args, const Lane<T, Sh>& lane, float (&decay)[CH][NS]) {
#pragma unroll
  for (int c = 0; c < CH; ++c) {
#pragma unroll
    for (int i = 0; i < NS; ++i) decay[c][i] = lane.has(args, c, i) ? args.A[lane.state_at(args, c, i)] * log2_e : 0.0f;
  }
}

// What a lane reads of one token: its states' B and C; its channels' Δ and Δ·x, dL/d(C·h + D·x) and x; of its own
// channel dΔ/ddelta and dL/dz over C·h + D·x.
struct Token {
  float B[NS], C[NS];
  float2 steps[CH], ups[CH], slopes;
};

template <class T, class Sh>
__device__ float bias_of(const ScanArgs& args, const Lane<T, Sh>& lane) {
  const std::int64_t e = lane.first + lane.lane % Sh::width;
  return args.delta_bias && e < lane.end ? args.delta_bias[e] : 0.0f;
}

template <class T, class Sh, bool Chunked>
__global__ void __launch_bounds__(Sh::threads, 16 / Sh::Warps)
    keep_states(const ScanBackwardArgs back, const Plan plan, const Workspace work, const bool aligned) {
  extern __shared__ float4 shared_memory[];
  auto& tile = *reinterpret_cast<ForwardTile<T, Sh>*>(shared_memory);
  const ScanArgs& args = back.forward;
  const Lane<T, Sh> lane(args, plan);
  auto& mine = tile.warps[lane.warp_of_block];
  const int quad = lane.quad();
  const float bias = bias_of(args, lane);
  float decay[CH][NS], h[CH][NS], through[CH][NS], adjoint[CH][NS] = {}, delta[CH] = {};
  read_decay(args, lane, decay);
#pragma unroll
  for (int c = 0; c < CH; ++c) {
#pragma unroll
    for (int i = 0; i < NS; ++i) {
      h[c][i] = lane.chunk == 0 && lane.has(args, c, i)
                    ? args.h[lane.sequence * args.N * args.E + lane.state_at(args, c, i)]
                    : 0.0f;
      through[c][i] = 1.0f;
    }
  }
  const std::int64_t begin = lane.chunk * plan.chunk_tiles, end = min(begin + plan.chunk_tiles, plan.tiles);
  fetch(back, lane, aligned, Chunked, begin * tile_tokens, tile);
  __pipeline_commit();
  for (std::int64_t k = begin; k < end; ++k) {
    const int rows = static_cast<int>(min(args.T - k * tile_tokens, std::int64_t{tile_tokens}));
    __pipeline_wait_prior(0);
    __syncwarp();
    prepare<false>(args, lane, bias, Chunked, rows, k % 2, tile);
    __syncthreads();
    if (k + 1 < end) fetch(back, lane, aligned, Chunked, (k + 1) * tile_tokens, tile);
    __pipeline_commit();
    Record& kept = work.kept[k * lane.records + lane.record];
    write_record(kept.states, lane.lane, h);
    if (Chunked) kept.delta[lane.lane] = make_float2(delta[0], delta[1]);
    const float4 *const low = tile.BC[k % 2][0][0] + quad, *const high = tile.BC[k % 2][0][0] + (quad ^ Sh::S);
#pragma unroll 4
    for (int t = 0; t < tile_tokens; ++t) {
      float B[NS], C[NS];
      read_states<Sh>(low, high, t, B);
      if (Chunked) read_states<Sh>(low, high, tile_tokens + t, C);
#pragma unroll
      for (int c = 0; c < CH; ++c) {
        const float2 step = mine.step[t * Sh::width + (lane.own ^ c)];
        const float dy = Chunked ? mine.up[t * Sh::width + (lane.own ^ c)].x : 0.0f;
        delta[c] += step.x;
#pragma unroll
        for (int i = 0; i < NS; ++i) {
          const float a = exp2_unit(step.x * decay[c][i]);
          h[c][i] = fmaf(a, h[c][i], step.y * B[i]);
          if (!Chunked) continue;
          through[c][i] *= a;
          adjoint[c][i] = fmaf(through[c][i], C[i] * dy, adjoint[c][i]);
        }
      }
    }
    __syncwarp();
  }
  if (!Chunked) return;
  Record &last = work.end[lane.chunk * lane.records + lane.record],
         &before = work.adjoint[lane.chunk * lane.records + lane.record];
  write_record(last.states, lane.lane, h);
  write_record(before.states, lane.lane, adjoint);
  last.delta[lane.lane] = make_float2(delta[0], delta[1]);
}

template <class T, class Sh>
__global__ void __launch_bounds__(Sh::threads, 8 / Sh::Warps)
    scan_backward(const ScanBackwardArgs back, const Plan plan, const Workspace work, const bool aligned) {
  extern __shared__ float4 shared_memory[];
  auto& tile = *reinterpret_cast<BackTile<T, Sh>*>(shared_memory);
  const ScanArgs& args = back.forward;
  const Lane<T, Sh> lane(args, plan);
  auto& mine = tile.warps[lane.warp_of_block];
  const int quad = lane.quad();
  const float bias = bias_of(args, lane);
  const std::int64_t states = args.N * args.E;
  const bool writes = lane.s < CH && lane.channel(0) < lane.end;
  const float skip = args.D && lane.channel(0) < lane.end ? args.D[lane.channel(0)] : 0.0f;

  float decay[CH][NS], carry[CH][NS], dA[CH][NS] = {};  // carry is a_{t+1} · g_{t+1}
  float dD = 0.0f, dbias = 0.0f;
  read_decay(args, lane, decay);
#pragma unroll
  for (int c = 0; c < CH; ++c) {
#pragma unroll
    for (int i = 0; i < NS; ++i)
      carry[c][i] = back.dh_last && lane.has(args, c, i)
                        ? back.dh_last[lane.sequence * states + lane.state_at(args, c, i)]
                        : 0.0f;
  }
  // What passes from chunk to chunk: state = e^(A·ΣΔ) · state + what the chunk adds to it.
  const auto pass = [&](float(&state)[CH][NS], const Record& added, const Record& sums) {
    float more[CH][NS];
    read_record(added.states, lane.lane, more);
    const float2 delta = sums.delta[lane.lane];
#pragma unroll
    for (int i = 0; i < NS; ++i) {
      state[0][i] = fmaf(exp2_unit(delta.x * decay[0][i]), state[0][i], more[0][i]);
      state[1][i] = fmaf(exp2_unit(delta.y * decay[1][i]), state[1][i], more[1][i]);
    }
  };
  if (lane.chunk > 0) {
    float start[CH][NS] = {};
    for (std::int64_t k = 0; k < lane.chunk; ++k) {
      const Record& end = work.end[k * lane.records + lane.record];
      pass(start, end, end);
    }
    write_record(mine.start, lane.lane, start);
  }
  for (std::int64_t k = plan.chunks - 1; k > lane.chunk; --k)
    pass(carry, work.adjoint[k * lane.records + lane.record], work.end[k * lane.records + lane.record]);

  const std::int64_t begin = lane.chunk * plan.chunk_tiles, end = min(begin + plan.chunk_tiles, plan.tiles);
  const auto fetch_tile = [&](std::int64_t k) {
    fetch(back, lane, aligned, true, k * tile_tokens, tile);
    const Record& from = work.kept[k * lane.records + lane.record];
#pragma unroll
    for (int i = 0; i < vectors; ++i)
      __pipeline_memcpy_async(&mine.kept.states[i][lane.lane], &from.states[i][lane.lane], sizeof(float4));
    __pipeline_memcpy_async(&mine.kept.delta[lane.lane], &from.delta[lane.lane], sizeof(float2));
  };
  // The sums over the channels of the block, warp by warp.
  const auto leave_sums = [&](std::int64_t k) {
    const int rows = static_cast<int>(min(args.T - k * tile_tokens, std::int64_t{tile_tokens}));
    const std::int64_t row = args.groups * args.N;
    const std::int64_t first =
        ((lane.slice * args.batch + lane.sequence) * args.T + k * tile_tokens) * row + lane.group * args.N;
    for (int i = 0; i < tile_tokens * Sh::states / Sh::threads; ++i) {
      const int at = i * Sh::threads + static_cast<int>(threadIdx.x);
      const int n = at % (Sh::states / 2) * 2, which = at / (Sh::states / 2) % 2, t = at / Sh::states;
      const float* const from = &tile.sums[k % 2][t][which][n];
      float2 sum = *reinterpret_cast<const float2*>(from);
#pragma unroll
      for (int w = 1; w < Sh::Warps * Sh::parts; ++w) {
        const float2 more = *reinterpret_cast<const float2*>(from + w * Sh::states);
        sum.x += more.x;
        sum.y += more.y;
      }
      float* const to = (which == 0 ? work.dB : work.dC) + first + t * row + n;
      if (t < rows && n < args.N) to[0] = sum.x;
      if (t < rows && n + 1 < args.N) to[1] = sum.y;
    }
  };
  fetch_tile(end - 1);
  __pipeline_commit();
  for (std::int64_t k = end - 1; k >= begin; --k) {
    const std::int64_t t0 = k * tile_tokens;
    const int rows = static_cast<int>(min(args.T - t0, std::int64_t{tile_tokens}));
    __pipeline_wait_prior(0);
    __syncwarp();
    prepare<true>(args, lane, bias, true, rows, k % 2, tile);
    float h[tile_tokens + 1][CH][NS];  // h[t] before token t; a_t is found twice rather than kept: registers are dearer
    read_record(mine.kept.states, lane.lane, h[0]);
    if (lane.chunk > 0) {
      float start[CH][NS];
      read_record(mine.start, lane.lane, start);
      const float2 delta = mine.kept.delta[lane.lane];
#pragma unroll
      for (int i = 0; i < NS; ++i) {
        h[0][0][i] = fmaf(exp2_unit(delta.x * decay[0][i]), start[0][i], h[0][0][i]);
        h[0][1][i] = fmaf(exp2_unit(delta.y * decay[1][i]), start[1][i], h[0][1][i]);
      }
    }
    __syncthreads();
    if (k > begin) fetch_tile(k - 1);
    __pipeline_commit();
    if (k + 1 < end) leave_sums(k + 1);

    const float4 *const low = tile.BC[k % 2][0][0] + quad, *const high = tile.BC[k % 2][0][0] + (quad ^ Sh::S);
    const int own = lane.own, other = lane.own ^ 1;
    float* const sums =
        &tile.sums[k % 2][0][0]
                  [(lane.warp_of_block * Sh::parts + (lane.pair >> Sh::bits)) * Sh::states + lane.state(0)];
#pragma unroll
    for (int t = 0; t < tile_tokens; ++t) {
      float B[NS];
      read_states<Sh>(low, high, t, B);
      const float2 steps[CH] = {mine.step[t * Sh::width + own], mine.step[t * Sh::width + other]};
#pragma unroll
      for (int c = 0; c < CH; ++c) {
#pragma unroll
        for (int i = 0; i < NS; ++i)
          h[t + 1][c][i] = fmaf(exp2_unit(steps[c].x * decay[c][i]), h[t][c][i], steps[c].y * B[i]);
      }
    }
    const auto read = [&](int t) {
      Token token;
      read_states<Sh>(low, high, t, token.B);
      read_states<Sh>(low, high, tile_tokens + t, token.C);
      token.steps[0] = mine.step[t * Sh::width + own], token.steps[1] = mine.step[t * Sh::width + other];
      token.ups[0] = mine.up[t * Sh::width + own], token.ups[1] = mine.up[t * Sh::width + other];
      token.slopes = mine.slopes[t * Sh::width + own];
      return token;
    };
#pragma unroll
    for (int t = tile_tokens - 1; t >= 0; --t) {
      const Token now = read(t);
      float dB[NS] = {}, dC[NS] = {};
      float g_B[CH] = {}, g_decay[CH] = {}, C_h[CH] = {};  // Σ_n g·B, Σ_n g·a·h·A, Σ_n C·h
#pragma unroll
      for (int c = 0; c < CH; ++c) {
        const float delta = now.steps[c].x, dy = now.ups[c].x;
#pragma unroll
        for (int i = 0; i < NS; ++i) {
          const float g = fmaf(now.C[i], dy, carry[c][i]);
          carry[c][i] = exp2_unit(delta * decay[c][i]) * g;  // past the sequence's end a is 1 and C is 0
          const float g_a_h = carry[c][i] * h[t][c][i];
          g_B[c] = fmaf(g, now.B[i], g_B[c]);
          g_decay[c] = fmaf(g_a_h, decay[c][i], g_decay[c]);
          C_h[c] = fmaf(now.C[i], h[t + 1][c][i], C_h[c]);
          dA[c][i] = fmaf(g_a_h, delta, dA[c][i]);
          dB[i] = fmaf(g, now.steps[c].y, dB[i]);
          dC[i] = fmaf(dy, h[t + 1][c][i], dC[i]);
        }
      }
      // Over states: the neighbour keeps the other channel.
      const auto over_states = [&](float(&sum)[CH]) {
        sum[0] += __shfl_xor_sync(~0u, sum[1], 1);
#pragma unroll
        for (int apart = CH; apart < Sh::S; apart *= 2) sum[0] += __shfl_xor_sync(~0u, sum[0], apart);
      };
      over_states(g_B);
      over_states(g_decay);
      over_states(C_h);
      const float x = now.ups[0].y, ddelta = fmaf(x, g_B[0], g_decay[0] * log_2) * now.slopes.x;
      dbias += ddelta;
      dD = fmaf(now.ups[0].x, x, dD);
      if (Sh::S == CH || lane.s < CH) {
        mine.out[0][t * Sh::width + own] = from_float<T>(fmaf(now.steps[0].x, g_B[0], skip * now.ups[0].x));
        mine.out[1][t * Sh::width + own] = from_float<T>(ddelta);
        mine.out[2][t * Sh::width + own] = from_float<T>(now.slopes.y * fmaf(skip, x, C_h[0]));
      }
      // Over channels: half of the states in every step.
      const auto over_channels = [&](float(&sum)[NS], int which) {
#pragma unroll
        for (int bit = Sh::bits - 1; bit >= 0; --bit) {
#pragma unroll
          for (int i = 0; i < NS; ++i) {
            if ((i & ((1 << Sh::bits) - (1 << bit))) == 0)
              sum[i] += __shfl_xor_sync(~0u, sum[i | 1 << bit], Sh::S << bit);
          }
        }
#pragma unroll
        for (int i = 0; i < NS; ++i) {
          if ((i & ((1 << Sh::bits) - 1)) == 0) sums[(2 * t + which) * Sh::row + i / 4 * Sh::S * 4 + i % 4] = sum[i];
        }
      };
      over_channels(dB, 0);
      over_channels(dC, 1);
    }
    __syncwarp();
    write_rows(back, lane, aligned, t0, rows, mine.out);
  }
  __syncthreads();
  leave_sums(begin);

  const std::int64_t slice = lane.chunk * args.batch + lane.sequence;
#pragma unroll
  for (int c = 0; c < CH; ++c) {
#pragma unroll
    for (int i = 0; i < NS; ++i) {
      if (!lane.has(args, c, i)) continue;
      work.dA[slice * states + lane.state_at(args, c, i)] = dA[c][i];
      if (back.dh0 && lane.chunk == 0) back.dh0[lane.sequence * states + lane.state_at(args, c, i)] = carry[c][i];
    }
  }
  if (!writes) return;
  work.dD[slice * args.E + lane.channel(0)] = dD;
  work.dbias[slice * args.E + lane.channel(0)] = dbias;
}

// Whether rows can be copied to shared memory 16 bytes (or a warp's whole row) at a time.
template <class T, class Sh>
bool is_aligned(const ScanBackwardArgs& back) {
  const ScanArgs& args = back.forward;
  constexpr std::int64_t size = sizeof(T);
  constexpr std::int64_t far = std::int64_t{1} << 27;
  const auto aligned = [](const auto& of, std::int64_t elements) {
    return reinterpret_cast<std::uintptr_t>(of.data) % static_cast<std::uintptr_t>(size * elements) == 0 &&
           of.row % elements == 0 && of.batch % elements == 0;
  };
  const auto wide = [&](const auto& of) { return aligned(of, Rows<T, Sh>::vector) && of.row < far; };
  return args.E < far && args.E / args.groups % Sh::width == 0 && args.N % 4 == 0 && wide(args.x) && wide(args.delta) &&
         wide(back.dy) && wide(args.z) && wide(back.dx) && wide(back.ddelta) && wide(back.dz) && aligned(args.B, 4) &&
         aligned(args.C, 4);
}

template <class T, class Sh>
void run_shape(const ScanBackwardArgs& back, const Plan& plan, const Workspace& work, cudaStream_t stream) {
  int device = 0, room = 0;
  check(cudaGetDevice(&device), "asking for the device");
  check(cudaDeviceGetAttribute(&room, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "asking for its memory");
  if (sizeof(BackTile<T, Sh>) > static_cast<std::size_t>(room))
    throw CudaError("the gradients of the scan need " + std::to_string(sizeof(BackTile<T, Sh>)) +
                    " bytes of shared memory in a block and this CUDA device has " + std::to_string(room) +
                    "; use the CPU");
  const auto blocks = static_cast<unsigned>(plan.chunks * back.forward.batch * plan.blocks_of_sequence);
  const auto start = [&](auto kernel, std::size_t size, const char* what) {
    const int bytes = static_cast<int>(size);
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), what);
    kernel<<<blocks, Sh::threads, bytes, stream>>>(back, plan, work, is_aligned<T, Sh>(back));
    check_launch(what);
  };
  start(plan.chunks > 1 ? keep_states<T, Sh, true> : keep_states<T, Sh, false>, sizeof(ForwardTile<T, Sh>),
        "the states for the gradients of the scan");
  start(scan_backward<T, Sh>, sizeof(BackTile<T, Sh>), "the gradients of the scan");
}

}  // namespace

template <class T>
void run(const ScanBackwardArgs& back, const Plan& plan, const Workspace& work, cudaStream_t stream) {
  with_shape(back.forward.N, [&](auto shape) { run_shape<T, decltype(shape)>(back, plan, work, stream); });
}

}  // namespace statescope::kernels::cuda::scan_gradients
