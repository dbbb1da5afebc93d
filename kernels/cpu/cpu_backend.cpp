// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu_backend.h"

#include "cpu/ops.h"

namespace statescope::kernels {
namespace {

const CpuOps* ops_for(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
      return &avx512_ops;
    case InstructionSet::avx2:
      return &avx2_ops;
#endif
    default:
      return &baseline_ops;
  }
}

std::int64_t blocks(std::int64_t channels, std::int64_t lanes) {
  return (channels + lanes - 1) / lanes;
}

}  // namespace

std::vector<InstructionSet> supported_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::baseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back(InstructionSet::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw"))
      sets.push_back(InstructionSet::avx512);
  }
#endif
  return sets;
}

std::string instruction_set_name(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
      return "AVX-512";
    case InstructionSet::avx2:
      return "AVX2";
    case InstructionSet::baseline:
      break;
  }
  return "baseline";
}

CpuBackend::CpuBackend(int threads) : CpuBackend(supported_instruction_sets().back(), threads) {}
CpuBackend::CpuBackend(InstructionSet set, int threads) : set_(set), ops_(ops_for(set)), pool_(threads) {}
CpuBackend::~CpuBackend() = default;

// Runs body over [0, count): on the pool when there is enough to do, else here. `work` counts roughly equal steps, a
// few of which take a nanosecond; waking the other threads for less than some microseconds costs more than it saves.
template <class Body>
void CpuBackend::share(std::int64_t count, std::int64_t work, const Body& body) const {
  constexpr std::int64_t worth_sharing = 32 * 1024;
  if (work < worth_sharing)
    body(std::int64_t{0}, count);
  else
    pool_.for_ranges(count, body);
}

void CpuBackend::linear(const LinearArgs& args) const {
  share(args.W->panels(), args.x.rows * args.W->outputs() * args.W->inputs() / 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->linear(args, begin, end); });
}

void CpuBackend::rms_norm(const RmsNormArgs<float>& args) const {
  share(args.x.rows, args.x.rows * args.x.cols,
        [&](std::int64_t begin, std::int64_t end) { ops_->rms_norm(args, begin, end); });
}

void CpuBackend::causal_conv(const CausalConvArgs<float>& args) const {
  share(blocks(args.x.cols, ops_->lanes), args.x.rows * args.x.cols * args.weight.rows,
        [&](std::int64_t begin, std::int64_t end) { ops_->causal_conv(args, begin, end); });
}

void CpuBackend::softplus(const SoftplusArgs<float>& args) const {
  share(args.x.rows, args.x.rows * args.x.cols * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->softplus(args, begin, end); });
}

void CpuBackend::gate(const GateArgs<float>& args) const {
  share(args.y.rows, args.y.rows * args.y.cols * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->gate(args, begin, end); });
}

void CpuBackend::selective_scan(const SelectiveScanArgs<float>& args) const {
  share(blocks(args.x.cols, ops_->channel_block), args.x.rows * args.x.cols * args.A.rows * 2,
        [&](std::int64_t begin, std::int64_t end) { ops_->selective_scan(args, begin, end); });
}

}  // namespace statescope::kernels
