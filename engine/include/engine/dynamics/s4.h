// SPDX-License-Identifier: GPL-3.0-or-later
// From a HiPPO matrix to S4's convolution kernel (Gu, Goel, Ré 2022) and to its diagonal relatives (S4D, Gu et al.
// 2022).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dynamics/hippo.h"
#include "engine/dynamics/system.h"

namespace statescope {

/// What makes a HiPPO matrix normal: A + P Pᵀ = shift·I + a skew-symmetric matrix.
struct NormalCorrection {
  Eigen::MatrixXd P;  // [N, rank]: rank 2 for legt, else 1
  double shift = 0;   // −½/θ for legs and legs_lti, else 0
};
/// legs: P_n = √(n+½); legt: the odd and the even entries of √(2n+1), here on the window [0, θ]; lagt: √½; fout:
/// √2·B/2. Throws Error for lmu, whose matrix is LegT's in a basis that is not orthonormal.
NormalCorrection normal_correction(const Hippo& hippo);

/// A = V (Λ − P P*) V* with V unitary. The eigenvalues ascend by imaginary part; s4.py keeps the first half of them
/// (the negative ones) and takes real parts, the annotated S4 keeps all. Each column of V is determined up to a phase
/// only, so what may be compared is |P_n|, |B_n| and P̄_n B_n. s4.py also clips the imaginary parts of B to ±2; we do
/// not.
struct Nplr {
  Eigen::VectorXcd lambda;  // [N]
  Eigen::MatrixXcd P;       // [N, rank], V* P
  Eigen::VectorXcd B;       // [N], V* B
  Eigen::MatrixXcd V;       // [N, N]
};
Nplr nplr(const Hippo& hippo);

/// The system that reads C [N] of the HiPPO coefficients, y = C x, in the coordinates of `nplr`; all N modes.
DplrSystem s4_system(const Nplr& nplr, const Eigen::RowVectorXd& C);

/// K_l = C Ā^l B̄, l < length, for the bilinear step Δ, by the generating function at the roots of unity ω (S4,
/// Algorithm 1) and an inverse FFT: K̂(ω) = 2/(1+ω) · [C̃RB − C̃RP (I + P*RP)⁻¹ P*RB], R = diag(1/(g − λ)), g =
/// (2/Δ)(1−ω)/(1+ω), C̃ = C(I − Ā^L). At ω = −1, where g is infinite, the limit (Δ/2) C̃B. L is the next power of two and
/// the tail is cut, which leaves the numbers as they are. Throws Error for Δ ≤ 0, a length outside 1 …
/// max_kernel_length, and Δλ = 2.
std::vector<double> cauchy_kernel(const DplrSystem& system, double delta, std::int64_t length);
inline constexpr std::int64_t max_kernel_length = 1 << 16;

/// The same numbers by S4's recurrence, O(N) a step: Ā = A₁A₀ with A₀ = (2/Δ)I + Λ − PP* and
/// A₁ = D − D P(1 + P*DP)⁻¹P*D, D = (2/Δ − Λ)⁻¹; B̄ = 2A₁B.
std::vector<double> s4_recurrence_kernel(const DplrSystem& system, double delta, std::int64_t length);

/// Where S4D's eigenvalues begin; each stands for itself and its conjugate.
enum class S4dInit {
  lin,   ///< −½ + iπn
  inv,   ///< −½ + i(N/π)(N/(2n+1) − 1), N twice the number of modes
  legs,  ///< S4's Λ of LegS with positive imaginary part, ascending, P left away
  real   ///< −(n+1)
};
inline constexpr S4dInit all_s4d_inits[] = {S4dInit::lin, S4dInit::inv, S4dInit::legs, S4dInit::real};
/// "s4d-lin", "s4d-inv", "s4d-legs", "s4d-real"; parse_s4d_init throws Error.
std::string s4d_init_id(S4dInit init);
S4dInit parse_s4d_init(std::string_view text);

/// Λ; B = 1 as in s4d.py, for legs V*B as in s4.py (the theory of S4D-LegS has half of it); C = 1.
/// Throws Error for a number of modes outside 1 … 128.
DiagonalSystem s4d_system(S4dInit init, std::int64_t modes);

}  // namespace statescope
