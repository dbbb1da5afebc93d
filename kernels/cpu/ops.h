// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/causal_conv.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {

/// The operations for one instruction set, each on a range of its independent parts.
struct CpuOps {
  std::int64_t lanes;          // channels in a block of causal_conv
  std::int64_t channel_block;  // channels in a block of selective_scan
  void (*linear)(const LinearArgs&, std::int64_t panel_begin, std::int64_t panel_end);
  void (*rms_norm)(const RmsNormArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*causal_conv)(const CausalConvArgs<float>&, std::int64_t block_begin, std::int64_t block_end);
  void (*softplus)(const SoftplusArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*gate)(const GateArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*selective_scan)(const SelectiveScanArgs<float>&, std::int64_t block_begin, std::int64_t block_end);
};

extern const CpuOps baseline_ops;
#if defined(__x86_64__)
extern const CpuOps avx2_ops;
extern const CpuOps avx512_ops;
#endif

}  // namespace statescope::kernels
