// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// x ← softplus(x + bias), softplus(v) = log(1 + e^v). (PyTorch's identity above 20 differs by less than 3e-9.)
template <class Real>
struct SoftplusArgs {
  MatrixView<Real> x;          // [T, E] in and out
  const Real* bias = nullptr;  // [E] or null
};

/// gate = SiLU(z) = z·σ(z); out = y ⊙ gate.
template <class Real>
struct GateArgs {
  MatrixView<const Real> y;  // [T, E]
  MatrixView<const Real> z;  // [T, E]
  MatrixView<Real> gate;     // [T, E] or empty
  MatrixView<Real> out;      // [T, E]; may be y or z
};

namespace reference {
void softplus(const SoftplusArgs<double>& args);
void gate(const GateArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
