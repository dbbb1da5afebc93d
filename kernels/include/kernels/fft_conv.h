// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Causal convolution of each channel with a kernel as long as the sequence (S4D, H3, Hyena):
///
///   y_t[e] = Σ_{s<=t, s<L} kernel_s[e] · x_{t-s}[e] + D[e] x_t[e]
///
/// The fast paths multiply spectra of length >= T + min(L, T) − 1, so nothing wraps around. Their error is that of a
/// Fourier transform: relative to ‖kernel‖₂‖x‖₂ of the channel, not to each y.
template <class Real>
struct FftConvArgs {
  MatrixView<const Real> x;       // [T, E]
  MatrixView<const Real> kernel;  // [L, E], L >= 1; what lies beyond T has no effect
  const Real* D = nullptr;        // [E] or null
  MatrixView<Real> y;             // [T, E]; may be x itself
};

/// The gradients of fft_conv, which are correlations:
///
///   dx_t = Σ_{s<L, t+s<T} kernel_s · dy_{t+s} + D dy_t,  dkernel_s = Σ_{t>=s} dy_t · x_{t-s},  dD = Σ_t dy_t x_t
template <class Real>
struct FftConvBackwardArgs {
  MatrixView<const Real> x;       // [T, E]
  MatrixView<const Real> kernel;  // [L, E]
  const Real* D = nullptr;        // [E] or null
  MatrixView<const Real> dy;      // [T, E]
  MatrixView<Real> dx;            // [T, E]; may be x or dy
  MatrixView<Real> dkernel;       // [L, E] overwritten; 0 beyond T
  Real* dD = nullptr;             // [E] overwritten, or null
};

/// The transform length that the fast paths use: the smallest even number >= T + min(L, T) − 1 without a prime factor
/// above 7.
std::int64_t fft_conv_length(std::int64_t T, std::int64_t L);

namespace reference {
/// The sums above, term by term.
void fft_conv(const FftConvArgs<double>& args);
void fft_conv_backward(const FftConvBackwardArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
