// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/s4.h"

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <bit>
#include <cmath>
#include <numbers>
#include <unsupported/Eigen/FFT>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using Eigen::Index;
using Eigen::MatrixXcd;
using Eigen::VectorXcd;

// Every mode written out: with `conjugates` the second half are the conjugates of the first.
DplrSystem all_modes(const DplrSystem& system) {
  if (!system.conjugates) return system;
  const Index M = system.modes();
  DplrSystem all = system;
  all.conjugates = false;
  const auto twice = [M](const MatrixXcd& half) {
    MatrixXcd whole(2 * M, half.cols());
    whole << half, half.conjugate();
    return whole;
  };
  all.lambda = twice(system.lambda);
  all.P = twice(system.P);
  all.B = twice(system.B);
  all.C = twice(system.C);
  return all;
}

// The bilinear step of a diagonal plus low-rank system, O(N · rank) each.
class DplrStep {
 public:
  DplrStep(const DplrSystem& system, double delta)
      : s_(system), twice_(2 / delta), D_((twice_ - system.lambda.array()).inverse()) {
    if (!D_.allFinite()) throw Error("the bilinear step has no answer where Δλ = 2; choose another Δ");
    const MatrixXcd DP = D_.asDiagonal() * s_.P;
    const Index rank = s_.P.cols();
    W_ = DP * (MatrixXcd::Identity(rank, rank) + s_.P.adjoint() * DP).inverse();
    B_ = 2 * backward(s_.B);
  }
  const VectorXcd& B() const { return B_; }
  // Ā x
  VectorXcd operator()(const VectorXcd& x) const {
    return backward((twice_ + s_.lambda.array()).matrix().cwiseProduct(x) - s_.P * (s_.P.adjoint() * x));
  }
  // Ā as a matrix, for its powers
  MatrixXcd matrix() const {
    MatrixXcd A(s_.modes(), s_.modes());
    for (Index k = 0; k < s_.modes(); ++k) A.col(k) = (*this)(VectorXcd::Unit(s_.modes(), k));
    return A;
  }

 private:
  // (2/Δ − Λ + PP*)⁻¹ v, by Woodbury
  VectorXcd backward(const VectorXcd& v) const {
    const VectorXcd Dv = D_.cwiseProduct(v);
    return Dv - W_ * (s_.P.adjoint() * Dv);
  }
  const DplrSystem& s_;
  double twice_;
  VectorXcd D_, B_;
  MatrixXcd W_;
};

// Row vector times Ā^power, power a power of two.
Eigen::RowVectorXcd times_power(const Eigen::RowVectorXcd& row, MatrixXcd A, std::int64_t power) {
  for (; power > 1; power /= 2) A = (A * A).eval();
  return row * A;
}

void check_kernel(double delta, std::int64_t length) {
  if (!(delta > 0) || !std::isfinite(delta)) throw Error("the step Δ must be a positive number of seconds");
  if (length < 1 || length > max_kernel_length)
    throw Error("a kernel of " + std::to_string(length) + " samples is outside 1 to " +
                std::to_string(max_kernel_length) + "; choose a shorter one");
}

}  // namespace

NormalCorrection normal_correction(const Hippo& hippo) {
  check_hippo(hippo);
  const Index N = hippo.order;
  NormalCorrection correction{Eigen::MatrixXd::Zero(N, 1), 0};
  double seconds = hippo.family == HippoFamily::legs ? 1 : hippo.theta;
  if (hippo.window == HippoWindow::halved) seconds *= 2;
  switch (hippo.family) {
    case HippoFamily::legs:
    case HippoFamily::legs_lti:
      for (Index n = 0; n < N; ++n) correction.P(n, 0) = std::sqrt(static_cast<double>(n) + 0.5);
      correction.shift = -0.5 / seconds;
      break;
    case HippoFamily::legt:
      correction.P.setZero(N, 2);
      for (Index n = 0; n < N; ++n) correction.P(n, n % 2 == 0 ? 1 : 0) = std::sqrt(2 * static_cast<double>(n) + 1);
      break;
    case HippoFamily::lagt:
      correction.P.setConstant(std::numbers::sqrt2 / 2);
      break;
    case HippoFamily::fout:
      for (Index n = 0; n < N; n += 2) correction.P(n, 0) = n == 0 ? std::numbers::sqrt2 : 2;
      break;
    case HippoFamily::lmu:
      throw Error(
          "the LMU's matrix is LegT's in a basis that is not orthonormal, where it is not normal plus low rank; "
          "choose legt");
  }
  correction.P /= std::sqrt(seconds);
  return correction;
}

Nplr nplr(const Hippo& hippo) {
  const NormalCorrection correction = normal_correction(hippo);
  const HippoMatrices m = hippo_matrices(hippo);
  const Eigen::MatrixXd skew = m.A + correction.P * correction.P.transpose() -
                               correction.shift * Eigen::MatrixXd::Identity(hippo.order, hippo.order);
  const Eigen::SelfAdjointEigenSolver<MatrixXcd> solver(Complex(0, -1) * skew.cast<Complex>());
  if (solver.info() != Eigen::Success)
    throw Error("the eigenvalues of the HiPPO matrix did not converge; choose a smaller N");
  Nplr result;
  result.V = solver.eigenvectors();
  result.lambda = solver.eigenvalues().cast<Complex>() * Complex(0, 1);
  result.lambda.array() += correction.shift;
  result.P = result.V.adjoint() * correction.P.cast<Complex>();
  result.B = result.V.adjoint() * m.B.cast<Complex>();
  return result;
}

DplrSystem s4_system(const Nplr& nplr, const Eigen::RowVectorXd& C) {
  DplrSystem system;
  system.lambda = nplr.lambda;
  system.P = nplr.P;
  system.B = nplr.B;
  system.C = (C.cast<Complex>() * nplr.V).transpose();
  system.conjugates = false;
  return system;
}

std::vector<double> cauchy_kernel(const DplrSystem& system, double delta, std::int64_t length) {
  check_kernel(delta, length);
  const DplrSystem s = all_modes(system);
  const auto L =
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(length, 2))));
  const Index N = s.modes(), rank = s.P.cols();

  const Eigen::RowVectorXcd C = s.C.transpose();
  const Eigen::RowVectorXcd C_tilde = C - times_power(C, DplrStep(s, delta).matrix(), L);

  // Numerators of the Cauchy products, [N, (1 + rank)²]: (C̃, P*) against (B, P).
  MatrixXcd left(N, 1 + rank), right(N, 1 + rank);
  left << C_tilde.transpose(), s.P.conjugate();
  right << s.B, s.P;

  std::vector<Complex> spectrum(static_cast<std::size_t>(L));
  for (std::int64_t k = 0; k < L; ++k) {
    Complex& value = spectrum[static_cast<std::size_t>(k)];
    if (2 * k == L) {
      value = delta / 2 * (C_tilde * s.B).value();
      continue;
    }
    // With ω = e^{−iφ}: (1−ω)/(1+ω) = i tan(φ/2), and 2/(1+ω) = 1 + i tan(φ/2), without cancellation near −1.
    const double tangent = std::tan(std::numbers::pi * static_cast<double>(k) / static_cast<double>(L));
    const VectorXcd cauchy = (Complex(0, 2 / delta * tangent) - s.lambda.array()).inverse();
    const MatrixXcd k_ab = left.transpose() * cauchy.asDiagonal() * right;  // [1 + rank, 1 + rank]
    Complex sum = k_ab(0, 0);
    if (rank > 0) {
      const MatrixXcd inner = MatrixXcd::Identity(rank, rank) + k_ab.bottomRightCorner(rank, rank);
      sum -= (k_ab.topRightCorner(1, rank) * inner.inverse() * k_ab.bottomLeftCorner(rank, 1)).value();
    }
    value = Complex(1, tangent) * sum;
  }
  std::vector<Complex> kernel;
  Eigen::FFT<double>().inv(kernel, spectrum);
  std::vector<double> K(static_cast<std::size_t>(length));
  for (std::size_t l = 0; l < K.size(); ++l) K[l] = kernel[l].real();
  return K;
}

std::vector<double> s4_recurrence_kernel(const DplrSystem& system, double delta, std::int64_t length) {
  check_kernel(delta, length);
  const DplrSystem s = all_modes(system);
  const DplrStep step(s, delta);
  std::vector<double> K;
  K.reserve(static_cast<std::size_t>(length));
  VectorXcd x = step.B();
  for (std::int64_t l = 0; l < length; ++l) {
    K.push_back((s.C.transpose() * x).value().real());
    x = step(x);
  }
  return K;
}

std::string s4d_init_id(S4dInit init) {
  constexpr const char* names[] = {"s4d-lin", "s4d-inv", "s4d-legs", "s4d-real"};  // in the order of the enum
  return names[static_cast<std::size_t>(init)];
}

S4dInit parse_s4d_init(std::string_view text) {
  for (const S4dInit init : all_s4d_inits)
    if (s4d_init_id(init) == text) return init;
  throw Error("unknown S4D initialisation " + in_quotes(std::string(text)) +
              "; choose s4d-lin, s4d-inv, s4d-legs or s4d-real");
}

DiagonalSystem s4d_system(S4dInit init, std::int64_t modes) {
  if (modes < 1 || modes > max_hippo_order / 2)
    throw Error("S4D with " + std::to_string(modes) + " modes is outside 1 to " + std::to_string(max_hippo_order / 2) +
                "; choose fewer");
  DiagonalSystem system;
  system.lambda.resize(modes);
  system.B = system.C = VectorXcd::Ones(modes);
  const double N = 2 * static_cast<double>(modes);
  for (Index i = 0; i < modes; ++i) {
    const auto n = static_cast<double>(i);
    switch (init) {
      case S4dInit::lin:
        system.lambda(i) = Complex(-0.5, std::numbers::pi * n);
        break;
      case S4dInit::inv:
        system.lambda(i) = Complex(-0.5, N / std::numbers::pi * (N / (2 * n + 1) - 1));
        break;
      case S4dInit::real:
        system.lambda(i) = -(n + 1);
        break;
      case S4dInit::legs:
        break;
    }
  }
  if (init == S4dInit::legs) {
    const Nplr form = nplr({.family = HippoFamily::legs_lti, .order = 2 * modes});
    system.lambda = form.lambda.tail(modes);
    system.B = form.B.tail(modes);
  }
  return system;
}

}  // namespace statescope
