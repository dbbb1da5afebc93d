// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cublas_v2.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// The gradients of y = x Wᵀ + bias (kernels/linear_backward.h) on float32 in device memory, rows one after the other
/// without gaps. Sizes are below 2^31.
struct LinearBackwardArgs {
  std::int64_t T = 0, M = 0, K = 0;
  const float *x = nullptr, *W = nullptr, *dy = nullptr;  // [T, K], [M, K], [T, M]
  float *dx = nullptr, *dW = nullptr, *dbias = nullptr;   // [T, K], [M, K], [M]; each null when not asked for
  float* workspace = nullptr;                             // linear_backward_workspace(T, M) bytes
};
std::int64_t linear_backward_workspace(std::int64_t T, std::int64_t M);
/// Enqueues the gradients on the stream of `blas`; what is asked for is overwritten. Float32 throughout, and the same
/// call gives the same bits. Throws CudaError.
void linear_backward(const LinearBackwardArgs& args, cublasHandle_t blas);

}  // namespace statescope::kernels::cuda
