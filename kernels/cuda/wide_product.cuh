// SPDX-License-Identifier: GPL-3.0-or-later
// Products of a 16-bit weight matrix with tens of columns or more: both operands go through shared memory, several
// stages ahead, the weights of the first before the kernel before this one has ended.
#pragma once

#include "cuda/skinny_product.cuh"

namespace statescope::kernels::cuda {

template <class T>
struct WideOperands {
  const T* W;  // [M, steps · 32]
  std::int64_t W_stride, M;
  const T* x;  // [batch, steps · 32]
  std::int64_t x_stride, batch;
  int steps;
};

/// What the tiles of both kinds share: how a block's rows of W and x come to shared memory. A stage holds StageSteps
/// steps of 32 inputs of each; stages take turns in `Stages` places, so that the first place is free at the end.
template <class T, int Rows, int Columns, int Threads, int StageSteps, int Stages>
class StagedTile {
 public:
  static constexpr int rows = Rows, columns = Columns, threads = Threads;
  static constexpr int sums_stride = rows + 4;  // floats from one column of the result to the next
  static constexpr int stage_bytes = StageSteps * (rows + columns) * 64;

  __device__ static std::int64_t first_row() { return static_cast<std::int64_t>(blockIdx.x) * rows; }
  __device__ static std::int64_t first_column() { return static_cast<std::int64_t>(blockIdx.y) * columns; }

 protected:
  static constexpr int chunks = 4 * StageSteps;  // of 16 bytes in a row of a stage
  static constexpr int rows_at_once = threads / chunks;
  static constexpr int W_copies = rows / rows_at_once, x_copies = columns / rows_at_once;
  static_assert(sizeof(T) == 2 && threads % chunks == 0 && rows % rows_at_once == 0 && columns % rows_at_once == 0);

  __device__ StagedTile(const WideOperands<T>& operands, char* shared)
      : steps_(operands.steps),
        stages_((operands.steps + StageSteps - 1) / StageSteps),
        row_(static_cast<int>(threadIdx.x) / chunks),
        chunk_(static_cast<int>(threadIdx.x) % chunks),
        shared_(shared),
        first_place_(Stages - stages_ % Stages) {
#pragma unroll
    for (int i = 0; i < W_copies; ++i) {
      const std::int64_t m = first_row() + row_ + i * rows_at_once;
      W_[i] = operands.W + (m < operands.M ? m : operands.M - 1) * operands.W_stride + 8 * chunk_;
    }
#pragma unroll
    for (int i = 0; i < x_copies; ++i) {
      const std::int64_t n = first_column() + row_ + i * rows_at_once;
      x_[i] = operands.x + (n < operands.batch ? n : operands.batch - 1) * operands.x_stride + 8 * chunk_;
    }
  }
  __device__ char* stage(int s) const {
    return shared_ + (s + first_place_) % Stages * stage_bytes;
  }
  /// The thread's chunk of stage s of a row. Steps past the last are zeros.
  __device__ void copy(char* to, const T* from, int s) const {
    if (s * StageSteps + chunk_ / 4 < steps_)
      copy_async<16>(to, from + s * StageSteps * step_inputs);
    else
      *reinterpret_cast<Raw<16>*>(to) = {};
  }

  int steps_, stages_, row_, chunk_;  // of all; of the thread's copies
  char* shared_;
  const T *W_[W_copies], *x_[x_copies];

 private:
  int first_place_;
};
/// For StagedTile's free place: nothing.
struct NothingMore {
  __device__ void operator()(char*) const {}
};

/// A block's tile of y = W x: tiles of 16·MT by 8·NT a warp, WM by WN by WK warps. A stage holds `slabs` steps of 32
/// inputs, a multiple of WK, each as rows of 64 bytes, so that the eight threads which read together find their two
/// rows in all banks.
template <class T, int MT, int NT, int WM, int WN, int WK, int Stages, int slabs = WK>
class WideTile : public StagedTile<T, 16 * MT * WM, 8 * NT * WN, 32 * WM * WN * WK, slabs, Stages> {
  using Base = StagedTile<T, 16 * MT * WM, 8 * NT * WN, 32 * WM * WN * WK, slabs, Stages>;
  using Base::chunk_, Base::row_, Base::rows_at_once, Base::stages_, Base::stage, Base::W_, Base::x_;

 public:
  using Base::rows, Base::columns, Base::sums_stride, Base::stage_bytes;
  static constexpr int sums_bytes = WK * columns * sums_stride * 4, shared_bytes = Stages * stage_bytes;
  static_assert(stage_bytes + sums_bytes <= shared_bytes);

  __device__ WideTile(const WideOperands<T>& operands, char* shared)
      : Base(operands, shared), to_(chunk_ / 4 * (rows + columns) * 64 + row_ * 64 + chunk_ % 4 * 16) {}

  /// Before the wait for the kernel that writes x; the other half comes after it.
  __device__ void start_weights() const {
#pragma unroll
    for (int s = 0; s + 1 < Stages; ++s) copy_weights(s);
  }
  __device__ void start_inputs() const {
#pragma unroll
    for (int s = 0; s + 1 < Stages; ++s) {
      copy_inputs(s);
      end_copies();
    }
  }
  /// The product, [WK][columns][sums_stride] floats of shared memory whose first index is to be summed. `more(place)`
  /// copies what else is wanted then to the free place, before it; sums come behind that.
  template <class More = NothingMore>
  __device__ const float* multiply(const More& more = {}) const {
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int row = lane / 4, quad = lane % 4;
    const int wk = warp % WK, wm = warp / WK % WM, wn = warp / (WK * WM);
    float c[MT][NT][4] = {};
    const int more_at = stages_ > 1 ? stages_ - 2 : 0;
#pragma unroll 1
    for (int s = 0; s < stages_; ++s) {
      wait_for_copies<Stages - 2>();
      __syncthreads();
      if (s == more_at) more(stage(stages_));
      copy_weights(s + Stages - 1);
      copy_inputs(s + Stages - 1);
      end_copies();
      const char* from = stage(s) + quad * 16;
#pragma unroll
      for (int slab = 0; slab < slabs; slab += WK) {
        const char* W = from + ((slab + wk) * (rows + columns) + wm * 16 * MT + row) * 64;
        const char* x = from + ((slab + wk) * (rows + columns) + rows + wn * 8 * NT + row) * 64;
        Eight<T> w[2 * MT], v[NT];
#pragma unroll
        for (int i = 0; i < 2 * MT; ++i) w[i] = *reinterpret_cast<const Eight<T>*>(W + i * 8 * 64);
#pragma unroll
        for (int i = 0; i < NT; ++i) v[i] = *reinterpret_cast<const Eight<T>*>(x + i * 8 * 64);
          // One product waits for another of the same sums, so the halves of a step come one after the other.
#pragma unroll
        for (int half = 0; half < 2; ++half) {
#pragma unroll
          for (int nt = 0; nt < NT; ++nt) {
#pragma unroll
            for (int mt = 0; mt < MT; ++mt) multiply_half(c[mt][nt], w[2 * mt], w[2 * mt + 1], v[nt], half);
          }
        }
      }
    }
    wait_for_copies<0>();
    __syncthreads();
    auto* sums = reinterpret_cast<float*>(Base::shared_ + stage_bytes);
#pragma unroll
    for (int nt = 0; nt < NT; ++nt) {
#pragma unroll
      for (int mt = 0; mt < MT; ++mt) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int n = (wn * NT + nt) * 8 + 2 * quad + i % 2, m = (wm * MT + mt) * 16 + row + 8 * (i / 2);
          sums[(wk * columns + n) * sums_stride + m] = c[mt][nt][i];
        }
      }
    }
    __syncthreads();
    return sums;
  }
  /// Count neighbouring rows of a column of the result.
  template <int Count>
  __device__ static void finish(const float* sums, int m, int n, float (&to)[Count]) {
#pragma unroll
    for (int i = 0; i < Count; ++i) to[i] = 0;
#pragma unroll
    for (int k = 0; k < WK; ++k) {
      float part[Count];
      load(sums + (k * columns + n) * sums_stride + m, part);
#pragma unroll
      for (int i = 0; i < Count; ++i) to[i] += part[i];
    }
  }

 private:
  __device__ void copy_weights(int s) const {
    if (s >= stages_) return;
#pragma unroll
    for (int i = 0; i < Base::W_copies; ++i) this->copy(stage(s) + to_ + i * rows_at_once * 64, W_[i], s);
  }
  __device__ void copy_inputs(int s) const {
    if (s >= stages_) return;
#pragma unroll
    for (int i = 0; i < Base::x_copies; ++i) this->copy(stage(s) + to_ + (rows + i * rows_at_once) * 64, x_[i], s);
  }

  int to_;  // place of the thread's first copy in a stage
};

}  // namespace statescope::kernels::cuda
