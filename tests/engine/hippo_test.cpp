// SPDX-License-Identifier: GPL-3.0-or-later
// HiPPO against what is known without it: closed forms of its impulse response, the projection it stands for, the dense
// step that the O(N) one replaces.
#include "engine/dynamics/hippo.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <cmath>
#include <numbers>
#include <unsupported/Eigen/MatrixFunctions>

#include "engine/dynamics/hippo_memory.h"
#include "engine/error.h"
#include "engine/random.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;
using Eigen::MatrixXd;
using Eigen::VectorXd;

using Signal = std::shared_ptr<const std::vector<double>>;

Signal noise(std::int64_t length, std::uint64_t seed = 3) {
  Uniform uniform(seed);
  auto samples = std::make_shared<std::vector<double>>();
  for (std::int64_t i = 0; i < length; ++i) samples->push_back(uniform.normal());
  return samples;
}

// Two sines that no polynomial of low degree is.
Signal waves(std::int64_t length) {
  auto samples = std::make_shared<std::vector<double>>();
  for (std::int64_t i = 0; i < length; ++i) {
    const double x = (static_cast<double>(i) + 0.5) / static_cast<double>(length);
    samples->push_back(std::sin(9 * x) + 0.5 * std::cos(23 * x));
  }
  return samples;
}

MemoryMethod with(HippoFamily family, std::int64_t order, Method discretisation = Method::bilinear, double theta = 1,
                  LegsStart start = LegsStart::first_sample) {
  MemoryMethod method;
  method.hippo = {.family = family, .order = order, .theta = theta};
  method.discretisation = discretisation;
  method.start = start;
  return method;
}

double distance(const MatrixXd& a, const MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

TEST(Hippo, MatricesAsPublished) {
  MatrixXd legs(4, 4);
  legs << -1, 0, 0, 0, -1.732051, -2, 0, 0, -2.236068, -3.872983, -3, 0, -2.645751, -4.582576, -5.916080, -4;
  for (const HippoFamily family : {HippoFamily::legs, HippoFamily::legs_lti})
    EXPECT_LT(distance(hippo_matrices({.family = family, .order = 4}).A, legs), 5e-7);
  MatrixXd lmu(3, 3);  // (2i+1)(−1 above the diagonal, (−1)^(i−j+1) on and below it), Voelker et al. eq. 2
  lmu << -1, -1, -1, 3, -3, -3, -5, 5, -5;
  EXPECT_EQ(distance(hippo_matrices({.family = HippoFamily::lmu, .order = 3}).A, lmu), 0);
  // FouT of s4's hippo.py, N = 4: A = S − BBᵀ with B = (1, 0, √2, 0) and S = π [[0, −1], [1, 0]] on the second pair.
  MatrixXd fout(4, 4);
  const double r = std::numbers::sqrt2, pi = std::numbers::pi;
  fout << -1, 0, -r, 0, 0, 0, 0, 0, -r, 0, -2, -pi, 0, 0, pi, 0;
  const HippoMatrices halved = hippo_matrices({.family = HippoFamily::fout, .order = 4, .window = HippoWindow::halved});
  EXPECT_LT(distance(halved.A, fout), 1e-15);
  EXPECT_LT(distance(halved.B, Eigen::Vector4d(1, 0, r, 0)), 1e-15);
}

TEST(Hippo, ThetaAndTheHalvedWindowDivideBoth) {
  for (const HippoFamily family : {HippoFamily::legt, HippoFamily::lmu, HippoFamily::fout}) {
    const HippoMatrices unit = hippo_matrices({.family = family, .order = 6});
    const HippoMatrices halved =
        hippo_matrices({.family = family, .order = 6, .window = HippoWindow::halved, .theta = 0.25});
    EXPECT_EQ(distance(unit.A, halved.A / 2), 0) << hippo_family_id(family);
    EXPECT_EQ(distance(unit.B, halved.B / 2), 0);
    EXPECT_EQ(hippo_reach({.family = family, .window = HippoWindow::halved, .theta = 0.25}, 9), 0.5);
  }
}

TEST(Hippo, LmuIsLegtInAnotherBasis) {
  constexpr std::int64_t N = 12;
  VectorXd T(N);
  for (int i = 0; i < N; ++i) T(i) = (i % 2 == 0 ? 1 : -1) * std::sqrt(2.0 * i + 1);
  const HippoMatrices legt = hippo_matrices({.family = HippoFamily::legt, .order = N});
  const HippoMatrices lmu = hippo_matrices({.family = HippoFamily::lmu, .order = N});
  EXPECT_LT(distance(T.asDiagonal() * legt.A * T.cwiseInverse().asDiagonal(), lmu.A), 1e-12);
  EXPECT_LT(distance(T.asDiagonal() * legt.B, lmu.B), 1e-12);
  // The bases say the same of the past: Σ c_n g_n with c_lmu = T c_legt.
  for (const double s : {0.0, 0.3, 1.0}) {
    VectorXd a(N), b(N);
    hippo_basis({.family = HippoFamily::legt, .order = N}, s, 1, {a.data(), N});
    hippo_basis({.family = HippoFamily::lmu, .order = N}, s, 1, {b.data(), N});
    EXPECT_LT(distance(a, T.cwiseProduct(b)), 1e-13) << s;
  }
}

// x_n(t) = ∫ f(t−s) g_n(s) ω(s) ds says that the impulse response is g_n ω. For these two it is so at every N.
TEST(Hippo, ImpulseResponseIsBasisTimesMeasure) {
  for (const HippoFamily family : {HippoFamily::legs_lti, HippoFamily::lagt}) {
    const Hippo hippo{.family = family, .order = 10, .theta = 0.7};
    const HippoMatrices m = hippo_matrices(hippo);
    for (const double t : {0.0, 0.05, 0.4, 1.3, 4.0}) {
      VectorXd g(hippo.order);
      hippo_basis(hippo, t, t, {g.data(), 10});
      const VectorXd response = (m.A * t).exp() * m.B;
      // The exponential of a matrix of norm 25 loses a few digits to its scaling and squaring.
      EXPECT_LT(distance(response, g * hippo_measure(hippo, t, t)), 1e-11) << hippo_family_id(family) << " " << t;
    }
  }
}

// With a window the response is the windowed basis in the limit only. At N = 32 the middle of the window is near it,
// and after the window hardly anything is left.
TEST(Hippo, WindowedResponsesTendToTheBasis) {
  for (const HippoFamily family : {HippoFamily::legt, HippoFamily::fout}) {
    const Hippo hippo{.family = family, .order = 64, .theta = 2};
    const HippoMatrices m = hippo_matrices(hippo);
    VectorXd g(hippo.order);
    hippo_basis(hippo, 0.9, 0.9, {g.data(), 64});
    const VectorXd inside = (m.A * 0.9).exp() * m.B, outside = (m.A * 2.6).exp() * m.B;
    EXPECT_LT(distance(inside.head(4), g.head(4) * hippo_measure(hippo, 0.9, 0.9)), 0.03) << hippo_family_id(family);
    EXPECT_LT(outside.head(4).cwiseAbs().maxCoeff(), 0.03) << hippo_family_id(family);
  }
}

TEST(Hippo, BasesAreOrthonormal) {
  constexpr std::int64_t N = 8;
  constexpr int nodes = 200000;
  for (const HippoFamily family : {HippoFamily::legs, HippoFamily::legs_lti, HippoFamily::legt, HippoFamily::lagt}) {
    const Hippo hippo{.family = family, .order = N, .theta = 0.6};
    const double past = family == HippoFamily::legs || family == HippoFamily::legt ? 0.6 : 60;
    MatrixXd gram = MatrixXd::Zero(N, N);
    VectorXd g(N);
    for (int i = 0; i < nodes; ++i) {
      const double s = (i + 0.5) * past / nodes;
      hippo_basis(hippo, s, past, {g.data(), N});
      gram += g * g.transpose() * (hippo_measure(hippo, s, past) * past / nodes);
    }
    // The midpoint rule errs by past² g''/24 nodes², below 1e-6 with the steep beginnings of the two endless ones.
    EXPECT_LT(distance(gram, MatrixXd::Identity(N, N)), 1e-4) << hippo_family_id(family);
  }
}

TEST(Hippo, BasisStaysFiniteAndBoundedAtTheHighestOrder) {
  VectorXd g(256);
  for (const HippoFamily family : all_hippo_families) {
    for (const double s : {0.0, 1e-9, 0.5, 1.0, 1500.0}) {
      const Hippo hippo{.family = family, .order = 256};
      if (s > 1 && has_window(family)) continue;
      hippo_basis(hippo, s, std::max(s, 1.0), {g.data(), 256});
      // |P_n| ≤ 1, |e^{−s/2} L_n| ≤ 1, |√2 cos| ≤ √2; the rounding of 256 steps may add 1e-12.
      EXPECT_LE(g.cwiseAbs().maxCoeff(), std::sqrt(511.0) + 1e-9) << hippo_family_id(family) << " " << s;
      EXPECT_NEAR(std::abs(g(0)), family == HippoFamily::lagt ? std::exp(-s / 2) : 1, 1e-15);
    }
  }
}

class LegsStepOf : public testing::TestWithParam<double> {};

TEST_P(LegsStepOf, IsTheDenseSolve) {
  const double alpha = GetParam();
  for (const std::int64_t N : {1, 2, 3, 33, 256}) {
    const HippoMatrices m = hippo_matrices({.order = N});
    Uniform uniform(5);
    for (const double t : {1.0, 2.0, 1000.0}) {
      VectorXd c = VectorXd::NullaryExpr(N, [&] { return uniform.normal(); });
      const MatrixXd I = MatrixXd::Identity(N, N);
      const VectorXd right = (I + (1 - alpha) / t * m.A) * c + m.B * (0.7 / t);
      const VectorXd dense = (I - alpha / t * m.A).partialPivLu().solve(right);
      legs_step(c, t, alpha, 0.7);
      // Both sum up to N products of size 2N/t; forward Euler at t = 1 makes numbers of 1e4.
      EXPECT_LT(distance(c, dense), 4e-15 * static_cast<double>(N + 10) * (1 + dense.cwiseAbs().maxCoeff()))
          << N << " " << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Hippo, LegsStepOf, testing::Values(0.0, 0.3, 0.5, 1.0));

TEST(Hippo, LegsZohIsTheMatrixExponential) {
  for (const std::int64_t N : {1, 2, 7, 24}) {
    const HippoMatrices m = hippo_matrices({.order = N});
    Uniform uniform(6);
    for (const std::int64_t t : {1, 2, 50}) {
      VectorXd c = VectorXd::NullaryExpr(N, [&] { return uniform.normal(); });
      const MatrixXd A = (m.A * std::log(static_cast<double>(t + 1) / static_cast<double>(t))).exp();
      const VectorXd dense = A * c + m.A.partialPivLu().solve(A * m.B - m.B) * -0.4;
      const double f = -0.4;
      legs_advance(c, t, {&f, 1});
      EXPECT_LT(distance(c, dense), 1e-11) << N << " " << t;  // the exponential of a norm of 24² ln 2 squares 9 times
    }
  }
}

TEST(Hippo, LegsZohIsTheProjectionOfWhatWasRead) {
  const Signal signal = noise(200);
  for (const std::int64_t N : {1, 5, 64, 256}) {
    const HippoMemory memory(with(HippoFamily::legs, N, Method::zoh), signal, 0.1);
    for (const std::int64_t t : {0, 1, 63, 64, 65, 199}) {
      const VectorXd exact = legs_projection(N, std::span(*signal).first(static_cast<std::size_t>(t + 1)));
      EXPECT_LT(distance(memory.coefficients(t), exact), 1e-11) << N << " " << t;
    }
  }
}

TEST(Hippo, LegsKeepsAConstantForEver) {
  const auto constant = std::make_shared<const std::vector<double>>(1000, 0.75);
  for (const Method rule : {Method::forward_euler, Method::backward_euler, Method::bilinear, Method::zoh}) {
    // Forward Euler multiplies a rounding error of the first steps by up to N!/t; eight coefficients keep it small.
    const HippoMemory memory(with(HippoFamily::legs, 8, rule), constant, 0.01);
    for (const std::int64_t t : {0, 1, 100, 999})
      EXPECT_LT(distance(memory.coefficients(t), 0.75 * VectorXd::Unit(8, 0)), 1e-12) << method_id(rule) << " " << t;
  }
}

// Every sample twice is the same function at half the speed, and LegS does not notice.
TEST(Hippo, LegsDoesNotDependOnTheTimescale) {
  const Signal once = noise(300);
  auto twice = std::make_shared<std::vector<double>>();
  for (const double f : *once) twice->insert(twice->end(), {f, f});
  const HippoMemory slow(with(HippoFamily::legs, 32, Method::zoh), twice, 0.1);
  const HippoMemory fast(with(HippoFamily::legs, 32, Method::zoh), once, 0.1);
  for (const std::int64_t t : {1, 77, 299})
    EXPECT_LT(distance(slow.coefficients(2 * t + 1), fast.coefficients(t)), 1e-11) << t;
  // The window of LegT has a length in seconds, so it does notice.
  const HippoMemory window_slow(with(HippoFamily::legt, 32, Method::zoh), twice, 0.1);
  const HippoMemory window_fast(with(HippoFamily::legt, 32, Method::zoh), once, 0.1);
  EXPECT_GT(distance(window_slow.coefficients(599), window_fast.coefficients(299)), 0.1);
}

TEST(Hippo, StartOfHippoPyBeginsInSilence) {
  const Signal signal = noise(3);
  const std::vector<double>& f = *signal;
  const HippoMatrices m = hippo_matrices({.order = 4});
  VectorXd c = VectorXd::Zero(4);
  const MatrixXd I = MatrixXd::Identity(4, 4);
  for (int t = 1; t <= 3; ++t)
    c = ((I - m.A / (2 * t)).inverse() * ((I + m.A / (2 * t)) * c + m.B * (f[static_cast<std::size_t>(t - 1)] / t)))
            .eval();
  const HippoMemory memory(with(HippoFamily::legs, 4, Method::bilinear, 1, LegsStart::zero), signal, 1);
  EXPECT_LT(distance(memory.coefficients(2), c), 1e-14);
}

// Between the checkpoints and across them, every family and rule is its plain recurrence.
TEST(Hippo, CheckpointsAreTheRecurrence) {
  const Signal signal = noise(200);
  for (const HippoFamily family : all_hippo_families) {
    for (const Method rule : {Method::backward_euler, Method::bilinear, Method::zoh, Method::exponential_trapezoidal}) {
      if (family == HippoFamily::legs) continue;  // judged by its projection and its dense step
      const MemoryMethod method = with(family, 16, rule, 2);
      const HippoMatrices m = hippo_matrices(method.hippo);
      const DiscreteSystem step =
          discretise(DenseSystem{m.A, m.B, Eigen::RowVectorXd::Zero(16), 0}, StepRule{rule, 0.02});
      const HippoMemory memory(method, signal, 0.02);
      const MatrixXd stored = memory.coefficients(0, 200);
      VectorXd c = VectorXd::Zero(16);
      double before = 0;
      for (std::size_t t = 0; t < 200; ++t) {
        c = (step.A * c + step.B * (*signal)[t] + step.B_previous * before).eval();
        before = (*signal)[t];
        const auto row = static_cast<std::int64_t>(t);
        ASSERT_LT(distance(memory.coefficients(row), c), 1e-12) << hippo_family_id(family) << " " << t;
        ASSERT_LT(distance(stored.row(row).transpose(), c), 1e-12) << hippo_family_id(family) << " " << t;
      }
    }
  }
}

TEST(Hippo, ReconstructsWhatItHasRead) {
  const Signal signal = waves(2000);
  const double delta = 0.0005;  // one second
  struct Case {
    HippoFamily family;
    std::int64_t order;
    double theta, error;
  };
  // A window that is half past, and functions smooth against the samples; the Fourier series rings at its ends.
  for (const Case& c : {Case{HippoFamily::legs, 32, 1, 2e-2}, Case{HippoFamily::legt, 32, 0.5, 5e-2},
                        Case{HippoFamily::lmu, 32, 0.5, 5e-2}, Case{HippoFamily::fout, 64, 0.5, 0.3},
                        Case{HippoFamily::lagt, 64, 0.05, 0.1}}) {
    const HippoMemory memory(with(c.family, c.order, Method::bilinear, c.theta), signal, delta);
    EXPECT_LT(memory.error(1999, 4096), c.error) << hippo_family_id(c.family);
    VectorXd s(3);
    s << 0.1, 0.45, 0.8;
    const VectorXd f = memory.reconstruction(1999, s);
    EXPECT_NEAR(f(0), memory.truth(1999, 0.1), 0.15) << hippo_family_id(c.family);
    EXPECT_EQ(std::isnan(f(2)), has_window(c.family)) << hippo_family_id(c.family);
  }
}

TEST(Hippo, MoreCoefficientsSharpen) {
  const Signal signal = waves(1000);
  const std::int64_t orders[] = {2, 8, 32, 128, 256};
  for (const HippoFamily family : {HippoFamily::legs, HippoFamily::legt}) {
    const MemoryMethod method = with(family, 8, Method::zoh, 0.8);
    const std::vector<double> errors = error_against_order(method, orders, signal, 0.001, 999, 4096);
    ASSERT_EQ(errors.size(), 5u);
    EXPECT_GT(errors[0], 0.3);
    for (const std::size_t i : {1u, 2u}) EXPECT_LT(errors[i], errors[i - 1]) << hippo_family_id(family) << " " << i;
    for (const double error : errors) EXPECT_TRUE(std::isfinite(error));
    // One run for all orders (or one each) is what each order alone says.
    MemoryMethod alone = method;
    alone.hippo.order = 32;
    EXPECT_NEAR(errors[2], HippoMemory(alone, signal, 0.001).error(999, 4096), 1e-12);
  }
}

TEST(Hippo, AStepThatDivergesIsNoticed) {
  const HippoMemory memory(with(HippoFamily::legt, 32, Method::forward_euler), noise(4000), 0.1);
  EXPECT_GT(memory.diverges_at(), 0);
  EXPECT_EQ(HippoMemory(with(HippoFamily::legt, 32), noise(4000), 0.1).diverges_at(), -1);
}

TEST(Hippo, BadParametersGetASentence) {
  const Signal signal = noise(10);
  const auto message = [&](const MemoryMethod& method, double delta = 0.1) {
    return message_of([&] { HippoMemory(method, signal, delta); });
  };
  EXPECT_EQ(message(with(HippoFamily::legs, 257)), "the order N = 257 is outside 1 to 256; choose fewer coefficients");
  EXPECT_EQ(message(with(HippoFamily::legs, 0)), "the order N = 0 is outside 1 to 256; choose one coefficient or more");
  EXPECT_EQ(message(with(HippoFamily::fout, 7)),
            "FouT pairs a cosine with every sine, so N = 7 must be even; choose one more");
  EXPECT_EQ(message(with(HippoFamily::legt, 8, Method::zoh, 0)), "the window θ must be a positive number of seconds");
  EXPECT_EQ(message(with(HippoFamily::legt, 8), -1), "the step Δ must be a positive number of seconds");
  EXPECT_EQ(message(with(HippoFamily::legs, 8, Method::mamba)),
            "scaled LegS has no step mamba; choose forward-euler, backward-euler, bilinear, gbt or zoh");
  MemoryMethod halved = with(HippoFamily::lagt, 8);
  halved.hippo.window = HippoWindow::halved;
  EXPECT_EQ(message(halved), "the convention \"halved\" belongs to a window, which lagt does not have; choose unit");
}

}  // namespace
}  // namespace statescope
