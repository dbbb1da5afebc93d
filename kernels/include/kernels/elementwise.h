// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// x ← softplus(x + bias), softplus(v) = log(1 + e^v). (PyTorch's identity above 20 differs by less than 3e-9.)
template <class Real>
struct SoftplusArgs {
  MatrixView<Real> x;          // [T, E] in and out
  const Real* bias = nullptr;  // [E] or null
};

/// dx = dy ⊙ σ(x + bias), by the result: σ = 1 − e^−y. dbias = Σ_t dx_t.
template <class Real>
struct SoftplusBackwardArgs {
  MatrixView<const Real> y;   // [T, E] what softplus gave
  MatrixView<const Real> dy;  // [T, E]
  MatrixView<Real> dx;        // [T, E]; may be y or dy
  Real* dbias = nullptr;      // [E] overwritten, or null
};

/// gate = SiLU(z) = z·σ(z); out = y ⊙ gate.
template <class Real>
struct GateArgs {
  MatrixView<const Real> y;  // [T, E]
  MatrixView<const Real> z;  // [T, E]
  MatrixView<Real> gate;     // [T, E] or empty
  MatrixView<Real> out;      // [T, E]; may be y or z
};

/// dy = dout ⊙ SiLU(z), dz = dout ⊙ y ⊙ σ(z)(1 + z(1 − σ(z))).
template <class Real>
struct GateBackwardArgs {
  MatrixView<const Real> y;     // [T, E]
  MatrixView<const Real> z;     // [T, E]
  MatrixView<const Real> dout;  // [T, E]
  MatrixView<Real> dy;          // [T, E]; may be any input
  MatrixView<Real> dz;          // [T, E]; may be any input, not dy
};

/// y = x / (1 − rate) where an element stays, else 0 (Srivastava et al. 2014). Which ones stay is a function of key,
/// row and column alone, the same on every device; the gradient is the same operation.
template <class Real>
struct DropoutArgs {
  MatrixView<const Real> x;  // [T, D]
  double rate = 0;           // of elements that fall out, below 1
  std::uint64_t key = 0;
  MatrixView<Real> y;  // [T, D]; may be x
};

namespace reference {
void softplus(const SoftplusArgs<double>& args);
void softplus_backward(const SoftplusBackwardArgs<double>& args);
void gate(const GateArgs<double>& args);
void gate_backward(const GateBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
