// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/analysis.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <numbers>

#include "engine/error.h"

namespace statescope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_triangular(const Eigen::MatrixXd& A) {
  const auto is_zero = [](const auto& part) { return (part.array() == 0).all(); };
  return is_zero(Eigen::MatrixXd(A.triangularView<Eigen::StrictlyUpper>())) ||
         is_zero(Eigen::MatrixXd(A.triangularView<Eigen::StrictlyLower>()));
}

}  // namespace

Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& A) {
  if (is_triangular(A)) return A.diagonal().cast<Complex>();
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(A, false);
  if (solver.info() != Eigen::Success)
    throw Error("the eigenvalues of A cannot be found in double precision; take a smaller or better scaled matrix");
  return solver.eigenvalues();
}

Mode mode_of(Complex lambda, const StepRule& rule) {
  Mode mode;
  mode.lambda = lambda;
  mode.z = discrete_pole(rule, lambda);
  mode.natural_frequency = std::abs(lambda);
  mode.damping = lambda == 0.0 ? nan : -lambda.real() / std::abs(lambda);
  mode.time_constant = lambda.real() == 0 ? std::numeric_limits<double>::infinity() : -1 / lambda.real();
  mode.stable = lambda.real() < 0;
  mode.discrete_stable = std::abs(mode.z) < 1;
  mode.beyond_nyquist = std::abs(lambda.imag()) * rule.delta > std::numbers::pi;
  return mode;
}

std::vector<Mode> modes_of(const Eigen::VectorXcd& lambdas, const StepRule& rule) {
  std::vector<Mode> modes;
  for (const Complex lambda : lambdas) modes.push_back(mode_of(lambda, rule));
  return modes;
}

TransferFunction::TransferFunction(const Eigen::MatrixXd& A, const Eigen::VectorXd& B, const Eigen::RowVectorXd& C,
                                   double D)
    : D_(D) {
  const Eigen::HessenbergDecomposition<Eigen::MatrixXd> decomposition(A);
  H_ = decomposition.matrixH();
  Q_ = decomposition.matrixQ();
  B_ = reduced(B);
  C_ = C * Q_;
}

Eigen::VectorXcd TransferFunction::reduced(const Eigen::VectorXd& B) const {
  return (Q_.transpose() * B).cast<Complex>();
}

Complex TransferFunction::operator()(Complex s) const {
  return (*this)(s, B_);
}

Complex TransferFunction::operator()(Complex s, const Eigen::VectorXcd& reduced) const {
  // C (sI − H)⁻¹ B of the Hessenberg H. From the last on, combinations of two columns make sI − H upper triangular, the
  // one with the larger entry on the diagonal; C combines alike, and a column that is done leaves B at once. So only
  // two columns are ever held. Real and imaginary parts lie apart, which is twice as quick as pairs.
  using Parts = Eigen::Array<double, Eigen::Dynamic, 2>;
  const std::int64_t N = H_.rows();
  const auto at = [](const Parts& parts, std::int64_t i) { return Complex(parts(i, 0), parts(i, 1)); };
  const auto take_column = [&](Parts& column, std::int64_t k) {
    const std::int64_t rows = std::min(k + 2, N);
    column.col(0).head(rows) = -H_.col(k).head(rows).array();
    column.col(1).head(rows) = 0;
    column(k, 0) += s.real();
    column(k, 1) += s.imag();
  };
  const auto subtract = [](Parts& from, std::int64_t rows, Complex factor, const Parts& column) {
    const auto real = column.col(0).head(rows), imaginary = column.col(1).head(rows);
    from.col(0).head(rows) -= factor.real() * real - factor.imag() * imaginary;
    from.col(1).head(rows) -= factor.real() * imaginary + factor.imag() * real;
  };
  Parts rest(N, 2), column(N, 2), next(N, 2);
  rest << reduced.real(), reduced.imag();
  take_column(column, N - 1);
  Complex y = D_, c = C_[N - 1];
  for (std::int64_t k = N - 1; k > 0; --k) {
    take_column(next, k - 1);
    Complex c_next = C_[k - 1];
    if (std::norm(at(next, k)) > std::norm(at(column, k))) {
      next.swap(column);
      std::swap(c, c_next);
    }
    if (at(next, k) != 0.0) {
      const Complex factor = at(next, k) / at(column, k);
      subtract(next, k, factor, column);
      c_next -= factor * c;
    }
    const Complex x = at(rest, k) / at(column, k);
    subtract(rest, k, x, column);
    y += c * x;
    column.swap(next);
    c = c_next;
  }
  return y + c * at(rest, 0) / at(column, 0);
}

FrequencyResponse frequency_response(const DenseSystem& system, const DiscreteSystem& step, double delta,
                                     std::vector<double> omega) {
  FrequencyResponse response;
  response.omega = std::move(omega);
  // Two matrices, two threads.
  auto continuous = std::async(std::launch::async, [&] {
    const TransferFunction function(system.A, system.B, system.C, system.D);
    std::vector<Complex> values;
    for (const double w : response.omega) values.push_back(function(Complex(0, w)));
    return values;
  });
  // z(zI − Ā)⁻¹(B̄ + B̄₋₁/z) = (zI − Ā)⁻¹(zB̄ + B̄₋₁)
  const TransferFunction discrete(step.A, step.B, step.C, step.D);
  const Eigen::VectorXcd B = discrete.reduced(step.B), previous = discrete.reduced(step.B_previous);
  for (const double w : response.omega) {
    const Complex z = std::polar(1.0, w * delta);
    response.discrete.push_back(w * delta <= std::numbers::pi ? discrete(z, z * B + previous) : Complex(nan, nan));
  }
  response.continuous = continuous.get();
  return response;
}

std::vector<double> frequencies_of(std::span<const Mode> modes, double delta, std::int64_t count) {
  constexpr double most_decades = 1e7;
  const double nyquist = std::numbers::pi / delta;
  double slowest = nyquist, fastest = nyquist / 10;
  for (const Mode& mode : modes) {
    if (mode.natural_frequency > 1e-9 * nyquist) slowest = std::min(slowest, mode.natural_frequency);
    fastest = std::max(fastest, mode.natural_frequency);
  }
  const double high = 10 * fastest, low = std::max(slowest / 10, high / most_decades);
  std::vector<double> omega;
  for (std::int64_t i = 0; i < count; ++i)
    omega.push_back(
        low * std::pow(high / low, static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(count - 1, 1))));
  return omega;
}

std::int64_t controllable_rank(const Eigen::MatrixXd& A, const Eigen::VectorXd& B) {
  constexpr double tolerance = 1e-10;
  const std::int64_t N = A.rows();
  if (B.isZero(0)) return 0;
  Eigen::MatrixXd basis(N, N);
  basis.col(0) = B.normalized();
  for (std::int64_t rank = 1; rank < N; ++rank) {
    const auto known = basis.leftCols(rank);
    Eigen::VectorXd direction = A * basis.col(rank - 1);
    for (int pass = 0; pass < 2; ++pass) direction -= known * (known.transpose() * direction);
    if (direction.norm() <= tolerance * A.norm()) return rank;
    basis.col(rank) = direction.normalized();
  }
  return N;
}

std::int64_t observable_rank(const Eigen::MatrixXd& A, const Eigen::RowVectorXd& C) {
  return controllable_rank(A.transpose(), C.transpose());
}

}  // namespace statescope
