// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/edit.h"

#include <Eigen/LU>
#include <cmath>
#include <limits>

#include "engine/dynamics/analysis.h"
#include "engine/error.h"
#include "engine/random.h"

namespace statescope {
namespace {

std::int64_t nearest(const Eigen::VectorXcd& values, Complex to, std::int64_t except = -1, bool only_real = false) {
  std::int64_t best = -1;
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < values.size(); ++i) {
    if (i == except || (only_real && values[i].imag() != 0)) continue;
    if (const double distance = std::abs(values[i] - to); distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

bool is_within_ranges(const Preset& preset) {
  try {
    check(preset);
    return true;
  } catch (const Error&) {
    return false;
  }
}

[[noreturn]] void unreachable() {
  throw Error("the input does not reach this mode, so no feedback moves its eigenvalue; change B or edit A");
}

// k of A − B k that moves the eigenvalues of M = W A W⁺ to the roots of s² − trace s + det, in the invariant subspace
// whose left basis is W [2, N]: Ackermann's formula for two states.
Eigen::RowVectorXd pair_feedback(const Eigen::Matrix2d& M, const Eigen::Vector2d& b, double trace, double det) {
  Eigen::Matrix2d reach;
  reach << b, M * b;
  const double scale = b.squaredNorm() * std::max(M.norm(), 1e-300);
  if (!(std::abs(reach.determinant()) > 1e-12 * scale)) return {};
  const Eigen::Matrix2d wanted = M * M - trace * M + det * Eigen::Matrix2d::Identity();
  return (reach.inverse() * wanted).row(1);
}

// w of wᵀA = λwᵀ, a unit vector, by inverse iteration: λ is an eigenvalue but for rounding, so one solve leaves nothing
// else, and the others are for a start that was unlucky.
template <class T>
Eigen::VectorX<T> left_eigenvector(const Eigen::MatrixXd& A, T lambda) {
  Eigen::MatrixX<T> shifted = A.transpose().cast<T>();
  shifted.diagonal().array() -= lambda + 4 * std::numeric_limits<double>::epsilon() * A.norm();  // never singular
  const Eigen::PartialPivLU<Eigen::MatrixX<T>> solver(shifted);
  Eigen::VectorX<T> w(A.rows());
  Uniform uniform(1);
  for (T& entry : w) entry = uniform.normal();
  for (int solves = 0; solves < 3; ++solves) {
    w = solver.solve(w);
    w /= w.cwiseAbs().maxCoeff();  // its square may be out of range
  }
  if (!w.allFinite()) unreachable();
  return w.normalized();
}

// In the place of the eigenvalues `first` and `second` of `values`, as neighbours.
void place_pair(Eigen::VectorXcd& values, std::int64_t first, std::int64_t second, Complex to) {
  for (std::int64_t i = second; i > first + 1; --i) values[i] = values[i - 1];
  values[first] = {to.real(), std::abs(to.imag())};
  values[first + 1] = std::conj(values[first]);
}

}  // namespace

DenseSystem move_eigenvalue(const DenseSystem& system, Eigen::VectorXcd& values, Complex from, Complex to) {
  check(system);
  if (!std::isfinite(to.real()) || !std::isfinite(to.imag()))
    throw Error("an eigenvalue must be a finite number; choose another place");
  const std::int64_t N = system.states(), i = nearest(values, from);
  const bool turns = values[i].imag() != 0;
  const std::int64_t partner = nearest(values, std::conj(values[i]), i, !turns);
  DenseSystem out = system;
  if (!turns && (to.imag() == 0 || partner < 0)) {
    const Eigen::VectorXd w = left_eigenvector<double>(system.A, values[i].real());
    const double reach = w.dot(system.B);
    if (!(std::abs(reach) > 1e-12 * system.B.norm())) unreachable();
    const double itself = w.dot(system.A.transpose() * w);
    out.A -= system.B * ((itself - to.real()) / reach) * w.transpose();
    values[i] = to.real();
    return out;
  }
  Eigen::MatrixXd W(2, N);
  if (N == 2) {
    W.setIdentity();  // also where there are not two eigenvectors, as for a double integrator
  } else if (turns) {
    const Eigen::VectorXcd w = left_eigenvector<Complex>(system.A, values[i]);
    W << w.real().transpose(), w.imag().transpose();
  } else {
    W << left_eigenvector<double>(system.A, values[i].real()).transpose(),
        left_eigenvector<double>(system.A, values[partner].real()).transpose();
  }
  const Eigen::Matrix2d gram = W * W.transpose();
  if (!(std::abs(gram.determinant()) > 1e-20 * gram.squaredNorm())) unreachable();
  const Eigen::Matrix2d M = W * system.A * W.transpose() * gram.inverse();
  const Eigen::RowVectorXd feedback = pair_feedback(M, W * system.B, 2 * to.real(), std::norm(to));
  if (feedback.size() == 0) unreachable();
  out.A -= system.B * (feedback * W);
  place_pair(values, std::min(i, partner), std::max(i, partner), to);
  return out;
}

DiagonalSystem move_eigenvalue(const DiagonalSystem& system, Complex from, Complex to) {
  check(system);
  if (!std::isfinite(to.real()) || !std::isfinite(to.imag()))
    throw Error("an eigenvalue must be a finite number; choose another place");
  const std::int64_t itself = nearest(system.lambda, from);
  DiagonalSystem out = system;
  if (system.conjugates) {
    const std::int64_t mirrored = nearest(system.lambda, std::conj(from));
    const bool mirror = std::abs(system.lambda[mirrored] - std::conj(from)) < std::abs(system.lambda[itself] - from);
    out.lambda[mirror ? mirrored : itself] = mirror ? std::conj(to) : to;
    return out;
  }
  if (system.lambda[itself].imag() == 0) {
    out.lambda[itself] = to.real();
    return out;
  }
  out.lambda[nearest(system.lambda, std::conj(system.lambda[itself]))] = std::conj(to);
  out.lambda[itself] = to;
  return out;
}

MovedSystem move_eigenvalue(const SystemChoice& choice, const KnownSystem& known, Complex from, Complex to) {
  if (std::holds_alternative<DplrSystem>(choice))
    throw Error(
        "the eigenvalues of a diagonal-plus-low-rank system are not its Λ and cannot be moved one by one; write "
        "it as a matrix");
  MovedSystem out;
  if (known.built.diagonal) {
    out.choice = move_eigenvalue(*known.built.diagonal, from, to);
    out.known.built = build(out.choice);
    out.known.eigenvalues = eigenvalues(out.known.built);
    return out;
  }
  out.known.eigenvalues = known.eigenvalues;
  const DenseSystem moved = move_eigenvalue(known.built.dense, out.known.eigenvalues, from, to);
  out.choice = moved;
  if (const auto* preset = std::get_if<Preset>(&choice); preset && preset->C.empty()) {
    Preset same = *preset;
    const Eigen::MatrixXd& A = moved.A;
    if (same.id == "mass-spring-damper") {
      const double mass = parameter(same, "mass");
      set_parameter(same, "stiffness", -A(1, 0) * mass);
      set_parameter(same, "damping", -A(1, 1) * mass);
      if (is_within_ranges(same)) out.choice = same;
    }
  }
  out.known.built = build(out.choice);
  return out;
}

DenseSystem with_states(const DenseSystem& system, std::int64_t N) {
  DenseSystem out;
  const std::int64_t kept = std::min(N, system.states());
  out.A = -Eigen::VectorXd::LinSpaced(N, 1, static_cast<double>(N)).asDiagonal().toDenseMatrix();
  out.B = Eigen::VectorXd::Ones(N);
  out.C = Eigen::RowVectorXd::Zero(N);
  out.D = system.D;
  out.A.topLeftCorner(kept, kept) = system.A.topLeftCorner(kept, kept);
  out.B.head(kept) = system.B.head(kept);
  out.C.head(kept) = system.C.head(kept);
  return out;
}

Complex at_same_frequency(Complex from, Complex to) {
  if (to == 0.0) return from;
  return std::abs(from) * to / std::abs(to);
}

Complex at_same_damping(Complex from, Complex to) {
  if (from == 0.0) return from;
  const Complex along = from / std::abs(from);
  return along * std::max(0.0, (to * std::conj(along)).real());
}

}  // namespace statescope
