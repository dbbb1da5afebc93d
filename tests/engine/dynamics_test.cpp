// SPDX-License-Identifier: GPL-3.0-or-later
// Discretisation, responses, analysis and editing against closed forms and the equations that define them.
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <numbers>

#include "engine/dynamics/analysis.h"
#include "engine/dynamics/edit.h"
#include "engine/dynamics/preset.h"
#include "engine/dynamics/response.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;
using Eigen::MatrixXd;
using Eigen::VectorXd;

DenseSystem random_system(int N, int seed) {
  Preset preset = make_preset("random-stable");
  set_parameter(preset, "N", N);
  set_parameter(preset, "seed", seed);
  return build(preset).dense;
}

// e^M as its series, after halving M until it is small: another way than the library's Padé approximant.
MatrixXd exponential(MatrixXd M) {
  int halvings = 0;
  for (; M.norm() > 0.1; M /= 2) ++halvings;
  MatrixXd term = MatrixXd::Identity(M.rows(), M.cols()), sum = term;
  for (int k = 1; k < 16; ++k) sum += term = term * M / k;
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

double apart(const MatrixXd& a, const MatrixXd& b) {
  return (a - b).cwiseAbs().maxCoeff();
}

TEST(Discretise, SatisfiesTheEquationOfEveryMethod) {
  constexpr double delta = 0.3;
  for (const int N : {1, 2, 5, 16}) {
    const DenseSystem s = random_system(N, N);
    const MatrixXd I = MatrixXd::Identity(N, N), E = exponential(delta * s.A);
    const auto step = [&](Method method) {
      return discretise(s, {.method = method, .delta = delta, .alpha = 0.7, .balance = 0.25});
    };
    for (const auto& [method, alpha] : {std::pair(Method::forward_euler, 0.0), std::pair(Method::gbt, 0.7),
                                        std::pair(Method::bilinear, 0.5), std::pair(Method::backward_euler, 1.0)}) {
      const MatrixXd implicit = I - alpha * delta * s.A;
      EXPECT_LT(apart(implicit * step(method).A, I + (1 - alpha) * delta * s.A), 1e-13) << method_id(method);
      EXPECT_LT(apart(implicit * step(method).B, delta * s.B), 1e-13) << method_id(method);
    }
    const DiscreteSystem zoh = step(Method::zoh), mamba = step(Method::mamba),
                         trapezoid = step(Method::exponential_trapezoidal);
    EXPECT_LT(apart(zoh.A, E), 1e-13);
    EXPECT_LT(apart(s.A * zoh.B, (E - I) * s.B), 1e-13);
    EXPECT_LT(apart(mamba.A, E) + apart(mamba.B, delta * s.B), 1e-13);
    EXPECT_LT(apart(trapezoid.B, 0.25 * delta * s.B), 1e-15);
    EXPECT_LT(apart(trapezoid.B_previous, 0.75 * delta * (E * s.B)), 1e-13);
    EXPECT_EQ(apart(zoh.B_previous, VectorXd::Zero(N)), 0);
  }
}

TEST(Discretise, HoldsTheInputOfASingularMatrix) {
  const DiscreteSystem step = discretise(build(make_preset("double-integrator")).dense, {.delta = 0.25});
  EXPECT_LT(apart(step.A, (Eigen::Matrix2d() << 1, 0.25, 0, 1).finished()), 1e-15);
  EXPECT_LT(apart(step.B, Eigen::Vector2d(0.25 * 0.25 / 2, 0.25)), 1e-15);
}

TEST(Discretise, TurnsAnOscillatorByDeltaOmega) {
  const DiscreteSystem step = discretise(build(make_preset("oscillator")).dense, {.delta = 0.4});
  const double turn = 2 * 0.4;
  EXPECT_LT(
      apart(step.A, (Eigen::Matrix2d() << std::cos(turn), std::sin(turn), -std::sin(turn), std::cos(turn)).finished()),
      1e-15);
}

TEST(Discretise, DiagonalAndDenseAreOneSystem) {
  DiagonalSystem s;
  s.lambda = Eigen::Vector3cd(Complex(-0.5, 3), Complex(-2, 0), Complex(0, 0));
  s.B = Eigen::Vector3cd(Complex(1, -0.5), Complex(2, 0), Complex(1, 0));
  s.C = Eigen::Vector3cd(Complex(0.3, 0.7), Complex(-1, 0), Complex(0.25, 0));
  s.D = 0.1;
  DiagonalSystem listed;  // the same with every mode written out
  listed.conjugates = false;
  listed.lambda.resize(4);
  listed.B.resize(4);
  listed.C.resize(4);
  listed.lambda << s.lambda, std::conj(s.lambda[0]);
  listed.B << s.B, std::conj(s.B[0]);
  listed.C << s.C[0], 2.0 * s.C[1], 2.0 * s.C[2], std::conj(s.C[0]);
  for (const Method method : all_methods) {
    const StepRule rule{.method = method, .delta = 0.2, .alpha = 0.8, .balance = 0.3};
    const DiscreteDiagonal modes = discretise(s, rule);
    const std::vector<double> dense_kernel = kernel(discretise(dense(s), rule), 12);
    const std::vector<double> listed_kernel = kernel(discretise(dense(listed), rule), 12);
    for (int l = 0; l < 12; ++l) {
      Complex sum = 0;
      for (int n = 0; n < 3; ++n) {
        sum += modes.C[n] * std::pow(modes.A[n], l) * modes.B[n];
        if (l > 0) sum += modes.C[n] * std::pow(modes.A[n], l - 1) * modes.B_previous[n];
      }
      EXPECT_NEAR(dense_kernel[static_cast<std::size_t>(l)], 2 * sum.real(), 1e-13) << method_id(method) << l;
      EXPECT_NEAR(listed_kernel[static_cast<std::size_t>(l)], 2 * sum.real(), 1e-13) << method_id(method) << l;
    }
  }
}

TEST(Discretise, DplrIsItsWrittenOutMatrix) {
  DplrSystem s;
  s.lambda = Eigen::Vector2cd(Complex(-0.5, 1), Complex(-0.25, 4));
  s.P = (Eigen::Matrix2cd() << Complex(1, 0.5), Complex(0, 1), Complex(-0.3, 0.2), Complex(0.5, 0)).finished();
  s.B = Eigen::Vector2cd(Complex(1, 0), Complex(0.5, -1));
  s.C = Eigen::Vector2cd(Complex(1, 0.5), Complex(-1, 2));
  Eigen::VectorXcd lambda(4), B(4), C(4);
  Eigen::MatrixXcd P(4, 2);
  lambda << s.lambda, s.lambda.conjugate();
  B << s.B, s.B.conjugate();
  C << s.C, s.C.conjugate();
  P << s.P, s.P.conjugate();
  const Eigen::MatrixXcd A = Eigen::MatrixXcd(lambda.asDiagonal()) - P * P.adjoint();
  const DenseSystem real = dense(s);
  Eigen::VectorXcd h = B;  // C A^k B are numbers that no choice of coordinates changes
  VectorXd g = real.B;
  for (int k = 0; k < 6; ++k, h = A * h, g = real.A * g) {
    const Complex moment = C.cwiseProduct(h).sum();
    EXPECT_NEAR(real.C.dot(g), moment.real(), 1e-12 * (1 + std::abs(moment))) << k;
    EXPECT_NEAR(moment.imag(), 0, 1e-12 * (1 + std::abs(moment)));
  }
}

TEST(Discretise, PolesGoWhereDiscretePoleSays) {
  const DenseSystem s = random_system(5, 3);
  for (const Method method : all_methods) {
    const StepRule rule{.method = method, .delta = 0.37, .alpha = 0.6};
    const Eigen::VectorXcd poles = eigenvalues(discretise(s, rule).A);
    for (const Complex lambda : eigenvalues(s.A)) {
      const Complex z = discrete_pole(rule, lambda);
      EXPECT_LT((poles.array() - z).abs().minCoeff(), 1e-12) << method_id(method);
    }
  }
}

TEST(Discretise, StabilityRegionsAreThoseOfTheBooks) {
  constexpr double delta = 0.5;
  for (const double x : {-5.0, -4.1, -3.9, -2.0, -0.1, 0.1, 2.0, 3.9, 4.1})
    for (const double y : {-6.0, -1.0, 0.0, 0.5, 3.0}) {
      const Complex lambda(x, y), z = delta * lambda;
      const auto stable = [&](Method method) { return is_stable({.method = method, .delta = delta}, lambda); };
      EXPECT_EQ(stable(Method::forward_euler), std::abs(z + 1.0) < 1) << lambda;
      EXPECT_EQ(stable(Method::backward_euler), std::abs(z - 1.0) > 1) << lambda;
      for (const Method method : {Method::bilinear, Method::zoh, Method::mamba, Method::exponential_trapezoidal})
        EXPECT_EQ(stable(method), x < 0) << method_id(method) << lambda;
    }
}

TEST(Discretise, RegionsAreWhereModesDieOutAndWhereTheLeftHalfPlaneGoes) {
  for (const Method method : all_methods)
    for (const double alpha : {0.0, 0.2, 0.5, 0.8, 1.0}) {
      const StepRule rule{.method = method, .delta = 0.4, .alpha = alpha};
      for (const double x : {-13.0, -5.2, -4.9, -0.3, 0.2, 2.4, 5.1, 9.0})
        for (const double y : {0.0, 0.7, 3.0, 11.0}) {
          EXPECT_EQ(stability_region(rule).contains({x, y}), is_stable(rule, {x, y}))
              << method_id(method) << alpha << x << y;
          EXPECT_EQ(image_of_stable(rule).contains(discrete_pole(rule, {x, y})), x < 0)
              << method_id(method) << alpha << x << y;
        }
    }
}

TEST(Discretise, RefusesWhatHasNoStep) {
  DenseSystem s = random_system(2, 1);
  for (const double delta : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_NE(message_of([&] { discretise(s, {.delta = delta}); }).find("Δ must be a positive number"),
              std::string::npos);
  s.A << 4, 1, 0, -1;  // 1 − ½Δλ = 0 at λ = 4
  EXPECT_NE(
      message_of([&] { discretise(s, {.method = Method::bilinear, .delta = 0.5}); }).find("has no step at Δ = 0.5"),
      std::string::npos);
  s.A << 2000, 0, 0, 1;
  EXPECT_NE(message_of([&] { discretise(s, {.delta = 1}); }).find("leaves the range"), std::string::npos);
  s.A(0, 1) = std::nan("");
  EXPECT_NE(message_of([&] { check(s); }).find("A holds a number that is not finite"), std::string::npos);
}

TEST(Response, StepsByHand) {
  const DiscreteSystem s{(Eigen::Matrix2d() << 0.5, 1, 0, 0.25).finished(), Eigen::Vector2d(1, 2),
                         Eigen::Vector2d(0, 4), Eigen::RowVector2d(1, -1), 3};
  const std::vector<double> u{1, -1, 2};
  const auto run = run_recurrence(s, u, Eigen::Vector2d(8, 4));
  // h0 = (4+4+1, 1+2); h1 = (4.5+3−1, .75−2+4); h2 = (3.25+2.75+2, .6875+4−4)
  EXPECT_EQ(run.states, (Eigen::Matrix<double, 2, 3>() << 9, 6.5, 8, 3, 2.75, 0.6875).finished());
  EXPECT_EQ(run.output, (std::vector<double>{9, 0.75, 13.3125}));
  EXPECT_EQ(kernel(s, 3), (std::vector<double>{-1, -4 + 2.5 - 0.5, 0.5 * 2.5 + 4.5 - 0.25 * 4.5}));
}

TEST(Response, EndsBeforeItOverflows) {
  const DenseSystem s{MatrixXd::Constant(1, 1, 3), VectorXd::Ones(1), Eigen::RowVectorXd::Ones(1), 0};
  const auto run = run_recurrence(discretise(s, {.delta = 1}), std::vector<double>(400, 1), VectorXd::Zero(1));
  EXPECT_GT(run.diverges_at, 100);
  EXPECT_EQ(run.states.cols(), run.diverges_at);
  EXPECT_EQ(std::ssize(run.output), run.diverges_at);
  EXPECT_TRUE(run.states.allFinite());
}

TEST(Response, FftAndDirectSumAgreeAtEveryLength) {
  for (const std::int64_t L : {1, 2, 7, 64, 1000}) {
    std::vector<double> k, u;
    for (std::int64_t i = 0; i < L; ++i) {
      k.push_back(std::exp(-0.01 * static_cast<double>(i)) * std::cos(static_cast<double>(i)));
      u.push_back(std::sin(0.3 * static_cast<double>(i)) + 0.5);
    }
    const std::vector<double> y = fft_convolution(k, u);
    for (std::int64_t t = 0; t < L; ++t)
      ASSERT_NEAR(y[static_cast<std::size_t>(t)], convolution_at(k, u, t), 1e-11) << L << " " << t;
  }
}

TEST(Analysis, EigenvaluesOfTriangularMatricesAreExact) {
  Preset legs = make_preset("hippo-legs");
  set_parameter(legs, "N", 64);
  const Eigen::VectorXcd values = eigenvalues(build(legs).dense.A);
  for (int n = 0; n < 64; ++n) EXPECT_EQ(values[n], Complex(-(n + 1))) << n;
}

TEST(Analysis, ModesOfAMassOnASpring) {
  const auto modes = modes_of(eigenvalues(build(make_preset("mass-spring-damper")).dense.A), {.delta = 0.1});
  ASSERT_EQ(modes.size(), 2u);  // s² + 0.4 s + 4
  EXPECT_NEAR(modes[0].lambda.real(), -0.2, 1e-15);
  EXPECT_NEAR(modes[0].lambda.imag(), std::sqrt(4 - 0.04), 1e-15);
  EXPECT_NEAR(modes[0].natural_frequency, 2, 1e-15);
  EXPECT_NEAR(modes[0].damping, 0.1, 1e-15);
  EXPECT_NEAR(modes[0].time_constant, 5, 1e-13);
  EXPECT_TRUE(modes[0].stable && modes[0].discrete_stable && !modes[0].beyond_nyquist);
  EXPECT_TRUE(mode_of({-1, 32}, {.delta = 0.1}).beyond_nyquist);
}

TEST(Analysis, FrequencyResponseOfAMassOnASpring) {
  const DenseSystem s = build(make_preset("mass-spring-damper")).dense;
  const StepRule rule{.method = Method::bilinear, .delta = 0.1};
  const FrequencyResponse f = frequency_response(s, discretise(s, rule), rule.delta, {0.01, 1, 2, 7, 30, 40});
  const auto H = [](Complex p) { return 1.0 / (p * p + 0.4 * p + 4.0); };
  for (std::size_t i = 0; i < f.omega.size(); ++i) {
    const double w = f.omega[i];
    EXPECT_LT(std::abs(f.continuous[i] - H({0, w})), 1e-14);
    if (w > std::numbers::pi / rule.delta) {
      EXPECT_TRUE(std::isnan(f.discrete[i].real()));
      continue;
    }
    // The bilinear rule bends the frequency axis; h_t already contains u_t, which is the factor 2z/(z + 1).
    const Complex z = std::polar(1.0, w * rule.delta), warped(0, 2 / rule.delta * std::tan(w * rule.delta / 2));
    EXPECT_LT(std::abs(f.discrete[i] - 2.0 * z / (z + 1.0) * H(warped)), 1e-13) << w;
  }
}

TEST(Analysis, DiscreteResponseIsTheSpectrumOfTheKernel) {
  for (const Method method : all_methods) {
    const DenseSystem s = random_system(6, 5);
    const StepRule rule{.method = method, .delta = 0.1, .alpha = 0.6, .balance = 0.3};
    const DiscreteSystem step = discretise(s, rule);
    const std::vector<double> k = kernel(step, 4000);
    const FrequencyResponse f = frequency_response(s, step, rule.delta, {0.3, 4, 20});
    for (std::size_t i = 0; i < f.omega.size(); ++i) {
      Complex sum = s.D;
      for (std::size_t l = 0; l < k.size(); ++l)
        sum += k[l] * std::polar(1.0, -f.omega[i] * rule.delta * static_cast<double>(l));
      EXPECT_LT(std::abs(f.discrete[i] - sum), 1e-11) << method_id(method) << " " << f.omega[i];
    }
  }
}

// Against a dense solve at every place: more places than lie side by side, other poles as near as they come.
TEST(Analysis, TransferFunctionsSolveTheirEquation) {
  for (const char* id : {"random-stable", "hippo-legs", "hippo-fout"})
    for (const int N : {2, 6, 48}) {
      Preset preset = make_preset(id);
      set_parameter(preset, "N", N);
      const DenseSystem s = build(preset).dense;
      const VectorXd B_s = VectorXd::LinSpaced(N, -1, 2);
      std::vector<Complex> places;
      for (int i = 0; i < 21; ++i) places.push_back(std::polar(0.01 * std::pow(1.5, i), 0.3 * i));
      const std::vector<Complex> found = transfer_function(s.A, s.B, B_s, s.C, 0.25, places);
      for (std::size_t i = 0; i < places.size(); ++i) {
        Eigen::MatrixXcd resolvent = -s.A.cast<Complex>();
        resolvent.diagonal().array() += places[i];
        const Eigen::VectorXcd right = s.B.cast<Complex>() + places[i] * B_s;
        const Eigen::VectorXcd h = resolvent.partialPivLu().solve(right);
        const double scale = 0.25 + s.C.norm() * h.norm();
        EXPECT_LT(std::abs(found[i] - 0.25 - s.C.cast<Complex>().transpose().cwiseProduct(h).sum()), 1e-12 * scale)
            << id << " " << N << " " << places[i];
      }
    }
}

TEST(Analysis, RanksCountWhatInputAndOutputTouch) {
  const DenseSystem free_mass = build(make_preset("double-integrator")).dense;
  EXPECT_EQ(controllable_rank(free_mass.A, free_mass.B), 2);
  EXPECT_EQ(observable_rank(free_mass.A, free_mass.C), 2);
  EXPECT_EQ(controllable_rank(free_mass.A, Eigen::Vector2d(1, 0)), 1);
  EXPECT_EQ(observable_rank(free_mass.A, Eigen::RowVector2d(0, 1)), 1);
  EXPECT_EQ(controllable_rank(free_mass.A, Eigen::Vector2d(0, 0)), 0);
  const DenseSystem fourier = build(make_preset("hippo-fout")).dense;  // coefficient 1, sin 0, is always 0
  EXPECT_EQ(controllable_rank(fourier.A, fourier.B), fourier.states() - 1);
}

// Where the hand put the eigenvalues against where a dense solver finds them: of every pair and every real one, moved,
// made real and made a pair.
TEST(Edit, EigenvaluesLieWhereTheyWerePut) {
  for (const int N : {3, 6, 9, 24}) {
    const DenseSystem s = random_system(N, 11 + N);
    const Eigen::VectorXcd before = eigenvalues(s.A);
    for (const Complex from : before)
      for (const Complex to : {Complex(-0.3, 2.5), Complex(-1.7, -0.4), Complex(-1.7)}) {
        Eigen::VectorXcd values = before;
        const DenseSystem moved = move_eigenvalue(s, values, from, to);
        const bool alone = from.imag() == 0 && (before.imag().array() == 0).count() == 1;
        const Complex place = alone ? to.real() : Complex(to.real(), std::abs(to.imag()));
        EXPECT_EQ((values.array() - place).abs().minCoeff(), 0) << from << " to " << to;
        for (int i = 0; i < N; ++i)
          if (values[i].imag() > 0) {
            EXPECT_EQ(values[i + 1], std::conj(values[i])) << "neighbours, the upper one first";
          }
        // Two that meet split by the root of a rounding error.
        const double tolerance = to.imag() == 0 ? 1e-5 : 1e-9;
        const Eigen::VectorXcd after = eigenvalues(moved.A);
        for (int i = 0; i < N; ++i) {
          EXPECT_LT((after.array() - values[i]).abs().minCoeff(), tolerance) << from << " to " << to;
          EXPECT_LT((values.array() - after[i]).abs().minCoeff(), tolerance) << from << " to " << to;
        }
        EXPECT_EQ(moved.B, s.B);
        EXPECT_EQ(moved.C, s.C);
      }
  }
}

DenseSystem moved_from(const DenseSystem& s, Complex from, Complex to) {
  Eigen::VectorXcd values = eigenvalues(s.A);
  return move_eigenvalue(s, values, from, to);
}

TEST(Edit, AMassOnASpringGetsAnotherSpringAndDamper) {
  const DenseSystem s = build(make_preset("mass-spring-damper")).dense;
  const DenseSystem moved = moved_from(s, {-0.2, 2}, {-1, 3});  // s² + 2s + 10
  EXPECT_LT(apart(moved.A, (Eigen::Matrix2d() << 0, 1, -10, -2).finished()), 1e-13);
  // Through the double pole of a free mass, which has one eigenvector only, to two real eigenvalues' meeting and apart.
  const DenseSystem free_mass = build(make_preset("double-integrator")).dense;
  EXPECT_LT(apart(moved_from(free_mass, 0, {-1, 1}).A, (Eigen::Matrix2d() << 0, 1, -2, -2).finished()), 1e-13);
}

TEST(Edit, PresetsFollowWhileTheyCan) {
  const auto moved = [](const std::string& id, Complex from, Complex to) {
    const SystemChoice choice = make_preset(id);
    const BuiltSystem built = build(choice);
    return move_eigenvalue(choice, {built, eigenvalues(built)}, from, to).choice;
  };
  const Preset spring = std::get<Preset>(moved("mass-spring-damper", {-0.2, 2}, {-1, 3}));
  EXPECT_NEAR(parameter(spring, "stiffness"), 10, 1e-12);
  EXPECT_NEAR(parameter(spring, "damping"), 2, 1e-12);
  EXPECT_TRUE(std::holds_alternative<DenseSystem>(moved("mass-spring-damper", {-0.2, 2}, {-1, 300})));
  EXPECT_TRUE(std::holds_alternative<DenseSystem>(moved("oscillator", {0, 2}, {-1, 2})));
  const auto modes = std::get<DiagonalSystem>(moved("s4d-lin", {-0.5, -std::numbers::pi}, {-2, -1})).lambda;
  EXPECT_EQ(modes[1], Complex(-2, 1));
}

TEST(Edit, RefusesWhatTheInputDoesNotReach) {
  DenseSystem s = random_system(2, 1);
  s.A << -1, 0, 0, -2;
  s.B << 1, 0;
  EXPECT_NE(message_of([&] { moved_from(s, -2, -3); }).find("does not reach"), std::string::npos);
  EXPECT_LT(apart(moved_from(s, -1, -3).A, (Eigen::Matrix2d() << -3, 0, 0, -2).finished()), 1e-13);
}

TEST(Edit, DiagonalPairsMoveTogether) {
  DiagonalSystem s;
  s.lambda = Eigen::Vector2cd(Complex(-1, 2), Complex(-3, 0));
  s.B = s.C = Eigen::Vector2cd(Complex(1), Complex(1));
  EXPECT_EQ(move_eigenvalue(s, {-1, -2}, {-0.5, -1}).lambda, Eigen::Vector2cd(Complex(-0.5, 1), Complex(-3, 0)));
  s.conjugates = false;
  s.lambda = Eigen::Vector2cd(Complex(-1, 2), Complex(-1, -2));
  EXPECT_EQ(move_eigenvalue(s, {-1, -2}, {-0.5, -1}).lambda, Eigen::Vector2cd(Complex(-0.5, 1), Complex(-0.5, -1)));
}

TEST(Edit, StatesComeAndGoAtTheEnd) {
  DenseSystem s{(Eigen::Matrix2d() << 0, 1, -4, -0.4).finished(), Eigen::Vector2d(0, 1), Eigen::RowVector2d(1, 0.5), 2};
  const DenseSystem grown = with_states(s, 4);
  check(grown);
  EXPECT_EQ(grown.A.topLeftCorner(2, 2), s.A);
  EXPECT_EQ(grown.A(3, 3), -4);
  EXPECT_EQ(grown.A.block(0, 2, 2, 2).norm() + grown.A.block(2, 0, 2, 2).norm(), 0) << "they do not touch the others";
  EXPECT_EQ(grown.C, Eigen::RowVector4d(1, 0.5, 0, 0));
  EXPECT_EQ(controllable_rank(grown.A, grown.B), 4);
  EXPECT_EQ(with_states(grown, 2), s);
}

TEST(Edit, KeysKeepFrequencyOrDamping) {
  const Complex from(-3, 4);
  const Complex turned = at_same_frequency(from, {-1, 10});
  EXPECT_NEAR(std::abs(turned), 5, 1e-14);
  EXPECT_NEAR(std::arg(turned), std::arg(Complex(-1, 10)), 1e-14);
  const Complex stretched = at_same_damping(from, {-6, 8.5});
  EXPECT_NEAR(stretched.real() / std::abs(stretched), from.real() / 5, 1e-14);
  EXPECT_NEAR(std::abs(stretched), (6 * 3 + 8.5 * 4) / 5, 1e-13);
}

TEST(Presets, EveryOneBuildsAndStatesItsSizes) {
  for (const PresetInfo& info : all_presets()) {
    const BuiltSystem built = build(make_preset(info.id));
    check(built.dense);
    EXPECT_EQ(built.diagonal.has_value(), std::string(info.id).rfind("s4d-", 0) == 0) << info.id;
    EXPECT_EQ(built.dplr.has_value(), std::string(info.id).rfind("hippo-", 0) == 0) << info.id;
    for (const Complex lambda : eigenvalues(built.dense.A)) EXPECT_LE(lambda.real(), 1e-9) << info.id;
    for (const PresetParameter& p : info.parameters) {
      Preset wrong = make_preset(info.id);
      set_parameter(wrong, p.key, p.most + 1);
      EXPECT_NE(message_of([&] { build(wrong); }).find(p.key), std::string::npos) << info.id;
    }
  }
  Preset s4d = make_preset("s4d-lin");
  s4d.C = {1, 2};
  EXPECT_NE(message_of([&] { build(s4d); }).find("2 entries where 8 are needed"), std::string::npos);
}

}  // namespace
}  // namespace statescope
