// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// The selective scan of Mamba-1 (Gu & Dao 2023, algorithm 2; selective_scan_ref of state-spaces/mamba), with the
/// discretisation its weights were trained with: exp for A, Euler for B.
///
///   h_t = exp(Δ_t A) ⊙ h_{t-1} + Δ_t B_t x_t        per channel e and state n
///   y_t = Σ_n C_t[n] h_t[·, n] + D ⊙ x_t
///
/// State and A are stored state-major, [N, E], so that neighbouring channels are neighbouring lanes for any N.
template <class Real>
struct SelectiveScanArgs {
  MatrixView<const Real> x;      // [T, E] after convolution and SiLU
  MatrixView<const Real> delta;  // [T, E] after softplus
  MatrixView<const Real> A;      // [N, E] negative
  MatrixView<const Real> B;      // [T, N]
  MatrixView<const Real> C;      // [T, N]
  const Real* D = nullptr;       // [E]
  MatrixView<Real> h;            // [N, E] in: before the first token; out: after the last
  MatrixView<Real> y;            // [T, E]; may be x or delta itself
  Real* h_all = nullptr;         // [T, E, N] every state, or null
};

namespace reference {
void selective_scan(const SelectiveScanArgs<double>& args);
}

}  // namespace statescope::kernels
