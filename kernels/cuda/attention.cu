// SPDX-License-Identifier: GPL-3.0-or-later
// Attention in tiles of 32 queries by 32 keys (Dao et al. 2022): a block owns 32 rows of one head of one sequence, each
// of its 8 warps 4 of them, and walks over the rows that these see, or are seen by; a lane stands for one of those.
// Scores are products of rows in shared memory, a lane each; weighted sums collect in registers, columns over the
// lanes.
#include "cuda/attention.h"

#include <cfloat>
#include <cmath>
#include <string>
#include <type_traits>

#include "cuda/launch.cuh"
#include "kernels/cuda_error.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int tile = 32, warps = 8, own = tile / warps;
constexpr unsigned threads = warps * 32;
constexpr unsigned all_lanes = ~0u;

using In = AttentionMatrix<const float>;
using Out = AttentionMatrix<float>;

// Where a block works.
struct Place {
  std::int64_t sequence;  // its first row
  int length, begin;      // tokens of the sequence, the first own row among them
  int column, d;          // of the head
  int head, heads;
};
__device__ Place place(std::int64_t length, int d) {
  const std::int64_t tiles = (length + tile - 1) / tile;
  const int head = static_cast<int>(blockIdx.y);
  return {blockIdx.x / tiles * length,
          static_cast<int>(length),
          static_cast<int>(blockIdx.x % tiles) * tile,
          head * d,
          d,
          head,
          static_cast<int>(gridDim.y)};
}

// A tile in shared memory. An odd pitch puts equal columns of different rows into different banks.
__device__ constexpr int pitch_of(int d) {
  return d | 1;
}
constexpr std::size_t tile_bytes(int d) {
  return sizeof(float) * tile * static_cast<std::size_t>(d | 1);
}

// Rows `begin` on; zeros behind the end of the sequence.
__device__ void load(float* to, const In& from, const Place& at, int begin) {
  for (int i = static_cast<int>(threadIdx.x); i < tile * at.d; i += threads) {
    const int row = i / at.d, c = i % at.d;
    to[row * pitch_of(at.d) + c] =
        begin + row < at.length ? from.data[(at.sequence + begin + row) * from.stride + at.column + c] : 0.0f;
  }
}

// The products of the warp's own rows with the row of the lane.
__device__ void dots(const float* owned, const float* others, int d, float (&out)[own]) {
  const int pitch = pitch_of(d);
  const float* mine = owned + threadIdx.x / 32 * own * pitch;
  const float* other = others + threadIdx.x % 32 * pitch;
  for (int i = 0; i < own; ++i) out[i] = 0;
  for (int c = 0; c < d; ++c)
#pragma unroll
    for (int i = 0; i < own; ++i) out[i] = fmaf(mine[i * pitch + c], other[c], out[i]);
}

// sums[i][·] += Σ_lane weight of own row i · row of the lane
template <int columns>
__device__ void collect(const float (&weights)[own], const float* others, int d, float (&sums)[own][columns]) {
  for (int j = 0; j < tile; ++j) {
    float row[columns];
#pragma unroll
    for (int c = 0; c < columns; ++c) {
      const int column = static_cast<int>(threadIdx.x % 32) + 32 * c;
      row[c] = column < d ? others[j * pitch_of(d) + column] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const float weight = __shfl_sync(all_lanes, weights[i], j);
#pragma unroll
      for (int c = 0; c < columns; ++c) sums[i][c] = fmaf(weight, row[c], sums[i][c]);
    }
  }
}

template <int columns>
__device__ void write(const float (&sums)[own][columns], const float (&scales)[own], const Place& at, const Out& to) {
  for (int i = 0; i < own; ++i) {
    const int row = at.begin + static_cast<int>(threadIdx.x) / 32 * own + i;
    for (int c = 0; c < columns; ++c) {
      const int column = static_cast<int>(threadIdx.x % 32) + 32 * c;
      if (row < at.length && column < at.d)
        to.data[(at.sequence + row) * to.stride + at.column + column] = sums[i][c] * scales[i];
    }
  }
}

__device__ float sum_of_warp(float value) {
  for (int other = 16; other > 0; other /= 2) value += __shfl_xor_sync(all_lanes, value, other);
  return value;
}
__device__ float largest_of_warp(float value) {
  for (int other = 16; other > 0; other /= 2) value = fmaxf(value, __shfl_xor_sync(all_lanes, value, other));
  return value;
}

template <int columns>
__global__ void __launch_bounds__(threads)
    attention_kernel(In q, In k, In v, std::int64_t length, int d, float scale, Out y, float* log_sums) {
  extern __shared__ float shared[];
  const Place at = place(length, d);
  float *const Q = shared, *const K = Q + tile * pitch_of(d), *const V = K + tile * pitch_of(d);
  load(Q, q, at, at.begin);
  const int warp_row = at.begin + static_cast<int>(threadIdx.x) / 32 * own, lane = static_cast<int>(threadIdx.x % 32);
  float largest[own], totals[own] = {}, sums[own][columns] = {};
  for (float& value : largest) value = -FLT_MAX;
  for (int keys = 0; keys <= at.begin; keys += tile) {
    __syncthreads();
    load(K, k, at, keys);
    load(V, v, at, keys);
    __syncthreads();
    float weights[own];
    dots(Q, K, d, weights);
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const bool seen = keys + lane <= warp_row + i && keys + lane < at.length;
      const float score = seen ? weights[i] * scale : -INFINITY;
      const float now = fmaxf(largest[i], largest_of_warp(score)), shrink = expf(largest[i] - now);
      largest[i] = now;
      weights[i] = expf(score - now);
      totals[i] = totals[i] * shrink + sum_of_warp(weights[i]);
#pragma unroll
      for (int c = 0; c < columns; ++c) sums[i][c] *= shrink;
    }
    collect(weights, V, d, sums);
  }
  float inverse[own];
  for (int i = 0; i < own; ++i) {
    inverse[i] = 1.0f / totals[i];
    if (log_sums && lane == 0 && warp_row + i < at.length)
      log_sums[(at.sequence + warp_row + i) * at.heads + at.head] = largest[i] + logf(totals[i]);
  }
  write(sums, inverse, at, y);
}

// dq of the block's own queries, and means[t, head] = Σ_j p_tj dy_t · v_j = dy_t · y_t, which the keys need too.
template <int columns>
__global__ void __launch_bounds__(threads)
    query_gradient_kernel(In q, In k, In v, In y, In dy, std::int64_t length, int d, float scale, const float* log_sums,
                          float* means, Out dq) {
  extern __shared__ float shared[];
  const Place at = place(length, d);
  const int size = tile * pitch_of(d);
  float *const Q = shared, *const K = Q + size, *const V = K + size, *const dY = V + size;
  const int own_row = static_cast<int>(threadIdx.x) / 32 * own, lane = static_cast<int>(threadIdx.x % 32);
  load(Q, q, at, at.begin);
  load(dY, dy, at, at.begin);
  load(K, y, at, at.begin);
  __syncthreads();
  float mean[own], log_sum[own], sums[own][columns] = {}, scales[own];
  for (int i = 0; i < own; ++i) {
    const int row = at.begin + own_row + i;
    float product = 0;
    for (int c = lane; c < d; c += 32)
      product = fmaf(K[(own_row + i) * pitch_of(d) + c], dY[(own_row + i) * pitch_of(d) + c], product);
    mean[i] = sum_of_warp(product);
    const std::int64_t place_of_row = (at.sequence + row) * at.heads + at.head;
    log_sum[i] = row < at.length ? log_sums[place_of_row] : 0.0f;
    if (lane == 0 && row < at.length) means[place_of_row] = mean[i];
    scales[i] = scale;
  }
  for (int keys = 0; keys <= at.begin; keys += tile) {
    __syncthreads();
    load(K, k, at, keys);
    load(V, v, at, keys);
    __syncthreads();
    float scores[own], weights[own];
    dots(Q, K, d, scores);
    dots(dY, V, d, weights);
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const bool seen = keys + lane <= at.begin + own_row + i && at.begin + own_row + i < at.length;
      weights[i] = seen ? expf(scores[i] * scale - log_sum[i]) * (weights[i] - mean[i]) : 0.0f;
    }
    collect(weights, K, d, sums);
  }
  write(sums, scales, at, dq);
}

// dk and dv of the block's own keys, from the queries that see them.
template <int columns>
__global__ void __launch_bounds__(threads)
    key_gradient_kernel(In q, In k, In v, In dy, std::int64_t length, int d, float scale, const float* log_sums,
                        const float* means, Out dk, Out dv) {
  extern __shared__ float shared[];
  const Place at = place(length, d);
  const int size = tile * pitch_of(d);
  float *const Q = shared, *const K = Q + size, *const V = K + size, *const dY = V + size;
  const int own_row = static_cast<int>(threadIdx.x) / 32 * own, lane = static_cast<int>(threadIdx.x % 32);
  load(K, k, at, at.begin);
  load(V, v, at, at.begin);
  float key_sums[own][columns] = {}, value_sums[own][columns] = {}, scales[own], ones[own];
  for (int i = 0; i < own; ++i) {
    scales[i] = scale;
    ones[i] = 1;
  }
  for (int queries = at.begin; queries < at.length; queries += tile) {
    __syncthreads();
    load(Q, q, at, queries);
    load(dY, dy, at, queries);
    __syncthreads();
    const bool there = queries + lane < at.length;
    const std::int64_t place_of_query = (at.sequence + queries + lane) * at.heads + at.head;
    const float log_sum = there ? log_sums[place_of_query] : 0.0f, mean = there ? means[place_of_query] : 0.0f;
    float weights[own], slopes[own];
    dots(K, Q, d, weights);
    dots(V, dY, d, slopes);
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const bool sees = there && queries + lane >= at.begin + own_row + i;
      weights[i] = sees ? expf(weights[i] * scale - log_sum) : 0.0f;
      slopes[i] = weights[i] * (slopes[i] - mean);
    }
    collect(slopes, Q, d, key_sums);
    collect(weights, dY, d, value_sums);
  }
  write(key_sums, scales, at, dk);
  write(value_sums, ones, at, dv);
}

template <class... Parameters, class... Arguments>
void run(const char* name, void (*kernel)(Parameters...), const AttentionShape& shape, int tiles, cudaStream_t stream,
         const Arguments&... arguments) {
  const std::size_t bytes = static_cast<std::size_t>(tiles) * tile_bytes(static_cast<int>(shape.d));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)), name);
  const dim3 grid(static_cast<unsigned>(shape.rows / shape.length * ((shape.length + tile - 1) / tile)),
                  static_cast<unsigned>(shape.heads));
  launch(name, kernel, grid, threads, bytes, stream, false, arguments...);
}

// Calls body with the columns of a head that a lane keeps.
template <class Body>
void with_columns(std::int64_t d, const Body& body) {
  if (d <= 32) return body(std::integral_constant<int, 1>());
  if (d <= 64) return body(std::integral_constant<int, 2>());
  if (d <= largest_head) return body(std::integral_constant<int, 4>());
  throw CudaError("attention on a CUDA device takes heads of at most " + std::to_string(largest_head) +
                  " columns; choose more heads");
}

float scale_of(std::int64_t d) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(d)));
}

}  // namespace

void attention(const AttentionArgs& args, cudaStream_t stream) {
  const AttentionShape& shape = args.shape;
  if (shape.rows == 0) return;
  with_columns(shape.d, [&](auto columns) {
    run("attention", &attention_kernel<decltype(columns)::value>, shape, 3, stream, args.q, args.k, args.v,
        shape.length, static_cast<int>(shape.d), scale_of(shape.d), args.y, args.log_sums);
  });
}

std::int64_t attention_backward_workspace(const AttentionShape& shape) {
  return shape.rows * shape.heads * (shape.d + 2);
}

void attention_backward(const AttentionBackwardArgs& args, cudaStream_t stream) {
  const AttentionShape& shape = args.shape;
  if (shape.rows == 0) return;
  const Out y{args.workspace, shape.heads * shape.d};
  float *const log_sums = args.workspace + shape.rows * y.stride, *const means = log_sums + shape.rows * shape.heads;
  attention({shape, args.q, args.k, args.v, y, log_sums}, stream);
  const auto d = static_cast<int>(shape.d);
  const float scale = scale_of(shape.d);
  with_columns(shape.d, [&](auto columns) {
    constexpr int kept = decltype(columns)::value;
    run("the gradient of attention", &query_gradient_kernel<kept>, shape, 4, stream, args.q, args.k, args.v,
        In{y.data, y.stride}, args.dy, shape.length, d, scale, log_sums, means, args.dq);
    run("the gradient of attention", &key_gradient_kernel<kept>, shape, 4, stream, args.q, args.k, args.v, args.dy,
        shape.length, d, scale, log_sums, means, args.dk, args.dv);
  });
}

}  // namespace statescope::kernels::cuda
