// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/system.h"

#include <cmath>
#include <string>
#include <vector>

#include "engine/error.h"

namespace statescope {
namespace {

// Eigen compares matrices of one shape only.
template <class M>
bool same(const M& a, const M& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && a == b;
}

void check_size(std::int64_t states) {
  if (states < 1) throw Error("the system has no states; give it at least one");
  if (states > max_states)
    throw Error("the system has " + std::to_string(states) + " states where at most " + std::to_string(max_states) +
                " are computed; take fewer");
}

template <class M>
void check_shape(const M& matrix, std::int64_t rows, std::int64_t cols, const char* name) {
  if (matrix.rows() != rows || matrix.cols() != cols)
    throw Error(std::string(name) + " is " + std::to_string(matrix.rows()) + " × " + std::to_string(matrix.cols()) +
                " where " + std::to_string(rows) + " × " + std::to_string(cols) + " is needed; correct its size");
  if (!matrix.allFinite())
    throw Error(std::string(name) + " holds a number that is not finite; every entry must be a finite number");
}

void check_skip(double D) {
  if (!std::isfinite(D)) throw Error("D is not a finite number; give it one");
}

constexpr std::int64_t alone = -1;

// For every mode of a list without conjugates: where its conjugate stands, or `alone` for a real one.
std::vector<std::int64_t> partners(const DiagonalSystem& s) {
  constexpr double tolerance = 1e-9;
  const auto near = [](Complex a, Complex b) { return std::abs(a - b) <= tolerance * (1 + std::abs(a)); };
  std::vector<std::int64_t> partner(static_cast<std::size_t>(s.modes()), alone);
  for (std::int64_t i = 0; i < s.modes(); ++i) {
    const bool real = s.lambda[i].imag() == 0 && s.B[i].imag() == 0 && s.C[i].imag() == 0;
    if (real || partner[static_cast<std::size_t>(i)] != alone) continue;
    for (std::int64_t j = i + 1; j < s.modes() && partner[static_cast<std::size_t>(i)] == alone; ++j) {
      if (partner[static_cast<std::size_t>(j)] != alone || !near(s.lambda[j], std::conj(s.lambda[i])) ||
          !near(s.B[j], std::conj(s.B[i])) || !near(s.C[j], std::conj(s.C[i])))
        continue;
      partner[static_cast<std::size_t>(i)] = j;
      partner[static_cast<std::size_t>(j)] = i;
    }
    if (partner[static_cast<std::size_t>(i)] == alone)
      throw Error("mode " + std::to_string(i) +
                  " is complex and its conjugate (λ, B and C) is not listed; list it too or say that every mode stands "
                  "for a conjugate pair");
  }
  return partner;
}

}  // namespace

bool DenseSystem::operator==(const DenseSystem& o) const {
  return same(A, o.A) && same(B, o.B) && same(C, o.C) && D == o.D;
}

bool DiagonalSystem::operator==(const DiagonalSystem& o) const {
  return same(lambda, o.lambda) && same(B, o.B) && same(C, o.C) && D == o.D && conjugates == o.conjugates;
}

bool DplrSystem::operator==(const DplrSystem& o) const {
  return same(lambda, o.lambda) && same(P, o.P) && same(B, o.B) && same(C, o.C) && D == o.D &&
         conjugates == o.conjugates;
}

void check(const DenseSystem& s) {
  check_size(s.states());
  check_shape(s.A, s.states(), s.states(), "A");
  check_shape(s.B, s.states(), 1, "B");
  check_shape(s.C, 1, s.states(), "C");
  check_skip(s.D);
}

void check(const DiagonalSystem& s) {
  check_size(s.conjugates ? 2 * s.modes() : s.modes());
  check_shape(s.lambda, s.modes(), 1, "λ");
  check_shape(s.B, s.modes(), 1, "B");
  check_shape(s.C, s.modes(), 1, "C");
  check_skip(s.D);
  if (!s.conjugates) partners(s);
}

void check(const DplrSystem& s) {
  check_size(s.conjugates ? 2 * s.modes() : s.modes());
  check_shape(s.lambda, s.modes(), 1, "Λ");
  check_shape(s.P, s.modes(), s.P.cols(), "P");
  check_shape(s.B, s.modes(), 1, "B");
  check_shape(s.C, s.modes(), 1, "C");
  check_skip(s.D);
}

DenseSystem dense(const DiagonalSystem& s) {
  check(s);
  const std::vector<std::int64_t> partner =
      s.conjugates ? std::vector<std::int64_t>(static_cast<std::size_t>(s.modes()), alone) : partners(s);
  const auto is_pair = [&](std::int64_t i) {
    if (!s.conjugates) return partner[static_cast<std::size_t>(i)] != alone;
    return s.lambda[i].imag() != 0 || s.B[i].imag() != 0;
  };
  const auto is_second = [&](std::int64_t i) {
    const std::int64_t j = partner[static_cast<std::size_t>(i)];
    return j != alone && j < i;
  };
  std::int64_t N = 0;
  for (std::int64_t i = 0; i < s.modes(); ++i)
    if (!is_second(i)) N += is_pair(i) ? 2 : 1;
  DenseSystem out{Eigen::MatrixXd::Zero(N, N), Eigen::VectorXd::Zero(N), Eigen::RowVectorXd::Zero(N), s.D};
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < s.modes(); ++i) {
    if (is_second(i)) continue;
    const double sigma = s.lambda[i].real(), omega = s.lambda[i].imag();
    if (is_pair(i)) {
      out.A.block(n, n, 2, 2) << sigma, -omega, omega, sigma;
      out.B.segment(n, 2) << s.B[i].real(), s.B[i].imag();
      out.C.segment(n, 2) << 2 * s.C[i].real(), -2 * s.C[i].imag();
      n += 2;
    } else {
      out.A(n, n) = sigma;
      out.B[n] = s.B[i].real();
      out.C[n] = (s.conjugates ? 2 : 1) * s.C[i].real();
      n += 1;
    }
  }
  return out;
}

DenseSystem dense(const DplrSystem& s) {
  check(s);
  const std::int64_t M = s.modes();
  if (!s.conjugates) {
    if (!s.lambda.imag().isZero(0) || !s.P.imag().isZero(0) || !s.B.imag().isZero(0) || !s.C.imag().isZero(0))
      throw Error(
          "a diagonal-plus-low-rank system with complex numbers has real coordinates when it lists one mode of "
          "each conjugate pair; leave out the others");
    DenseSystem out{s.lambda.real().asDiagonal(), s.B.real(), s.C.real().transpose(), s.D};
    out.A -= s.P.real() * s.P.real().transpose();
    return out;
  }
  // h = a + ib, and P*h of the whole system is 2 (Re Pᵀ a + Im Pᵀ b).
  DenseSystem out{Eigen::MatrixXd::Zero(2 * M, 2 * M), Eigen::VectorXd(2 * M), Eigen::RowVectorXd(2 * M), s.D};
  Eigen::MatrixXd P(2 * M, s.P.cols());
  P << s.P.real(), s.P.imag();
  out.A.topLeftCorner(M, M) = s.lambda.real().asDiagonal();
  out.A.topRightCorner(M, M) = (-s.lambda.imag()).asDiagonal();
  out.A.bottomLeftCorner(M, M) = s.lambda.imag().asDiagonal();
  out.A.bottomRightCorner(M, M) = s.lambda.real().asDiagonal();
  out.A -= 2 * P * P.transpose();
  out.B << s.B.real(), s.B.imag();
  out.C << 2 * s.C.real().transpose(), -2 * s.C.imag().transpose();
  return out;
}

}  // namespace statescope
