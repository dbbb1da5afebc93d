// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/causal_conv.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"
#include "kernels/thread_pool.h"

namespace statescope::kernels {

struct CpuOps;  // one table of functions per instruction set, kernels/cpu/ops.h

enum class InstructionSet { baseline, avx2, avx512 };

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
  void rms_norm(const RmsNormArgs<float>& args) const;
  void causal_conv(const CausalConvArgs<float>& args) const;
  void softplus(const SoftplusArgs<float>& args) const;
  void gate(const GateArgs<float>& args) const;
  void selective_scan(const SelectiveScanArgs<float>& args) const;

 private:
  template <class Body>
  void share(std::int64_t count, std::int64_t work, const Body& body) const;

  InstructionSet set_;
  const CpuOps* ops_;
  mutable ThreadPool pool_;
};

}  // namespace statescope::kernels
