// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "kernels/causal_conv.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/fft_conv.h"
#include "kernels/linear_backward.h"
#include "kernels/rms_norm.h"
#include "kernels/ssd.h"

namespace statescope::kernels {

/// Operations that compute on a CUDA device from and to matrices in host memory: copied there, computed, copied back.
/// The contracts are those of CpuBackend. Every call throws CudaError, and CudaOutOfMemory where memory is short.
class CudaHostOps {
 public:
  /// Throws CudaError when there is no such device, and in a build without CUDA.
  static std::unique_ptr<CudaHostOps> create(int device = 0);
  virtual ~CudaHostOps() = default;

  virtual void ssd(const SsdArgs<float>& args) = 0;  // chunks of at most 256 tokens
  virtual void fft_conv(const FftConvArgs<float>& args) = 0;
  virtual void softmax(const SoftmaxArgs<float>& args) = 0;
  virtual void cross_entropy(const CrossEntropyArgs<float>& args) = 0;

  virtual void linear_backward(const LinearBackwardArgs<float>& args) = 0;
  virtual void softplus_backward(const SoftplusBackwardArgs<float>& args) = 0;
  virtual void gate_backward(const GateBackwardArgs<float>& args) = 0;
  virtual void rms_norm_backward(const RmsNormBackwardArgs<float>& args) = 0;
  virtual void causal_conv_backward(const CausalConvBackwardArgs<float>& args) = 0;
  virtual void fft_conv_backward(const FftConvBackwardArgs<float>& args) = 0;
  virtual void embedding_backward(const EmbeddingBackwardArgs<float>& args) = 0;
  virtual void softmax_backward(const SoftmaxBackwardArgs<float>& args) = 0;
};

}  // namespace statescope::kernels
