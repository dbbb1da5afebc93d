// SPDX-License-Identifier: GPL-3.0-or-later
// Products of a weight matrix with few columns, where the time goes into reading the weights: a block computes a tile
// of y = W x, its warps share out the inner dimension and add their parts up in order. Weights are read straight into
// the registers that the tensor cores want, the first of them before the kernel before this one has ended.
#pragma once

#include "cuda/element.cuh"
#include "cuda/launch.cuh"
#include "cuda/quantised.cuh"

namespace statescope::kernels::cuda {

/// Tiles of 16·MT by 8·NT a warp, WM by WN by WK warps, `Depth` steps of 32 inputs in flight.
template <int MT_, int NT_, int WM_, int WN_, int WK_, int Depth_>
struct ProductShape {
  static constexpr int MT = MT_, NT = NT_, WM = WM_, WN = WN_, WK = WK_, Depth = Depth_;
  static constexpr int rows = 16 * MT * WM;    // of W
  static constexpr int columns = 8 * NT * WN;  // sequences
  static constexpr int warps = WM * WN * WK, threads = 32 * warps;
  static constexpr int shared_bytes = WK * columns * (rows + 1) * 4;
};
/// x as it lies in memory.
template <class T>
struct PlainInput {
  const T* x;
  std::int64_t stride;
  __device__ float scale(std::int64_t) const { return 1; }
  __device__ Eight<T> load(std::int64_t n, std::int64_t k, float) const {
    return *reinterpret_cast<const Eight<T>*>(x + n * stride + k);
  }
};

/// rms_norm of a float32 stream whose squares are summed already.
template <class T>
struct NormedInput {
  const float* x;
  std::int64_t stride;
  const float* squares;
  int slots;
  const float* weight;
  float epsilon, width;

  /// 1 / rms of sequence n, by a whole warp.
  __device__ float scale(std::int64_t n) const {
    float total = 0;
    for (int slot = static_cast<int>(threadIdx.x) % 32; slot < slots; slot += 32) total += squares[n * slots + slot];
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) total += __shfl_xor_sync(0xffffffffU, total, offset);
    return 1.0f / sqrtf(total / width + epsilon);
  }
  __device__ Eight<T> load(std::int64_t n, std::int64_t k, float factor) const {
    float a[8], w[8];
    cuda::load(x + n * stride + k, a);
    cuda::load(weight + k, w);
    Eight<T> out;
#pragma unroll
    for (int i = 0; i < 8; ++i) out.values[i] = from_float<T>(a[i] * factor * w[i]);
    return out;
  }
};

/// c += 16 rows by 16 of the 32 inputs of a step. The inner index may be permuted as long as both operands agree: each
/// thread's eight neighbours serve two products.
template <class T>
__device__ inline void multiply_half(float (&c)[4], const Eight<T>& upper, const Eight<T>& lower, const Eight<T>& x,
                                     int half) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const auto* a = reinterpret_cast<const unsigned*>(&upper);
  const auto* b = reinterpret_cast<const unsigned*>(&lower);
  const auto* v = reinterpret_cast<const unsigned*>(&x);
  if constexpr (std::is_same<T, Bf16>::value)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
        "%2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[2 * half]), "r"(b[2 * half]), "r"(a[2 * half + 1]), "r"(b[2 * half + 1]), "r"(v[2 * half]),
          "r"(v[2 * half + 1]));
  else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
        "%2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[2 * half]), "r"(b[2 * half]), "r"(a[2 * half + 1]), "r"(b[2 * half + 1]), "r"(v[2 * half]),
          "r"(v[2 * half + 1]));
#endif
}
template <class T>
__device__ inline void multiply_tile(float (&c)[4], const Eight<T>& upper, const Eight<T>& lower, const Eight<T>& x) {
#pragma unroll
  for (int half = 0; half < 2; ++half) multiply_half(c, upper, lower, x, half);
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <class T>
constexpr bool on_tensor_cores = sizeof(T) == 2;
#else
template <class T>
constexpr bool on_tensor_cores = false;
#endif

// In 16 bits, two blocks of up to 8 warps share a multiprocessor.
template <class T, class Shape, class Weights, class Input, class Output>
__global__ void __launch_bounds__(Shape::threads, sizeof(T) == 2 && Shape::warps <= 8 ? 2 : 1)
    skinny_product_kernel(Weights W, std::int64_t M, int steps, std::int64_t batch, Input input, Output output) {
  constexpr int MT = Shape::MT, NT = Shape::NT, WM = Shape::WM, WK = Shape::WK;
  constexpr int depth = sizeof(T) == 4 ? (Shape::Depth + 1) / 2 : Shape::Depth;
  extern __shared__ float parts[];  // [WK][columns][rows + 1]
  __shared__ float scales[Shape::columns];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int row = lane / 4, quad = lane % 4;  // of the thread in a tile
  const int wk = warp % WK, wm = warp / WK % WM, wn = warp / (WK * WM);
  const std::int64_t m0 = static_cast<std::int64_t>(blockIdx.x) * Shape::rows;
  const std::int64_t n0 = static_cast<std::int64_t>(blockIdx.y) * Shape::columns;
  const int first = steps * wk / WK, last = steps * (wk + 1) / WK;

  typename Weights::Row rows[2 * MT];
#pragma unroll
  for (int i = 0; i < 2 * MT; ++i) {
    const std::int64_t m = m0 + wm * 16 * MT + 8 * i + row;
    rows[i] = W.row(m < M ? m : M - 1, quad);
  }
  typename Weights::Held w[depth][2 * MT];
#pragma unroll
  for (int d = 0; d < depth; ++d) {
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i)
      if (first + d < last) w[d][i] = Weights::load(rows[i], first + d);
  }

  wait_for_kernel_before();
  for (int column = warp; column < Shape::columns; column += Shape::warps) {
    const std::int64_t n = n0 + column;
    const float factor = n < batch ? input.scale(n) : 0.0f;
    if (lane == 0) scales[column] = factor;
  }
  __syncthreads();

  float c[MT][NT][4] = {};
  if constexpr (on_tensor_cores<T>) {
    std::int64_t columns[NT];
    float factors[NT];
#pragma unroll
    for (int nt = 0; nt < NT; ++nt) {
      const int column = (wn * NT + nt) * 8 + row;
      columns[nt] = n0 + column < batch ? n0 + column : batch - 1;
      factors[nt] = scales[column];
    }
    for (int base = first; base < last; base += depth) {
#pragma unroll
      for (int d = 0; d < depth; ++d) {
        const int step = base + d;
        if (step < last) {
          Eight<T> x[NT];
#pragma unroll
          for (int nt = 0; nt < NT; ++nt) x[nt] = input.load(columns[nt], step * step_inputs + 8 * quad, factors[nt]);
          Eight<T> weights[2 * MT];
#pragma unroll
          for (int i = 0; i < 2 * MT; ++i) weights[i] = Weights::expand(w[d][i]);
#pragma unroll
          for (int nt = 0; nt < NT; ++nt) {
#pragma unroll
            for (int mt = 0; mt < MT; ++mt) multiply_tile(c[mt][nt], weights[2 * mt], weights[2 * mt + 1], x[nt]);
          }
          if (step + depth < last) {
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) w[d][i] = Weights::load(rows[i], step + depth);
          }
        }
      }
    }
  } else if constexpr (NT == 1) {  // wider shapes are for tensor cores only
    float sums[2 * MT][8] = {};
    for (int base = first; base < last; base += depth) {
#pragma unroll
      for (int d = 0; d < depth; ++d) {
        const int step = base + d;
        if (step < last) {
          Eight<T> weights[2 * MT];
#pragma unroll
          for (int i = 0; i < 2 * MT; ++i) weights[i] = Weights::expand(w[d][i]);
#pragma unroll
          for (int column = 0; column < 8; ++column) {
            const std::int64_t n = n0 + wn * 8 + column;
            if (n < batch) {
              const Eight<T> x = input.load(n, step * step_inputs + 8 * quad, scales[wn * 8 + column]);
#pragma unroll
              for (int i = 0; i < 2 * MT; ++i) {
#pragma unroll
                for (int k = 0; k < 8; ++k)
                  sums[i][column] = fmaf(to_float(weights[i].values[k]), to_float(x.values[k]), sums[i][column]);
              }
            }
          }
          if (step + depth < last) {
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) w[d][i] = Weights::load(rows[i], step + depth);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
#pragma unroll
      for (int column = 0; column < 8; ++column) {
        float total = sums[i][column];
        total += __shfl_xor_sync(0xffffffffU, total, 1);
        total += __shfl_xor_sync(0xffffffffU, total, 2);
        if (column / 2 == quad) c[i / 2][0][2 * (i % 2) + column % 2] = total;
      }
    }
  }

#pragma unroll
  for (int nt = 0; nt < NT; ++nt) {
#pragma unroll
    for (int mt = 0; mt < MT; ++mt) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int n = (wn * NT + nt) * 8 + 2 * quad + i % 2, m = (wm * MT + mt) * 16 + row + 8 * (i / 2);
        parts[(wk * Shape::columns + n) * (Shape::rows + 1) + m] = c[mt][nt][i];
      }
    }
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < Shape::rows * Shape::columns; i += Shape::threads) {
    const int m = i % Shape::rows, n = i / Shape::rows;
    float total = 0;
#pragma unroll
    for (int k = 0; k < WK; ++k) total += parts[(k * Shape::columns + n) * (Shape::rows + 1) + m];
    output(m0 + m, n0 + n, total, m0 + m < M && n0 + n < batch);
  }
}

/// Weights and inputs in T; 8-bit weights where T is bf16.
template <class T, class Shape, class Input, class Output>
void launch_product(const char* name, const DeviceMatrix& W, std::int64_t batch, const Input& input,
                    const Output& output, cudaStream_t stream, bool overlap) {
  with_weights(W, [&](auto zero, const auto& weights) {
    if constexpr (std::is_same<decltype(zero), T>::value) {
      using Weights = std::decay_t<decltype(weights)>;
      const auto kernel = &skinny_product_kernel<T, Shape, Weights, Input, Output>;
      if (Shape::shared_bytes > 48 * 1024)
        check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   Shape::shared_bytes),
              name);
      launch(name, kernel, dim3(blocks_for(W.rows, Shape::rows), blocks_for(batch, Shape::columns)), Shape::threads,
             Shape::shared_bytes, stream, overlap, weights, W.rows, static_cast<int>(blocks_for(W.cols, step_inputs)),
             batch, input, output);
    }
  });
}

}  // namespace statescope::kernels::cuda
