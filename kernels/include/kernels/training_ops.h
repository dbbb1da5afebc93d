// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kernels/causal_conv.h"
#include "kernels/cross_entropy.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/fft_conv.h"
#include "kernels/linear_backward.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {

/// One step of AdamW (Loshchilov & Hutter 2019) on `count` numbers, with g the scaled gradient and both averages
/// corrected for their beginning at 0:
///
///   m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  w ← w − rate (m̂ / (√v̂ + ε) + decay w)
template <class Real>
struct AdamWArgs {
  Real* value = nullptr;                     // w
  const Real* gradient = nullptr;            // before scaling
  Real *first = nullptr, *second = nullptr;  // m and v
  std::int64_t count = 0;
  double gradient_scale = 1, rate = 0, decay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  std::int64_t step = 1;  // the first is 1
};

/// The operations that training consists of, on one device: the gradients of kernels/ over a batch of sequences.
///
/// A batch of B sequences of `length` tokens is a matrix of B · length rows, one sequence after the other. What runs
/// along time (convolutions, the scan, attention) begins every sequence from nothing. Gradients of parameters are sums
/// over the batch, in a fixed order. Views are of memory from `allocate`; tokens, targets and losses lie on the host.
template <class Real>
class TrainingOps {
 public:
  virtual ~TrainingOps() = default;

  /// Whether `allocate` takes the host's memory.
  virtual bool on_host() const { return true; }
  /// Zeros where the operations compute. Throws std::bad_alloc.
  virtual std::shared_ptr<Real[]> allocate(std::int64_t count) const = 0;
  /// Row-major values from and to the host.
  virtual void upload(std::span<const Real> values, MatrixView<Real> to) const = 0;
  virtual std::vector<Real> download(MatrixView<const Real> from) const = 0;

  /// y = x Wᵀ + bias; W [M, K] row-major, bias [M] or null.
  virtual void linear(MatrixView<const Real> x, MatrixView<const Real> W, const Real* bias,
                      MatrixView<Real> y) const = 0;
  virtual void linear_backward(const LinearBackwardArgs<Real>& args) const = 0;
  virtual void rms_norm(const RmsNormArgs<Real>& args) const = 0;
  virtual void rms_norm_backward(const RmsNormBackwardArgs<Real>& args) const = 0;
  virtual void embedding(const EmbeddingArgs<Real>& args) const = 0;
  virtual void embedding_backward(const EmbeddingBackwardArgs<Real>& args) const = 0;
  virtual void cross_entropy(const CrossEntropyArgs<Real>& args) const = 0;
  /// The column of the largest number of each row, the first of equals, on the host.
  virtual std::vector<std::int32_t> likeliest(MatrixView<const Real> x) const = 0;
  virtual void gate(const GateArgs<Real>& args) const = 0;
  virtual void gate_backward(const GateBackwardArgs<Real>& args) const = 0;
  virtual void fill(MatrixView<Real> x, Real value) const = 0;
  virtual void add(MatrixView<const Real> x, MatrixView<Real> to) const = 0;                                  // to += x
  virtual void multiply(MatrixView<const Real> x, MatrixView<const Real> y, MatrixView<Real> out) const = 0;  // x ⊙ y
  virtual void negative_exp(MatrixView<const Real> x, MatrixView<Real> to) const = 0;  // to = −e^x
  virtual void dropout(const DropoutArgs<Real>& args) const = 0;

  virtual double squared_norm(const Real* values, std::int64_t count) const = 0;
  virtual void adamw(const AdamWArgs<Real>& args) const = 0;

  /// The histories of the arguments, and h, h_all and dh0 of the scan's, are not used.
  virtual void causal_conv(const CausalConvArgs<Real>& args, std::int64_t length) const = 0;
  virtual void causal_conv_backward(const CausalConvBackwardArgs<Real>& args, std::int64_t length) const = 0;
  virtual void selective_scan(const SelectiveScanArgs<Real>& args, std::int64_t length) const = 0;
  virtual void selective_scan_backward(const SelectiveScanBackwardArgs<Real>& args, std::int64_t length) const = 0;
  virtual void fft_conv(const FftConvArgs<Real>& args, std::int64_t length) const = 0;
  virtual void fft_conv_backward(const FftConvBackwardArgs<Real>& args, std::int64_t length) const = 0;
  /// Heads of at most 128 columns.
  virtual void attention(const AttentionArgs<Real>& args, std::int64_t length) const = 0;
  virtual void attention_backward(const AttentionBackwardArgs<Real>& args, std::int64_t length) const = 0;
  virtual void rotary(const RotaryArgs<Real>& args, std::int64_t length) const = 0;
};

/// Float32 on the processor's cores; 0 threads: all of them. Bits do not depend on the number of threads.
std::unique_ptr<TrainingOps<float>> cpu_training(int threads = 0);

/// Float32 on a CUDA device; with `tf32` the factors of matrix products are rounded to 10 bits of fraction, for its
/// tensor cores. The same call gives the same bits on one device. Not for several threads at once. Throws CudaError, as
/// every operation may, when there is no such device, and in a build without CUDA.
std::unique_ptr<TrainingOps<float>> cuda_training(int device = 0, bool tf32 = false);

/// Double precision by the equations as they read. What the gradients are checked with.
std::unique_ptr<TrainingOps<double>> reference_training();

}  // namespace statescope::kernels
