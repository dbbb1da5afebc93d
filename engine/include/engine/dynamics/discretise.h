// SPDX-License-Identifier: GPL-3.0-or-later
// From a differential equation to a recurrence with step Δ:
//
//   h_t = Ā h_{t−1} + B̄ u_t + B̄₋₁ u_{t−1},   y_t = C h_t + D u_t
//
// y_t reads the state that already contains u_t; h_{−1} = 0 and u_{−1} = 0 unless told otherwise.
#pragma once

#include <string>

#include "engine/dynamics/system.h"

namespace statescope {

enum class Method {
  forward_euler,            // Ā = I + ΔA                        B̄ = ΔB
  backward_euler,           // Ā = (I − ΔA)⁻¹                    B̄ = (I − ΔA)⁻¹ ΔB
  bilinear,                 // gbt with α = ½
  gbt,                      // Ā = (I − αΔA)⁻¹(I + (1−α)ΔA)      B̄ = (I − αΔA)⁻¹ ΔB
  zoh,                      // Ā = e^{ΔA}                        B̄ = ∫₀^Δ e^{sA} ds B = A⁻¹(e^{ΔA} − I)B
  mamba,                    // Ā = e^{ΔA}                        B̄ = ΔB, as the code of Mamba-1 and Mamba-2 has it
  exponential_trapezoidal,  // Ā = e^{ΔA}                        B̄ = λΔB and B̄₋₁ = (1−λ)Δ e^{ΔA}B (Mamba-3)
};
inline constexpr Method all_methods[] = {
    Method::forward_euler, Method::backward_euler,         Method::bilinear, Method::gbt, Method::zoh,
    Method::mamba,         Method::exponential_trapezoidal};

/// "forward-euler", "backward-euler", "bilinear", "gbt", "zoh", "mamba", "exponential-trapezoidal". parse_method throws
/// Error that lists them.
const char* method_id(Method method);
Method parse_method(const std::string& id);
/// "Forward Euler", "Zero-order hold", …
const char* method_name(Method method);

/// How to step.
struct StepRule {
  Method method = Method::zoh;
  double delta = 0.1;    // seconds, > 0
  double alpha = 0.5;    // of gbt, 0 to 1: 0 is forward, 1 backward Euler
  double balance = 0.5;  // λ of exponential_trapezoidal, 0 to 1: 1 is mamba, ½ the trapezoid
  bool operator==(const StepRule&) const = default;
};

/// Throws Error for Δ that is not a positive finite number and for α or λ outside 0 to 1.
void check(const StepRule& rule);

struct DiscreteSystem {
  Eigen::MatrixXd A;           // Ā [N, N]
  Eigen::VectorXd B;           // B̄ [N]
  Eigen::VectorXd B_previous;  // B̄₋₁ [N], zeros except for exponential_trapezoidal
  Eigen::RowVectorXd C;        // [N]
  double D = 0;
  std::int64_t states() const { return A.rows(); }
};

struct DiscreteDiagonal {
  Eigen::VectorXcd A, B, B_previous, C;  // [M]
  double D = 0;
  bool conjugates = true;
};

/// ZOH is one exponential of the block matrix Δ[[A, B], [0, 0]], so A may be singular. Throws Error when Δ is not
/// positive, when I − αΔA has no inverse (1 − αΔλ = 0 for an eigenvalue λ), and when the result is not finite.
DiscreteSystem discretise(const DenseSystem& system, const StepRule& rule);
/// Mode by mode; λ → 0 keeps its limit (expm1).
DiscreteDiagonal discretise(const DiagonalSystem& system, const StepRule& rule);

/// (e^{z} − 1)/z, 1 at z = 0, without cancellation.
Complex expm1_over(Complex z);

/// Where an eigenvalue λ of A goes in the z-plane: the eigenvalue of Ā. Infinite where the rule has no step.
Complex discrete_pole(const StepRule& rule, Complex lambda);
/// Whether a mode λ dies out when it is stepped by the rule: |discrete_pole| < 1. The region of Δλ where this is so is
/// the method's stability region.
bool is_stable(const StepRule& rule, Complex lambda);

/// A part of the complex plane bounded by an upright line or by a circle about a real number.
struct PlanePart {
  enum class Shape { left_of, inside, outside };
  Shape shape = Shape::left_of;
  double center = 0;  // where the line crosses the real axis, or the circle's centre
  double radius = 0;  // of the circle
  bool contains(Complex place) const;
};
/// The eigenvalues λ, in the s-plane, that the rule makes die out.
PlanePart stability_region(const StepRule& rule);
/// Where the rule puts the left half-plane, in the z-plane.
PlanePart image_of_stable(const StepRule& rule);

}  // namespace statescope
