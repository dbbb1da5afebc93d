// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Depthwise causal convolution followed by SiLU (mamba_simple.py step 2):
///
///   v_t[e] = bias[e] + Σ_{j<K} weight[j][e] · x_{t-K+1+j}[e],  y_t = SiLU(v_t)
///
/// Inputs before the first token come from `history`, oldest first, which leaves holding the last K-1 inputs. So the
/// update by a single token, as in generation, is the call with T = 1.
template <class Real>
struct CausalConvArgs {
  MatrixView<const Real> x;       // [T, E]
  MatrixView<const Real> weight;  // [K, E], weight[K-1] meets the current token; K >= 1
  const Real* bias = nullptr;     // [E] or null
  MatrixView<Real> history;       // [K-1, E] in and out
  MatrixView<Real> y;             // [T, E]; must not overlap x
};

/// The gradients of causal_conv, with g_t = dy_t ⊙ SiLU'(v_t) and inputs at times before 0 in the history:
///
///   dx_s = Σ_j weight[j] ⊙ g_{s+K-1-j},  dweight[j] = Σ_t g_t ⊙ x_{t-K+1+j},  dbias = Σ_t g_t
///
/// The convolution before SiLU is computed again. `dhistory` carries the gradient between calls as `history` carries
/// the inputs, backwards: calls on the pieces of a sequence, last piece first, give the bits of one call in dx.
template <class Real>
struct CausalConvBackwardArgs {
  MatrixView<const Real> x;        // [T, E]
  MatrixView<const Real> weight;   // [K, E]
  const Real* bias = nullptr;      // [E] or null
  MatrixView<const Real> history;  // [K-1, E] as it was before the forward call
  MatrixView<const Real> dy;       // [T, E]
  MatrixView<Real> dx;             // [T, E]; must not overlap x or dy
  MatrixView<Real> dweight;        // [K, E] overwritten
  Real* dbias = nullptr;           // [E] overwritten, or null
  MatrixView<Real> dhistory;       // [K-1, E] in: of the history left behind; out: of the history given
};

namespace reference {
void causal_conv(const CausalConvArgs<double>& args);
void causal_conv_backward(const CausalConvBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
