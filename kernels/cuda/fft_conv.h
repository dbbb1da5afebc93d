// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>

namespace statescope::kernels::cuda {

/// FFT convolution (kernels/fft_conv.h) of `batch` sequences with one kernel per channel; float32 in device memory,
/// rows one after the other without gaps.
struct FftConvSize {
  std::int64_t batch = 1, T = 0, L = 0, E = 0;
  std::int64_t length = 0;  // of the transforms: fft_conv_length(T, L)
};
struct FftConvArgs {
  const float* x = nullptr;       // [batch, T, E]
  const float* kernel = nullptr;  // [L, E]
  const float* D = nullptr;       // [E] or null
  float* y = nullptr;             // [batch, T, E]; may be x
};
struct FftConvBackwardArgs {
  const float *x = nullptr, *kernel = nullptr, *D = nullptr;
  const float* dy = nullptr;  // [batch, T, E]
  float* dx = nullptr;        // [batch, T, E]; may be x or dy
  float* dkernel = nullptr;   // [L, E], summed over the batch
  float* dD = nullptr;        // [E] or null, summed over the batch
};

/// The plans and the workspace for one size, on the current device. A plan's workspace is busy until the stream has
/// passed it, so one object serves one stream, from one thread at a time; several objects share nothing.
class FftConv {
 public:
  /// Allocates. Throws CudaError, CudaOutOfMemory.
  static std::unique_ptr<FftConv> create(const FftConvSize& size);
  virtual ~FftConv() = default;
  /// Both enqueue and return.
  virtual void forward(const FftConvArgs& args, cudaStream_t stream) = 0;
  virtual void backward(const FftConvBackwardArgs& args, cudaStream_t stream) = 0;
};

}  // namespace statescope::kernels::cuda
