// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/s4.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <numbers>

#include "engine/dynamics/discretise.h"
#include "engine/error.h"
#include "engine/random.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;
using Eigen::MatrixXcd;
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;

constexpr HippoFamily normal_families[] = {HippoFamily::legs, HippoFamily::legs_lti, HippoFamily::legt,
                                           HippoFamily::lagt, HippoFamily::fout};

RowVectorXd some_C(std::int64_t N) {
  Uniform uniform(11);
  return RowVectorXd::NullaryExpr(N, [&] { return uniform.normal(); });
}

// C Ā^l B̄ with the real matrices of HiPPO.
std::vector<double> dense_kernel(const Hippo& hippo, const RowVectorXd& C, double delta, std::int64_t length) {
  const HippoMatrices m = hippo_matrices(hippo);
  const DiscreteSystem step = discretise(DenseSystem{m.A, m.B, C, 0}, StepRule{Method::bilinear, delta});
  std::vector<double> K;
  VectorXd x = step.B;
  for (std::int64_t l = 0; l < length; ++l) {
    K.push_back(step.C.dot(x));
    x = (step.A * x).eval();
  }
  return K;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(S4, CorrectionLeavesAMultipleOfTheIdentityAndASkewMatrix) {
  for (const HippoFamily family : normal_families) {
    for (const HippoWindow window : {HippoWindow::unit, HippoWindow::halved}) {
      if (window == HippoWindow::halved && !has_window(family)) continue;
      for (const std::int64_t N : {2, 4, 16, 64}) {
        const Hippo hippo{.family = family, .order = N, .window = window, .theta = 0.8};
        const NormalCorrection c = normal_correction(hippo);
        const MatrixXd sum = hippo_matrices(hippo).A + c.P * c.P.transpose() - c.shift * MatrixXd::Identity(N, N);
        const double seconds = family == HippoFamily::legs ? 1 : 0.8;
        EXPECT_EQ(c.shift, family == HippoFamily::legs || family == HippoFamily::legs_lti ? -0.5 / seconds : 0);
        // Entries reach 2N/θ; roots and products round a few times.
        EXPECT_LT((sum + sum.transpose()).cwiseAbs().maxCoeff(), 4e-16 * 16 * static_cast<double>(N))
            << hippo_family_id(family) << " " << N;
      }
    }
  }
}

TEST(S4, SpectraOfLegs) {
  const std::vector<std::vector<double>> imaginary = {
      {0.866025},
      {0.556501, 4.603293},
      {0.427489, 1.957794, 5.354209, 19.857410},
      {0.352018, 1.371989, 2.899668, 5.090024, 8.362105, 13.834342, 25.629226, 80.966081}};
  for (const auto& expected : imaginary) {
    const auto M = std::ssize(expected);
    const Nplr form = nplr({.family = HippoFamily::legs_lti, .order = 2 * M});
    for (std::int64_t i = 0; i < M; ++i) {
      EXPECT_NEAR(form.lambda(M + i).imag(), expected[static_cast<std::size_t>(i)], 6e-7);
      EXPECT_NEAR(form.lambda(M - 1 - i).imag(), -expected[static_cast<std::size_t>(i)], 6e-7);
      EXPECT_NEAR(form.lambda(i).real(), -0.5, 1e-12);
    }
  }
}

TEST(S4, FormIsTheMatrixAgain) {
  for (const HippoFamily family : normal_families) {
    for (const std::int64_t N : {2, 4, 32, 128}) {
      const Hippo hippo{.family = family, .order = N, .theta = 1.5};
      const HippoMatrices m = hippo_matrices(hippo);
      const Nplr f = nplr(hippo);
      const MatrixXcd middle = MatrixXcd(f.lambda.asDiagonal()) - f.P * f.P.adjoint();
      const MatrixXcd A = f.V * middle * f.V.adjoint();
      // The norm of A is N²/2; the eigensolver is backward stable.
      const double tolerance = 1e-15 * static_cast<double>(N * N) + 1e-14;
      EXPECT_LT((A - m.A.cast<Complex>()).cwiseAbs().maxCoeff(), tolerance) << hippo_family_id(family) << " " << N;
      EXPECT_LT((f.V * f.B - m.B.cast<Complex>()).cwiseAbs().maxCoeff(), tolerance);
    }
  }
}

TEST(S4, KernelOfMathsPage) {
  const RowVectorXd C = (RowVectorXd(4) << 0.3, -0.2, 0.5, 0.1).finished();
  const std::vector<double> golden = {0.09273634, 0.02987932, -0.00266034, -0.01713131, -0.02124137, -0.01976776};
  const Hippo hippo{.family = HippoFamily::legs_lti, .order = 4};
  EXPECT_LT(largest_difference(cauchy_kernel(s4_system(nplr(hippo), C), 0.1, 6), golden), 6e-9);
  EXPECT_LT(largest_difference(dense_kernel(hippo, C, 0.1, 6), golden), 6e-9);
}

TEST(S4, KernelThreeWays) {
  for (const HippoFamily family : normal_families) {
    for (const std::int64_t N : {1, 2, 5, 16, 64}) {
      if (family == HippoFamily::fout && N % 2 != 0) continue;
      const Hippo hippo{.family = family, .order = N, .theta = 1.2};
      const RowVectorXd C = some_C(N);
      const DplrSystem system = s4_system(nplr(hippo), C);
      for (const std::int64_t length : {1, 2, 15, 16, 17, 300}) {
        const std::vector<double> dense = dense_kernel(hippo, C, 0.03, length);
        const std::string where = hippo_family_id(family) + " " + std::to_string(N) + " " + std::to_string(length);
        EXPECT_LT(largest_difference(cauchy_kernel(system, 0.03, length), dense), 1e-10) << where;
        EXPECT_LT(largest_difference(s4_recurrence_kernel(system, 0.03, length), dense), 1e-10) << where;
      }
    }
  }
}

TEST(S4, HalfOfTheModesIsEnough) {
  const Hippo hippo{.family = HippoFamily::legt, .order = 16};
  const DplrSystem all = s4_system(nplr(hippo), some_C(16));
  DplrSystem half{all.lambda.head(8), all.P.topRows(8), all.B.head(8), all.C.head(8)};
  half.conjugates = true;
  EXPECT_LT(largest_difference(cauchy_kernel(half, 0.05, 100), cauchy_kernel(all, 0.05, 100)), 1e-11);
}

TEST(S4, DiagonalInitialisations) {
  const DiagonalSystem lin = s4d_system(S4dInit::lin, 4), inv = s4d_system(S4dInit::inv, 4);
  const double golden_inv[] = {17.825354, 4.244132, 1.527887, 0.363783};
  for (int n = 0; n < 4; ++n) {
    EXPECT_EQ(lin.lambda(n), Complex(-0.5, std::numbers::pi * n));
    EXPECT_NEAR(inv.lambda(n).imag(), golden_inv[n], 6e-7);
    EXPECT_EQ(s4d_system(S4dInit::real, 4).lambda(n), Complex(-(n + 1)));
  }
  const DiagonalSystem legs = s4d_system(S4dInit::legs, 4);
  const Nplr form = nplr({.family = HippoFamily::legs_lti, .order = 8});
  for (int n = 0; n < 4; ++n) {
    EXPECT_GT(legs.lambda(n).imag(), n == 0 ? 0 : legs.lambda(n - 1).imag());
    EXPECT_NEAR(std::abs(legs.B(n)), std::abs(form.B(3 - n)), 1e-12);  // its conjugate's
  }
  // Lin with ZOH, Δ = 0.05, C = 1: K_l = 2 Re Σ C B̄ Ā^l.
  const double golden[] = {0.38943948, 0.34802215, 0.28256153, 0.20412792, 0.12505584, 0.05661806};
  const DiscreteDiagonal step = discretise(lin, StepRule{Method::zoh, 0.05});
  Eigen::ArrayXcd x = step.B.array();
  for (const double expected : golden) {
    EXPECT_NEAR(2 * (step.C.array() * x).sum().real(), expected, 6e-9);
    x *= step.A.array();
  }
}

TEST(S4, BadParametersGetASentence) {
  const DplrSystem system = s4_system(nplr({.order = 4}), some_C(4));
  EXPECT_EQ(message_of([&] { cauchy_kernel(system, 0, 10); }), "the step Δ must be a positive number of seconds");
  EXPECT_EQ(message_of([&] { cauchy_kernel(system, 0.1, 0); }),
            "a kernel of 0 samples is outside 1 to 65536; choose a shorter one");
  EXPECT_EQ(message_of([&] { nplr({.family = HippoFamily::lmu, .order = 4}); }),
            "the LMU's matrix is LegT's in a basis that is not orthonormal, where it is not normal plus low rank; "
            "choose legt");
  EXPECT_EQ(message_of([&] { s4d_system(S4dInit::lin, 129); }), "S4D with 129 modes is outside 1 to 128; choose fewer");
}

}  // namespace
}  // namespace statescope
