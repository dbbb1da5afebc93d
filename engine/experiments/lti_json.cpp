// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <numbers>

#include "array_json.h"
#include "engine/dynamics/principal.h"
#include "engine/experiments/lti.h"
#include "engine/io/memory.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;

ordered_json complex_array(const char* name, const char* axis, const std::vector<Complex>& values) {
  const Eigen::VectorXcd vector = Eigen::Map<const Eigen::VectorXcd>(values.data(), std::ssize(values));
  return array_json(name, axis, vector);
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

ordered_json arrays_json(LtiResult& r, const LtiView& view) {
  const DenseSystem& s = r.system.dense;
  ordered_json list = ordered_json::array();
  const auto add = [&](ordered_json made) { list.push_back(std::move(made)); };
  add(array_json("A", "state", "state", s.A));
  add(array_json("B", "state", s.B));
  add(array_json("C", "state", Eigen::VectorXd(s.C)));
  add(array_json("A_bar", "state", "state", r.step.A));
  add(array_json("B_bar", "state", r.step.B));
  add(array_json("B_bar_previous", "state", r.step.B_previous));
  add(array_json("input", "sample", r.input));
  std::vector<double> states;
  for (std::size_t t = 0; t < r.input.size(); ++t)
    for (const std::vector<double>& state : r.states) states.push_back(state[t]);
  add(array_json("states", {"sample", "state"}, {r.length(), r.states_count()}, std::move(states)));
  const bool shows_principal =
      std::any_of(std::begin(view.axes), std::end(view.axes), [](auto axis) { return axis < 0; });
  if (shows_principal && r.states_count() >= 3) {
    const PrincipalDirections directions = principal_directions(r.states, 3);
    add(array_json("principal_directions", "state", "component", directions.V));
    add(array_json("principal_shares", "component", directions.shares));
  }
  add(array_json("output_recurrence", "sample", r.recurrence));
  add(array_json("output_direct", "place", r.direct));
  add(array_json("direct_at", "place", std::vector<double>(r.direct_at.begin(), r.direct_at.end())));
  if (!r.free_response.empty()) add(array_json("free_response", "sample", r.free_response));
  add(array_json("output_fft", "sample", r.fft));
  if (r.cauchy) add(array_json("output_cauchy", "sample", *r.cauchy));
  add(array_json("kernel", "sample", r.kernel));
  if (r.cauchy_kernel) add(array_json("kernel_cauchy", "sample", *r.cauchy_kernel));
  add(array_json("step_response", "sample", r.step_response));
  add(array_json("continuous_impulse", "sample", r.continuous_impulse));
  add(array_json("continuous_step", "sample", r.continuous_step));
  add(array_json("omega", "frequency", r.frequency.omega));
  add(complex_array("response_continuous", "frequency", r.frequency.continuous));
  add(complex_array("response_discrete", "frequency", r.frequency.discrete));
  return list;
}

}  // namespace

ordered_json compute_lti(const LtiScene& scene, const std::filesystem::path& base, std::stop_token stop) {
  LtiResult r = lti_result(scene.run, base, stop);
  const std::int64_t N = r.states_count(), L = r.length();
  require_memory((L * (N + 9) + 2 * N * N) * bytes_per_double, "the result of this scene");
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
          {"arrays", arrays_json(r, scene.view)}};
}

}  // namespace statescope
