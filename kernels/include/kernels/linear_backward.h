// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// The gradients of y = x Wᵀ + bias. W is a plain row-major matrix: training changes it every step, so packing it would
/// not pay.
///
///   dx = dy W,  dW = dyᵀ x,  dbias = Σ_t dy_t
template <class Real>
struct LinearBackwardArgs {
  MatrixView<const Real> x;   // [T, K]; read for dW
  MatrixView<const Real> W;   // [M, K]; read for dx
  MatrixView<const Real> dy;  // [T, M]
  MatrixView<Real> dx;        // [T, K] or empty
  MatrixView<Real> dW;        // [M, K] overwritten, or empty
  Real* dbias = nullptr;      // [M] overwritten, or null
};

namespace reference {
void linear_backward(const LinearBackwardArgs<double>& args);
}

}  // namespace statescope::kernels
