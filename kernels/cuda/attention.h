// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// Columns of a head, at most.
constexpr std::int64_t largest_head = 128;

/// A batch of sequences of `length` rows each.
struct AttentionShape {
  std::int64_t rows = 0, length = 1;
  std::int64_t heads = 1, d = 0;  // columns of a head
};

/// A matrix [rows, heads · d] in device memory.
template <class T>
struct AttentionMatrix {
  T* data = nullptr;
  std::int64_t stride = 0;
};

/// kernels/attention.h for every sequence on its own (L = T), in float32; both enqueue. The running softmax keeps no
/// weights, so memory grows with the tokens alone. Throw CudaError for heads above largest_head.
struct AttentionArgs {
  AttentionShape shape;
  AttentionMatrix<const float> q, k, v;
  AttentionMatrix<float> y;
  float* log_sums = nullptr;  // [rows, heads] log Σ_j e^{q_t · k_j / √d}, or null
};
void attention(const AttentionArgs& args, cudaStream_t stream);

struct AttentionBackwardArgs {
  AttentionShape shape;
  AttentionMatrix<const float> q, k, v, dy;
  AttentionMatrix<float> dq, dk, dv;
  float* workspace = nullptr;  // attention_backward_workspace floats
};
void attention_backward(const AttentionBackwardArgs& args, cudaStream_t stream);
std::int64_t attention_backward_workspace(const AttentionShape& shape);

}  // namespace statescope::kernels::cuda
