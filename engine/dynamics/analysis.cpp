// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/analysis.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <future>
#include <limits>
#include <numbers>
#include <numeric>

#include "engine/error.h"
#include "engine/random.h"

namespace statescope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_triangular(const Eigen::MatrixXd& A) {
  const auto is_zero = [](const auto& part) { return (part.array() == 0).all(); };
  return is_zero(Eigen::MatrixXd(A.triangularView<Eigen::StrictlyUpper>())) ||
         is_zero(Eigen::MatrixXd(A.triangularView<Eigen::StrictlyLower>()));
}

// Whether a matrix within `distance` of H, which has nothing below its first subdiagonal, has the eigenvalue λ exactly:
// no vector that H − λI makes short is longer than that by more than 1/σ_min, and σ_min is the way to that matrix.
bool is_near_eigenvalue(const Eigen::MatrixXd& H, Complex lambda, double distance) {
  const std::int64_t N = H.rows();
  Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> M = H.cast<Complex>();
  M.diagonal().array() -= lambda;
  Eigen::VectorXcd x(N);
  Uniform uniform(1);
  for (Complex& entry : x) entry = uniform.normal();
  const double length = x.norm();
  for (std::int64_t k = 0; k + 1 < N; ++k) {  // Gauss, with the larger of two rows
    const std::int64_t rest = N - k;
    if (std::abs(M(k + 1, k)) > std::abs(M(k, k))) {
      M.row(k).tail(rest).swap(M.row(k + 1).tail(rest));
      std::swap(x[k], x[k + 1]);
    }
    if (M(k, k) == 0.0) return true;
    const Complex factor = M(k + 1, k) / M(k, k);
    M.row(k + 1).tail(rest) -= factor * M.row(k).tail(rest);
    x[k + 1] -= factor * x[k];
  }
  if (M(N - 1, N - 1) == 0.0) return true;
  M.triangularView<Eigen::Upper>().solveInPlace(x);
  return !x.allFinite() || length <= distance * x.stableNorm();
}

// A system whose matrix has nothing below the first subdiagonal.
struct Hessenberg {
  Eigen::MatrixXd H;
  Eigen::VectorXd B, B_s, C;
  double D;
};

constexpr std::int64_t lanes = 8;
using Lanes = Eigen::Array<double, lanes, 1>;
struct ComplexLanes {
  Lanes real, imag;
};
ComplexLanes operator*(const ComplexLanes& a, const ComplexLanes& b) {
  return {a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real};
}
ComplexLanes operator/(const ComplexLanes& a, const ComplexLanes& b) {
  const Lanes scale = 1 / (b.real.square() + b.imag.square());
  return {(a.real * b.real + a.imag * b.imag) * scale, (a.imag * b.real - a.real * b.imag) * scale};
}
ComplexLanes& operator+=(ComplexLanes& a, const ComplexLanes& b) {
  a.real += b.real;
  a.imag += b.imag;
  return a;
}

// C (sI − H)⁻¹ (B + s B_s) + D at up to `lanes` places side by side, which is what vectors are for. From the last on,
// combinations of two columns make sI − H upper triangular, the one with the larger entry on the diagonal; C combines
// alike, and a column that is done leaves the right side at once. So only two columns are ever held. Which of two
// columns is done differs from lane to lane: both have a factor, and it is 0 for the other.
void transfer_lanes(const Hessenberg& system, std::span<const Complex> places, Complex* values) {
  const std::int64_t N = system.H.rows();
  ComplexLanes s;
  for (std::int64_t i = 0; i < lanes; ++i) {
    const Complex place = places[std::min<std::size_t>(static_cast<std::size_t>(i), places.size() - 1)];
    s.real[i] = place.real();
    s.imag[i] = place.imag();
  }
  std::vector<ComplexLanes> column(static_cast<std::size_t>(N)), rest(static_cast<std::size_t>(N));
  for (std::int64_t i = 0; i < N; ++i) {
    column[i] = {Lanes::Constant(-system.H(i, N - 1)), Lanes::Zero()};
    rest[i] = {system.B[i] + system.B_s[i] * s.real, system.B_s[i] * s.imag};
  }
  column[N - 1] += s;
  ComplexLanes y{Lanes::Constant(system.D), Lanes::Zero()}, c{Lanes::Constant(system.C[N - 1]), Lanes::Zero()};
  for (std::int64_t k = N - 1; k > 0; --k) {
    const auto h = system.H.col(k - 1);  // of the next column, s e_{k−1} − h, whose entry k is real
    const ComplexLanes own = column[k], other{Lanes::Constant(-h[k]), Lanes::Zero()};
    const auto keeps = (own.real.square() + own.imag.square() >= other.real.square()).eval();
    const auto choose = [&](const ComplexLanes& yes, const ComplexLanes& no) {
      return ComplexLanes{keeps.select(yes.real, no.real), keeps.select(yes.imag, no.imag)};
    };
    const ComplexLanes zero{Lanes::Zero(), Lanes::Zero()}, one{Lanes::Ones(), Lanes::Zero()};
    const ComplexLanes pivot = choose(own, other), x = rest[k] / pivot;
    ComplexLanes factor = choose(other, own) / pivot;
    factor = {-factor.real, -factor.imag};
    const ComplexLanes a = choose(factor, one), b = choose(one, factor), u = choose(x, zero), v = choose(zero, x);
    const ComplexLanes c_next{Lanes::Constant(system.C[k - 1]), Lanes::Zero()};
    y += x * choose(c, c_next);
    c = a * c;
    c += b * c_next;
    for (std::int64_t i = 0; i < k; ++i) {
      ComplexLanes& entry = column[i];
      const Lanes real = entry.real, imag = entry.imag;
      rest[i].real -= u.real * real - u.imag * imag - v.real * h[i];
      rest[i].imag -= u.real * imag + u.imag * real - v.imag * h[i];
      entry.real = a.real * real - a.imag * imag - b.real * h[i];
      entry.imag = a.real * imag + a.imag * real - b.imag * h[i];
    }
    column[k - 1] += b * s;
    const ComplexLanes left = v * s;
    rest[k - 1].real -= left.real;
    rest[k - 1].imag -= left.imag;
  }
  y += c * (rest[0] / column[0]);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto lane = static_cast<std::int64_t>(i);
    values[i] = {y.real[lane], y.imag[lane]};
  }
}

}  // namespace

Eigen::VectorXcd eigenvalues(const Eigen::MatrixXd& A) {
  if (is_triangular(A)) return A.diagonal().cast<Complex>();
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(A, false);
  if (solver.info() != Eigen::Success)
    throw Error("the eigenvalues of A cannot be found in double precision; take a smaller or better scaled matrix");
  return solver.eigenvalues();
}

bool are_eigenvalues(const Eigen::MatrixXd& A, std::span<const Complex> values) {
  const std::int64_t N = A.rows();
  if (std::ssize(values) != N) return false;
  const double distance = 1e-9 * A.stableNorm();
  const Complex sum = std::accumulate(values.begin(), values.end(), Complex());
  if (!(std::abs(sum - A.trace()) <= static_cast<double>(N) * distance)) return false;
  const Eigen::MatrixXd H = Eigen::HessenbergDecomposition<Eigen::MatrixXd>(A).matrixH();
  for (auto value = values.begin(); value != values.end(); ++value) {
    if (!is_near_eigenvalue(H, *value, distance)) return false;
    if (value->imag() == 0) continue;
    if (value + 1 == values.end() || value[1] != std::conj(*value) || value->imag() < 0) return false;
    ++value;  // of a real matrix the other one is as near
  }
  return true;
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

std::vector<Complex> transfer_function(const Eigen::MatrixXd& A, const Eigen::VectorXd& B, const Eigen::VectorXd& B_s,
                                       const Eigen::RowVectorXd& C, double D, std::span<const Complex> s) {
  const Eigen::HessenbergDecomposition<Eigen::MatrixXd> decomposition(A);  // A = Q H Qᵀ
  const Hessenberg reduced{decomposition.matrixH(), decomposition.matrixQ().transpose() * B,
                           decomposition.matrixQ().transpose() * B_s,
                           decomposition.matrixQ().transpose() * C.transpose(), D};
  std::vector<Complex> values(s.size());
  for (std::size_t first = 0; first < s.size(); first += lanes)
    transfer_lanes(reduced, s.subspan(first, std::min<std::size_t>(lanes, s.size() - first)), &values[first]);
  return values;
}

FrequencyResponse frequency_response(const DenseSystem& system, const DiscreteSystem& step, double delta,
                                     std::vector<double> omega) {
  FrequencyResponse response;
  response.omega = std::move(omega);
  // Two matrices, two threads.
  auto continuous = std::async(std::launch::async, [&] {
    std::vector<Complex> s;
    for (const double w : response.omega) s.push_back({0, w});
    return transfer_function(system.A, system.B, Eigen::VectorXd::Zero(system.states()), system.C, system.D, s);
  });
  std::vector<Complex> z;
  for (const double w : response.omega)
    if (w * delta <= std::numbers::pi) z.push_back(std::polar(1.0, w * delta));
  // z(zI − Ā)⁻¹(B̄ + B̄₋₁/z) = (zI − Ā)⁻¹(B̄₋₁ + zB̄)
  const std::vector<Complex> discrete = transfer_function(step.A, step.B_previous, step.B, step.C, step.D, z);
  auto next = discrete.begin();
  for (const double w : response.omega)
    response.discrete.push_back(w * delta <= std::numbers::pi ? *next++ : Complex(nan, nan));
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
