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
class WarpgroupTile : public StagedTile<T, 64, 64, 256, 4, Stages> {
  using Base = StagedTile<T, 64, 64, 256, 4, Stages>;
  using Base::chunk_, Base::row_, Base::rows_at_once, Base::stages_, Base::stage, Base::W_, Base::x_;

 public:
  using Base::columns, Base::sums_stride, Base::stage_bytes;
  static constexpr int panel_bytes = 64 * 128;  // a stage has two of W and two of x
  static constexpr int sums_bytes = 2 * columns * sums_stride * 4, shared_bytes = Stages * stage_bytes;
  static_assert(stage_bytes == 4 * panel_bytes && stage_bytes + sums_bytes <= shared_bytes);

  /// `shared` is aligned to 1,024 bytes.
  __device__ WarpgroupTile(const WideOperands<T>& operands, char* shared)
      : Base(operands, shared), to_(chunk_ / 8 * panel_bytes + row_ * 128 + (chunk_ % 8 ^ row_ % 8) * 16) {}

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
  template <class More = NothingMore>
  __device__ const float* multiply(const More& more = {}) const {
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32, part = warp / 4;
    float c[8][4] = {};
    const int more_at = stages_ > 1 ? stages_ - 2 : 0;
#pragma unroll 1
    for (int s = 0; s < stages_; ++s) {
      wait_for_copies<Stages - 2>();
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      __syncthreads();
      if (s == more_at) more(stage(stages_));
      const char* panel = stage(s) + part * panel_bytes;
      multiply_panel(c, descriptor(panel), descriptor(panel + 2 * panel_bytes));
      copy_rows(W_, s + Stages - 1, 0);
      copy_rows(x_, s + Stages - 1, 2 * panel_bytes);
      end_copies();
      wait_for_products();  // before their place is copied over
    }
    wait_for_copies<0>();
    __syncthreads();
    auto* sums = reinterpret_cast<float*>(Base::shared_ + stage_bytes);
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
  __device__ void copy_rows(const T* const (&from)[Base::W_copies], int s, int place) const {
    if (s >= stages_) return;
    char* to = stage(s) + place + to_;
#pragma unroll
    for (int i = 0; i < Base::W_copies; ++i) this->copy(to + i * rows_at_once * 128, from[i], s);
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

  int to_;  // place of the thread's first copy in a panel
};

}  // namespace statescope::kernels::cuda
