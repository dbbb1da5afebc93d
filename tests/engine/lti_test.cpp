// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment "lti": its numbers against published ones and each other, its scene, its refusals.
#include "engine/experiments/lti.h"

#include <gtest/gtest.h>

#include <Eigen/LU>

#include <algorithm>
#include <limits>

#include "engine/experiments/compute.h"
#include "engine/io/format.h"
#include "engine/scene/scene.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;

Signal signal(const auto& change) {
  Signal s;
  change(s);
  return s;
}

LtiRun run_of(const std::string& preset, Method method = Method::zoh, double delta = 0.1) {
  LtiRun run;
  run.system = make_preset(preset);
  run.rule = {.method = method, .delta = delta};
  run.input = signal([&](Signal& s) {
    s.kind = SignalKind::white_noise;
    s.length = 300;
    s.seed = 3;
  });
  return run;
}

LtiScene parsed(const std::string& experiment) {
  return std::get<LtiScene>(parse_scene(
      R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "lti", )" + experiment + "}}", "s.json"));
}

std::string refusal(const std::string& experiment) {
  return message_of([&] { lti_result(parsed(experiment).run, {}); });
}

TEST(Lti, EveryWayGivesTheSameOutput) {
  for (const PresetInfo& info : all_presets())
    for (const Method method : all_methods) {
      LtiRun run = run_of(info.id, method, 0.01);
      const LtiResult r = lti_result(run, {});
      EXPECT_EQ(r.length(), 300) << info.id << " " << method_id(method);
      EXPECT_GT(r.scale, 1e-6) << info.id;
      EXPECT_LT(r.difference, 1e-10 * std::max(1.0, r.scale)) << info.id << " " << method_id(method);
      EXPECT_EQ(r.cauchy.has_value(), r.system.dplr && method == Method::bilinear) << info.id;
    }
}

TEST(Lti, ConvolutionsKnowTheInitialStateAndTheSkip) {
  LtiRun run;
  run.system = DenseSystem{(Eigen::Matrix2d() << -0.5, 2, -2, -0.1).finished(), Eigen::Vector2d(1, 0.5),
                           Eigen::RowVector2d(1, -1), 0.75};
  run.input = signal([&](Signal& s) {
    s.kind = SignalKind::chirp;
    s.length = 200;
  });
  run.h0 = {3, -2};
  const LtiResult r = lti_result(run, {});
  EXPECT_LT(r.difference, 1e-12 * r.scale);
  EXPECT_GT(std::abs(r.recurrence[0]), 1);  // what the initial state alone gives
}

TEST(Lti, PartsThatAreNotWantedLeaveTheRestAsItIs) {
  const LtiRun run = run_of("hippo-fout", Method::bilinear);
  const LtiResult whole = lti_result(run, {}),
                  part = lti_result(run, {}, {}, {.continuous = false, .frequency = false});
  EXPECT_TRUE(whole.parts.hold({}));
  EXPECT_FALSE(part.parts.hold({}));
  EXPECT_TRUE(part.parts.hold(part.parts));
  EXPECT_FALSE(whole.continuous_step.empty() || whole.frequency.omega.empty());
  EXPECT_TRUE(part.continuous_impulse.empty() && part.continuous_step.empty() && part.frequency.omega.empty());
  EXPECT_EQ(part.states, whole.states);
  EXPECT_EQ(part.kernel, whole.kernel);
  EXPECT_EQ(part.fft, whole.fft);
  EXPECT_EQ(part.step_response, whole.step_response);
}

// Where eigenvalues have been put nobody searches for them: they agree with what the matrix says.
TEST(Lti, WhatIsKnownOfASystemIsNotSearched) {
  LtiRun run = run_of("random-stable");
  set_parameter(std::get<Preset>(run.system), "N", 12);
  const LtiResult before = lti_result(run, {});
  const Complex from = before.modes.front().lambda, to(-0.5, 3);
  const MovedSystem moved = move_eigenvalue(run.system, known_system(before), from, to);
  run.system = moved.choice;
  const LtiResult known = lti_result(run, {}, {}, {}, &moved.known), found = lti_result(run, {});
  ASSERT_EQ(known.modes.size(), found.modes.size());
  EXPECT_EQ(known.modes.front().lambda, to) << "as it was put, to the last bit";
  for (const Mode& mode : known.modes) {
    const auto apart = [&](const Mode& other) {
      return std::abs(other.lambda - mode.lambda) + std::abs(other.z - mode.z);
    };
    const auto nearest = std::min_element(found.modes.begin(), found.modes.end(),
                                          [&](const Mode& a, const Mode& b) { return apart(a) < apart(b); });
    EXPECT_LT(apart(*nearest), 1e-10) << mode.lambda;
  }
  EXPECT_EQ(known.recurrence, found.recurrence);
  EXPECT_EQ(known.kernel, found.kernel);
  EXPECT_EQ(known.controllable, found.controllable);
  EXPECT_EQ(known.difference, found.difference);
}

// The eigenvalues of LegS are so sensitive that rounding A moves them by more than 1, so a search at rest would scatter
// what the hand has left in place. Both are the exact eigenvalues of a matrix that equals A but for rounding.
TEST(Lti, EigenvaluesOfAVeryNonNormalMatrixStayWhereTheyWerePut) {
  for (const double N : {32, 64}) {
    LtiRun run = run_of("hippo-legs", Method::bilinear);
    set_parameter(std::get<Preset>(run.system), "N", N);
    run.input.length = 16;
    const LtiResult before = lti_result(run, {});
    const Complex from = before.modes[static_cast<std::size_t>(N) / 2].lambda, to = from - 0.4;
    const MovedSystem moved = move_eigenvalue(run.system, known_system(before), from, to);
    run.system = moved.choice;
    const LtiResult at_rest = lti_result(run, {}, {}, {}, &moved.known);
    const Eigen::MatrixXd& A = at_rest.system.dense.A;
    const double rounding = N * std::numeric_limits<double>::epsilon() * A.norm();
    double farthest = 0;
    for (const Complex found : eigenvalues(moved.known.built)) {
      double nearest = std::numeric_limits<double>::infinity();
      for (const Mode& mode : before.modes) nearest = std::min(nearest, std::abs(found - mode.lambda));
      farthest = std::max(farthest, nearest);
    }
    EXPECT_GT(farthest, 1) << "what a search makes of it";
    for (std::size_t i = 0; i < before.modes.size(); ++i) {
      const Complex lambda = at_rest.modes[i].lambda;
      EXPECT_EQ(lambda, before.modes[i].lambda == from ? to : before.modes[i].lambda) << N;
      // σ_min(A − λI) ≤ √N / ‖(A − λI)⁻¹‖_F: so much of a change makes λ exact. A matrix that cannot be inverted is.
      Eigen::MatrixXcd shifted = A.cast<Complex>();
      shifted.diagonal().array() -= lambda;
      const double inverse = shifted.inverse().norm();
      EXPECT_TRUE(!std::isfinite(inverse) || std::sqrt(N) / inverse < rounding) << N << ' ' << lambda;
    }
    // A scene keeps them.
    run.eigenvalues.assign(moved.known.eigenvalues.begin(), moved.known.eigenvalues.end());
    const LtiRun kept = std::get<LtiScene>(parse_scene(to_text(LtiScene{run, {}, 0}), "s.json")).run;
    EXPECT_EQ(kept, run);
    const LtiResult opened = lti_result(kept, {});
    for (std::size_t i = 0; i < opened.modes.size(); ++i) EXPECT_EQ(opened.modes[i].lambda, at_rest.modes[i].lambda);
  }
}

TEST(Lti, WhatAreNoEigenvaluesIsToldFromRounding) {
  const Eigen::Matrix3d A = (Eigen::Matrix3d() << -1, 2, 0.5, -2, -1, 0, 0, 0, -3).finished();
  const std::vector<Complex> right{{-1, 2}, {-1, -2}, {-3, 0}};
  const auto with = [&](std::size_t i, Complex value) {
    std::vector<Complex> values = right;
    values[i] = value;
    return values;
  };
  EXPECT_TRUE(are_eigenvalues(A, right));
  EXPECT_TRUE(are_eigenvalues(A, with(2, -3 + 1e-12)));
  EXPECT_FALSE(are_eigenvalues(A, with(2, -3 + 1e-6)));
  EXPECT_FALSE(are_eigenvalues(A, with(1, {-1, 2}))) << "not a conjugate pair";
  EXPECT_FALSE(are_eigenvalues(A, std::vector<Complex>{-3, -3, -3})) << "each is one, but not all of them";
  EXPECT_FALSE(are_eigenvalues(A, std::vector<Complex>{{-1, 2}, {-1, -2}}));
  EXPECT_FALSE(are_eigenvalues(A, with(2, std::numeric_limits<double>::quiet_NaN())));
}

TEST(Lti, LongInputsAreSummedAtEvenlySpreadPlaces) {
  LtiRun run = run_of("mass-spring-damper");
  run.input.length = direct_everywhere + 100;
  const LtiResult r = lti_result(run, {});
  ASSERT_EQ(std::ssize(r.direct), direct_places);
  EXPECT_EQ(r.direct_at.front(), 0);
  EXPECT_EQ(r.direct_at.back(), r.length() - 1);
  EXPECT_LT(r.difference, 1e-10 * r.scale);
}

// Kernels that the annotated S4 and s4d.py give.
TEST(Lti, PublishedKernels) {
  LtiRun s4 = run_of("hippo-legs", Method::bilinear);
  set_parameter(std::get<Preset>(s4.system), "N", 4);
  std::get<Preset>(s4.system).C = {0.3, -0.2, 0.5, 0.1};
  const LtiResult legs = lti_result(s4, {});
  const double legs_kernel[] = {.09273634, .02987932, -.00266034, -.01713131, -.02124137, -.01976776};
  LtiRun s4d = run_of("s4d-lin", Method::zoh, 0.05);
  set_parameter(std::get<Preset>(s4d.system), "modes", 4);
  const LtiResult lin = lti_result(s4d, {});
  const double lin_kernel[] = {.38943948, .34802215, .28256153, .20412792, .12505584, .05661806};
  for (std::size_t l = 0; l < 6; ++l) {
    EXPECT_NEAR(legs.kernel[l], legs_kernel[l], 5e-9);
    EXPECT_NEAR((*legs.cauchy_kernel)[l], legs_kernel[l], 5e-9);
    EXPECT_NEAR(lin.kernel[l], lin_kernel[l], 5e-9);
  }
}

TEST(Lti, StepAndImpulseResponsesOfALeakyIntegrator) {
  const LtiResult r = lti_result(run_of("leaky-integrator"), {});
  for (std::size_t l = 0; l + 1 < r.input.size(); ++l) {
    const double t = 0.1 * static_cast<double>(l);
    ASSERT_NEAR(r.continuous_impulse[l], std::exp(-t), 1e-14);
    ASSERT_NEAR(r.continuous_step[l], 1 - std::exp(-t - 0.1), 1e-13);  // h_t contains the hold of u_t
    ASSERT_NEAR(r.step_response[l], r.continuous_step[l], 1e-13);
  }
}

TEST(Lti, ADivergingRunEndsAndSaysSo) {
  LtiRun run = run_of("mass-spring-damper", Method::forward_euler, 2);
  run.input.length = 2000;
  const LtiResult r = lti_result(run, {});
  EXPECT_GT(r.diverges_at, 10);
  EXPECT_EQ(r.length(), r.diverges_at);
  EXPECT_EQ(std::ssize(r.states[0]), r.diverges_at);
  for (const auto* values :
       {&r.input, &r.kernel, &r.recurrence, &r.fft, &r.direct, &r.step_response, &r.continuous_step})
    EXPECT_EQ(std::ssize(*values), r.diverges_at);
  EXPECT_TRUE(std::isfinite(r.difference));
  EXPECT_NE(stability_sentence(r).find("Forward Euler at this Δ is not"), std::string::npos);
}

TEST(Lti, SentencesFollowTheNumbers) {
  EXPECT_NE(stability_sentence(lti_result(run_of("s4d-lin"), {})).find("Every mode dies out"), std::string::npos);
  EXPECT_NE(stability_sentence(lti_result(run_of("oscillator"), {})).find("neither grows nor dies out"),
            std::string::npos);
  EXPECT_NE(
      stability_sentence(lti_result(run_of("oscillator", Method::forward_euler), {})).find("Forward Euler it grows"),
      std::string::npos);
  EXPECT_NE(sampling_sentence(lti_result(run_of("oscillator", Method::zoh, 2), {})).find("too coarse"),
            std::string::npos);
  EXPECT_NE(sampling_sentence(lti_result(run_of("oscillator", Method::zoh, 0.1), {})).find("31.4 samples a turn"),
            std::string::npos);
  EXPECT_NE(reach_sentence(lti_result(run_of("hippo-fout"), {})).find("Of 8 states the input reaches 7"),
            std::string::npos);
  LtiRun one = run_of("leaky-integrator");
  EXPECT_EQ(reach_sentence(lti_result(one, {})), "The input reaches the state, and the output shows it.");
  Preset unseen = make_preset("leaky-integrator");
  unseen.C = {0};
  one.system = unseen;
  EXPECT_EQ(reach_sentence(lti_result(one, {})), "The input reaches the state, and the output does not show it.");
  EXPECT_NE(agreement_sentence(lti_result(run_of("hippo-legs", Method::bilinear), {})).find("Cauchy"),
            std::string::npos);
}

TEST(Lti, DifferencesAreSaidByTheirSize) {
  EXPECT_EQ(rounding_text(9.66024e-17, 0.0270233), "to 1e-16 of 0.027");
  EXPECT_EQ(rounding_text(0, 3), "to the last bit");
}

TEST(Lti, SceneFormsRoundTrip) {
  std::vector<LtiScene> scenes(5);
  scenes[0].run.system = make_preset("hippo-legt");
  set_parameter(std::get<Preset>(scenes[0].run.system), "theta", 0.75);
  std::get<Preset>(scenes[0].run.system).C = std::vector<Complex>(8, 0.5);
  scenes[1].run.system = DenseSystem{(Eigen::Matrix2d() << 0.1, 1, -2, 0.3).finished(), Eigen::Vector2d(1, 1e-7),
                                     Eigen::RowVector2d(1, 0), -1};
  scenes[2].run.system =
      DiagonalSystem{Eigen::Vector2cd(Complex(-1, 2), Complex(-3, 0)), Eigen::Vector2cd(Complex(1), Complex(0, 1)),
                     Eigen::Vector2cd(Complex(2), Complex(3)), 0.5, true};
  scenes[3].run.system = DplrSystem{Eigen::Vector2cd(Complex(-1, 2), Complex(-3, 0)),
                                    Eigen::MatrixXcd::Constant(2, 2, {0.5, -1}),
                                    Eigen::Vector2cd(Complex(1), Complex(2)),
                                    Eigen::Vector2cd(Complex(1), Complex(2, 1)),
                                    0,
                                    true};
  scenes[0].view = {LtiView::Page::convolution, {2, -3, 1}, true};
  scenes[0].run.rule = {Method::exponential_trapezoidal, 0.025, 0.25, 0.75};
  scenes[0].run.h0 = {1, 2, 3, 4, 5, 6, 7, 8};
  scenes[0].cursor = 17;
  for (const SignalKind kind : all_signal_kinds) {
    LtiScene scene;
    scene.run.input.kind = kind;
    scene.run.input.length = 77;
    scene.run.input.amplitude = 0.3;
    if (kind == SignalKind::drawn) scene.run.input.values = {0, 0.125, -1};
    if (kind == SignalKind::wav || kind == SignalKind::csv) scene.run.input.file = "a.wav";
    scenes.push_back(scene);
  }
  for (const LtiScene& scene : scenes) EXPECT_EQ(parse_scene(to_text(scene), "s.json"), Scene(scene)) << to_text(scene);
  EXPECT_EQ(parsed("\"delta\": 0.1"), LtiScene());
}

TEST(Lti, RefusalsAreSentences) {
  const auto says = [](const std::string& experiment, const std::string& part) {
    const std::string message = refusal(experiment);
    EXPECT_NE(message.find(part), std::string::npos) << experiment << "\n" << message;
  };
  says(R"("delta": 0)", "s.json: experiment: Δ must be a positive number");
  says(R"("delta": -0.1)", "Δ must be a positive number");
  says(R"("method": "euler")", "there is no method \"euler\"");
  says(R"("method": "gbt", "alpha": 2)", "α must lie between 0 and 1");
  says(R"("steps": 3)", "unknown key \"steps\"");
  says(R"("system": {"preset": "pendulum"})", "there is no preset \"pendulum\"");
  says(R"("system": {"preset": "lmu", "N": 300})", "\"N\" of the system lmu must be a whole number from 1 to 256");
  says(R"("system": {"preset": "lmu", "mass": 3})", "has no parameter \"mass\"");
  says(R"("system": {"preset": "hippo-fout", "N": 3})", "even");
  says(R"("system": {"form": "sparse"})", "\"form\" must be");
  says(R"("system": {"form": "dense", "A": [[1, 2], [3]], "B": [1, 1], "C": [1, 1]})", "rows of one length");
  says(R"("system": {"form": "dense", "A": [[1, 2], [3, 4]], "B": [1], "C": [1, 1]})",
       "B is 1 × 1 where 2 × 1 is needed");
  says(R"("system": {"form": "dense"})", "the system has no states");
  says(R"("system": {"form": "dense", "A": [["x"]], "B": [1], "C": [1]})", "not a number");
  says(R"("system": {"form": "diagonal", "lambda": [[1, 2]], "B": [1], "C": [1], "conjugates": false})", "conjugate");
  says(R"("system": {"form": "dense", "A": [[4]], "B": [1], "C": [1]}, "method": "bilinear", "delta": 0.5)",
       "has no step");
  says(R"("eigenvalues": [-1, -2])", "\"eigenvalues\" of the scene are not those of its matrix A");
  says(R"("h0": [1])", "the initial state has 1 entries where the system has 2 states");
  says(R"("input": {"kind": "step", "length": 2000000})", "2000000 samples");
  says(R"("input": {"kind": "beep"})", "there is no input \"beep\"");
  says(R"("input": {"kind": "wav", "file": "absent.wav"})", "absent.wav");
  says(R"("system": {"preset": "lmu", "N": 64}, "input": {"kind": "step", "length": 1000000})",
       "more than 16777216 numbers");
}

TEST(Lti, ComputeReturnsWhatSceneMdLists) {
  LtiScene scene;
  scene.run = run_of("hippo-legs", Method::bilinear);
  scene.cursor = 1000;
  const nlohmann::ordered_json result = compute(scene, {}, {});
  EXPECT_EQ(result["kind"], "lti");
  EXPECT_EQ(result["cursor"], 299);
  EXPECT_EQ(result["states"], 8);
  EXPECT_EQ(result["modes"].size(), 8u);
  std::vector<std::string> names;
  const LtiResult direct = lti_result(scene.run, {});
  for (const auto& array : result["arrays"]) {
    names.push_back(array["name"]);
    std::int64_t size = 1;
    for (const auto& length : array["shape"]) size *= length.get<std::int64_t>();
    EXPECT_EQ(array["values"].size(), static_cast<std::size_t>(size)) << array["name"];
    EXPECT_EQ(array["axes"].size(), array["shape"].size()) << array["name"];
    if (array["name"] == "states") {
      EXPECT_EQ(array["values"][3 * 8 + 5], direct.states[5][3]);
    } else if (array["name"] == "A") {
      EXPECT_EQ(array["values"][1 * 8 + 0], direct.system.dense.A(1, 0));
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"A",
                                             "B",
                                             "C",
                                             "A_bar",
                                             "B_bar",
                                             "B_bar_previous",
                                             "input",
                                             "states",
                                             "output_recurrence",
                                             "output_direct",
                                             "direct_at",
                                             "output_fft",
                                             "output_cauchy",
                                             "kernel",
                                             "kernel_cauchy",
                                             "step_response",
                                             "continuous_impulse",
                                             "continuous_step",
                                             "omega",
                                             "response_continuous",
                                             "response_discrete"}));
}

}  // namespace
}  // namespace statescope
