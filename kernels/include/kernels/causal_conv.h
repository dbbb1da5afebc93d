// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Depthwise causal convolution followed by SiLU (mamba_simple.py step 2):
///
///   y_t[e] = SiLU(bias[e] + Σ_{j<K} weight[j][e] · x_{t-K+1+j}[e])
///
/// Inputs before the first token come from `history`, oldest first, which leaves holding the last K-1 inputs.
template <class Real>
struct CausalConvArgs {
  MatrixView<const Real> x;       // [T, E]
  MatrixView<const Real> weight;  // [K, E], weight[K-1] meets the current token; K >= 1
  const Real* bias = nullptr;     // [E] or null
  MatrixView<Real> history;       // [K-1, E] in and out
  MatrixView<Real> y;             // [T, E]; must not overlap x
};

namespace reference {
void causal_conv(const CausalConvArgs<double>& args);
}

}  // namespace statescope::kernels
