// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace statescope {

/// HiPPO (Gu et al., 2020; Gu et al., "How to train your HiPPO", 2022): linear systems x' = A x + B f whose state is
/// the coefficients of the past of f in an orthonormal basis g_n,
///   x_n(t) = ∫ f(t−s) g_n(s) ω(s) ds,   f(t−s) ≈ Σ_n x_n(t) g_n(s),
/// with s the time before now. Rows n and columns k count from 0; A already has its sign.
enum class HippoFamily {
  legs,      ///< scaled Legendre: x' = (A x + B f) / t. Legendre polynomials over the whole past
  legs_lti,  ///< the same A and B without 1/t, as S4 uses them: measure e^{−s/θ}/θ
  legt,      ///< Legendre polynomials over a sliding window
  lmu,       ///< LegT in the basis of the Legendre Memory Unit (Voelker et al., 2019)
  lagt,      ///< Laguerre functions e^{−s/2θ} L_n(s/θ)
  fout       ///< truncated Fourier series over a sliding window; N even, coefficient 1 is always 0
};
inline constexpr HippoFamily all_hippo_families[] = {HippoFamily::legs, HippoFamily::legs_lti, HippoFamily::legt,
                                                     HippoFamily::lmu,  HippoFamily::lagt,     HippoFamily::fout};

/// What published code disagrees about for the families with a window (legt, lmu, fout).
enum class HippoWindow {
  unit,   ///< the window is [0, θ]: hippo-code and s4's visualizations.py
  halved  ///< A and B times ½, the window is [0, 2θ]: s4's hippo.py and s4.py
};

/// One system. Throws nothing; `check_hippo` judges it.
struct Hippo {
  HippoFamily family = HippoFamily::legs;
  std::int64_t order = 64;  // N, the number of coefficients
  HippoWindow window = HippoWindow::unit;
  double theta = 1;  // seconds; A and B are divided by it. Unused by legs, which has no time scale
  bool operator==(const Hippo&) const = default;
};

inline constexpr std::int64_t max_hippo_order = 256;

/// "legs", "legs-lti", "legt", "lmu", "lagt", "fout". `parse_hippo_family` throws Error.
std::string hippo_family_id(HippoFamily family);
HippoFamily parse_hippo_family(std::string_view text);
/// "unit" or "halved".
std::string hippo_window_id(HippoWindow window);
HippoWindow parse_hippo_window(std::string_view text);
/// legt, lmu and fout.
bool has_window(HippoFamily family);

/// Throws Error for an order outside 1 … 256, an odd order of fout, θ that is not positive and finite, and `halved`
/// for a family without a window.
void check_hippo(const Hippo& hippo);

/// A [N, N] per second, B [N] per second. For legs they still have to be divided by t (in samples or seconds alike).
struct HippoMatrices {
  Eigen::MatrixXd A;
  Eigen::VectorXd B;
};
/// Throws Error as `check_hippo`.
HippoMatrices hippo_matrices(const Hippo& hippo);

/// A_nk in one line of mathematics, the convention named ("A_nk = −√((2n+1)(2k+1)) for n > k, …").
std::string hippo_formula(const Hippo& hippo);
/// Which published code writes it that way.
std::string hippo_convention(const Hippo& hippo);

/// Seconds of the past that the coefficients speak of when `past` seconds have been read: all of it, or the window.
double hippo_reach(const Hippo& hippo, double past);

/// g_n(s) for n < N. legs needs the length of the past; s beyond the reach continues the formula.
/// Legendre, Laguerre and Fourier functions by recurrences that are stable for every n here.
void hippo_basis(const Hippo& hippo, double s, double past, std::span<double> g);
/// [S, N], one row per s.
Eigen::MatrixXd hippo_basis(const Hippo& hippo, const Eigen::VectorXd& s, double past);

/// ω(s) per second, under which the basis is orthonormal: 1/past (legs), e^{−s/θ}/θ (legs_lti), 1/window inside the
/// window (legt, fout), 1/θ everywhere (lagt). lmu's basis P_n(2s/window − 1) is orthogonal only: the norms² are
/// 1/(2n+1).
double hippo_measure(const Hippo& hippo, double s, double past);
/// g_0(s)² ω(s), the weight to draw: as the measure, but e^{−s/θ}/θ for lagt, whose functions all carry e^{−s/2θ}.
double hippo_weight(const Hippo& hippo, double s, double past);

/// The best state there is for a signal of samples that are held (legs): c_n = (1/t) ∫ f g_n over [0, t], exactly, by
/// the antiderivative of P_n. What the recurrence with ZOH must arrive at.
Eigen::VectorXd legs_projection(std::int64_t order, std::span<const double> signal);

}  // namespace statescope
