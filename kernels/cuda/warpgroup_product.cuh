// SPDX-License-Identifier: GPL-3.0-or-later
// The same product as in wide_product.cuh by the tensor cores of Hopper, which read both operands from shared memory
// themselves: `mma.sync` reads them into registers first, once for each warp that needs them.
#pragma once

#include "cuda/wide_product.cuh"

namespace statescope::kernels::cuda {

/// A block's tile of y = W x, 64 rows by 64 columns: two warpgroups take half of a stage's inputs each. A panel is 64
/// inputs of 64 rows, 128 bytes each, whose eight pieces of 16 bytes are exchanged by the row's number (the tensor
/// cores call it a swizzle of 128 bytes). Compute capability 9.0 with its own features (sm_90a).
template <class T, int Stages>
class WarpgroupTile {
 public:
  static constexpr int rows = 64, columns = 64, threads = 256;
  static constexpr int sums_stride = rows + 4;  // floats from one column of the result to the next
  static constexpr int panel_bytes = 64 * 128, stage_bytes = 4 * panel_bytes;  // two of W, two of x
  static constexpr int sums_bytes = 2 * columns * sums_stride * 4, shared_bytes = Stages * stage_bytes;
  static_assert(sizeof(T) == 2 && sums_bytes <= shared_bytes);

  /// `shared` is aligned to 1,024 bytes.
  __device__ WarpgroupTile(const WideOperands<T>& operands, char* shared)
      : steps_(operands.steps), stages_((operands.steps + stage_steps - 1) / stage_steps), shared_(shared) {
    const int thread = static_cast<int>(threadIdx.x), row = thread / chunks, chunk = thread % chunks;
    step_ = chunk / 4;
    to_ = chunk / 8 * panel_bytes + row * 128 + (chunk % 8 ^ row % 8) * 16;
#pragma unroll
    for (int i = 0; i < copies; ++i) {
      const std::int64_t m = first_row() + row + i * rows_at_once, n = first_column() + row + i * rows_at_once;
      W_[i] = operands.W + (m < operands.M ? m : operands.M - 1) * operands.W_stride + 8 * chunk;
      x_[i] = operands.x + (n < operands.batch ? n : operands.batch - 1) * operands.x_stride + 8 * chunk;
    }
  }
  __device__ static std::int64_t first_row() {
    return static_cast<std::int64_t>(blockIdx.x) * rows;
  }
  __device__ static std::int64_t first_column() {
    return static_cast<std::int64_t>(blockIdx.y) * columns;
  }

  /// Before the wait for the kernel that writes x; the other half comes after it.
  __device__ void start_weights() const {
#pragma unroll
    for (int s = 0; s + 1 < Stages; ++s) copy_rows(W_, s, 0);
  }
  __device__ void start_inputs() const {
#pragma unroll
    for (int s = 0; s + 1 < Stages; ++s) {
      copy_rows(x_, s, 2 * panel_bytes);
      end_copies();
    }
  }
  /// As WideTile's, with two parts.
  __device__ const float* multiply() const {
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32, part = warp / 4;
    float c[8][4] = {};
#pragma unroll 1
    for (int s = 0; s < stages_; ++s) {
      wait_for_copies<Stages - 2>();
      wait_for_products();  // of the stage that is copied over
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      __syncthreads();
      const char* stage = shared_ + s % Stages * stage_bytes + part * panel_bytes;
      multiply_panel(c, descriptor(stage), descriptor(stage + 2 * panel_bytes));
      copy_rows(W_, s + Stages - 1, 0);
      copy_rows(x_, s + Stages - 1, 2 * panel_bytes);
      end_copies();
    }
    wait_for_copies<0>();
    wait_for_products();
    __syncthreads();
    auto* sums = reinterpret_cast<float*>(shared_);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int n = 8 * j + 2 * (lane % 4) + i % 2, m = warp % 4 * 16 + lane / 4 + 8 * (i / 2);
        sums[(part * columns + n) * sums_stride + m] = c[j][i];
      }
    }
    __syncthreads();
    return sums;
  }
  /// Count neighbouring rows of a column of the result.
  template <int Count>
  __device__ static void finish(const float* sums, int m, int n, float (&to)[Count]) {
    float other[Count];
    load(sums + n * sums_stride + m, to);
    load(sums + (columns + n) * sums_stride + m, other);
#pragma unroll
    for (int i = 0; i < Count; ++i) to[i] += other[i];
  }

 private:
  static constexpr int stage_steps = 4, chunks = 4 * stage_steps;  // of 16 bytes in a row of a stage
  static constexpr int rows_at_once = threads / chunks, copies = rows / rows_at_once;

  // Steps past the last are zeros.
  __device__ void copy_rows(const T* const (&from)[copies], int s, int place) const {
    if (s >= stages_) return;
    char* to = shared_ + s % Stages * stage_bytes + place + to_;
#pragma unroll
    for (int i = 0; i < copies; ++i) {
      if (s * stage_steps + step_ < steps_)
        copy_async<16>(to + i * rows_at_once * 128, from[i] + s * stage_steps * step_inputs);
      else
        *reinterpret_cast<Raw<16>*>(to + i * rows_at_once * 128) = {};
    }
  }
  // A panel: its address, 1,024 bytes from eight rows to the next eight, a swizzle of 128 bytes.
  __device__ static std::uint64_t descriptor(const char* panel) {
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(panel));
    return (std::uint64_t{1} << 62) | (std::uint64_t{1024 / 16} << 32) | (std::uint64_t{1} << 16) |
           (address & 0x3ffffU) / 16;
  }
  __device__ static void wait_for_products() {
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  }
  // c += 64 rows by 64 columns of 64 inputs, for wait_for_products.
  __device__ static void multiply_panel(float (&c)[8][4], std::uint64_t W, std::uint64_t x) {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < 4; ++k) multiply_16(c, W + 2 * k, x + 2 * k);
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  }
  __device__ static void multiply_16(float (&c)[8][4], std::uint64_t W, std::uint64_t x) {
#define SUMS(j) "+f"(c[j][0]), "+f"(c[j][1]), "+f"(c[j][2]), "+f"(c[j][3])
#define PRODUCT(type)                                                                                              \
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type                                         \
               " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, " \
               "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, 1, 1, 1, 0, 0;"                  \
               : SUMS(0), SUMS(1), SUMS(2), SUMS(3), SUMS(4), SUMS(5), SUMS(6), SUMS(7)                            \
               : "l"(W), "l"(x))
    if constexpr (std::is_same<T, Bf16>::value)
      PRODUCT("bf16");
    else
      PRODUCT("f16");
#undef PRODUCT
#undef SUMS
  }

  int steps_, stages_, step_ = 0, to_ = 0;
  char* shared_;
  const T *W_[copies], *x_[copies];
};

}  // namespace statescope::kernels::cuda
