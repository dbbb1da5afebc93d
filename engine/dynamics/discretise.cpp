// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/discretise.h"

#include <Eigen/LU>
#include <cmath>
#include <limits>
#include <unsupported/Eigen/MatrixFunctions>

#include "engine/error.h"
#include "engine/io/format.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

struct MethodWords {
  const char *id, *name;
};

constexpr MethodWords words[] = {{"forward-euler", "Forward Euler"},
                                 {"backward-euler", "Backward Euler"},
                                 {"bilinear", "Bilinear"},
                                 {"gbt", "Generalised bilinear"},
                                 {"zoh", "Zero-order hold"},
                                 {"mamba", "Mamba’s Δ·B"},
                                 {"exponential-trapezoidal", "Exponential-trapezoidal"}};

const MethodWords& words_of(Method method) {
  return words[static_cast<std::size_t>(method)];
}

bool is_bilinear(Method method) {
  return method == Method::forward_euler || method == Method::backward_euler || method == Method::bilinear ||
         method == Method::gbt;
}

// The α that makes the generalised bilinear rule this one.
double alpha_of(const StepRule& rule) {
  switch (rule.method) {
    case Method::forward_euler:
      return 0;
    case Method::backward_euler:
      return 1;
    case Method::bilinear:
      return 0.5;
    default:
      return rule.alpha;
  }
}

[[noreturn]] void no_step(const StepRule& rule) {
  throw Error(std::string(method_name(rule.method)) + " has no step at Δ = " + short_number(rule.delta) +
              ": 1 − αΔλ is zero for an eigenvalue λ of A; choose another Δ");
}

[[noreturn]] void overflow(const StepRule& rule) {
  throw Error("discretising at Δ = " + short_number(rule.delta) +
              " leaves the range of double precision; choose a smaller Δ or a smaller A");
}

}  // namespace

const char* method_id(Method method) {
  return words_of(method).id;
}

const char* method_name(Method method) {
  return words_of(method).name;
}

Method parse_method(const std::string& id) {
  std::string known;
  for (const Method method : all_methods) {
    if (id == method_id(method)) return method;
    known += (known.empty() ? "" : ", ") + std::string(method_id(method));
  }
  throw Error("there is no method " + in_quotes(id) + "; choose one of " + known);
}

void check(const StepRule& rule) {
  if (!(rule.delta > 0) || !std::isfinite(rule.delta)) throw Error("Δ must be a positive number; choose one");
  if (!(rule.alpha >= 0 && rule.alpha <= 1)) throw Error("α must lie between 0 and 1; choose such a number");
  if (!(rule.balance >= 0 && rule.balance <= 1)) throw Error("λ must lie between 0 and 1; choose such a number");
}

DiscreteSystem discretise(const DenseSystem& s, const StepRule& rule) {
  check(rule);
  const std::int64_t N = s.states();
  const double delta = rule.delta;
  DiscreteSystem out;
  out.B_previous = Eigen::VectorXd::Zero(N);
  out.C = s.C;
  out.D = s.D;
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(N, N);
  if (is_bilinear(rule.method)) {
    const double alpha = alpha_of(rule);
    if (alpha == 0) {
      out.A = identity + delta * s.A;
      out.B = delta * s.B;
    } else {
      const Eigen::PartialPivLU<Eigen::MatrixXd> implicit(identity - alpha * delta * s.A);
      if (!(implicit.rcond() > static_cast<double>(N) * std::numeric_limits<double>::epsilon())) no_step(rule);
      out.A = implicit.solve(identity + (1 - alpha) * delta * s.A);
      out.B = implicit.solve(delta * s.B);
    }
  } else {
    // One exponential for both Ā and the hold of B; A⁻¹ would fail where A is singular.
    Eigen::MatrixXd held = Eigen::MatrixXd::Zero(N + 1, N + 1);
    held.topLeftCorner(N, N) = delta * s.A;
    if (rule.method == Method::zoh) held.topRightCorner(N, 1) = delta * s.B;
    if (!held.allFinite()) overflow(rule);
    const Eigen::MatrixXd exponential = held.exp();
    out.A = exponential.topLeftCorner(N, N);
    if (rule.method == Method::zoh) {
      out.B = exponential.topRightCorner(N, 1);
    } else {
      const double balance = rule.method == Method::mamba ? 1 : rule.balance;
      out.B = balance * delta * s.B;
      out.B_previous = (1 - balance) * delta * (out.A * s.B);
    }
  }
  if (!out.A.allFinite() || !out.B.allFinite() || !out.B_previous.allFinite()) overflow(rule);
  return out;
}

DiscreteDiagonal discretise(const DiagonalSystem& s, const StepRule& rule) {
  check(rule);
  const std::int64_t M = s.modes();
  const double delta = rule.delta;
  DiscreteDiagonal out{Eigen::VectorXcd(M), Eigen::VectorXcd(M), Eigen::VectorXcd::Zero(M), s.C, s.D, s.conjugates};
  for (std::int64_t i = 0; i < M; ++i) {
    const Complex z = delta * s.lambda[i];
    out.A[i] = discrete_pole(rule, s.lambda[i]);
    if (is_bilinear(rule.method)) {
      const Complex implicit = 1.0 - alpha_of(rule) * z;
      if (!(std::abs(implicit) > std::numeric_limits<double>::epsilon())) no_step(rule);
      out.B[i] = delta * s.B[i] / implicit;
    } else if (rule.method == Method::zoh) {
      out.B[i] = delta * expm1_over(z) * s.B[i];
    } else {
      const double balance = rule.method == Method::mamba ? 1 : rule.balance;
      out.B[i] = balance * delta * s.B[i];
      out.B_previous[i] = (1 - balance) * delta * out.A[i] * s.B[i];
    }
  }
  if (!out.A.allFinite() || !out.B.allFinite() || !out.B_previous.allFinite()) overflow(rule);
  return out;
}

Complex expm1_over(Complex z) {
  if (z == 0.0) return 1;
  // e^{x+iy} − 1 = expm1(x) cos y − 2 sin²(y/2) + i eˣ sin y
  const double half = std::sin(z.imag() / 2);
  return Complex(std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())) /
         z;
}

Complex discrete_pole(const StepRule& rule, Complex lambda) {
  const Complex z = rule.delta * lambda;
  if (!is_bilinear(rule.method)) return std::exp(z);
  const double alpha = alpha_of(rule);
  const Complex implicit = 1.0 - alpha * z;
  if (implicit == 0.0) return std::numeric_limits<double>::infinity();
  return (1.0 + (1 - alpha) * z) / implicit;
}

bool is_stable(const StepRule& rule, Complex lambda) {
  return std::abs(discrete_pole(rule, lambda)) < 1;
}

bool PlanePart::contains(Complex place) const {
  if (shape == Shape::left_of) return place.real() < center;
  return (std::abs(place - center) < radius) == (shape == Shape::inside);
}

// |1 + (1−α)z| < |1 − αz|, z = Δλ, is |z|²(1 − 2α) + 2 Re z < 0: a circle through 0 about −1/(1 − 2α).
PlanePart stability_region(const StepRule& rule) {
  const double alpha = alpha_of(rule);
  if (!is_bilinear(rule.method) || alpha == 0.5) return {};
  const double radius = 1 / (std::abs(1 - 2 * alpha) * rule.delta);
  return alpha < 0.5 ? PlanePart{PlanePart::Shape::inside, -radius, radius}
                     : PlanePart{PlanePart::Shape::outside, radius, radius};
}

// The imaginary axis goes to the circle through 1 (of 0) and −(1−α)/α (of ∞).
PlanePart image_of_stable(const StepRule& rule) {
  if (!is_bilinear(rule.method)) return {PlanePart::Shape::inside, 0, 1};
  const double alpha = alpha_of(rule);
  if (alpha == 0) return {PlanePart::Shape::left_of, 1, 0};
  return {PlanePart::Shape::inside, 1 - 1 / (2 * alpha), 1 / (2 * alpha)};
}

}  // namespace statescope
