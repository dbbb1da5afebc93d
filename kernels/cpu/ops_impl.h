// SPDX-License-Identifier: GPL-3.0-or-later
// The CPU operations, written once over vectors of STATESCOPE_LANES floats and compiled once per instruction set.
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpu/ops.h"

namespace statescope::kernels {
namespace {

#include "cpu/vector_math.h"

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

#include "cpu/attention_impl.h"
#include "cpu/ceilings_impl.h"
#include "cpu/gradients_impl.h"
#include "cpu/linear_impl.h"

#include "cpu/inputs_impl.h"
#include "cpu/norm_impl.h"
#include "cpu/product_impl.h"
#include "cpu/round_impl.h"
#include "cpu/row_sums_impl.h"
#include "cpu/softmax_impl.h"
#include "cpu/ssd_impl.h"

// Row by row: a few rows of neighbouring channels stay in the first-level cache, and memory is read as it lies. A walk
// down the columns would meet rows that share their place in every cache.
__attribute__((flatten)) void causal_conv(const CausalConvArgs<float>& args, std::int64_t block_begin,
                                          std::int64_t block_end) {
  constexpr std::int64_t vectors = 32;  // of channels that go through time together
  const std::int64_t T = args.x.rows, K = args.weight.rows, last = smaller(block_end * lanes, args.x.cols);
  // Input at time t, which is negative for what came before this call.
  const auto input = [&](std::int64_t t) { return t >= 0 ? args.x.row(t) : args.history.row(t + K - 1); };
  for (std::int64_t first = block_begin * lanes; first < last; first += vectors * lanes) {
    const std::int64_t count = smaller(vectors * lanes, last - first);
    for (std::int64_t t = 0; t < T; ++t) {
      float* const y = args.y.row(t);
      for_groups(first, first + count, [&](auto size, std::int64_t e, std::int64_t rest) {
        constexpr int G = decltype(size)::value;
        Group<G> totals = args.bias ? load_group<G>(args.bias + e, rest) : Group<G>{};
        for (std::int64_t j = 0; j < K; ++j)
          totals =
              fma(load_group<G>(args.weight.row(j) + e, rest), load_group<G>(input(t - K + 1 + j) + e, rest), totals);
        store_group(y + e, silu_of(totals), rest);
      });
    }
    // Row j of the new history is the input at time T-K+1+j; rising j never reads a row already overwritten.
    for (std::int64_t j = 0; j < K - 1; ++j)
      for (std::int64_t e = first; e < first + count; e += lanes)
        store(args.history.row(j) + e, load(input(T - K + 1 + j) + e, first + count - e), first + count - e);
  }
}

__attribute__((flatten)) void softplus(const SoftplusArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    float* const x = args.x.row(t);
    for_groups(0, args.x.cols, [&](auto size, std::int64_t e, std::int64_t count) {
      constexpr int G = decltype(size)::value;
      Group<G> v = load_group<G>(x + e, count);
      if (args.bias) v = v + load_group<G>(args.bias + e, count);
      store_group(x + e, softplus_of(v), count);
    });
  }
}

__attribute__((flatten)) void gate(const GateArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float *const z = args.z.row(t), *const y = args.y.row(t);
    float* const out = args.out.row(t);
    for_groups(0, args.y.cols, [&](auto size, std::int64_t e, std::int64_t count) {
      constexpr int G = decltype(size)::value;
      const Group<G> opening = silu_of(load_group<G>(z + e, count)), gated = load_group<G>(y + e, count) * opening;
      if (args.gate) store_group(args.gate.row(t) + e, opening, count);
      store_group(out + e, gated, count);
    });
  }
}

}  // namespace

extern const CpuOps STATESCOPE_OPS;
const CpuOps STATESCOPE_OPS = {lanes,
                               linear_units,
                               input_tiles,
                               input_tile,
                               arrange_inputs,
                               linear,
                               round_to,
                               row_sums,
                               rms_norm,
                               causal_conv,
                               softplus,
                               gate,
                               product_strip,
                               product,
                               column_sums,
                               rms_norm_backward,
                               rms_norm_dweight,
                               causal_conv_backward,
                               softplus_backward,
                               gate_backward,
                               softmax,
                               softmax_backward,
                               cross_entropy,
                               ssd_scores,
                               ssd_head,
                               attention_units,
                               attention,
                               {chains * lanes,
                                busy_multiply_adds,
#if defined(STATESCOPE_BF16_PAIRS)
                                busy_pair_products,
#else
                                nullptr,
#endif
                                {busy_reading<1>, busy_reading<4>}}};

}  // namespace statescope::kernels
