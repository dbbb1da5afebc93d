// SPDX-License-Identifier: GPL-3.0-or-later
// A tile of the backward scan: what lies in shared memory, which lane has what, and the ways in and out.
#pragma once

#include <cuda_pipeline_primitives.h>

#include "cuda/element.cuh"
#include "cuda/selective_scan_backward_plan.h"

namespace statescope::kernels::cuda::scan_gradients {
namespace {

// What a warp reads of one tile.
template <class T, class Sh>
struct WarpTile {
  alignas(16) T raw[4][tile_tokens * Sh::width];  // x, delta, dy, z as they lie in memory
  float2 step[tile_tokens * Sh::width];           // Δ, Δ·x
  float2 up[tile_tokens * Sh::width];             // dL/d(C·h + D·x), which is dy through the gate; x
};
// And what it writes.
template <class T, class Sh>
struct WarpBackTile : WarpTile<T, Sh> {
  Record kept;
  float4 start[vectors][warp];                    // the states that the chunk began with
  float2 slopes[tile_tokens * Sh::width];         // dΔ/ddelta; dL/dz over C·h + D·x
  alignas(16) T out[3][tile_tokens * Sh::width];  // dx, ddelta, dz
};

template <class T, class Sh, class OfWarp>
struct Tile {
  static constexpr int quads = (2 * tile_tokens * Sh::states / 4 + Sh::threads - 1) / Sh::threads;
  OfWarp warps[Sh::Warps];
  float4 BC[2][2][tile_tokens][Sh::copies * Sh::states / 4];  // of two tiles
  alignas(16) T raw_BC[quads][Sh::threads][4];
};
template <class T, class Sh>
using ForwardTile = Tile<T, Sh, WarpTile<T, Sh>>;
template <class T, class Sh>
struct BackTile : Tile<T, Sh, WarpBackTile<T, Sh>> {
  float sums[2][tile_tokens][2][Sh::row];  // dB, dC of two tiles
};

// One lane's view of its warp's work.
template <class T, class Sh>
struct Lane {
  __device__ Lane(const ScanArgs& args, const Plan& plan) {
    lane = static_cast<int>(threadIdx.x) % warp;
    warp_of_block = static_cast<int>(threadIdx.x) / warp;
    const std::int64_t index = blockIdx.x;
    const std::int64_t block = index % plan.blocks_of_sequence;
    sequence = index / plan.blocks_of_sequence % args.batch;
    chunk = index / plan.blocks_of_sequence / args.batch;
    group = block / plan.blocks_of_group;
    slice = block % plan.blocks_of_group;
    const std::int64_t of_group = args.E / args.groups;
    first = group * of_group + (slice * Sh::Warps + warp_of_block) * Sh::width;
    end = (group + 1) * of_group;
    s = lane % Sh::S;
    pair = lane / Sh::S;
    p = pair & ((1 << Sh::bits) - 1);
    own = CH * pair + s % CH;
    record = (sequence * plan.blocks_of_sequence + block) * Sh::Warps + warp_of_block;
    records = args.batch * plan.blocks_of_sequence * Sh::Warps;
  }
  __device__ int state(int i) const {
    const int j = i ^ p;
    return (j / 4 * Sh::S + s) * 4 + j % 4;
  }
  __device__ std::int64_t channel(int c) const { return first + (own ^ c); }
  __device__ bool has(const ScanArgs& args, int c, int i) const { return state(i) < args.N && channel(c) < end; }
  __device__ std::int64_t state_at(const ScanArgs& args, int c, int i) const { return state(i) * args.E + channel(c); }
  // The float4 of a copy of B or C that holds this lane's first four states.
  __device__ int quad() const { return (p & 3) * (Sh::states / 4) + (((p / 4) * Sh::S + s) ^ (p & 2)); }

  int lane, warp_of_block, s, pair, p;
  int own;  // channel of the warp whose sums over states this lane ends up with
  std::int64_t sequence, chunk, group, slice;
  std::int64_t first, end;       // channels of the warp; the group's end cuts them off
  std::int64_t record, records;  // of this warp; of one tile
};

template <class Array>
__device__ void read_record(const float4 (&from)[vectors][warp], int lane, Array& to) {
#pragma unroll
  for (int k = 0; k < vectors; ++k) {
    const float4 v = from[k][lane];
    to[k / 2][k % 2 * 4] = v.x;
    to[k / 2][k % 2 * 4 + 1] = v.y;
    to[k / 2][k % 2 * 4 + 2] = v.z;
    to[k / 2][k % 2 * 4 + 3] = v.w;
  }
}
template <class Array>
__device__ void write_record(float4 (&to)[vectors][warp], int lane, const Array& from) {
#pragma unroll
  for (int k = 0; k < vectors; ++k)
    to[k][lane] = make_float4(from[k / 2][k % 2 * 4], from[k / 2][k % 2 * 4 + 1], from[k / 2][k % 2 * 4 + 2],
                              from[k / 2][k % 2 * 4 + 3]);
}

// Count elements to shared memory, in the background; zeros where there are none.
template <class T, int Count>
__device__ void copy_ahead(T* to, const T* from, bool there) {
  __pipeline_memcpy_async(to, from, sizeof(T) * Count, there ? 0 : sizeof(T) * Count);
}

// How the rows of a warp's tile travel: `vector` elements at a time, `count` times a lane.
template <class T, class Sh>
struct Rows {
  static constexpr int most = 16 / static_cast<int>(sizeof(T));
  static constexpr int vector = Sh::width < most ? Sh::width : most;
  static constexpr int of_row = Sh::width / vector;
  static constexpr int count = (tile_tokens * of_row + warp - 1) / warp;

  // Calls function(token, offset from the first row, place in the tile) for what this lane moves. Offsets fit 32 bits.
  template <class Function>
  static __device__ void for_each(const Lane<T, Sh>& lane, std::int64_t row, const Function& function) {
    const auto first = static_cast<unsigned>(lane.first < lane.end ? lane.first : 0);
#pragma unroll
    for (int i = 0; i < count; ++i) {
      const int at = i * warp + lane.lane;
      if (tile_tokens * of_row % warp != 0 && at >= tile_tokens * of_row) continue;
      const unsigned t = static_cast<unsigned>(at / of_row);
      function(at / of_row, t * static_cast<unsigned>(row) + first + static_cast<unsigned>(at % of_row * vector),
               at * vector);
    }
  }
};

// Begins to fetch the inputs of the tile at t0.
template <class T, class Sh, class OfWarp>
__device__ void fetch(const ScanBackwardArgs& back, const Lane<T, Sh>& lane, bool aligned, bool with_dy,
                      std::int64_t t0, Tile<T, Sh, OfWarp>& tile) {
  const ScanArgs& args = back.forward;
  const int rows = static_cast<int>(min(args.T - t0, std::int64_t{tile_tokens}));
  const Input inputs[4] = {args.x, args.delta, back.dy, args.z};
  auto& raw = tile.warps[lane.warp_of_block].raw;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if (!inputs[k].data || (k >= 2 && !with_dy)) continue;
    const T* const from = static_cast<const T*>(inputs[k].data) + lane.sequence * inputs[k].batch + t0 * inputs[k].row;
    if (aligned) {
      Rows<T, Sh>::for_each(lane, inputs[k].row, [&](int t, unsigned offset, int place) {
        const bool there = t < rows && lane.first < lane.end;
        copy_ahead<T, Rows<T, Sh>::vector>(&raw[k][place], from + (there ? offset : 0), there);
      });
    } else {
      for (int at = lane.lane; at < tile_tokens * Sh::width; at += warp) {
        const int t = at / Sh::width, e = at % Sh::width;
        raw[k][at] =
            t < rows && lane.first + e < lane.end ? from[t * inputs[k].row + lane.first + e] : from_float<T>(0.0f);
      }
    }
  }
  for (int i = 0; i < tile.quads; ++i) {
    const int at = i * Sh::threads + static_cast<int>(threadIdx.x);
    const int t = at / (Sh::states / 4) % tile_tokens, n = at % (Sh::states / 4) * 4;
    if (at >= 2 * tile_tokens * Sh::states / 4) continue;
    const Input& input = at < tile_tokens * Sh::states / 4 ? args.B : args.C;
    const T* const from =
        static_cast<const T*>(input.data) + lane.sequence * input.batch + t0 * input.row + lane.group * args.N;
    T(&to)[4] = tile.raw_BC[i][threadIdx.x];
    if (aligned) {
      const bool there = t < rows && n < args.N;
      copy_ahead<T, 4>(to, from + (there ? t * input.row + n : 0), there);
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k)
        to[k] = t < rows && n + k < args.N ? from[t * input.row + n + k] : from_float<T>(0.0f);
    }
  }
}

// What was fetched of a tile becomes what the scan reads. A few tokens of a lane at a time: all their reads come before
// the first write, which may be to anywhere, and no condition is a branch, so that they do not wait for each other.
template <bool Backward, class T, class Sh, class OfWarp>
__device__ void prepare(const ScanArgs& args, const Lane<T, Sh>& lane, float bias, bool with_dy, int rows, int buffer,
                        Tile<T, Sh, OfWarp>& tile) {
  OfWarp& mine = tile.warps[lane.warp_of_block];
  const bool has_channel = lane.first + lane.lane % Sh::width < lane.end;
  constexpr int items = (tile_tokens * Sh::width + warp - 1) / warp, together = items < 4 ? items : 4;
#pragma unroll
  for (int begin = 0; begin < items; begin += together) {
    T raw[together][4];
    float2 step[together], up[together], slopes[together];
#pragma unroll
    for (int i = 0; i < together; ++i) {
      const int at = min((begin + i) * warp + lane.lane, tile_tokens * Sh::width - 1);
#pragma unroll
      for (int k = 0; k < 4; ++k) raw[i][k] = mine.raw[k][at];
    }
#pragma unroll
    for (int i = 0; i < together; ++i) {
      const bool there = ((begin + i) * warp + lane.lane) / Sh::width < rows && has_channel;
      const float x = to_float(raw[i][0]), before = to_float(raw[i][1]) + bias, soft = softplus(before);
      const float delta = there ? (args.softplus ? soft : before) : 0.0f;
      step[i] = make_float2(delta, delta * x);
      if (!with_dy) continue;
      const float dy = to_float(raw[i][2]), z = to_float(raw[i][3]);
      const float opening = __fdividef(1.0f, 1.0f + exp2_unit(-z * log2_e));
      up[i] = make_float2(args.z.data ? dy * z * opening : dy, x);
      const float e = exp2_unit(-fabsf(before) * log2_e), sigma = __fdividef(1.0f, 1.0f + e);
      const float slope = args.softplus ? (before < 0.0f ? e * sigma : sigma) : 1.0f;
      slopes[i] = make_float2(there ? slope : 0.0f, dy * opening * (1.0f + z * (1.0f - opening)));
    }
#pragma unroll
    for (int i = 0; i < together; ++i) {
      const int at = (begin + i) * warp + lane.lane;
      if (tile_tokens * Sh::width % warp != 0 && at >= tile_tokens * Sh::width) continue;
      mine.step[at] = step[i];
      if (with_dy) mine.up[at] = up[i];
      if constexpr (Backward) mine.slopes[at] = slopes[i];
    }
  }
  for (int i = 0; i < tile.quads; ++i) {
    const int at = i * Sh::threads + static_cast<int>(threadIdx.x);
    if (at >= 2 * tile_tokens * Sh::states / 4) continue;
    const T(&raw)[4] = tile.raw_BC[i][threadIdx.x];
    const auto values = unpack<T, 4>(*reinterpret_cast<const Raw<4 * sizeof(T)>*>(raw));
    float v[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = to_float(values.values[k]);
    const int quad = at % (Sh::states / 4);
    float4* const to = (&tile.BC[buffer][0][0])[at / (Sh::states / 4)];
#pragma unroll
    for (int copy = 0; copy < Sh::copies; ++copy)
      to[copy * (Sh::states / 4) + (quad ^ (copy & 2))] = make_float4(v[copy], v[1 ^ copy], v[2 ^ copy], v[3 ^ copy]);
  }
}

// B or C of the lane's states at token t; `low` and `high` point to the first token's.
template <class Sh>
__device__ void read_states(const float4* low, const float4* high, int t, float (&to)[NS]) {
  const float4 a = low[t * (Sh::copies * Sh::states / 4)], b = high[t * (Sh::copies * Sh::states / 4)];
  to[0] = a.x, to[1] = a.y, to[2] = a.z, to[3] = a.w;
  to[4] = b.x, to[5] = b.y, to[6] = b.z, to[7] = b.w;
}

// dx, ddelta and dz of the tile at t0.
template <class T, class Sh>
__device__ void write_rows(const ScanBackwardArgs& back, const Lane<T, Sh>& lane, bool aligned, std::int64_t t0,
                           int rows, const T (&out)[3][tile_tokens * Sh::width]) {
  const Output outputs[3] = {back.dx, back.ddelta, back.forward.z.data ? back.dz : Output{}};
#pragma unroll
  for (int k = 0; k < 3; ++k) {
    if (!outputs[k].data) continue;
    T* const to = static_cast<T*>(outputs[k].data) + lane.sequence * outputs[k].batch + t0 * outputs[k].row;
    if (aligned) {
      using Access = Raw<sizeof(T) * Rows<T, Sh>::vector>;
      Rows<T, Sh>::for_each(lane, outputs[k].row, [&](int t, unsigned offset, int place) {
        if (t < rows && lane.first < lane.end)
          *reinterpret_cast<Access*>(to + offset) = *reinterpret_cast<const Access*>(&out[k][place]);
      });
    } else {
      for (int at = lane.lane; at < tile_tokens * Sh::width; at += warp) {
        const int t = at / Sh::width, e = at % Sh::width;
        if (t < rows && lane.first + e < lane.end) to[t * outputs[k].row + lane.first + e] = out[k][at];
      }
    }
  }
}

}  // namespace
}  // namespace statescope::kernels::cuda::scan_gradients
