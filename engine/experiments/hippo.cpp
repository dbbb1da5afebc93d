// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "array_json.h"
#include "engine/dynamics/analysis.h"
#include "engine/dynamics/hippo_memory.h"
#include "engine/error.h"
#include "engine/io/memory.h"
#include "kinds.h"

namespace statescope {
namespace {

using Eigen::VectorXd;
using nlohmann::ordered_json;

constexpr std::int64_t all_middles = 1 << 14;   // samples up to which every one is a place of a reconstruction
constexpr std::int64_t some_middles = 1 << 10;  // of a longer past

std::vector<std::int64_t> times_of(const HippoScene& scene, std::int64_t length) {
  std::vector<std::int64_t> at = scene.run.at;
  for (const std::int64_t t : at) {
    if (t >= length)
      throw Error("\"at\" names sample " + std::to_string(t) + " of a signal of " + std::to_string(length) +
                  " samples, which count from 0");
  }
  if (scene.run.stride > 0)
    for (std::int64_t t = 0; t < length; t += scene.run.stride) at.push_back(t);
  if (at.empty()) at.push_back(std::min(scene.cursor, length - 1));
  if (at.size() > max_memory_times)
    throw Error("the stride asks for " + std::to_string(at.size()) + " times where at most " +
                std::to_string(max_memory_times) + " are answered; choose a larger one");
  return at;
}

// Seconds before now where the past is reconstructed.
VectorXd places(const HippoMemory& memory, std::int64_t t, std::int64_t points) {
  const double reach = hippo_reach(memory.method().hippo, memory.past(t));
  if (points > 0) return points == 1 ? VectorXd::Zero(1) : VectorXd(VectorXd::LinSpaced(points, 0, reach));
  const auto samples = std::clamp<std::int64_t>(std::llround(reach / memory.delta()), 1, t + 1);
  const std::int64_t count = samples <= all_middles ? samples : some_middles;
  VectorXd s(count);
  for (std::int64_t i = 0; i < count; ++i)
    s(i) = (static_cast<double>((2 * i + 1) * samples / (2 * count)) + 0.5) * memory.delta();
  return s.cwiseMin(reach);
}

// Ā and B̄; of scaled LegS those of the step to sample t.
DiscreteSystem step_at(const MemoryMethod& method, double delta, std::int64_t t) {
  HippoMatrices m = hippo_matrices(method.hippo);
  StepRule rule{method.discretisation, delta, method.alpha};
  if (method.hippo.family == HippoFamily::legs) {
    const double k = std::max<double>(1, static_cast<double>(t + (method.start == LegsStart::zero ? 1 : 0)));
    rule.delta = method.discretisation == Method::zoh ? std::log1p(1 / k) : 1 / k;
  }
  return discretise(DenseSystem{m.A, m.B, Eigen::RowVectorXd::Zero(m.A.rows()), 0}, rule);
}

ordered_json reconstruction_json(const HippoMemory& memory, std::int64_t t, std::int64_t points) {
  const VectorXd s = places(memory, t, points);
  const VectorXd f = memory.reconstruction(t, s);
  VectorXd truth(s.size()), weight(s.size()), measure(s.size());
  for (std::int64_t i = 0; i < s.size(); ++i) {
    truth(i) = memory.truth(t, s(i));
    weight(i) = hippo_weight(memory.method().hippo, s(i), memory.past(t));
    measure(i) = hippo_measure(memory.method().hippo, s(i), memory.past(t));
  }
  ordered_json arrays = ordered_json::array();
  arrays.push_back(array_json("before_now", "place", s));
  arrays.push_back(array_json("reconstruction", "place", f));
  arrays.push_back(array_json("truth", "place", truth));
  arrays.push_back(array_json("error", "place", VectorXd(f - truth)));
  arrays.push_back(array_json("measure", "place", measure));
  arrays.push_back(array_json("weight", "place", weight));
  return {{"at", t},
          {"past", memory.past(t)},
          {"reach", hippo_reach(memory.method().hippo, memory.past(t))},
          {"error", memory.error(t, max_signal_length)},
          {"arrays", arrays}};
}

ordered_json method_json(const HippoRun& run, const MemoryMethod& method, const std::vector<std::int64_t>& at,
                         const std::shared_ptr<const std::vector<double>>& signal, std::stop_token stop) {
  const HippoMemory memory(method, signal, run.delta, stop);
  const std::int64_t N = method.hippo.order;
  const HippoMatrices m = hippo_matrices(method.hippo);
  const DiscreteSystem step = step_at(method, run.delta, at.back());
  Eigen::MatrixXd coefficients(std::ssize(at), N);
  ordered_json reconstructions = ordered_json::array();
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (stop.stop_requested()) throw Cancelled();
    coefficients.row(static_cast<std::int64_t>(i)) = memory.coefficients(at[i]).transpose();
    reconstructions.push_back(reconstruction_json(memory, at[i], run.points));
  }
  ordered_json arrays = ordered_json::array();
  arrays.push_back(array_json("A", "state", "state", m.A));
  arrays.push_back(array_json("B", "state", m.B));
  arrays.push_back(array_json("eigenvalues", "mode", eigenvalues(m.A)));
  arrays.push_back(array_json("A_bar", "state", "state", step.A));
  arrays.push_back(array_json("B_bar", "state", step.B));
  arrays.push_back(array_json("coefficients", "time", "state", coefficients));
  ordered_json result{{"family", hippo_family_id(method.hippo.family)},
                      {"order", N},
                      {"window", hippo_window_id(method.hippo.window)},
                      {"theta", method.hippo.theta},
                      {"discretisation", method_id(method.discretisation)},
                      {"alpha", method.alpha},
                      {"start", legs_start_id(method.start)},
                      {"formula", hippo_formula(method.hippo)},
                      {"convention", hippo_convention(method.hippo)},
                      {"diverges_at", memory.diverges_at()},
                      {"arrays", arrays},
                      {"reconstructions", reconstructions}};
  if (!run.orders.empty())
    result["error_against_order"] = {
        {"at", at.back()},
        {"orders", run.orders},
        {"errors", error_against_order(method, run.orders, signal, run.delta, at.back(), max_signal_length, stop)}};
  return result;
}

}  // namespace

ordered_json compute_hippo(const HippoScene& scene, const std::filesystem::path& base, std::stop_token stop) {
  const HippoRun& run = scene.run;
  const auto signal = std::make_shared<const std::vector<double>>(sample(run.input, run.delta, base, stop));
  const std::int64_t L = std::ssize(*signal);
  const std::vector<std::int64_t> at = times_of(scene, L);
  const auto times = std::ssize(at);
  std::int64_t numbers = L;
  for (const MemoryMethod& method : run.methods) {
    const std::int64_t N = method.hippo.order;
    const std::int64_t points = run.points > 0 ? run.points : std::min(L, all_middles);
    numbers += 2 * N * N + times * (N + 6 * points);
  }
  require_memory(numbers * bytes_per_double, "the result of this scene");
  ordered_json methods = ordered_json::array();
  for (const MemoryMethod& method : run.methods) methods.push_back(method_json(run, method, at, signal, stop));
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "hippo"},
          {"delta", run.delta},
          {"length", L},
          {"cursor", std::min(scene.cursor, L - 1)},
          {"at", at},
          {"arrays", ordered_json::array({array_json("signal", "sample", *signal)})},
          {"methods", methods}};
}

}  // namespace statescope
