// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "cpu/ceilings_ops.h"
#include "kernels/attention.h"
#include "kernels/causal_conv.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/row_sums.h"
#include "kernels/ssd.h"

namespace statescope::kernels {

/// c = a b, or c += a b. Element (i, k) of a is a[i · a_row + k · a_depth], so a may be transposed; rows of b and c are
/// contiguous.
struct Product {
  const float* a;
  std::int64_t a_row, a_depth;
  const float* b;  // [depth, cols]
  std::int64_t b_row;
  float* c;  // [rows, cols]
  std::int64_t c_row;
  std::int64_t rows, cols, depth;
  bool add;
};

/// Floats that ssd_head needs for itself.
inline std::int64_t ssd_scratch(std::int64_t count, std::int64_t states) {
  return count * (4 + count + states);
}

/// The operations for one instruction set, each on a range of its independent parts.
struct CpuOps {
  std::int64_t lanes;  // channels in a block of causal_conv
  std::int64_t (*linear_units)(const LinearArgs&);
  // Inputs are rearranged before they are multiplied: input_tiles parts of input_tile numbers of 32 bits each, or
  // nothing when that is 0.
  std::int64_t (*input_tiles)(const LinearArgs&);
  std::int64_t (*input_tile)(const LinearArgs&);
  void (*arrange_inputs)(const LinearArgs&, void* arranged, std::int64_t tile_begin, std::int64_t tile_end);
  void (*linear)(const LinearArgs&, const void* arranged, std::int64_t unit_begin, std::int64_t unit_end);
  void (*round_to)(const RoundArgs&, std::int64_t row_begin, std::int64_t row_end);
  void (*row_sums)(const RowSumsArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*rms_norm)(const RmsNormArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*causal_conv)(const CausalConvArgs<float>&, std::int64_t block_begin, std::int64_t block_end);
  void (*softplus)(const SoftplusArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*gate)(const GateArgs<float>&, std::int64_t row_begin, std::int64_t row_end);

  std::int64_t product_strip;  // columns in a strip of product
  void (*product)(const Product&, std::int64_t strip_begin, std::int64_t strip_end);
  void (*column_sums)(const MatrixView<const float>&, float* sums, std::int64_t block_begin, std::int64_t block_end);
  void (*rms_norm_backward)(const RmsNormBackwardArgs<float>&, float* scales, std::int64_t row_begin,
                            std::int64_t row_end);
  void (*rms_norm_dweight)(const RmsNormBackwardArgs<float>&, const float* scales, std::int64_t block_begin,
                           std::int64_t block_end);
  void (*causal_conv_backward)(const CausalConvBackwardArgs<float>&, std::int64_t block_begin, std::int64_t block_end);
  void (*softplus_backward)(const SoftplusBackwardArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*gate_backward)(const GateBackwardArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*softmax)(const SoftmaxArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*softmax_backward)(const SoftmaxBackwardArgs<float>&, std::int64_t row_begin, std::int64_t row_end);
  void (*cross_entropy)(const CrossEntropyArgs<float>&, float scale, std::int64_t row_begin, std::int64_t row_end);
  void (*ssd_scores)(const SsdArgs<float>&, std::int64_t begin, std::int64_t count, std::int64_t group, float* Bt,
                     float* G);
  void (*ssd_head)(const SsdArgs<float>&, std::int64_t begin, std::int64_t count, std::int64_t head, const float* G,
                   float* state, float* scratch);

  std::int64_t (*attention_units)(const AttentionArgs<float>&);
  void (*attention)(const AttentionArgs<float>&, std::int64_t unit_begin, std::int64_t unit_end);
  CeilingOps ceilings;
};

extern const CpuOps baseline_ops;
#if defined(__x86_64__)
extern const CpuOps avx2_ops;
extern const CpuOps avx512_ops;
extern const CpuOps avx512_bf16_ops;
#endif

}  // namespace statescope::kernels
