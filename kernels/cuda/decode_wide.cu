// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/decode_wide.h"

#include "cuda/decode_wide.cuh"
#include "cuda/warpgroup_product.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int most_taps = 4;
// Of these bytes of shared memory a multiprocessor has not twice as many: two blocks that share one which is free early
// take longer than one that waits for its own.
constexpr int alone_bytes = 116224;
// By as many threads the compiler counts registers, 96 a thread.
constexpr int in_most_threads = 640;

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
// Of mamba-130m all inputs are under way at once where a block may have so much memory.
template <class T, int Stages>
using OutTile = WideTile<T, 3, 2, 1, 1, 8, Stages>;
constexpr int out_stages = 4, more_out_stages = 6;

// Shared memory of a block of in_kernel: the tile, then its rows of W_x. In the tile's free place lie history, taps and
// biases; behind the sums lies u.
constexpr int in_rows = InTile<Bf16>::rows, in_columns = InTile<Bf16>::columns;
static_assert(in_rows == decode_part_inputs);
constexpr int in_history = 0, in_taps = (most_taps - 1) * in_columns * in_rows * 2;  // bytes
constexpr int in_biases = in_taps + most_taps * in_rows * 4;                         // of the convolution, of xz
static_assert(in_biases + 2 * in_rows * 4 <= InTile<Bf16>::stage_bytes);
constexpr int in_u = InTile<Bf16>::stage_bytes + InTile<Bf16>::sums_bytes;
static_assert(in_u + in_columns * in_rows * 2 <= InTile<Bf16>::shared_bytes);
constexpr int in_bytes(std::int64_t projected) {
  const auto bytes = static_cast<int>(InTile<Bf16>::shared_bytes + decode_part_stride(projected) * in_rows * 2);
  return bytes > alone_bytes ? bytes : alone_bytes;
}

// Rows of 64 inputs, 128 bytes: odd ones have their halves exchanged, so that the eight threads which read together
// find their two rows in all banks.
__device__ inline int in_row_of_64(int row, int chunk) {
  return row * 128 + (chunk ^ row % 2 * 4) * 16;
}

/// parts = W_x u for the block's channels and sequences, by all warps.
template <class T>
__device__ void project_part(const char* W, const char* u, std::int64_t projected, std::int64_t batch, float* parts) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row = lane / 4, quad = lane % 4, n0 = warp % (in_columns / 16) * 16;
  constexpr int apart = InTile<T>::threads / 32 / (in_columns / 16);  // warps of the same sequences
  const auto piece = [&](const char* from, int r, int step) {
    return *reinterpret_cast<const Eight<T>*>(from + in_row_of_64(r, 4 * step + quad));
  };
  Eight<T> upper[2], lower[2];
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    upper[step] = piece(u, n0 + row, step);
    lower[step] = piece(u, n0 + row + 8, step);
  }
  const auto stride = static_cast<int>(decode_part_stride(projected));
  const std::int64_t n = InTile<T>::first_column() + n0 + row;
  float* to = parts + (blockIdx.x * batch + n) * stride + 2 * quad;
#pragma unroll 2
  for (int m = warp / (in_columns / 16) * 8; m < stride; m += 8 * apart) {
    float c[4] = {};
#pragma unroll
    for (int step = 0; step < 2; ++step) multiply_tile(c, upper[step], lower[step], piece(W, m + row, step));
    if (n < batch) *reinterpret_cast<float2*>(to + m) = {c[0], c[1]};
    if (n + 8 < batch) *reinterpret_cast<float2*>(to + 8 * stride + m) = {c[2], c[3]};
  }
}

/// xz = W (stream ⊙ norm) / rms, the convolution, its history, and of the x-projection what the block's channels give.
/// A thread finishes eight neighbouring channels of some sequences; their history and taps come while the last products
/// run.
template <class T>
__global__ void __launch_bounds__(in_most_threads, 1) in_kernel(WideOperands<T> operands, DecodeInArgs args) {
  using Tile = InTile<T>;
  using Eights = Unpacked<T, 8>;
  constexpr int groups = Tile::rows / 8, columns_at_once = Tile::threads / groups;
  constexpr int items = Tile::columns / columns_at_once;
  extern __shared__ __align__(1024) char shared[];
  __shared__ float factors[Tile::columns];
  const int thread = static_cast<int>(threadIdx.x), group = thread % groups, column = thread / groups;
  Tile tile(operands, shared);
  tile.start_weights();

  const std::int64_t E = args.u.cols, m0 = Tile::first_row(), m = m0 + 8 * group, batch = args.stream.batch;
  const bool in_conv = m < E;
  const int taps = static_cast<int>(args.taps);
  char* W_x = shared + Tile::shared_bytes;
  if (m0 < E) {
    for (int row = column; row < decode_part_stride(args.project.rows); row += columns_at_once) {
      char* to = W_x + in_row_of_64(row, group);
      if (in_conv && row < args.project.rows)
        copy_async<16>(to, elements<const T>(args.project) + row * args.project.stride + m);
      else
        *reinterpret_cast<Raw<16>*>(to) = {};
    }
  }
  const auto history_of = [&](std::int64_t n, int j) {
    return elements<T>(args.history) + (n * (taps - 1) + j) * args.history.stride + m;
  };
  const auto past_of = [&](char* from, int at, int j) {
    return reinterpret_cast<Raw<16>*>(from + in_history) + ((at * (most_taps - 1) + j) * groups + group);
  };
  char* place = nullptr;

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
  const float* sums = tile.multiply([&](char* free_place) {
    place = free_place;
#pragma unroll
    for (int i = 0; i < items; ++i) {
      const int at = column + i * columns_at_once;
      const std::int64_t n = Tile::first_column() + at;
#pragma unroll
      for (int j = 0; j + 1 < most_taps; ++j)
        if (in_conv && n < batch && j + 1 < taps) copy_async<16>(past_of(free_place, at, j), history_of(n, j));
    }
    // Taps, then the two biases, in fours.
    const int row = thread / (Tile::rows / 4), c = thread % (Tile::rows / 4) * 4;
    if (row >= most_taps + 2) return;
    const bool of_xz = row > most_taps;
    const float* from = of_xz ? args.bias : row == most_taps ? args.conv_bias : args.conv_weight + row * E;
    auto* to = reinterpret_cast<float*>(free_place + in_taps) + row * Tile::rows + c;
    if (from && (row < taps || row >= most_taps) && m0 + c < (of_xz ? 2 * E : E))
      copy_async<16>(to, from + m0 + c);
    else
      *reinterpret_cast<Raw<16>*>(to) = {};
  });
  const float* weights = reinterpret_cast<const float*>(place + in_taps) + 8 * group;
#pragma unroll
  for (int i = 0; i < items; ++i) {
    const int at = column + i * columns_at_once;
    const std::int64_t n = Tile::first_column() + at;
    auto* kept = reinterpret_cast<Raw<16>*>(shared + in_u + in_row_of_64(at, group));
    if (!in_conv) *kept = {};
    if (n >= batch || m >= 2 * E) continue;
    float v[8], sum[8], weight[8];
    Tile::finish(sums, 8 * group, at, v);
    load(weights + (most_taps + 1) * Tile::rows, weight);
    Eights x;
#pragma unroll
    for (int k = 0; k < 8; ++k) x.values[k] = from_float<T>(fmaf(v[k], factors[at], weight[k]));
    if (!in_conv) {
      *reinterpret_cast<Raw<16>*>(elements<T>(args.z) + n * args.z.stride + m - E) = pack<Raw<16>>(x);
      continue;
    }
    load(weights + most_taps * Tile::rows, sum);
#pragma unroll
    for (int j = 0; j < most_taps; ++j) {
      if (j >= taps) break;
      const Raw<16> input = j + 1 == taps ? pack<Raw<16>>(x) : *past_of(place, at, j);
      float values[8];
      unpack_floats<T>(input, values);
      load(weights + j * Tile::rows, weight);
#pragma unroll
      for (int k = 0; k < 8; ++k) sum[k] = fmaf(weight[k], values[k], sum[k]);
      if (j > 0) *reinterpret_cast<Raw<16>*>(history_of(n, j - 1)) = input;
    }
    Eights u;
#pragma unroll
    for (int k = 0; k < 8; ++k) u.values[k] = from_float<T>(silu(sum[k]));
    *kept = pack<Raw<16>>(u);
    *reinterpret_cast<Raw<16>*>(elements<T>(args.u) + n * args.u.stride + m) = *kept;
  }
  if (m0 >= E) return;
  __syncthreads();
  project_part<T>(W_x, shared + in_u, args.project.rows, batch, args.parts);
}

/// stream += W y + bias, its squares, and the input of the next product. A thread finishes four neighbouring rows of
/// some sequences; the four threads beside it have the rest of a group of squares.
template <class T, int Stages>
__global__ void __launch_bounds__(OutTile<T, Stages>::threads)
    out_kernel(WideOperands<T> operands, DecodeOutArgs args) {
  using Tile = OutTile<T, Stages>;
  constexpr int groups = Tile::rows / 4;
  static_assert(groups * Tile::columns <= Tile::threads);
  extern __shared__ __align__(128) char shared[];
  const int thread = static_cast<int>(threadIdx.x), group = thread % groups, column = thread / groups;
  Tile tile(operands, shared);
  tile.start_weights();

  const DecodeStream& stream = args.stream;
  const std::int64_t m = Tile::first_row() + 4 * group, batch = stream.batch, D = stream.d_model;
  const std::int64_t stride = padded(D), slots = squares_slots(D);
  const std::int64_t n = Tile::first_column() + column;
  const bool there = m < D && column < Tile::columns && n < batch;
  float norm[4] = {}, bias[4] = {}, before[4] = {};
  if (there) {
    load(args.next_norm + m, norm);
    if (args.bias) load(args.bias + m, bias);
    load(stream.x + n * stride + m, before);
  }

  wait_for_kernel_before();
  tile.start_inputs();
  const float* sums = tile.multiply();
  if (column >= Tile::columns) return;
  float v[4], square = 0;
  Tile::finish(sums, 4 * group, column, v);
  Unpacked<T, 4> scaled;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    v[k] += before[k] + bias[k];
    square = fmaf(v[k], v[k], square);
    scaled.values[k] = from_float<T>(v[k] * norm[k] * stream_scale);
  }
  square += __shfl_xor_sync(0xffffffffU, square, 1);
  square += __shfl_xor_sync(0xffffffffU, square, 2);
  if (there) {
    store(stream.x + n * stride + m, v);
    *reinterpret_cast<Raw<8>*>(elements<T>(stream.scaled) + n * stream.scaled.stride + m) = pack<Raw<8>>(scaled);
    if (m % squares_group == 0) stream.squares[n * slots + m / squares_group] = square;
  }
}

template <class Tile, class T, class Args>
void launch_tiles(const char* name, void (*kernel)(WideOperands<T>, Args), const WideOperands<T>& operands,
                  const Args& args, int bytes, const DecodeLaunch& how) {
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        name);
  launch(name, kernel, dim3(blocks_for(operands.M, Tile::rows), blocks_for(operands.batch, Tile::columns)),
         Tile::threads, static_cast<std::size_t>(bytes), how.stream, how.overlap, operands, args);
}

}  // namespace

bool decodes_together(const DecodeShape& shape, const DecodeLaunch& how) {
  // Eight channels travel together.
  return in_16_bits(shape.type, shape.batch, how, [](auto) {}) && shape.D % squares_group == 0 && shape.E % 8 == 0 &&
         shape.K <= most_taps && in_bytes(shape.R + 2 * shape.N) <= how.shared_bytes && state_takes_parts(shape, how);
}

bool decode_in_wide(const DecodeInArgs& args, const DecodeLaunch& how) {
  if (!args.parts) return false;
  return in_16_bits(args.W.type, args.stream.batch, how, [&](auto zero) {
    using T = decltype(zero);
    launch_tiles<InTile<T>>("decode_in", &in_kernel<T>, operands_of<T>(args.W, args.stream.scaled, args.stream.batch),
                            args, in_bytes(args.project.rows), how);
  });
}

bool decode_out_wide(const DecodeOutArgs& args, const DecodeLaunch& how) {
  if (!args.stream.scaled || args.stream.d_model % squares_group != 0) return false;
  return in_16_bits(args.W.type, args.stream.batch, how, [&](auto zero) {
    using T = decltype(zero);
    const auto operands = operands_of<T>(args.W, args.y, args.stream.batch);
    using More = OutTile<T, more_out_stages>;
    using Fewer = OutTile<T, out_stages>;
    if (how.shared_bytes >= More::shared_bytes)
      launch_tiles<More>("decode_out", &out_kernel<T, more_out_stages>, operands, args, More::shared_bytes, how);
    else
      launch_tiles<Fewer>("decode_out", &out_kernel<T, out_stages>, operands, args, Fewer::shared_bytes, how);
  });
}

}  // namespace statescope::kernels::cuda
