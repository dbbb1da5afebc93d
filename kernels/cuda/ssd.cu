// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/ssd.h"

#include <algorithm>

#include "cuda/element.cuh"
#include "cuda/launch.cuh"

// Four kernels for each stretch of chunks: the sums of a_t = Δ_t A inside the chunks; what each chunk adds to the
// state; the state before each chunk, in order; and the outputs, from the state before and the masked product inside.
namespace statescope::kernels::cuda {
namespace {

constexpr std::int64_t most_chunk = 256;
constexpr std::int64_t stretch_chunks = 64;  // whose states the workspace holds at once
constexpr int tile = 64;                     // rows and columns of a block's product
constexpr int depth = 16;                    // of the product in shared memory at once
constexpr int threads = 256;                 // 16 × 16, each with 4 × 4 results
constexpr int pitch = tile + 4;              // of rows in shared memory: 16-byte steps that hit different banks

// A sum as two floats: differences of near sums must stay exact where the sums themselves are large.
struct Sum {
  float high, low;
};
__device__ float decay(Sum later, Sum earlier) {
  return expf((later.high - earlier.high) + (later.low - earlier.low));
}

struct Stretch {
  SsdArgs args;
  std::int64_t begin, chunks;  // first token; chunks of this stretch
  Sum* sums;                   // [batch, H, chunks · chunk]
  float* states;               // [batch, H, chunks, P, N]

  __device__ std::int64_t first_token(std::int64_t c) const { return begin + c * args.chunk; }
  __device__ int tokens(std::int64_t c) const {
    const std::int64_t left = args.T - first_token(c);
    return static_cast<int>(left < args.chunk ? left : args.chunk);
  }
  __device__ const Sum* chunk_sums(std::int64_t b, std::int64_t head, std::int64_t c) const {
    return sums + ((b * args.H + head) * chunks + c) * args.chunk;
  }
  __device__ float* chunk_state(std::int64_t b, std::int64_t head, std::int64_t c) const {
    return states + ((b * args.H + head) * chunks + c) * args.P * args.N;
  }
  __device__ float delta(std::int64_t b, std::int64_t t, std::int64_t head) const {
    return args.delta[b * args.delta_rows.batch + t * args.delta_rows.row + head];
  }
};

template <class T>
__device__ float at(const void* data, const SsdArgs::Rows& rows, std::int64_t b, std::int64_t t, std::int64_t column) {
  return to_float(static_cast<const T*>(data)[b * rows.batch + t * rows.row + column]);
}

// Inclusive sums in double, by doubling distances.
__global__ void __launch_bounds__(threads) sum_kernel(Stretch s) {
  __shared__ double sums[threads];
  const std::int64_t c = blockIdx.x, head = blockIdx.y, b = blockIdx.z;
  const int i = static_cast<int>(threadIdx.x), count = s.tokens(c);
  double mine = i < count ? static_cast<double>(s.delta(b, s.first_token(c) + i, head)) * s.args.A[head] : 0;
  for (int distance = 1; distance < threads; distance *= 2) {
    sums[i] = mine;
    __syncthreads();
    if (i >= distance) mine += sums[i - distance];
    __syncthreads();
  }
  if (i >= count) return;
  const float high = static_cast<float>(mine);
  s.sums[((b * s.args.H + head) * s.chunks + c) * s.args.chunk + i] = {high, static_cast<float>(mine - high)};
}

using Tile = float[depth][pitch];

// sums[r][c] += Σ_k a[k][4·row + r] b[k][4·column + c]
__device__ void multiply(const Tile& a, const Tile& b, int row, int column, float (&sums)[4][4]) {
#pragma unroll
  for (int k = 0; k < depth; ++k) {
    const float4 left = *reinterpret_cast<const float4*>(&a[k][4 * row]);
    const float4 right = *reinterpret_cast<const float4*>(&b[k][4 * column]);
    const float l[4] = {left.x, left.y, left.z, left.w}, r[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(l[i], r[j], sums[i][j]);
  }
}

// states[p, n] = Σ_j exp(a_j+1 + … + a_last) Δ_j x_j[p] B_j[n]
template <class T>
__global__ void __launch_bounds__(threads) state_kernel(Stretch s) {
  __shared__ __align__(16) Tile xs, Bs;
  const SsdArgs& args = s.args;
  const std::int64_t head = blockIdx.y / s.chunks, c = blockIdx.y % s.chunks, b = blockIdx.z;
  const std::int64_t p_tiles = (args.P + tile - 1) / tile;
  const std::int64_t p0 = blockIdx.x % p_tiles * tile, n0 = blockIdx.x / p_tiles * tile;
  const std::int64_t group = head * args.groups / args.H, first = s.first_token(c);
  const int count = s.tokens(c), row = static_cast<int>(threadIdx.x) / 16, column = static_cast<int>(threadIdx.x) % 16;
  const Sum* sums = s.chunk_sums(b, head, c);
  float totals[4][4] = {};
  for (int j0 = 0; j0 < count; j0 += depth) {
    for (int i = static_cast<int>(threadIdx.x); i < depth * tile; i += threads) {
      const int j = i / tile, m = i % tile;
      const bool token = j0 + j < count;
      const std::int64_t t = first + j0 + j;
      float x = 0, B = 0;
      if (token && p0 + m < args.P)
        x = at<T>(args.x, args.x_rows, b, t, head * args.P + p0 + m) * decay(sums[count - 1], sums[j0 + j]) *
            s.delta(b, t, head);
      if (token && n0 + m < args.N) B = at<T>(args.B, args.B_rows, b, t, group * args.N + n0 + m);
      xs[j][m] = x;
      Bs[j][m] = B;
    }
    __syncthreads();
    multiply(xs, Bs, row, column, totals);
    __syncthreads();
  }
  float* state = s.chunk_state(b, head, c);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      const std::int64_t p = p0 + 4 * row + i, n = n0 + 4 * column + j;
      if (p < args.P && n < args.N) state[p * args.N + n] = totals[i][j];
    }
}

// Replaces what each chunk adds by the state before it, and moves h over the stretch.
__global__ void __launch_bounds__(threads) pass_kernel(Stretch s) {
  const SsdArgs& args = s.args;
  const std::int64_t size = args.P * args.N, i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  const std::int64_t head = blockIdx.y, b = blockIdx.z;
  if (i >= size) return;
  float& h = args.h[(b * args.H + head) * size + i];
  float state = h;
  for (std::int64_t c = 0; c < s.chunks; ++c) {
    float& chunk = s.chunk_state(b, head, c)[i];
    const float added = chunk;
    chunk = state;
    state = fmaf(decay(s.chunk_sums(b, head, c)[s.tokens(c) - 1], {0, 0}), state, added);
  }
  h = state;
}

// y for 64 tokens and 64 channels of a head.
template <class T>
__global__ void __launch_bounds__(threads) output_kernel(Stretch s) {
  __shared__ __align__(16) Tile left, right;
  __shared__ __align__(16) float weights[tile][pitch];  // [token j, token i]
  __shared__ Sum sums_i[tile], sums_j[tile];
  __shared__ float delta_j[tile];
  const SsdArgs& args = s.args;
  const std::int64_t head = blockIdx.y / s.chunks, c = blockIdx.y % s.chunks, b = blockIdx.z;
  const std::int64_t p_tiles = (args.P + tile - 1) / tile;
  const std::int64_t p0 = blockIdx.x % p_tiles * tile;
  const int i0 = static_cast<int>(blockIdx.x / p_tiles) * tile, count = s.tokens(c);
  if (i0 >= count) return;
  const std::int64_t N = args.N, columns = head * args.groups / args.H * N, first = s.first_token(c);
  const int thread = static_cast<int>(threadIdx.x), row = thread / 16, column = thread % 16;
  const Sum* sums = s.chunk_sums(b, head, c);
  const auto C_tile = [&](std::int64_t n0) {  // left[n][i]
    for (int i = thread; i < depth * tile; i += threads) {
      const int n = i % depth, m = i / depth;
      left[n][m] =
          n0 + n < N && i0 + m < count ? at<T>(args.C, args.C_rows, b, first + i0 + m, columns + n0 + n) : 0.0f;
    }
  };
  if (thread < tile) sums_i[thread] = i0 + thread < count ? sums[i0 + thread] : Sum{0, 0};

  // From before the chunk: exp(a_0 + … + a_i) Σ_n C_i[n] h[p, n].
  float y[4][4] = {};
  const float* state = s.chunk_state(b, head, c);
  for (std::int64_t n0 = 0; n0 < N; n0 += depth) {
    C_tile(n0);
    for (int i = thread; i < depth * tile; i += threads) {
      const int n = i % depth, m = i / depth;
      right[n][m] = n0 + n < N && p0 + m < args.P ? state[(p0 + m) * N + n0 + n] : 0.0f;
    }
    __syncthreads();
    multiply(left, right, row, column, y);
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) y[i][j] *= decay(sums_i[4 * row + i], {0, 0});

  // From the chunk itself, 64 tokens j at a time: weights = (C_i · B_j) exp(a_j+1 + … + a_i) Δ_j, then times x_j.
  for (int j0 = 0; j0 <= i0; j0 += tile) {
    if (thread < tile) {
      const bool token = j0 + thread < count;
      sums_j[thread] = token ? sums[j0 + thread] : Sum{0, 0};
      delta_j[thread] = token ? s.delta(b, first + j0 + thread, head) : 0.0f;
    }
    float scores[4][4] = {};  // [i, j]
    for (std::int64_t n0 = 0; n0 < N; n0 += depth) {
      C_tile(n0);
      for (int i = thread; i < depth * tile; i += threads) {
        const int n = i % depth, m = i / depth;
        right[n][m] =
            n0 + n < N && j0 + m < count ? at<T>(args.B, args.B_rows, b, first + j0 + m, columns + n0 + n) : 0.0f;
      }
      __syncthreads();
      multiply(left, right, row, column, scores);
      __syncthreads();
    }
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) {
        const int later = 4 * row + i, earlier = 4 * column + j;
        // Where j > i the difference is positive and may overflow; it is not used.
        weights[earlier][later] = scores[i][j] * decay(sums_i[later], sums_j[earlier]) * delta_j[earlier];
      }
    for (int k0 = 0; k0 < tile; k0 += depth) {
      for (int i = thread; i < depth * tile; i += threads) {
        const int k = i / tile, m = i % tile, j = j0 + k0 + k;
        right[k][m] =
            j < count && p0 + m < args.P ? at<T>(args.x, args.x_rows, b, first + j, head * args.P + p0 + m) : 0.0f;
      }
      __syncthreads();
#pragma unroll
      for (int k = 0; k < depth; ++k) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          // Not a product with 0: a NaN of a later token must not come back in time.
          if (j0 + k0 + k > i0 + 4 * row + i) continue;
          const float weight = weights[k0 + k][4 * row + i];
#pragma unroll
          for (int j = 0; j < 4; ++j) y[i][j] = fmaf(weight, right[k][4 * column + j], y[i][j]);
        }
      }
      __syncthreads();
    }
  }

  for (int i = 0; i < 4; ++i) {
    const std::int64_t t = first + i0 + 4 * row + i;
    if (i0 + 4 * row + i >= count) continue;
    for (int j = 0; j < 4; ++j) {
      const std::int64_t p = p0 + 4 * column + j, e = head * args.P + p;
      if (p >= args.P) continue;
      float out = y[i][j];
      if (args.D) out = fmaf(args.D[args.D_per_channel ? e : head], at<T>(args.x, args.x_rows, b, t, e), out);
      static_cast<T*>(args.y)[b * args.y_rows.batch + t * args.y_rows.row + e] = from_float<T>(out);
    }
  }
}

std::int64_t chunks_at_once(const SsdArgs& args) {
  return std::min((args.T + args.chunk - 1) / args.chunk, stretch_chunks);
}

std::int64_t sum_bytes(const SsdArgs& args) {
  const std::int64_t bytes = args.batch * args.H * chunks_at_once(args) * args.chunk * std::int64_t{sizeof(Sum)};
  return (bytes + 255) / 256 * 256;
}

}  // namespace

std::int64_t ssd_workspace(const SsdArgs& args) {
  return sum_bytes(args) + args.batch * args.H * chunks_at_once(args) * args.P * args.N * std::int64_t{sizeof(float)};
}

void ssd(const SsdArgs& args, cudaStream_t stream) {
  if (args.chunk < 1 || args.chunk > most_chunk)
    throw CudaError("the SSD scan on a CUDA device takes chunks of 1 to 256 tokens; choose another chunk size");
  if (args.batch > 65535 || args.H * stretch_chunks > 65535)
    throw CudaError("the SSD scan on a CUDA device takes up to 65535 sequences and 1023 heads; split the batch");
  if (args.batch == 0 || args.H == 0) return;
  const std::int64_t at_once = chunks_at_once(args);
  const auto batch = static_cast<unsigned>(args.batch), heads = static_cast<unsigned>(args.H);
  for (std::int64_t begin = 0; begin < args.T; begin += at_once * args.chunk) {
    Stretch s{args, begin, std::min(at_once, (args.T - begin + args.chunk - 1) / args.chunk),
              static_cast<Sum*>(args.workspace),
              reinterpret_cast<float*>(static_cast<std::byte*>(args.workspace) + sum_bytes(args))};
    const auto chunks = static_cast<unsigned>(s.chunks);
    const unsigned p_tiles = blocks_for(args.P, tile), n_tiles = blocks_for(args.N, tile);
    launch("ssd sums", sum_kernel, dim3(chunks, heads, batch), threads, 0, stream, false, s);
    with_type(args.type, [&](auto type) {
      using T = decltype(type);
      launch("ssd states", state_kernel<T>, dim3(p_tiles * n_tiles, heads * chunks, batch), threads, 0, stream, false,
             s);
      launch("ssd pass", pass_kernel, dim3(blocks_for(args.P * args.N, threads), heads, batch), threads, 0, stream,
             false, s);
      launch("ssd outputs", output_kernel<T>, dim3(p_tiles * blocks_for(args.chunk, tile), heads * chunks, batch),
             threads, 0, stream, false, s);
    });
  }
}

}  // namespace statescope::kernels::cuda
