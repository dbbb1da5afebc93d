// SPDX-License-Identifier: GPL-3.0-or-later
// The experiments "gated-recurrence" and "training".
#include "engine/experiments/gated.h"

#include <algorithm>
#include <cmath>

#include "array_json.h"
#include "engine/error.h"
#include "engine/training/trainer.h"
#include "kinds.h"

namespace statescope {

using nlohmann::ordered_json;

GatedResult gated_result(const GatedRun& run, const std::filesystem::path& base, std::stop_token stop) {
  constexpr double A = -1, B = 1;
  GatedResult r;
  r.run = run;
  r.x = sample(run.x, 1, base, stop);
  Signal z = run.z;
  z.length = std::ssize(r.x);
  r.z = sample(z, 1, base, stop);
  r.z.resize(r.x.size(), r.z.empty() ? 0 : r.z.back());  // a file may be shorter
  double gated = 0, zoh = 0, euler = 0;
  for (std::size_t t = 0; t < r.x.size(); ++t) {
    const double v = r.z[t], x = r.x[t];
    const double g = 1 / (1 + std::exp(-v));
    const double delta = std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));
    gated = (1 - g) * gated + g * x;
    zoh = std::exp(delta * A) * zoh + std::expm1(delta * A) / A * B * x;
    euler = std::exp(delta * A) * euler + delta * B * x;
    r.gate.push_back(g);
    r.delta.push_back(delta);
    r.gated.push_back(gated);
    r.zoh.push_back(zoh);
    r.euler.push_back(euler);
    r.zoh_difference = std::max(r.zoh_difference, std::abs(zoh - gated));
    r.euler_difference = std::max(r.euler_difference, std::abs(euler - gated));
  }
  return r;
}

ordered_json compute_gated(const GatedScene& scene, const std::filesystem::path& base, std::stop_token stop) {
  const GatedResult r = gated_result(scene.run, base, stop);
  ordered_json arrays = ordered_json::array();
  const std::pair<const char*, const std::vector<double>*> all[] = {
      {"x", &r.x},         {"z", &r.z},     {"gate", &r.gate},  {"delta", &r.delta},
      {"gated", &r.gated}, {"zoh", &r.zoh}, {"euler", &r.euler}};
  for (const auto& [name, values] : all) arrays.push_back(array_json(name, "sample", *values));
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "gated-recurrence"},
          {"cursor", std::min<std::int64_t>(scene.cursor, std::ssize(r.x) - 1)},
          {"zoh_difference", r.zoh_difference},
          {"euler_difference", r.euler_difference},
          {"arrays", arrays}};
}

ordered_json compute_training(const TrainingScene& scene, std::stop_token stop, const ComputeListener& listener) {
  const auto ops = kernels::cpu_training();
  Trainer trainer(scene.recipe, *ops);
  std::vector<double> loss, accuracy;
  ordered_json evaluations = ordered_json::array();
  while (!trainer.finished()) {
    if (stop.stop_requested()) throw Cancelled();
    const StepReport report = trainer.step();
    loss.push_back(report.loss);
    accuracy.push_back(report.accuracy);
    if (!trainer.finished() && report.step % scene.recipe.evaluate_every != 0) continue;
    const Evaluation fresh = trainer.evaluate(0, stop);
    if (listener) listener(report.step, scene.recipe.optimiser.steps);
    evaluations.push_back({{"step", report.step}, {"loss", fresh.loss}, {"accuracy", fresh.accuracy}});
    if (scene.recipe.stop_at_accuracy > 0 && fresh.accuracy >= scene.recipe.stop_at_accuracy) break;
  }
  ordered_json arrays = ordered_json::array();
  arrays.push_back(array_json("loss", "step", loss));
  arrays.push_back(array_json("accuracy", "step", accuracy));
  return {{"format", "statescope-result"}, {"version", 1},         {"kind", "training"},
          {"steps", trainer.steps_done()}, {"fresh", evaluations}, {"arrays", arrays}};
}

}  // namespace statescope
