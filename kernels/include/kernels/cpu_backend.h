// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kernels/attention.h"
#include "kernels/causal_conv.h"
#include "kernels/ceilings.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/fft_conv.h"
#include "kernels/linear.h"
#include "kernels/linear_backward.h"
#include "kernels/rms_norm.h"
#include "kernels/row_sums.h"
#include "kernels/scan_ladder.h"
#include "kernels/selective_scan.h"
#include "kernels/ssd.h"
#include "kernels/thread_pool.h"

namespace statescope::kernels {

struct CpuOps;  // one table of functions per instruction set, kernels/cpu/ops.h

/// avx512_bf16 is avx512 with dot products of bf16 pairs in `linear`.
enum class InstructionSet { baseline, avx2, avx512, avx512_bf16 };

/// The instruction sets this binary was built for and this processor can run, weakest first.
std::vector<InstructionSet> supported_instruction_sets();
std::string instruction_set_name(InstructionSet set);

/// Runs the operations on this machine's processor. Contracts are in the headers of the operations; shapes are the
/// caller's promise. Several threads may call at once; they then do not share the pool.
class CpuBackend {
 public:
  explicit CpuBackend(int threads = 0);  // the strongest instruction set
  CpuBackend(InstructionSet set, int threads);
  ~CpuBackend();

  InstructionSet instruction_set() const { return set_; }
  int threads() const { return pool_.size(); }

  void linear(const LinearArgs& args) const;
  void round_to(const RoundArgs& args) const;                           // bf16 and f16; leaves f32 alone
  void copy(MatrixView<const float> from, MatrixView<float> to) const;  // of one shape, apart from each other
  void row_sums(const RowSumsArgs<float>& args) const;
  void rms_norm(const RmsNormArgs<float>& args) const;
  void causal_conv(const CausalConvArgs<float>& args) const;
  void softplus(const SoftplusArgs<float>& args) const;
  void gate(const GateArgs<float>& args) const;
  void selective_scan(const SelectiveScanArgs<float>& args) const;
  void selective_scan_backward(const SelectiveScanBackwardArgs<float>& args) const;
  /// The ladder; `chunk` >= 1 tokens is only read by `chunked`. Throws std::bad_alloc when the workspace
  /// (kernels/scan_ladder.h) does not fit. `fused` runs as `sequential` on a linear scan.
  void linear_scan(const LinearScanArgs<float>& args, ScanAlgorithm algorithm, std::int64_t chunk = default_scan_chunk,
                   ScanWorkspace* workspace = nullptr) const;
  void selective_scan(const SelectiveScanArgs<float>& args, ScanAlgorithm algorithm,
                      std::int64_t chunk = default_scan_chunk, ScanWorkspace* workspace = nullptr) const;
  void ssd(const SsdArgs<float>& args) const;
  void fft_conv(const FftConvArgs<float>& args) const;
  void fft_conv(const FftConvArgs<double>& args) const;
  void embedding(const EmbeddingArgs<float>& args) const;
  void softmax(const SoftmaxArgs<float>& args) const;
  void cross_entropy(const CrossEntropyArgs<float>& args) const;

  void linear_backward(const LinearBackwardArgs<float>& args) const;
  void rms_norm_backward(const RmsNormBackwardArgs<float>& args) const;
  void causal_conv_backward(const CausalConvBackwardArgs<float>& args) const;
  void softplus_backward(const SoftplusBackwardArgs<float>& args) const;
  void gate_backward(const GateBackwardArgs<float>& args) const;
  void fft_conv_backward(const FftConvBackwardArgs<float>& args) const;
  void fft_conv_backward(const FftConvBackwardArgs<double>& args) const;
  void embedding_backward(const EmbeddingBackwardArgs<float>& args) const;
  void softmax_backward(const SoftmaxBackwardArgs<float>& args) const;
  void attention(const AttentionArgs<float>& args) const;
  /// Keeps the weights of one head at a time: 8 T² bytes.
  void attention_backward(const AttentionBackwardArgs<float>& args) const;

  /// Measures what the processor can do with these threads, in less than a second. The buffer that is read should be
  /// larger than the caches. Returns early, with zeros, when asked to stop.
  CpuCeilings measure_ceilings(std::int64_t buffer_bytes, std::stop_token stop = {}) const;

 private:
  template <class Body>
  void share(std::int64_t count, std::int64_t work, const Body& body) const;
  template <class Real, class Body>
  void share_transforms(std::int64_t T, std::int64_t L, std::int64_t E, const Body& body) const;
  template <class Real>
  void correlate(const FftConvBackwardArgs<Real>& args) const;

  InstructionSet set_;
  const CpuOps* ops_;
  mutable ThreadPool pool_;
};

}  // namespace statescope::kernels
