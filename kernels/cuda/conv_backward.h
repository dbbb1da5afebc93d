// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// The gradients of the causal convolution (kernels/causal_conv.h) of `batch` sequences, all in device memory and
/// float32. Rows of x, dy and dx are E wide and follow each other, sequences too.
struct ConvBackwardArgs {
  std::int64_t batch = 1, T = 0, E = 0;
  int K = 0;                                   // 1 to 8
  const float *x = nullptr, *dy = nullptr;     // [batch, T, E]
  const float* weight = nullptr;               // [K, E]
  const float* bias = nullptr;                 // [E] or null
  const float* history = nullptr;              // [batch, K-1, E] before the forward call
  const float* dhistory = nullptr;             // [batch, K-1, E] of the history left behind, or null: none
  float* dx = nullptr;                         // [batch, T, E]
  float *dweight = nullptr, *dbias = nullptr;  // [K, E]; [E] or null; summed over the batch
  float* dhistory_before = nullptr;            // [batch, K-1, E] of the history given; must not overlap dhistory
  float* workspace = nullptr;                  // conv_backward_workspace(args) bytes
};
std::int64_t conv_backward_workspace(const ConvBackwardArgs& args);
/// Enqueues the gradients; every output is overwritten. Deterministic. Throws CudaError.
void causal_conv_backward(const ConvBackwardArgs& args, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
