// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/decode_wide.h"

#include <algorithm>

#include "cuda/wide_product.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int most_taps = 4;

template <class T>
using InTile = WideTile<T, 2, 4, 2, 2, 1, 6>;
template <class T>
using OutTile = WideTile<T, 2, 4, 1, 1, 4, 6>;

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
  extern __shared__ __align__(128) char shared[];
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
  if (thread < Tile::columns) {
    const std::int64_t n = Tile::first_column() + thread, slots = squares_slots(args.stream.d_model);
    const float* squares = args.stream.squares + (n < batch ? n : batch - 1) * slots;
    float total = 0;
#pragma unroll 8
    for (int slot = 0; slot < slots; ++slot) total += squares[slot];
    factors[thread] =
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

/// stream += W y + bias, its squares, and the input of the next product. A thread finishes four neighbouring rows of
/// some sequences; the four threads beside it have the rest of a group of squares.
template <class T>
__global__ void __launch_bounds__(OutTile<T>::threads) out_kernel(WideOperands<T> operands, DecodeOutArgs args) {
  using Tile = OutTile<T>;
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

constexpr int state_channels = 128, side_by_side = 4, state_threads = state_channels * side_by_side;
constexpr int most_states = 16, most_rounds = 4;

/// One token of `per_block` sequences. A thread has one channel of every fourth of them: A and W_dt are read once for
/// all, and the states of the next sequence while one is computed.
template <class T>
__global__ void __launch_bounds__(state_threads, 1) wide_state_kernel(DecodeStateArgs args, int per_block) {
  extern __shared__ __align__(128) char shared[];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % state_channels, side = thread / state_channels;
  const int R = static_cast<int>(args.R), N = static_cast<int>(args.N), narrow = R + 2 * N;
  auto* low = reinterpret_cast<float*>(shared);              // [per_block, R + 2N] low rank, B, C
  auto* W = reinterpret_cast<T*>(low + per_block * narrow);  // [R, state_channels]
  const std::int64_t e0 = static_cast<std::int64_t>(blockIdx.x) * state_channels, e = e0 + lane;
  const int E = static_cast<int>(args.E);
  const std::int64_t n0 = static_cast<std::int64_t>(blockIdx.y) * per_block;
  const int sequences = static_cast<int>(args.batch - n0 < per_block ? args.batch - n0 : per_block);
  const bool active = e < E;

  float rate[most_states] = {}, next[most_states] = {}, state[most_states];
  const auto state_of = [&](int s) { return args.h + (n0 + s) * args.N * args.E + e; };
  const auto read_states = [&](int s) {
    const float* h = state_of(s);
#pragma unroll
    for (int i = 0; i < most_states; ++i)
      if (active && s < sequences && i < N) next[i] = h[i * E];
  };
  // The states were written a token ago, several kernels before this one.
  read_states(side);
#pragma unroll
  for (int i = 0; i < most_states; ++i)
    if (active && i < N) rate[i] = args.A[i * E + e] * log2_e;
  const T* dt = elements<const T>(args.dt_transposed);
  for (int i = thread; i < R * state_channels; i += state_threads) {
    const std::int64_t channel = e0 + i % state_channels;
    W[i] = dt[i / state_channels * args.dt_transposed.stride + (channel < E ? channel : E - 1)];
  }
  const float bias = active && args.dt_bias ? args.dt_bias[e] : 0.0f, skip = active ? args.D[e] : 0.0f;

  wait_for_kernel_before();
  for (int i = thread; i < sequences * narrow; i += state_threads)
    low[i] = to_float(elements<const T>(args.projected)[(n0 + i / narrow) * args.projected.stride + i % narrow]);
  T u_in[most_rounds] = {}, z_in[most_rounds] = {};
#pragma unroll
  for (int i = 0; i < most_rounds; ++i) {
    const int s = side + i * side_by_side;
    if (active && s < sequences) {
      u_in[i] = elements<const T>(args.u)[(n0 + s) * args.u.stride + e];
      z_in[i] = elements<const T>(args.z)[(n0 + s) * args.z.stride + e];
    }
  }
  __syncthreads();
  float delta[most_rounds] = {};
#pragma unroll 4
  for (int r = 0; r < R; ++r) {
    const float w = to_float(W[r * state_channels + lane]);
#pragma unroll
    for (int i = 0; i < most_rounds; ++i)
      if (side + i * side_by_side < sequences)
        delta[i] = fmaf(low[(side + i * side_by_side) * narrow + r], w, delta[i]);
  }
#pragma unroll
  for (int i = 0; i < most_rounds; ++i) {
    const int s = side + i * side_by_side;
    if (s >= sequences) break;
#pragma unroll
    for (int k = 0; k < most_states; ++k) state[k] = next[k];
    read_states(s + side_by_side);
    const float step = softplus(delta[i] + bias), u = to_float(u_in[i]), write = step * u;
    const float *B = low + s * narrow + R, *C = B + N;
    float y = 0;
    float* h = state_of(s);
#pragma unroll
    for (int k = 0; k < most_states; ++k) {
      if (active && k < N) {
        state[k] = fmaf(exp2_unit(step * rate[k]), state[k], B[k] * write);
        y = fmaf(C[k], state[k], y);
        h[k * E] = state[k];
      }
    }
    if (active)
      elements<T>(args.y)[(n0 + s) * args.y.stride + e] = from_float<T>(fmaf(skip, u, y) * silu(to_float(z_in[i])));
  }
}

// Calls run(T{}) for a 16-bit type on tensor cores.
template <class Run>
bool in_16_bits(ElementType type, std::int64_t batch, const DecodeLaunch& how, const Run& run) {
  if (!how.has_tensor_cores || batch < large_batch || (type != ElementType::bf16 && type != ElementType::f16))
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

bool decode_out_wide(const DecodeOutArgs& args, const DecodeLaunch& how) {
  if (!args.stream.scaled || args.stream.d_model % squares_group != 0) return false;
  return in_16_bits(args.W.type, args.stream.batch, how, [&](auto zero) {
    using T = decltype(zero);
    launch_tiles<OutTile<T>>("decode_out", &out_kernel<T>, operands_of<T>(args.W, args.y, args.stream.batch), args,
                             how);
  });
}

bool decode_state_wide(const DecodeStateArgs& args, const DecodeLaunch& how) {
  constexpr int most_shared = 48 * 1024;
  // One wave of blocks where that is possible.
  const std::int64_t chunks = blocks_for(args.E, state_channels);
  const std::int64_t at_once = std::max<std::int64_t>(how.multiprocessors / chunks, 1);
  const std::int64_t per_block = std::min<std::int64_t>(blocks_for(args.batch, at_once), most_rounds * side_by_side);
  const std::int64_t bytes = per_block * (args.R + 2 * args.N) * 4 + args.R * state_channels * 2;
  if (args.N > most_states || bytes > most_shared) return false;
  return in_16_bits(args.u.type, args.batch, how, [&](auto zero) {
    launch("decode_state", &wide_state_kernel<decltype(zero)>,
           dim3(static_cast<unsigned>(chunks), blocks_for(args.batch, per_block)), state_threads,
           static_cast<std::size_t>(bytes), how.stream, how.overlap, args, static_cast<int>(per_block));
  });
}

}  // namespace statescope::kernels::cuda
