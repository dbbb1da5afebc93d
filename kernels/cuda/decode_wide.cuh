// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "cuda/decode_wide.h"
#include "cuda/wide_product.cuh"

namespace statescope::kernels::cuda {

/// Bytes of shared memory that steps for many sequences may ask for without a look at what a block can have.
constexpr int most_shared = 128 * 1024;

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

/// Calls run(T{}) for a 16-bit type on tensor cores. All of a token's products come here or none does: one writes the
/// input of another.
template <class Run>
bool in_16_bits(ElementType type, std::int64_t batch, const DecodeLaunch& how, const Run& run) {
  if (!how.has_tensor_cores || how.shared_bytes < most_shared || batch < large_batch ||
      (type != ElementType::bf16 && type != ElementType::f16))
    return false;
  if (type == ElementType::bf16)
    run(Bf16{});
  else
    run(F16{});
  return true;
}

}  // namespace statescope::kernels::cuda
