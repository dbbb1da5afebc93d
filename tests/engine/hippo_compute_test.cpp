// SPDX-License-Identifier: GPL-3.0-or-later
// The experiments "hippo" and "s4": their scenes, their numbers, their refusals.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/experiments/compute.h"
#include "engine/experiments/s4.h"
#include "engine/scene/scene.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;
using nlohmann::ordered_json;

Scene parsed(const std::string& experiment, const std::string& rest = "") {
  return parse_scene(R"({"format": "statescope-scene", "version": 1, "experiment": )" + experiment + rest + "}",
                     "s.json");
}

std::string refusal(const std::string& experiment) {
  return message_of([&] { compute(parsed(experiment), {}, {}); });
}

std::vector<double> values(const ordered_json& holder, const std::string& name) {
  for (const ordered_json& array : holder["arrays"])
    if (array["name"] == name) return array["values"].get<std::vector<double>>();
  ADD_FAILURE() << "no array " << name;
  return {};
}

TEST(HippoCompute, SceneComesBackAsItWas) {
  const std::string hippo = R"({"kind": "hippo", "delta": 0.01, "input": {"kind": "chirp", "length": 200},
    "methods": [{"family": "legt", "order": 12, "window": "halved", "theta": 0.5, "discretisation": "zoh"},
                {"family": "legs", "order": 8, "discretisation": "gbt", "alpha": 0.7, "start": "zero"}],
    "at": [10, 199], "stride": 50, "points": 20, "orders": [2, 4]})";
  const Scene scene = parsed(hippo, R"(, "view": {"method": 1}, "cursor": 120)");
  const auto& read = std::get<HippoScene>(scene);
  EXPECT_EQ(scene_kind(scene), "hippo");
  EXPECT_EQ(read.run.methods.size(), 2u);
  EXPECT_EQ(read.run.methods[0].hippo.window, HippoWindow::halved);
  EXPECT_EQ(read.run.methods[1].start, LegsStart::zero);
  EXPECT_EQ(read.view.method, 1);
  EXPECT_EQ(parse_scene(to_text(scene), "again"), scene);

  const Scene s4 = parsed(R"({"kind": "s4", "form": "s4d-lin", "order": 4, "C": [1, [0, 2]], "delta": 0.05})");
  EXPECT_EQ(scene_kind(s4), "s4");
  EXPECT_EQ(std::get<S4Scene>(s4).run.C[1], Complex(0, 2));
  EXPECT_EQ(parse_scene(to_text(s4), "again"), s4);
  const Scene plain = parsed(R"({"kind": "s4", "read": 3})");
  EXPECT_EQ(parse_scene(to_text(plain), "again"), plain);
}

TEST(HippoCompute, AnswersAtTheTimesAskedFor) {
  const ordered_json result =
      compute(parsed(R"({"kind": "hippo", "delta": 0.02, "input": {"kind": "sine", "length": 150, "frequency": 0.5},
                 "methods": [{"family": "legs", "order": 16, "discretisation": "zoh"}, {"family": "legt", "order": 16}],
                 "at": [9, 149], "orders": [4, 16]})"),
              {}, {});
  EXPECT_EQ(result["kind"], "hippo");
  EXPECT_EQ(result["at"], (std::vector<int>{9, 149}));
  const std::vector<double> signal = values(result, "signal");
  ASSERT_EQ(signal.size(), 150u);
  const ordered_json& legs = result["methods"][0];
  EXPECT_EQ(legs["formula"], hippo_formula({}));
  EXPECT_EQ(legs["diverges_at"], -1);
  EXPECT_EQ(values(legs, "eigenvalues")[2], -2);  // real part of the second
  const std::vector<double> coefficients = values(legs, "coefficients");
  ASSERT_EQ(coefficients.size(), 32u);
  const Eigen::VectorXd exact = legs_projection(16, signal);
  for (int n = 0; n < 16; ++n) EXPECT_NEAR(coefficients[static_cast<std::size_t>(16 + n)], exact(n), 1e-12);

  // Newest first: the middle of every sample that has been read, and what was read there.
  const ordered_json& early = legs["reconstructions"][0];
  EXPECT_EQ(early["at"], 9);
  EXPECT_DOUBLE_EQ(early["past"].get<double>(), 0.2);
  const std::vector<double> before = values(early, "before_now"), truth = values(early, "truth");
  ASSERT_EQ(before.size(), 10u);
  EXPECT_DOUBLE_EQ(before[0], 0.01);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(truth[i], signal[9 - i]) << i;
  // The error is the root of the mean square of what is listed.
  const std::vector<double> error = values(early, "error");
  double sum = 0;
  for (const double e : error) sum += e * e;
  EXPECT_NEAR(early["error"].get<double>(), std::sqrt(sum / 10), 1e-12);

  const ordered_json& window = result["methods"][1]["reconstructions"][1];
  EXPECT_DOUBLE_EQ(window["reach"].get<double>(), 1);
  EXPECT_EQ(values(window, "before_now").size(), 50u);
  for (const double weight : values(window, "measure")) EXPECT_EQ(weight, 1);
  const ordered_json& orders = legs["error_against_order"];
  EXPECT_GT(orders["errors"][0].get<double>(), orders["errors"][1].get<double>());
  EXPECT_NEAR(orders["errors"][1].get<double>(), legs["reconstructions"][1]["error"].get<double>(), 1e-12);
}

TEST(HippoCompute, PointsSpreadEvenlyOverTheReach) {
  const ordered_json result =
      compute(parsed(R"({"kind": "hippo", "delta": 0.1, "input": {"kind": "step", "length": 40}, "points": 5,
                         "methods": [{"family": "legs", "order": 3}]})",
                     R"(, "cursor": 39)"),
              {}, {});
  const ordered_json& only = result["methods"][0]["reconstructions"][0];
  EXPECT_EQ(values(only, "before_now"), (std::vector<double>{0, 1, 2, 3, 4}));
  for (const double f : values(only, "reconstruction")) EXPECT_NEAR(f, 1, 1e-13);  // a constant is kept
}

TEST(HippoCompute, LegsStepMatrixIsThatOfItsTime) {
  const ordered_json result = compute(parsed(R"({"kind": "hippo", "input": {"kind": "step", "length": 40}, "at": [4],
                         "methods": [{"family": "legs", "order": 2, "discretisation": "backward-euler", "start": "zero"}]})"),
                                      {}, {});
  // (I − A/5)⁻¹ with A = [[−1, 0], [−√3, −2]].
  const std::vector<double> A = values(result["methods"][0], "A_bar");
  EXPECT_NEAR(A[0], 1 / 1.2, 1e-15);
  EXPECT_NEAR(A[3], 1 / 1.4, 1e-15);
  EXPECT_NEAR(A[2], -std::sqrt(3) / 5 / (1.2 * 1.4), 1e-15);
}

TEST(S4Compute, ThreeKernelsAgreeAndTheBasisIsTheKernel) {
  const ordered_json result = compute(
      parsed(R"({"kind": "s4", "family": "legs-lti", "order": 8, "delta": 0.001, "length": 1000, "read": 3})"), {}, {});
  EXPECT_LT(result["difference"].get<double>(), 1e-12);
  EXPECT_EQ(result["shift"], -0.5);
  const std::vector<double> K = values(result, "kernel_cauchy");
  // Reading one coefficient, the kernel is Δ g_n ω at the middle of each step, to the bilinear rule's Δ².
  const Hippo hippo{.family = HippoFamily::legs_lti, .order = 8};
  for (const std::size_t l : {0u, 100u, 999u}) {
    const double s = (static_cast<double>(l) + 0.5) * 0.001;
    double g[8];
    hippo_basis(hippo, s, s, g);
    EXPECT_NEAR(K[l] / 0.001, g[3] * hippo_measure(hippo, s, s), 2e-3) << l;
  }
  // What does not depend on the phases of V: Σ|B|² is that of the real B.
  double sum = 0;
  for (const double b : values(result, "B_abs")) sum += b * b;
  EXPECT_NEAR(sum, 64, 1e-11);  // Σ (2n+1) = N²
}

TEST(S4Compute, DiagonalKernelTwoWays) {
  for (const S4dInit init : all_s4d_inits)
    for (const Method rule : {Method::bilinear, Method::zoh, Method::mamba, Method::exponential_trapezoidal}) {
      S4Run run;
      run.diagonal = init;
      run.hippo.order = 12;
      run.discretisation = rule;
      run.length = 200;
      const S4Result r = s4_result(run);
      EXPECT_LT(r.difference, 1e-12 * r.scale) << s4d_init_id(init) << " " << method_id(rule);
      EXPECT_GT(r.scale, 1e-3);
    }
}

TEST(HippoCompute, BadParametersGetASentence) {
  EXPECT_EQ(refusal(R"({"kind": "hippo", "methods": [{"order": 300}]})"),
            "s.json: experiment: methods[0]: the order N = 300 is outside 1 to 256; choose fewer coefficients");
  EXPECT_EQ(
      refusal(R"({"kind": "hippo", "methods": [{"family": "fout", "order": 3}]})"),
      "s.json: experiment: methods[0]: FouT pairs a cosine with every sine, so N = 3 must be even; choose one more");
  EXPECT_EQ(refusal(R"({"kind": "hippo", "methods": [{"family": "legt", "theta": 0}]})"),
            "s.json: experiment: methods[0]: the window θ must be a positive number of seconds");
  EXPECT_EQ(refusal(R"({"kind": "hippo", "methods": []})"),
            "s.json: experiment: \"methods\" lists none; give at least one or leave it out");
  EXPECT_NE(refusal(R"({"kind": "hippo", "delta": 0})").find("s.json: experiment: "), std::string::npos);
  EXPECT_NE(
      refusal(R"({"kind": "hippo", "input": {"kind": "sine", "length": 2000000}})").find("s.json: experiment: input"),
      std::string::npos);
  EXPECT_EQ(refusal(R"({"kind": "hippo", "at": [800]})"),
            "\"at\" names sample 800 of a signal of 800 samples, which count from 0");
  EXPECT_EQ(refusal(R"({"kind": "hippo", "orders": [0]})"), "s.json: experiment: \"orders\" must lie from 1 to 256");
  EXPECT_EQ(
      refusal(R"({"kind": "hippo", "methods": [{"family": "bessel"}]})"),
      "s.json: experiment: methods[0]: family: unknown HiPPO family \"bessel\"; choose legs, legs-lti, legt, lmu, "
      "lagt or fout");
  EXPECT_EQ(refusal(R"({"kind": "s4", "discretisation": "zoh"})"),
            "s.json: experiment: S4's generating function is that of the bilinear step; choose bilinear");
  EXPECT_EQ(refusal(R"({"kind": "s4", "order": 4, "C": [1, 2]})"),
            "s.json: experiment: C has 2 entries where 4 are read; give one for each");
  EXPECT_EQ(refusal(R"({"kind": "s4", "order": 4, "read": 4})"),
            "s.json: experiment: there is no coefficient 4 to read; choose 0 to 3");
  EXPECT_EQ(refusal(R"({"kind": "s4", "length": 0})"),
            "s.json: experiment: a kernel of 0 samples is outside 1 to 65536; choose a shorter one");
}

}  // namespace
}  // namespace statescope
