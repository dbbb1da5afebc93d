// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// s = x + residual; y = s / sqrt(mean(s²) + epsilon) ⊙ weight, row by row (Zhang & Sennrich 2019).
template <class Real>
struct RmsNormArgs {
  MatrixView<const Real> x;      // [T, D]
  const Real* weight = nullptr;  // [D]
  Real epsilon = 0;
  MatrixView<Real> y;                    // [T, D]; may be x itself
  MatrixView<const Real> residual = {};  // [T, D] or empty: nothing is added
  MatrixView<Real> sum = {};             // [T, D] or empty: s; may be x or residual, not y
};

/// The gradients of rms_norm, with r = sqrt(mean(s²) + epsilon) and n = s / r:
///
///   ds = dsum + (g − n · mean(g ⊙ n)) / r, g = dy ⊙ weight
///   dweight = Σ_t dy_t ⊙ n_t
///
/// x and residual enter only by their sum, so ds is the gradient of both.
template <class Real>
struct RmsNormBackwardArgs {
  MatrixView<const Real> s;      // [T, D] what was normalised: x, or x + residual
  const Real* weight = nullptr;  // [D]
  Real epsilon = 0;
  MatrixView<const Real> dy;         // [T, D]
  MatrixView<Real> ds;               // [T, D]; may be dsum; must not overlap s or dy
  Real* dweight = nullptr;           // [D] overwritten
  MatrixView<const Real> dsum = {};  // [T, D] or empty: what reaches s on the way around the norm
};

namespace reference {
void rms_norm(const RmsNormArgs<double>& args);
void rms_norm_backward(const RmsNormBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
