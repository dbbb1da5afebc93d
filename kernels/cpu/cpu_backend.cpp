// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu_backend.h"

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "cpu/ops.h"
#include "cpu/share.h"

namespace statescope::kernels {
namespace {

const CpuOps* ops_for(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512_bf16:
      return &avx512_bf16_ops;
    case InstructionSet::avx512:
      return &avx512_ops;
    case InstructionSet::avx2:
      return &avx2_ops;
#endif
    default:
      return &baseline_ops;
  }
}

#if defined(__x86_64__)
// Conversions of 16-bit floats; the compilers' own question does not know them all.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

}  // namespace

std::vector<InstructionSet> supported_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::baseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) {
    sets.push_back(InstructionSet::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw")) {
      sets.push_back(InstructionSet::avx512);
      // AMD does a bf16 dot product as fast as a multiply-add, twice the work; Intel at a quarter of that, where it is
      // slower than multiply-adds of weights made floats.
      if (__builtin_cpu_supports("avx512bf16"))
        sets.insert(sets.end() - (__builtin_cpu_is("amd") ? 0 : 1), InstructionSet::avx512_bf16);
    }
  }
#endif
  return sets;
}

std::string instruction_set_name(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512_bf16:
      return "AVX-512 BF16";
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

void CpuBackend::linear(const LinearArgs& args) const {
  const std::int64_t T = args.x.rows, K = args.x.cols;
  thread_local std::vector<std::byte> buffer;  // of the caller: its calls come one after the other
  const std::int64_t tiles = ops_->input_tiles(args), tile = ops_->input_tile(args), bytes = tiles * tile * 4;
  if (tile > 0) {
    if (std::ssize(buffer) < bytes) buffer = std::vector<std::byte>(static_cast<std::size_t>(bytes));
    share(tiles, T * K, [&, out = buffer.data()](std::int64_t begin, std::int64_t end) {
      ops_->arrange_inputs(args, out, begin, end);
    });
  }
  // One token waits for the weights to come from memory, more of them for the arithmetic.
  share(ops_->linear_units(args), T * args.W->outputs() * K / (T == 1 ? 1 : 4),
        [&, x = buffer.data()](std::int64_t begin, std::int64_t end) { ops_->linear(args, x, begin, end); });
}

void CpuBackend::round_to(const RoundArgs& args) const {
  if (args.type == ElementType::f32) return;
  share(args.x.rows, args.x.rows * args.x.cols,
        [&](std::int64_t begin, std::int64_t end) { ops_->round_to(args, begin, end); });
}

void CpuBackend::copy(MatrixView<const float> from, MatrixView<float> to) const {
  share(from.rows, from.rows * from.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
  });
}

void CpuBackend::row_sums(const RowSumsArgs<float>& args) const {
  share(args.x.rows, args.x.rows * args.x.cols,
        [&](std::int64_t begin, std::int64_t end) { ops_->row_sums(args, begin, end); });
}

void CpuBackend::rms_norm(const RmsNormArgs<float>& args) const {
  share(args.x.rows, args.x.rows * args.x.cols,
        [&](std::int64_t begin, std::int64_t end) { ops_->rms_norm(args, begin, end); });
}

void CpuBackend::attention(const AttentionArgs<float>& args) const {
  share(ops_->attention_units(args), args.q.rows * args.k.rows * args.q.cols,
        [&](std::int64_t begin, std::int64_t end) { ops_->attention(args, begin, end); });
}

void CpuBackend::causal_conv(const CausalConvArgs<float>& args) const {
  // A single token computes less than it costs to bring what another thread's cache holds of it.
  share(blocks(args.x.cols, ops_->lanes),
        args.x.rows * args.x.cols * (args.weight.rows + 4) * (args.x.rows == 1 ? 1 : 4),
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

}  // namespace statescope::kernels
