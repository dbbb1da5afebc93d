// SPDX-License-Identifier: GPL-3.0-or-later
// What a linear system does, without running it.
#pragma once

#include <span>
#include <vector>

#include "engine/dynamics/discretise.h"

namespace statescope {

/// Eigenvalues of a real matrix; the diagonal, exactly and in its order, when the matrix is triangular (HiPPO-LegS,
/// whose eigenvalues no iteration finds in double precision for large N). Conjugates are neighbours, the positive
/// imaginary part first. Throws Error when the iteration does not converge.
Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& A);
/// Whether `values` may be called those of A: N of them, conjugates as neighbours, each exact for a matrix that differs
/// from A by at most 1e-9 ‖A‖, and their sum its trace.
bool are_eigenvalues(const Eigen::MatrixXd& A, std::span<const Complex> values);

/// One eigenvalue λ of A and what it means. Nan stands for what does not exist.
struct Mode {
  Complex lambda;                // per second
  Complex z;                     // eigenvalue of Ā
  double natural_frequency = 0;  // |λ|, rad/s
  double damping = 0;            // ζ = −Re λ / |λ|; NaN for λ = 0
  double time_constant = 0;      // −1/Re λ, seconds after which it has decayed to 1/e; infinite for Re λ = 0
  bool stable = false;           // Re λ < 0
  bool discrete_stable = false;  // |z| < 1
  bool beyond_nyquist = false;   // |Im λ| > π/Δ: it turns by more than half a circle in a step, so samples alias
};
Mode mode_of(Complex lambda, const StepRule& rule);
std::vector<Mode> modes_of(const Eigen::VectorXcd& lambdas, const StepRule& rule);

/// H(s) = C (sI − A)⁻¹ (B + s B_s) + D at many s. A is reduced to Hessenberg form once, so each costs O(N²). Not finite
/// at an eigenvalue.
std::vector<Complex> transfer_function(const Eigen::MatrixXd& A, const Eigen::VectorXd& B, const Eigen::VectorXd& B_s,
                                       const Eigen::RowVectorXd& C, double D, std::span<const Complex> s);

struct FrequencyResponse {
  std::vector<double> omega;        // rad/s
  std::vector<Complex> continuous;  // H(iω)
  std::vector<Complex> discrete;  // Σ K_l e^{−iωΔl} + D = C z(zI − Ā)⁻¹(B̄ + B̄₋₁/z) + D at z = e^{iωΔ}; NaN above π/Δ
};
FrequencyResponse frequency_response(const DenseSystem& system, const DiscreteSystem& step, double delta,
                                     std::vector<double> omega);
/// `count` angular frequencies, evenly spaced on a logarithmic axis, that show all of it: from a tenth of the slowest
/// mode that is not at rest to ten times the fastest or to π/Δ, whichever is higher; at most seven decades.
std::vector<double> frequencies_of(std::span<const Mode> modes, double delta, std::int64_t count);

/// Dimension of the space that B, AB, A²B, … span: all N states can be reached by the input when it is N. By Arnoldi's
/// process (the staircase form with one input), which ends where a new direction is shorter than 1e-10 ‖A‖.
std::int64_t controllable_rank(const Eigen::MatrixXd& A, const Eigen::VectorXd& B);
/// The same of Aᵀ and Cᵀ: the states that the output shows.
std::int64_t observable_rank(const Eigen::MatrixXd& A, const Eigen::RowVectorXd& C);

}  // namespace statescope
