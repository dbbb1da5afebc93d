// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// The scan of Mamba-2, state space duality (Dao & Gu 2024; mamba2.py, ssd_minimal.py): one decay per head.
///
///   h_t[p, n] = exp(Δ_t A) h_{t-1}[p, n] + Δ_t x_t[p] B_t[n]     per head, of its group's B and C
///   y_t[p]    = Σ_n C_t[n] h_t[p, n] + D x_t[p]
///
/// The fast paths compute it chunk by chunk: inside a chunk as the masked matrix product
/// y_i = Σ_{j<=i} (C_i·B_j) exp(a_j+1 + … + a_i) Δ_j x_j with a_t = Δ_t A, across chunks through the state. The result
/// depends on the chunk size only by rounding. Calls on pieces that are whole chunks give the bits of one call.
///
/// H heads of P channels; head i has the B and C of group i·G/H.
template <class Real>
struct SsdArgs {
  MatrixView<const Real> x;      // [T, H·P]
  MatrixView<const Real> delta;  // [T, H] after softplus
  const Real* A = nullptr;       // [H] negative
  MatrixView<const Real> B;      // [T, G·N]
  MatrixView<const Real> C;      // [T, G·N]
  std::int64_t groups = 1;       // G, divides H
  const Real* D = nullptr;       // [H], or [H·P] with D_per_channel, or null
  bool D_per_channel = false;
  Real* h = nullptr;         // [H, P, N] in: before the first token; out: after the last
  MatrixView<Real> y;        // [T, H·P]; must not overlap x
  std::int64_t chunk = 128;  // tokens; >= 1

  std::int64_t heads() const { return delta.cols; }
  std::int64_t head_channels() const { return heads() ? x.cols / heads() : 0; }
  std::int64_t states() const { return B.cols / groups; }
  std::int64_t group_of(std::int64_t head) const { return head * groups / heads(); }
};

namespace reference {
/// Token by token, as the recurrence reads; `chunk` has no meaning here.
void ssd(const SsdArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
