// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/edit.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>

#include "engine/dynamics/analysis.h"
#include "engine/error.h"

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

}  // namespace

DenseSystem move_eigenvalue(const DenseSystem& system, Complex from, Complex to) {
  check(system);
  if (!std::isfinite(to.real()) || !std::isfinite(to.imag()))
    throw Error("an eigenvalue must be a finite number; choose another place");
  const std::int64_t N = system.states();
  // Left eigenvectors: wᵀA = λwᵀ.
  const Eigen::EigenSolver<Eigen::MatrixXd> left(system.A.transpose());
  if (left.info() != Eigen::Success) unreachable();
  const Eigen::VectorXcd values = left.eigenvalues();
  const Eigen::MatrixXcd vectors = left.eigenvectors();
  const std::int64_t i = nearest(values, from);
  const std::int64_t partner = values[i].imag() == 0 ? nearest(values, values[i], i, true) : -1;
  const bool pair = values[i].imag() != 0 || (to.imag() != 0 && partner >= 0);
  DenseSystem out = system;
  if (!pair) {
    const Eigen::VectorXd w = vectors.col(i).real().normalized();
    const double reach = w.dot(system.B);
    if (!(std::abs(reach) > 1e-12 * system.B.norm())) unreachable();
    out.A -= system.B * ((values[i].real() - to.real()) / reach) * w.transpose();
    return out;
  }
  Eigen::MatrixXd W(2, N);
  if (N == 2) {
    W.setIdentity();  // also where there are not two eigenvectors, as for a double integrator
  } else if (values[i].imag() != 0) {
    W << vectors.col(i).real().transpose(), vectors.col(i).imag().transpose();
  } else {
    W << vectors.col(i).real().transpose(), vectors.col(partner).real().transpose();
  }
  const Eigen::Matrix2d gram = W * W.transpose();
  if (!(std::abs(gram.determinant()) > 1e-20 * gram.squaredNorm())) unreachable();
  const Eigen::Matrix2d M = W * system.A * W.transpose() * gram.inverse();
  const Eigen::RowVectorXd feedback = pair_feedback(M, W * system.B, 2 * to.real(), std::norm(to));
  if (feedback.size() == 0) unreachable();
  out.A -= system.B * (feedback * W);
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

SystemChoice move_eigenvalue(const SystemChoice& choice, const BuiltSystem& built, Complex from, Complex to) {
  if (std::holds_alternative<DplrSystem>(choice))
    throw Error(
        "the eigenvalues of a diagonal-plus-low-rank system are not its Λ and cannot be moved one by one; write "
        "it as a matrix");
  if (built.diagonal) return move_eigenvalue(*built.diagonal, from, to);
  const DenseSystem moved = move_eigenvalue(built.dense, from, to);
  if (const auto* preset = std::get_if<Preset>(&choice); preset && preset->C.empty()) {
    Preset same = *preset;
    const Eigen::MatrixXd& A = moved.A;
    if (same.id == "mass-spring-damper") {
      const double mass = parameter(same, "mass");
      set_parameter(same, "stiffness", -A(1, 0) * mass);
      set_parameter(same, "damping", -A(1, 1) * mass);
      if (is_within_ranges(same)) return same;
    }
  }
  return moved;
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
