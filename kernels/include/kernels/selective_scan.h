// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// The selective scan of Mamba-1 (Gu & Dao 2023, algorithm 2; selective_scan_ref of state-spaces/mamba), with the
/// discretisation its weights were trained with: exp for A, Euler for B. What surrounds it is fused in when asked for:
///
///   Δ_t = softplus(delta_t + delta_bias)              (each part when asked for; softplus(v) = log(1 + e^v))
///   h_t = exp(Δ_t A) ⊙ h_{t-1} + Δ_t B_t x_t          per channel e and state n
///   y_t = (Σ_n C_t[n] h_t[·, n] + D ⊙ x_t) ⊙ SiLU(z_t)   (each part when given)
///
/// State and A are stored state-major, [N, E], so that neighbouring channels are neighbouring lanes for any N.
///
/// Updating the state by a single token, as generation does, is this operation with T = 1: the state in `h` goes from
/// call to call, and the bits do not depend on how the tokens are split into calls.
template <class Real>
struct SelectiveScanArgs {
  MatrixView<const Real> x;      // [T, E] after convolution and SiLU
  MatrixView<const Real> delta;  // [T, E] after softplus, or before it with `softplus`
  MatrixView<const Real> A;      // [N, E] negative
  // B and C: [T, groups · N]. A row stride of 0 makes them constant over time; with groups = E as well, they are
  // constants of each channel.
  MatrixView<const Real> B;
  MatrixView<const Real> C;
  const Real* D = nullptr;  // [E] or null
  MatrixView<Real> h;       // [N, E] in: before the first token; out: after the last
  MatrixView<Real> y;       // [T, E]; may be x, delta or z itself
  // Every state [T, E, N]; or [T, channels, N] of the channels in channel_list, in that order; or null.
  Real* h_all = nullptr;

  MatrixView<const Real> z = {};               // [T, E] or empty
  const Real* delta_bias = nullptr;            // [E] or null
  bool softplus = false;                       // of delta + delta_bias
  std::int64_t groups = 1;                     // of B and C; divides E: channel e is of group e / (E / groups)
  const std::int32_t* channel_list = nullptr;  // [channels] or null for all
  std::int64_t channels = 0;                   // in channel_list
  MatrixView<Real> state_squares = {};         // [T, E] Σ_n h_t[e, n]², or empty: the state's norm without h_all
};

/// The gradients of a loss with respect to everything that a selective scan reads, given dy = dL/dy and, where the loss
/// sees the last state too, dh_last. States are computed again from the inputs, so nothing of the forward pass needs to
/// be kept. With ẏ_t = dy_t ⊙ SiLU(z_t), a_t = exp(Δ_t A), run backwards in time from g_T = dh_last:
///
///   g_t  = C_t ẏ_t + a_{t+1} ⊙ g_{t+1}                     dL/dh_t
///   dC_t = Σ_e ẏ_t h_t          dB_t = Σ_e g_t Δ_t x_t      over the channels of a group
///   dx_t = D ẏ_t + Δ_t Σ_n g_t B_t
///   dΔ_t = Σ_n (g_t h_{t-1} a_t A + g_t B_t x_t),   ddelta_t = dΔ_t σ(delta_t + delta_bias) under softplus
///   dA   = Σ_t g_t h_{t-1} a_t Δ_t      dD = Σ_t ẏ_t x_t      ddelta_bias = Σ_t ddelta_t      dh0 = a_0 g_0
///   dz_t = dy_t (C_t·h_t + D x_t) σ(z_t) (1 + z_t (1 - σ(z_t)))
///
/// Everything that is not empty or null is overwritten; nothing overlaps an input. Sums over channels and time run in a
/// fixed order, whatever the number of threads.
template <class Real>
struct SelectiveScanBackwardArgs {
  SelectiveScanArgs<Real> forward;        // h: the state before the first token, left alone; its outputs are not used
  MatrixView<const Real> dy;              // [T, E]
  MatrixView<const Real> dh_last = {};    // [N, E] or empty
  MatrixView<Real> dx = {}, ddelta = {};  // [T, E] or empty; ddelta is of delta as given, before bias and softplus
  MatrixView<Real> dz = {};               // [T, E] or empty; only with z
  MatrixView<Real> dA = {};               // [N, E] or empty
  MatrixView<Real> dB = {}, dC = {};      // [T, groups · N] or empty; with a row stride of 0 summed over time
  Real* dD = nullptr;                     // [E] or null
  Real* ddelta_bias = nullptr;            // [E] or null
  MatrixView<Real> dh0 = {};              // [N, E] or empty
};

namespace reference {
void selective_scan(const SelectiveScanArgs<double>& args);
void selective_scan_backward(const SelectiveScanBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
