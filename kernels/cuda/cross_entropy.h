// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// What meets the vocabulary, and RMSNorm's gradient: as in kernels/cross_entropy.h, embedding.h and rms_norm.h, on
/// float32 in device memory, rows one after the other without gaps. All of it is deterministic; outputs are
/// overwritten but for dtable. Each throws CudaError when a launch is refused.

/// y may be x.
void softmax(const float* x, std::int64_t T, std::int64_t V, bool log, float* y, cudaStream_t stream);
/// dx may be y or dy.
void softmax_backward(const float* y, const float* dy, std::int64_t T, std::int64_t V, bool log, float* dx,
                      cudaStream_t stream);

struct CrossEntropyArgs {
  std::int64_t T = 0, V = 0;
  const float* logits = nullptr;          // [T, V]
  const std::int32_t* targets = nullptr;  // [T]
  float dloss = 1;
  float* losses = nullptr;   // [T]
  float* loss = nullptr;     // [1]
  float* dlogits = nullptr;  // [T, V] or null; may be logits
  float* count = nullptr;    // [1] room for the number of targets that count
};
void cross_entropy(const CrossEntropyArgs& args, cudaStream_t stream);

/// dtable[v] += Σ_{t: tokens_t = v} dy_t in rising t; dy [T, D], dtable [V, D].
void embedding_backward(const std::int32_t* tokens, const float* dy, std::int64_t T, std::int64_t D, float* dtable,
                        cudaStream_t stream);

struct NormBackwardArgs {
  std::int64_t T = 0, D = 0;
  const float *s = nullptr, *weight = nullptr, *dy = nullptr;  // [T, D], [D], [T, D]
  const float* dsum = nullptr;                                 // [T, D] or null
  float epsilon = 0;
  float *ds = nullptr, *dweight = nullptr;  // [T, D], may be dsum; [D]
  float* workspace = nullptr;               // norm_backward_workspace(T, D) bytes
};
std::int64_t norm_backward_workspace(std::int64_t T, std::int64_t D);
void rms_norm_backward(const NormBackwardArgs& args, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
