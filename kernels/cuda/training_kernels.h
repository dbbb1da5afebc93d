// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda_ops.h"
#include "kernels/device_memory.h"

namespace statescope::kernels::cuda {

// What TrainingOps asks for beyond the operations of models, on float32 in device memory; all enqueue. Each throws
// CudaError when a launch is refused.
void fill(const DeviceMatrix& x, float value, cudaStream_t stream);
void add(const DeviceMatrix& x, const DeviceMatrix& to, cudaStream_t stream);           // to += x
void negative_exp(const DeviceMatrix& x, const DeviceMatrix& to, cudaStream_t stream);  // to = −e^x
void multiply(const DeviceMatrix& x, const DeviceMatrix& y, const DeviceMatrix& out, cudaStream_t stream);  // x ⊙ y
/// out = y ⊙ SiLU(z).
void gate(const DeviceMatrix& y, const DeviceMatrix& z, const DeviceMatrix& out, cudaStream_t stream);

/// DropoutArgs of kernels/elementwise.h.
void dropout(const DeviceMatrix& x, double rate, std::uint64_t key, const DeviceMatrix& y, cudaStream_t stream);

/// RotaryArgs of kernels/attention.h; positions of each sequence of `length` rows begin with `first`, and pair i of a
/// head turns by e^(i · log_ratio) from one to the next.
struct Rotary {
  DeviceMatrix x;
  std::int64_t length = 1, first = 0, pairs = 0;  // pairs of columns in a head
  double log_ratio = 0;
  bool back = false;
};
void rotary(const Rotary& args, cudaStream_t stream);

/// y = SiLU(conv(x)), each sequence of `length` rows from nothing; the histories are not used.
void causal_conv(const DeviceConvArgs& args, std::int64_t length, cudaStream_t stream);

/// columns[r] is the column of the largest number of row r, the first of equals.
void likeliest(const DeviceMatrix& x, std::int32_t* columns, cudaStream_t stream);

/// AdamWArgs of kernels/training_ops.h as a kernel takes it: rates corrected for the step.
struct AdamW {
  float* value = nullptr;
  const float* gradient = nullptr;
  float *first = nullptr, *second = nullptr;
  std::int64_t count = 0;
  float gradient_scale, beta1, beta2, epsilon;
  float first_rate;    // rate / (1 − β₁^step)
  float second_scale;  // 1 / (1 − β₂^step)
  float kept;          // 1 − rate · decay
};
void adamw(const AdamW& args, cudaStream_t stream);

/// sum[0] = Σ values², in a fixed order; partials: [squared_norm_partials] doubles of room.
constexpr int squared_norm_partials = 256;
void squared_norm(const float* values, std::int64_t count, double* partials, double* sum, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
