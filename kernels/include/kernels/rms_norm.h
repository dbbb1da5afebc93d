// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// y = x / sqrt(mean(x²) + epsilon) ⊙ weight, row by row (Zhang & Sennrich 2019).
template <class Real>
struct RmsNormArgs {
  MatrixView<const Real> x;      // [T, D]
  const Real* weight = nullptr;  // [D]
  Real epsilon = 0;
  MatrixView<Real> y;  // [T, D]; may be x itself
};

namespace reference {
void rms_norm(const RmsNormArgs<double>& args);
}

}  // namespace statescope::kernels
