// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/decode_wide.h"

#include <algorithm>

#include "cuda/warpgroup_product.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int most_taps = 4;

// Found by measuring on an H100 and an H200. The host asks the second for the sizes, which are those of the first.
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
template <class T>
using InTile = WarpgroupTile<T, 3>;
#else
template <class T>
using InTile = WideTile<T, 2, 4, 2, 2, 2, 3, 4>;
#endif
static_assert(InTile<Bf16>::rows == WarpgroupTile<Bf16, 3>::rows &&
              InTile<Bf16>::columns == WarpgroupTile<Bf16, 3>::columns &&
              InTile<Bf16>::threads == WarpgroupTile<Bf16, 3>::threads &&
              InTile<Bf16>::shared_bytes == WarpgroupTile<Bf16, 3>::shared_bytes);
template <class T>
using ProjectTile = WideTile<T, 1, 2, 1, 1, 8, 5>;
// Of mamba-130m all inputs are under way at once where a block may have so much memory.
template <class T, int Stages>
using OutTile = WideTile<T, 2, 4, 1, 1, 8, Stages>;
constexpr int out_stages = 4, more_out_stages = 6;
constexpr int most_shared = OutTile<Bf16, out_stages>::shared_bytes;

template <class T>
__host__ __device__ inline T* elements(const DeviceMatrix& m) {
  return static_cast<T*>(m.data);
}
template <class T>
WideOperands<T> operands_of(const DeviceMatrix& W, const DeviceMatrix& x, std::int64_t batch) {
  return {elements<const T>(W),
          W.stride,
          W.rows,
          elements<const T>(x),
          x.stride,
          batch,
          static_cast<int>(blocks_for(W.cols, step_inputs))};
}

/// xz = W (stream ⊙ norm) / rms, the convolution, its history. A thread finishes eight neighbouring channels of some
/// sequences; their history and taps are read long before.
template <class T>
__global__ void __launch_bounds__(InTile<T>::threads) in_kernel(WideOperands<T> operands, DecodeInArgs args) {
  using Tile = InTile<T>;
  using Eights = Unpacked<T, 8>;
  constexpr int groups = Tile::rows / 8, columns_at_once = Tile::threads / groups;
  constexpr int items = Tile::columns / columns_at_once;
  extern __shared__ __align__(1024) char shared[];
  __shared__ float factors[Tile::columns];
  const int thread = static_cast<int>(threadIdx.x), group = thread % groups, column = thread / groups;
  Tile tile(operands, shared);
  tile.start_weights();

  const std::int64_t E = args.u.cols, m = Tile::first_row() + 8 * group, batch = args.stream.batch;
  const bool in_conv = m < E, there = m < 2 * E;
  const int taps = static_cast<int>(args.taps);
  float weight[most_taps][8] = {}, conv_bias[8] = {}, bias[8] = {};
  Raw<16> past[items][most_taps - 1] = {};
  if (in_conv) {
#pragma unroll
    for (int j = 0; j < most_taps; ++j)
      if (j < taps) load(args.conv_weight + j * E + m, weight[j]);
    if (args.conv_bias) load(args.conv_bias + m, conv_bias);
  }
  if (there && args.bias) load(args.bias + m, bias);
  const auto history_of = [&](std::int64_t n, int j) {
    return reinterpret_cast<Raw<16>*>(elements<T>(args.history) + (n * (taps - 1) + j) * args.history.stride + m);
  };
#pragma unroll
  for (int i = 0; i < items; ++i) {
    const std::int64_t n = Tile::first_column() + column + i * columns_at_once;
#pragma unroll
    for (int j = 0; j + 1 < most_taps; ++j)
      if (in_conv && n < batch && j + 1 < taps) past[i][j] = *history_of(n, j);
  }

  wait_for_kernel_before();
  tile.start_inputs();
  {
    constexpr int parts = Tile::threads / Tile::columns;  // lanes that add up the squares of a sequence
    const std::int64_t n = Tile::first_column() + thread / parts, slots = squares_slots(args.stream.d_model);
    const float* squares = args.stream.squares + (n < batch ? n : batch - 1) * slots;
    float total = 0;
#pragma unroll 12
    for (int slot = thread % parts; slot < slots; slot += parts) total += squares[slot];
#pragma unroll
    for (int offset = parts / 2; offset > 0; offset /= 2) total += __shfl_xor_sync(0xffffffffU, total, offset);
    factors[thread / parts] =
        rsqrtf(__fdividef(total, static_cast<float>(args.stream.d_model)) + args.epsilon) * (1 / stream_scale);
  }
  const float* sums = tile.multiply();
  if (!there) return;
#pragma unroll
  for (int i = 0; i < items; ++i) {
    const int at = column + i * columns_at_once;
    const std::int64_t n = Tile::first_column() + at;
    if (n >= batch) continue;
    float v[8];
    Tile::finish(sums, 8 * group, at, v);
    Eights x;
#pragma unroll
    for (int k = 0; k < 8; ++k) x.values[k] = from_float<T>(fmaf(v[k], factors[at], bias[k]));
    if (!in_conv) {
      *reinterpret_cast<Raw<16>*>(elements<T>(args.z) + n * args.z.stride + m - E) = pack<Raw<16>>(x);
      continue;
    }
    float sum[8];
#pragma unroll
    for (int k = 0; k < 8; ++k) sum[k] = conv_bias[k];
#pragma unroll
    for (int j = 0; j < most_taps; ++j) {
      if (j >= taps) break;
      const Eights input = j + 1 == taps ? x : unpack<T, 8>(past[i][j < most_taps - 1 ? j : 0]);
#pragma unroll
      for (int k = 0; k < 8; ++k) sum[k] = fmaf(weight[j][k], to_float(input.values[k]), sum[k]);
      if (j > 0) *history_of(n, j - 1) = pack<Raw<16>>(input);
    }
    Eights u;
#pragma unroll
    for (int k = 0; k < 8; ++k) u.values[k] = from_float<T>(silu(sum[k]));
    *reinterpret_cast<Raw<16>*>(elements<T>(args.u) + n * args.u.stride + m) = pack<Raw<16>>(u);
  }
}

/// y = W x for few rows: nearly all of both lies in shared memory before the first product.
template <class T>
__global__ void __launch_bounds__(ProjectTile<T>::threads) project_kernel(WideOperands<T> operands, DeviceMatrix y) {
  using Tile = ProjectTile<T>;
  extern __shared__ __align__(128) char shared[];
  Tile tile(operands, shared);
  tile.start_weights();
  wait_for_kernel_before();
  tile.start_inputs();
  const float* sums = tile.multiply();
  for (int i = static_cast<int>(threadIdx.x); i < Tile::rows * Tile::columns; i += Tile::threads) {
    const std::int64_t m = Tile::first_row() + i % Tile::rows, n = Tile::first_column() + i / Tile::rows;
    float v[1];
    Tile::finish(sums, i % Tile::rows, i / Tile::rows, v);
    if (m < operands.M && n < operands.batch) elements<T>(y)[n * y.stride + m] = from_float<T>(v[0]);
  }
}

/// stream += W y + bias, its squares, and the input of the next product. A thread finishes four neighbouring rows of
/// some sequences; the four threads beside it have the rest of a group of squares.
template <class T, int Stages>
__global__ void __launch_bounds__(OutTile<T, Stages>::threads)
    out_kernel(WideOperands<T> operands, DecodeOutArgs args) {
  using Tile = OutTile<T, Stages>;
  constexpr int groups = Tile::rows / 4, columns_at_once = Tile::threads / groups;
  constexpr int items = Tile::columns / columns_at_once;
  extern __shared__ __align__(128) char shared[];
  const int thread = static_cast<int>(threadIdx.x), group = thread % groups, column = thread / groups;
  Tile tile(operands, shared);
  tile.start_weights();

  const DecodeStream& stream = args.stream;
  const std::int64_t m = Tile::first_row() + 4 * group, batch = stream.batch, D = stream.d_model;
  const std::int64_t stride = padded(D), slots = squares_slots(D);
  const bool there = m < D;
  float norm[4] = {}, bias[4] = {}, before[items][4] = {};
  if (there) {
    load(args.next_norm + m, norm);
    if (args.bias) load(args.bias + m, bias);
  }
#pragma unroll
  for (int i = 0; i < items; ++i) {
    const std::int64_t n = Tile::first_column() + column + i * columns_at_once;
    if (there && n < batch) load(stream.x + n * stride + m, before[i]);
  }

  wait_for_kernel_before();
  tile.start_inputs();
  const float* sums = tile.multiply();
#pragma unroll
  for (int i = 0; i < items; ++i) {
    const int at = column + i * columns_at_once;
    const std::int64_t n = Tile::first_column() + at;
    float v[4], square = 0;
    Tile::finish(sums, 4 * group, at, v);
    Unpacked<T, 4> scaled;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      v[k] += before[i][k] + bias[k];
      square = fmaf(v[k], v[k], square);
      scaled.values[k] = from_float<T>(v[k] * norm[k] * stream_scale);
    }
    square += __shfl_xor_sync(0xffffffffU, square, 1);
    square += __shfl_xor_sync(0xffffffffU, square, 2);
    if (!there || n >= batch) continue;
    store(stream.x + n * stride + m, v);
    *reinterpret_cast<Raw<8>*>(elements<T>(stream.scaled) + n * stream.scaled.stride + m) = pack<Raw<8>>(scaled);
    if (m % squares_group == 0) stream.squares[n * slots + m / squares_group] = square;
  }
}

constexpr int states = 16, state_channels = 128, sides = 6, rounds = 2;
constexpr int state_threads = state_channels / 2 * sides;

/// What a block keeps in shared memory of `sequences` of them and of W_dt, whose rows come in fours.
struct StateLayout {
  int R, row, sequences;  // a row: B, C, low rank and zeros
  __host__ __device__ StateLayout(std::int64_t dt_rank, int per_block)
      : R(static_cast<int>(dt_rank + 3) / 4 * 4), row(2 * states + R), sequences(per_block) {}
  __host__ __device__ int h_floats() const { return sequences * states * state_channels; }
  __host__ __device__ int bytes() const { return 4 * (h_floats() + sequences * row) + 2 * R * state_channels; }
};

/// One token of up to `per_block` sequences. Their states, the one thing that is large, are on their way to shared
/// memory while the kernels before this one still run; A and W_dt are read once for all. A thread has two neighbouring
/// channels of every sixth sequence.
template <class T>
__global__ void __launch_bounds__(state_threads, 1) wide_state_kernel(DecodeStateArgs args, int per_block) {
  extern __shared__ __align__(128) char shared[];
  const StateLayout layout(args.R, per_block);
  auto* h_in = reinterpret_cast<float*>(shared);                  // [per_block, states, state_channels]
  float* rows = h_in + layout.h_floats();                         // [per_block, row]
  auto* W = reinterpret_cast<T*>(rows + per_block * layout.row);  // [R, state_channels]
  const int thread = static_cast<int>(threadIdx.x), pair = thread % (state_channels / 2),
            side = thread / (state_channels / 2);
  const int E = static_cast<int>(args.E), R = static_cast<int>(args.R);
  const int e0 = static_cast<int>(blockIdx.x) * state_channels, e = e0 + 2 * pair;
  const std::int64_t n0 = static_cast<std::int64_t>(blockIdx.y) * per_block;
  const int sequences = static_cast<int>(args.batch - n0 < per_block ? args.batch - n0 : per_block);
  float* h = args.h + n0 * states * E;

  // The states were written a token ago, several kernels before this one.
  const int warp = thread / 32, lane = thread % 32;
  if (e0 + 4 * lane < E) {
#pragma unroll 4
    for (int row = warp; row < sequences * states; row += state_threads / 32)
      copy_async<16>(h_in + row * state_channels + 4 * lane, h + row * E + e0 + 4 * lane);
  }
  for (int i = thread; i < layout.R * (state_channels / 8); i += state_threads) {
    const int r = i / (state_channels / 8), channel = i % (state_channels / 8) * 8;
    T* to = W + r * state_channels + channel;
    if (r >= R)
      *reinterpret_cast<Raw<16>*>(to) = {};
    else if (e0 + channel < E)
      copy_async<16>(to, elements<const T>(args.dt_transposed) + r * args.dt_transposed.stride + e0 + channel);
  }
  end_copies();
  const bool active = e < E;
  float rate[states][2] = {}, bias[2] = {}, skip[2] = {};
  if (active) {
#pragma unroll
    for (int k = 0; k < states; ++k) load(args.A + k * E + e, rate[k]);
    if (args.dt_bias) load(args.dt_bias + e, bias);
    load(args.D + e, skip);
  }

  wait_for_kernel_before();
  Raw<4> u_raw[rounds] = {}, z_raw[rounds] = {};
  const auto at = [&](const DeviceMatrix& m, int s) {
    return reinterpret_cast<Raw<4>*>(elements<T>(m) + (n0 + s) * m.stride + e);
  };
#pragma unroll
  for (int i = 0; i < rounds; ++i) {
    const int s = side + i * sides;
    if (!active || s >= sequences) continue;
    u_raw[i] = *at(args.u, s);
    z_raw[i] = *at(args.z, s);
  }
  for (int s = warp; s < sequences; s += state_threads / 32) {
    const T* projected = elements<const T>(args.projected) + (n0 + s) * args.projected.stride;
    for (int j = lane; j < layout.row; j += 32) {
      const int from = j < 2 * states ? R + j : j - 2 * states;
      rows[s * layout.row + j] = j < 2 * states + R ? to_float(projected[from]) : 0.0f;
    }
  }
  wait_for_copies<0>();
  __syncthreads();
  if (!active) return;

  float delta[rounds][2] = {};
#pragma unroll 2
  for (int r = 0; r < layout.R; r += 4) {
    float w[4][2];
#pragma unroll
    for (int j = 0; j < 4; ++j)
      unpack_floats<T>(*reinterpret_cast<const Raw<4>*>(W + (r + j) * state_channels + 2 * pair), w[j]);
#pragma unroll
    for (int i = 0; i < rounds; ++i) {
      float low[4];  // of a sequence that may not be there, then it is not used
      load(rows + min(side + i * sides, per_block - 1) * layout.row + 2 * states + r, low);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
#pragma unroll
        for (int v = 0; v < 2; ++v) delta[i][v] = fmaf(low[j], w[j][v], delta[i][v]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < rounds; ++i) {
    const int s = side + i * sides;
    if (s >= sequences) break;
    float u[2], z[2], write[2], step[2], y[2] = {};
    unpack_floats<T>(u_raw[i], u);
    unpack_floats<T>(z_raw[i], z);
#pragma unroll
    for (int v = 0; v < 2; ++v) {
      const float positive = softplus(delta[i][v] + bias[v]);
      write[v] = positive * u[v];
      step[v] = positive * log2_e;
    }
    const float *B = rows + s * layout.row, *C = B + states;
    const float* from = h_in + s * states * state_channels + 2 * pair;
    float* to = h + s * states * E + e;
#pragma unroll
    for (int k0 = 0; k0 < states; k0 += 4) {
      float b[4], c[4];
      load(B + k0, b);
      load(C + k0, c);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        float state[2];
        load(from + (k0 + k) * state_channels, state);
#pragma unroll
        for (int v = 0; v < 2; ++v) {
          state[v] = fmaf(exp2_unit(step[v] * rate[k0 + k][v]), state[v], b[k] * write[v]);
          y[v] = fmaf(c[k], state[v], y[v]);
        }
        store(to + (k0 + k) * E, state);
      }
    }
    Unpacked<T, 2> out;
#pragma unroll
    for (int v = 0; v < 2; ++v) out.values[v] = from_float<T>(fmaf(skip[v], u[v], y[v]) * silu(z[v]));
    *at(args.y, s) = pack<Raw<4>>(out);
  }
}

// Calls run(T{}) for a 16-bit type on tensor cores. All of a token's products come here or none does: one writes the
// input of another.
template <class Run>
bool in_16_bits(ElementType type, std::int64_t batch, const DecodeLaunch& how, const Run& run) {
  static_assert(InTile<Bf16>::shared_bytes < most_shared && ProjectTile<Bf16>::shared_bytes <= most_shared);
  if (!how.has_tensor_cores || how.shared_bytes < most_shared || batch < large_batch ||
      (type != ElementType::bf16 && type != ElementType::f16))
    return false;
  if (type == ElementType::bf16)
    run(Bf16{});
  else
    run(F16{});
  return true;
}

template <class Tile, class Kernel, class T, class Args>
void launch_tiles(const char* name, Kernel kernel, const WideOperands<T>& operands, const Args& args,
                  const DecodeLaunch& how) {
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             Tile::shared_bytes),
        name);
  launch(name, kernel, dim3(blocks_for(operands.M, Tile::rows), blocks_for(operands.batch, Tile::columns)),
         Tile::threads, Tile::shared_bytes, how.stream, how.overlap, operands, args);
}

}  // namespace

bool decode_in_wide(const DecodeInArgs& args, const DecodeLaunch& how) {
  // Eight channels travel together.
  if (!args.stream.scaled || args.taps > most_taps || args.u.cols % 8 != 0 || args.history.stride % 8 != 0)
    return false;
  return in_16_bits(args.W.type, args.stream.batch, how, [&](auto zero) {
    using T = decltype(zero);
    launch_tiles<InTile<T>>("decode_in", &in_kernel<T>, operands_of<T>(args.W, args.stream.scaled, args.stream.batch),
                            args, how);
  });
}

bool decode_project_wide(const DecodeProjectArgs& args, const DecodeLaunch& how) {
  return in_16_bits(args.W.type, args.x.rows, how, [&](auto zero) {
    using T = decltype(zero);
    launch_tiles<ProjectTile<T>>("decode_project", &project_kernel<T>, operands_of<T>(args.W, args.x, args.x.rows),
                                 args.y, how);
  });
}

bool decode_out_wide(const DecodeOutArgs& args, const DecodeLaunch& how) {
  if (!args.stream.scaled || args.stream.d_model % squares_group != 0) return false;
  return in_16_bits(args.W.type, args.stream.batch, how, [&](auto zero) {
    using T = decltype(zero);
    const auto operands = operands_of<T>(args.W, args.y, args.stream.batch);
    if (how.shared_bytes >= OutTile<T, more_out_stages>::shared_bytes)
      launch_tiles<OutTile<T, more_out_stages>>("decode_out", &out_kernel<T, more_out_stages>, operands, args, how);
    else
      launch_tiles<OutTile<T, out_stages>>("decode_out", &out_kernel<T, out_stages>, operands, args, how);
  });
}

bool decode_state_wide(const DecodeStateArgs& args, const DecodeLaunch& how) {
  // Eight channels travel together, and 32 bits count what a block touches.
  constexpr std::int64_t longest = std::int64_t{1} << 24;
  if (args.N != states || args.E % 8 != 0 || args.E > longest) return false;
  // One wave of blocks where that is possible.
  const std::int64_t chunks = blocks_for(args.E, state_channels);
  const std::int64_t at_once = std::max<std::int64_t>(how.multiprocessors / chunks, 1);
  const auto per_block = static_cast<int>(std::min<std::int64_t>(blocks_for(args.batch, at_once), sides * rounds));
  const int bytes = StateLayout(args.R, per_block).bytes();
  if (args.R > longest || bytes > how.shared_bytes) return false;
  return in_16_bits(args.u.type, args.batch, how, [&](auto zero) {
    const auto kernel = &wide_state_kernel<decltype(zero)>;
    check(
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "decode_state");
    launch("decode_state", kernel, dim3(static_cast<unsigned>(chunks), blocks_for(args.batch, per_block)),
           state_threads, static_cast<std::size_t>(bytes), how.stream, how.overlap, args, per_block);
  });
}

}  // namespace statescope::kernels::cuda
