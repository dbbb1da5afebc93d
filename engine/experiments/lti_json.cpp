// SPDX-License-Identifier: GPL-3.0-or-later
#include <numbers>

#include "engine/experiments/lti.h"
#include "engine/io/memory.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;
using Axes = std::vector<std::string>;

// A double as a JSON value of 16 bytes, and as up to 25 characters of text that grows by doubling.
constexpr std::int64_t bytes_per_number = 8 + 16 + 50;

ordered_json array(const char* name, Axes axes, std::vector<std::int64_t> shape, std::vector<double> values) {
  return {{"name", name}, {"axes", std::move(axes)}, {"shape", std::move(shape)}, {"values", std::move(values)}};
}

ordered_json array(const char* name, const char* axis, std::vector<double> values) {
  const std::int64_t length = std::ssize(values);
  return array(name, {axis}, {length}, std::move(values));
}

ordered_json array(const char* name, const char* axis, const Eigen::VectorXd& values) {
  return array(name, axis, std::vector<double>(values.begin(), values.end()));
}

// [count, 2]: real and imaginary parts.
ordered_json array(const char* name, const char* axis, const std::vector<Complex>& values) {
  std::vector<double> parts;
  for (const Complex value : values) parts.insert(parts.end(), {value.real(), value.imag()});
  return array(name, {axis, "part"}, {std::ssize(values), 2}, std::move(parts));
}

ordered_json array(const char* name, const Eigen::MatrixXd& matrix) {
  std::vector<double> values;
  for (std::int64_t r = 0; r < matrix.rows(); ++r)
    for (std::int64_t c = 0; c < matrix.cols(); ++c) values.push_back(matrix(r, c));
  return array(name, {"state", "state"}, {matrix.rows(), matrix.cols()}, std::move(values));
}

ordered_json modes_json(const LtiResult& r) {
  ordered_json list = ordered_json::array();
  for (const Mode& mode : r.modes)
    list.push_back({{"s", {mode.lambda.real(), mode.lambda.imag()}},
                    {"z", {mode.z.real(), mode.z.imag()}},
                    {"natural_frequency", mode.natural_frequency},
                    {"damping", mode.damping},
                    {"time_constant", mode.time_constant},
                    {"stable", mode.stable},
                    {"discrete_stable", mode.discrete_stable},
                    {"beyond_nyquist", mode.beyond_nyquist}});
  return list;
}

ordered_json arrays_json(LtiResult& r) {
  const DenseSystem& s = r.system.dense;
  ordered_json list = ordered_json::array();
  const auto add = [&](ordered_json made) { list.push_back(std::move(made)); };
  add(array("A", s.A));
  add(array("B", "state", s.B));
  add(array("C", "state", Eigen::VectorXd(s.C)));
  add(array("A_bar", r.step.A));
  add(array("B_bar", "state", r.step.B));
  add(array("B_bar_previous", "state", r.step.B_previous));
  add(array("input", "sample", r.input));
  std::vector<double> states;
  for (std::size_t t = 0; t < r.input.size(); ++t)
    for (const std::vector<double>& state : r.states) states.push_back(state[t]);
  add(array("states", {"sample", "state"}, {r.length(), r.states_count()}, std::move(states)));
  add(array("output_recurrence", "sample", r.recurrence));
  add(array("output_direct", "place", r.direct));
  add(array("direct_at", "place", std::vector<double>(r.direct_at.begin(), r.direct_at.end())));
  add(array("output_fft", "sample", r.fft));
  if (r.cauchy) add(array("output_cauchy", "sample", *r.cauchy));
  add(array("kernel", "sample", r.kernel));
  if (r.cauchy_kernel) add(array("kernel_cauchy", "sample", *r.cauchy_kernel));
  add(array("step_response", "sample", r.step_response));
  add(array("continuous_impulse", "sample", r.continuous_impulse));
  add(array("continuous_step", "sample", r.continuous_step));
  add(array("omega", "frequency", r.frequency.omega));
  add(array("response_continuous", "frequency", r.frequency.continuous));
  add(array("response_discrete", "frequency", r.frequency.discrete));
  return list;
}

}  // namespace

ordered_json compute_lti(const LtiScene& scene, const std::filesystem::path& base, std::stop_token stop) {
  LtiResult r = lti_result(scene.run, base, stop);
  const std::int64_t N = r.states_count(), L = r.length();
  require_memory((L * (N + 9) + 2 * N * N) * bytes_per_number, "the result of this scene");
  ordered_json differences{{"direct", r.direct_difference}, {"fft", r.fft_difference}};
  if (r.cauchy) differences["cauchy"] = r.cauchy_difference;
  differences["largest"] = r.difference;
  differences["scale"] = r.scale;
  const auto last = std::max<std::int64_t>(L - 1, 0);
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "lti"},
          {"states", N},
          {"length", L},
          {"cursor", std::min(scene.cursor, last)},
          {"method", method_id(r.run.rule.method)},
          {"delta", r.run.rule.delta},
          {"alpha", r.run.rule.alpha},
          {"lambda", r.run.rule.balance},
          {"D", r.system.dense.D},
          {"nyquist", std::numbers::pi / r.run.rule.delta},
          {"diverges_at", r.diverges_at},
          {"controllable_rank", r.controllable},
          {"observable_rank", r.observable},
          {"differences", differences},
          {"sentences",
           {{"stability", stability_sentence(r)},
            {"agreement", agreement_sentence(r)},
            {"sampling", sampling_sentence(r)},
            {"reach", reach_sentence(r)}}},
          {"modes", modes_json(r)},
          {"arrays", arrays_json(r)}};
}

}  // namespace statescope
