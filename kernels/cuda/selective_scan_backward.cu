// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of the selective scan (the formulas stand in kernels/selective_scan.h).
//
// A warp owns `channels` neighbouring channels as in the forward scan: S lanes share a channel, a lane holds NS states
// of CH channels. A first pass keeps the states before every tile of `tile_tokens` tokens. The second walks through the
// tiles backwards: it runs a tile forward from its kept state, all its states in registers, then backward.
// What is summed over states goes through shared memory to the lane that writes it. What is summed over channels (dB,
// dC) is added up inside a block and leaves as one slice a block; what is summed over sequences (dA, dD, ddelta_bias)
// as one slice a sequence. A last kernel adds the slices in a fixed order, so the same inputs give the same bits.
#include <string>
#include <utility>

#include "cuda/element.cuh"
#include "cuda/selective_scan.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int warp = 32;
constexpr int warps_of_block = 4;
constexpr int tile_tokens = 8;
constexpr float log_2 = 0.693147180559945f;

template <int NS_, int S_, int CH_>
struct Shape {
  static constexpr int NS = NS_, S = S_, CH = CH_;
  static constexpr int states = NS * S;                                     // N rounded up
  static constexpr int channels = CH * warp / S;                            // of a warp
  static constexpr int items = (tile_tokens * channels + warp - 1) / warp;  // (token, channel) pairs of a lane
};

struct Workspace {
  float* kept = nullptr;                  // [tiles, batch, N, E] states before each tile
  float *dB = nullptr, *dC = nullptr;     // [blocks of a sequence, batch, T, N]
  float* dA = nullptr;                    // [batch, N, E]
  float *dD = nullptr, *dbias = nullptr;  // [batch, E]
};

std::int64_t ceil_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

template <class Sh>
struct Tile {
  float2 step[tile_tokens][Sh::channels];  // Δ, Δ·x
  float dy[tile_tokens][Sh::channels];     // dL/d(C·h + D·x): dy through the gate
  float B[tile_tokens][Sh::states], C[tile_tokens][Sh::states];
  // Shares of Σ_n g·B, Σ_n g·h·a·A and Σ_n C·h, by lane.
  float g_B[tile_tokens][Sh::CH][warp], g_decay[tile_tokens][Sh::CH][warp], C_h[tile_tokens][Sh::CH][warp];
  float dB[tile_tokens][Sh::NS][warp], dC[tile_tokens][Sh::NS][warp];  // over the lane's channels
};

// One lane's view of its warp's work.
template <class T, class Sh>
struct Lane {
  __device__ explicit Lane(const ScanArgs& args) {
    lane = static_cast<int>(threadIdx.x) % warp;
    const std::int64_t of_group = args.E / args.groups;
    const std::int64_t blocks_of_group =
        (of_group + Sh::channels * warps_of_block - 1) / (Sh::channels * warps_of_block);
    block = blockIdx.x % (blocks_of_group * args.groups);
    sequence = blockIdx.x / (blocks_of_group * args.groups);
    group = block / blocks_of_group;
    first = group * of_group + (block % blocks_of_group * warps_of_block + threadIdx.x / warp) * Sh::channels;
    end = (group + 1) * of_group;
    s = lane % Sh::S;
    own = lane / Sh::S * Sh::CH;
  }
  __device__ bool has(const ScanArgs& args, int c, int n) const {
    return s * Sh::NS + n < args.N && first + own + c < end;
  }
  __device__ std::int64_t state_at(const ScanArgs& args, int c, int n) const {
    return (s * Sh::NS + n) * args.E + first + own + c;
  }
  __device__ int row(int i) const { return (i * warp + lane) / Sh::channels; }
  __device__ int column(int i) const { return (i * warp + lane) % Sh::channels; }
  __device__ bool has_item(int i, int rows) const { return row(i) < rows && first + column(i) < end; }
  template <class Of>
  __device__ std::int64_t at(const Of& of, std::int64_t t, int i) const {
    return sequence * of.batch + (t + row(i)) * of.row + first + column(i);
  }

  int lane, s, own;
  std::int64_t block, sequence, group;
  std::int64_t first, end;  // channels of the warp; the group's end cuts them off
};

// The inputs of a tile, fetched a tile ahead. Loads stand under no condition (a load whose result meets another path is
// waited for at once): past an end the last element is read again, and ignored.
template <class T, class Sh, bool Backward>
struct Inputs {
  static constexpr int shared_items = (tile_tokens * Sh::states + warp - 1) / warp;
  static constexpr bool ahead = shared_items <= 4;  // of B and C; more would not fit into registers

  __device__ void fetch(const ScanBackwardArgs& back, const Lane<T, Sh>& lane, std::int64_t t0) {
    const ScanArgs& args = back.forward;
    const int last = static_cast<int>(min(args.T - t0, std::int64_t{tile_tokens})) - 1;
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      const std::int64_t t = t0 + min(lane.row(i), last), e = min(lane.first + lane.column(i), lane.end - 1);
      const auto read = [&](const Input& from) {
        return static_cast<const T*>(from.data)[lane.sequence * from.batch + t * from.row + e];
      };
      x[i] = read(args.x);
      delta[i] = read(args.delta);
      if (Backward) dy[i] = read(back.dy);
      if (Backward) z[i] = read(args.z.data ? args.z : args.x);
    }
    if constexpr (ahead) {
#pragma unroll
      for (int i = 0; i < shared_items; ++i) {
        B[i] = of_tile(args.B, args, lane, t0, last, i);
        if (Backward) C[i] = of_tile(args.C, args, lane, t0, last, i);
      }
    }
  }
  __device__ static T of_tile(const Input& from, const ScanArgs& args, const Lane<T, Sh>& lane, std::int64_t t0,
                              int last, int i) {
    const int at = i * warp + lane.lane;
    const std::int64_t t = t0 + min(at / Sh::states, last);
    const std::int64_t column = lane.group * args.N + min(static_cast<std::int64_t>(at % Sh::states), args.N - 1);
    return static_cast<const T*>(from.data)[lane.sequence * from.batch + t * from.row + column];
  }

  // Δ, Δ·x, B and C of the tile, to shared memory.
  __device__ void prepare(const ScanArgs& args, const Lane<T, Sh>& lane, const float (&bias)[Sh::items],
                          std::int64_t t0, int rows, Tile<Sh>& tile) const {
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      if (lane.row(i) >= tile_tokens) continue;
      float step = to_float(delta[i]) + bias[i];
      if (args.softplus) step = softplus(step);
      if (!lane.has_item(i, rows)) step = 0.0f;
      tile.step[lane.row(i)][lane.column(i)] = make_float2(step, step * to_float(x[i]));
      if (!Backward) continue;
      const float gate = args.z.data ? silu(to_float(z[i])) : 1.0f;
      tile.dy[lane.row(i)][lane.column(i)] = lane.has_item(i, rows) ? to_float(dy[i]) * gate : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < shared_items; ++i) {
      const int at = i * warp + lane.lane;
      if (at >= tile_tokens * Sh::states) continue;
      const bool there = at / Sh::states < rows && at % Sh::states < args.N;
      const T of_B = ahead ? B[ahead ? i : 0] : of_tile(args.B, args, lane, t0, rows - 1, i);
      (&tile.B[0][0])[at] = there ? to_float(of_B) : 0.0f;
      if (!Backward) continue;
      const T of_C = ahead ? C[ahead ? i : 0] : of_tile(args.C, args, lane, t0, rows - 1, i);
      (&tile.C[0][0])[at] = there ? to_float(of_C) : 0.0f;
    }
  }

  T x[Sh::items], delta[Sh::items], z[Sh::items], dy[Sh::items];
  T B[ahead ? shared_items : 1], C[ahead ? shared_items : 1];
};

template <class Sh>
__device__ void load_bias(const ScanArgs& args, std::int64_t first, std::int64_t end, int lane,
                          float (&bias)[Sh::items]) {
#pragma unroll
  for (int i = 0; i < Sh::items; ++i) {
    const std::int64_t e = first + (i * warp + lane) % Sh::channels;
    bias[i] = e < end && args.delta_bias ? args.delta_bias[e] : 0.0f;
  }
}

template <class T, class Sh>
__global__ void __launch_bounds__(warp* warps_of_block) keep_states(const ScanBackwardArgs back, float* kept) {
  extern __shared__ float4 shared_memory[];
  const ScanArgs& args = back.forward;
  const Lane<T, Sh> lane(args);
  Tile<Sh>& tile = reinterpret_cast<Tile<Sh>*>(shared_memory)[threadIdx.x / warp];
  float decay[Sh::CH][Sh::NS], h[Sh::CH][Sh::NS];
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const bool there = lane.has(args, c, n);
      decay[c][n] = there ? args.A[lane.state_at(args, c, n)] * log2_e : 0.0f;
      h[c][n] = there ? args.h[lane.sequence * args.N * args.E + lane.state_at(args, c, n)] : 0.0f;
    }
  }
  float bias[Sh::items];
  load_bias<Sh>(args, lane.first, lane.end, lane.lane, bias);
  Inputs<T, Sh, false> next;
  next.fetch(back, lane, 0);
  for (std::int64_t t0 = 0; t0 < args.T; t0 += tile_tokens) {
    const int rows = static_cast<int>(min(args.T - t0, std::int64_t{tile_tokens}));
    float* const here = kept + (t0 / tile_tokens * args.batch + lane.sequence) * args.N * args.E;
    next.prepare(args, lane, bias, t0, rows, tile);
    __syncwarp();
    next.fetch(back, lane, min(t0 + tile_tokens, args.T - 1));
#pragma unroll
    for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
      for (int n = 0; n < Sh::NS; ++n)
        if (lane.has(args, c, n)) here[lane.state_at(args, c, n)] = h[c][n];
    }
#pragma unroll 2
    for (int t = 0; t < tile_tokens; ++t) {
#pragma unroll
      for (int c = 0; c < Sh::CH; ++c) {
        const float2 step = tile.step[t][lane.own + c];
#pragma unroll
        for (int n = 0; n < Sh::NS; ++n)
          h[c][n] = fmaf(exp2_unit(step.x * decay[c][n]), h[c][n], step.y * tile.B[t][lane.s * Sh::NS + n]);
      }
    }
    __syncwarp();
  }
}

template <class T, class Sh>
__global__ void __launch_bounds__(warp* warps_of_block, 2)
    scan_backward(const ScanBackwardArgs back, const Workspace work) {
  extern __shared__ float4 shared_memory[];
  const ScanArgs& args = back.forward;
  const Lane<T, Sh> lane(args);
  Tile<Sh>* const tiles = reinterpret_cast<Tile<Sh>*>(shared_memory);
  Tile<Sh>& tile = tiles[threadIdx.x / warp];
  const std::int64_t states = args.N * args.E;

  float decay[Sh::CH][Sh::NS], carry[Sh::CH][Sh::NS], dA[Sh::CH][Sh::NS] = {};  // carry is a_{t+1} · g_{t+1}
  float skip[Sh::items], bias[Sh::items], dD[Sh::items] = {}, dbias[Sh::items] = {};
#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      const bool there = lane.has(args, c, n);
      decay[c][n] = there ? args.A[lane.state_at(args, c, n)] * log2_e : 0.0f;
      carry[c][n] = there && back.dh_last ? back.dh_last[lane.sequence * states + lane.state_at(args, c, n)] : 0.0f;
    }
  }
#pragma unroll
  for (int i = 0; i < Sh::items; ++i) {
    const std::int64_t e = lane.first + lane.column(i);
    skip[i] = e < lane.end && args.D ? args.D[e] : 0.0f;
  }
  load_bias<Sh>(args, lane.first, lane.end, lane.lane, bias);

  const std::int64_t tiles_of_time = (args.T + tile_tokens - 1) / tile_tokens;
  Inputs<T, Sh, true> next;
  next.fetch(back, lane, (tiles_of_time - 1) * tile_tokens);
  float next_before[Sh::CH][Sh::NS];
  const auto fetch_states = [&](std::int64_t index) {
    const float* const kept = work.kept + (index * args.batch + lane.sequence) * states;
#pragma unroll
    for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
      for (int n = 0; n < Sh::NS; ++n)
        next_before[c][n] = kept[min(std::int64_t{lane.s * Sh::NS + n}, args.N - 1) * args.E +
                                 min(lane.first + lane.own + c, lane.end - 1)];
    }
  };
  fetch_states(tiles_of_time - 1);
  for (std::int64_t index = tiles_of_time - 1; index >= 0; --index) {
    const std::int64_t t0 = index * tile_tokens;
    const int rows = static_cast<int>(min(args.T - t0, std::int64_t{tile_tokens}));

    const Inputs<T, Sh, true> now = next;
    float before[Sh::CH][Sh::NS];
#pragma unroll
    for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
      for (int n = 0; n < Sh::NS; ++n) before[c][n] = lane.has(args, c, n) ? next_before[c][n] : 0.0f;
    }
    now.prepare(args, lane, bias, t0, rows, tile);
    __syncwarp();
    next.fetch(back, lane, max(t0 - tile_tokens, std::int64_t{0}));
    fetch_states(max(index - 1, std::int64_t{0}));

    float h[tile_tokens][Sh::CH][Sh::NS];  // a_t is found twice rather than kept: registers are dearer
#pragma unroll
    for (int t = 0; t < tile_tokens; ++t) {
#pragma unroll
      for (int c = 0; c < Sh::CH; ++c) {
        const float2 step = tile.step[t][lane.own + c];
#pragma unroll
        for (int n = 0; n < Sh::NS; ++n) {
          const float old = t == 0 ? before[c][n] : h[t == 0 ? 0 : t - 1][c][n];
          h[t][c][n] = fmaf(exp2_unit(step.x * decay[c][n]), old, step.y * tile.B[t][lane.s * Sh::NS + n]);
        }
      }
    }
#pragma unroll
    for (int t = tile_tokens - 1; t >= 0; --t) {
      float dB[Sh::NS] = {}, dC[Sh::NS] = {};
#pragma unroll
      for (int c = 0; c < Sh::CH; ++c) {
        const float2 step = tile.step[t][lane.own + c];
        const float dy = tile.dy[t][lane.own + c];
        float g_B = 0.0f, g_decay = 0.0f, C_h = 0.0f;
#pragma unroll
        for (int n = 0; n < Sh::NS; ++n) {
          const float B = tile.B[t][lane.s * Sh::NS + n], C = tile.C[t][lane.s * Sh::NS + n];
          const float old = t == 0 ? before[c][n] : h[t == 0 ? 0 : t - 1][c][n];
          const float g = fmaf(C, dy, carry[c][n]);
          carry[c][n] =
              exp2_unit(step.x * decay[c][n]) * g;  // past the end of the sequence a is 1 and C is 0: nothing changes
          const float g_a_h = carry[c][n] * old;
          g_B = fmaf(g, B, g_B);
          g_decay = fmaf(g_a_h, decay[c][n], g_decay);
          C_h = fmaf(C, h[t][c][n], C_h);
          dA[c][n] = fmaf(g_a_h, step.x, dA[c][n]);
          dB[n] = fmaf(g, step.y, dB[n]);
          dC[n] = fmaf(dy, h[t][c][n], dC[n]);
        }
        tile.g_B[t][c][lane.lane] = g_B;
        tile.g_decay[t][c][lane.lane] = g_decay;
        tile.C_h[t][c][lane.lane] = C_h;
      }
#pragma unroll
      for (int n = 0; n < Sh::NS; ++n) {
        tile.dB[t][n][lane.lane] = dB[n];
        tile.dC[t][n][lane.lane] = dC[n];
      }
    }
    __syncthreads();

    // Over states, to the lane that writes.
#pragma unroll
    for (int i = 0; i < Sh::items; ++i) {
      if (!lane.has_item(i, rows)) continue;
      const int t = lane.row(i), c = lane.column(i) % Sh::CH, lanes = lane.column(i) / Sh::CH * Sh::S;
      float g_B = 0.0f, g_decay = 0.0f, C_h = 0.0f;
#pragma unroll
      for (int k = 0; k < Sh::S; ++k) {
        g_B += tile.g_B[t][c][lanes + k];
        g_decay += tile.g_decay[t][c][lanes + k];
        C_h += tile.C_h[t][c][lanes + k];
      }
      const float x = to_float(now.x[i]), gated = tile.dy[t][lane.column(i)];
      const float delta = tile.step[t][lane.column(i)].x;
      static_cast<T*>(back.dx.data)[lane.at(back.dx, t0, i)] = from_float<T>(fmaf(delta, g_B, skip[i] * gated));
      float ddelta = fmaf(x, g_B, g_decay * log_2);
      if (args.softplus) {
        const float raw = to_float(now.delta[i]) + bias[i];
        ddelta *= __fdividef(1.0f, 1.0f + exp2_unit(-raw * log2_e));
      }
      static_cast<T*>(back.ddelta.data)[lane.at(back.ddelta, t0, i)] = from_float<T>(ddelta);
      dbias[i] += ddelta;
      dD[i] = fmaf(gated, x, dD[i]);
      if (args.z.data && back.dz.data) {
        const float z = to_float(now.z[i]);
        const float sigma = __fdividef(1.0f, 1.0f + exp2_unit(-z * log2_e));
        const float dy = to_float(now.dy[i]);
        static_cast<T*>(back.dz.data)[lane.at(back.dz, t0, i)] =
            from_float<T>(dy * fmaf(skip[i], x, C_h) * sigma * (1.0f + z * (1.0f - sigma)));
      }
    }
    // Over the channels of the block, warp by warp and lane by lane.
    for (int i = static_cast<int>(threadIdx.x); i < 2 * tile_tokens * Sh::states; i += warp * warps_of_block) {
      const bool of_C = i >= tile_tokens * Sh::states;
      const int t = i / Sh::states % tile_tokens, n = i % Sh::states;
      if (t >= rows || n >= args.N) continue;
      float sum = 0.0f;
      for (int w = 0; w < warps_of_block; ++w) {
        const float* const from = of_C ? tiles[w].dC[t][n % Sh::NS] : tiles[w].dB[t][n % Sh::NS];
#pragma unroll
        for (int k = 0; k < warp / Sh::S; ++k) sum += from[k * Sh::S + n / Sh::NS];
      }
      float* const to = of_C ? work.dC : work.dB;
      to[((lane.block * args.batch + lane.sequence) * args.T + t0 + t) * args.N + n] = sum;
    }
    __syncthreads();
  }

#pragma unroll
  for (int c = 0; c < Sh::CH; ++c) {
#pragma unroll
    for (int n = 0; n < Sh::NS; ++n) {
      if (!lane.has(args, c, n)) continue;
      const std::int64_t at = lane.sequence * states + lane.state_at(args, c, n);
      work.dA[at] = dA[c][n];
      if (back.dh0) back.dh0[at] = carry[c][n];
    }
  }
  // The rows of a channel's items lie in several lanes: through shared memory, row by row.
  float* const sums = reinterpret_cast<float*>(&tile);
#pragma unroll
  for (int i = 0; i < Sh::items; ++i) {
    if (lane.row(i) >= tile_tokens) continue;
    sums[lane.row(i) * Sh::channels + lane.column(i)] = dD[i];
    sums[(tile_tokens + lane.row(i)) * Sh::channels + lane.column(i)] = dbias[i];
  }
  __syncwarp();
  for (int c = lane.lane; c < Sh::channels; c += warp) {
    if (lane.first + c >= lane.end) continue;
    float of_D = 0.0f, of_bias = 0.0f;
    for (int t = 0; t < tile_tokens; ++t) {
      of_D += sums[t * Sh::channels + c];
      of_bias += sums[(tile_tokens + t) * Sh::channels + c];
    }
    work.dD[lane.sequence * args.E + lane.first + c] = of_D;
    work.dbias[lane.sequence * args.E + lane.first + c] = of_bias;
  }
}

// to[i] = Σ_k slices[k · apart + i], k rising.
__global__ void add_slices(const float* slices, std::int64_t apart, std::int64_t count, std::int64_t size, float* to,
                           std::int64_t width, std::int64_t to_stride) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= size) return;
  float sum = 0.0f;
  for (std::int64_t k = 0; k < count; ++k) sum += slices[k * apart + i];
  to[i / width * to_stride + i % width] = sum;
}

void add(const float* slices, std::int64_t apart, std::int64_t count, std::int64_t size, float* to, std::int64_t width,
         std::int64_t to_stride, cudaStream_t stream) {
  if (!to || size == 0) return;
  constexpr int threads = 256;
  add_slices<<<static_cast<unsigned>(ceil_of(size, threads)), threads, 0, stream>>>(slices, apart, count, size, to,
                                                                                    width, to_stride);
  check_launch("adding up gradients of the scan");
}

// The shape that runs N states.
template <class Function>
auto with_shape(std::int64_t N, const Function& function) {
  if (N <= 16) return function(Shape<2, 8, 4>{});
  if (N <= 64) return function(Shape<8, 8, 1>{});
  return function(Shape<8, 32, 1>{});
}
constexpr std::int64_t most_states = 256;

std::int64_t channels_of_block(std::int64_t N) {
  return with_shape(N, [](auto shape) { return std::int64_t{decltype(shape)::channels} * warps_of_block; });
}

Workspace workspace_of(const ScanArgs& args, float* memory, std::int64_t* floats) {
  const std::int64_t blocks = args.groups * ceil_of(args.E / args.groups, channels_of_block(args.N));
  const std::int64_t states = args.batch * args.N * args.E, tokens = args.batch * args.T * args.N;
  Workspace work;
  std::int64_t used = 0;
  const auto take = [&](std::int64_t count) { return memory + std::exchange(used, used + count); };
  work.kept = take(ceil_of(args.T, tile_tokens) * states);
  work.dB = take(blocks * tokens);
  work.dC = take(blocks * tokens);
  work.dA = take(states);
  work.dD = take(args.batch * args.E);
  work.dbias = take(args.batch * args.E);
  *floats = used;
  return work;
}

template <class T, class Sh>
void run(const ScanBackwardArgs& back, const Workspace& work, cudaStream_t stream) {
  const ScanArgs& args = back.forward;
  constexpr int bytes = warps_of_block * static_cast<int>(sizeof(Tile<Sh>));
  const auto blocks =
      static_cast<unsigned>(args.groups * ceil_of(args.E / args.groups, Sh::channels * warps_of_block) * args.batch);
  const auto prepare_kernel = [&](auto kernel) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
          "preparing the gradients of the scan");
    return kernel;
  };
  prepare_kernel(keep_states<T, Sh>)<<<blocks, warp * warps_of_block, bytes, stream>>>(back, work.kept);
  check_launch("the states for the gradients of the scan");
  prepare_kernel(scan_backward<T, Sh>)<<<blocks, warp * warps_of_block, bytes, stream>>>(back, work);
  check_launch("the gradients of the scan");
}

}  // namespace

std::int64_t scan_backward_workspace(const ScanBackwardArgs& args) {
  std::int64_t floats = 0;
  workspace_of(args.forward, nullptr, &floats);
  return floats * static_cast<std::int64_t>(sizeof(float));
}

void selective_scan_backward(const ScanBackwardArgs& back, cudaStream_t stream) {
  const ScanArgs& args = back.forward;
  if (!supports(args) || args.N > most_states)
    throw CudaError("gradients of the selective scan run up to " + std::to_string(most_states) +
                    " states in float32, bf16 or f16");
  if (args.batch == 0 || args.T == 0 || args.E == 0) return;
  std::int64_t floats = 0;
  const Workspace work = workspace_of(args, static_cast<float*>(back.workspace), &floats);
  with_type(args.type, [&](auto element) {
    with_shape(args.N, [&](auto shape) { run<decltype(element), decltype(shape)>(back, work, stream); });
  });

  const std::int64_t tokens = args.batch * args.T * args.N;
  const std::int64_t slices = ceil_of(args.E / args.groups, channels_of_block(args.N));  // of a group
  for (std::int64_t g = 0; g < args.groups; ++g) {
    const std::int64_t first = g * slices * tokens;
    add(work.dB + first, tokens, slices, tokens, back.dB + g * args.N, args.N, args.groups * args.N, stream);
    add(work.dC + first, tokens, slices, tokens, back.dC + g * args.N, args.N, args.groups * args.N, stream);
  }
  const std::int64_t states = args.N * args.E;
  add(work.dA, states, args.batch, states, back.dA, states, states, stream);
  add(work.dD, args.E, args.batch, args.E, back.dD, args.E, args.E, stream);
  add(work.dbias, args.E, args.batch, args.E, back.ddelta_bias, args.E, args.E, stream);
}

}  // namespace statescope::kernels::cuda
