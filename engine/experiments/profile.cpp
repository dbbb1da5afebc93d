// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/error.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/files.h"
#include "engine/profile/statistics.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;

const char* lane(bool on_device) {
  return on_device ? "device" : "cpu";
}

const char* bound_name(Bound bound) {
  switch (bound) {
    case Bound::memory:
      return "memory";
    case Bound::cache:
      return "cache";
    case Bound::arithmetic:
      return "arithmetic";
    case Bound::exponentials:
      return "exponentials";
    case Bound::overhead:
      return "overhead";
    case Bound::nothing:
      return "nothing";
  }
  return "";
}

ordered_json roofline_json(const StageStatistics& stage, const std::vector<RooflinePoint>& roof) {
  ordered_json points = ordered_json::array();
  for (const RooflinePoint& point : roof) {
    if (point.stage != stage.stage || point.on_device != stage.on_device) continue;
    points.push_back({{"tokens", point.generating ? "one" : "many"},
                      {"share_of_time", point.time_share},
                      {"operations_per_byte", point.intensity},
                      {"operations_per_second", point.rate},
                      {"attainable_operations_per_second", point.attainable},
                      {"share_of_limit", point.share},
                      {"bound", bound_name(point.bound)},
                      {"sentence", point.sentence}});
  }
  return points;
}

ordered_json stage_json(const StageStatistics& stage, const Profile& profile, const std::vector<RooflinePoint>& roof) {
  const Histogram histogram = duration_histogram(profile.zones, stage.stage, stage.on_device);
  return {{"stage", stage_name(stage.stage)},
          {"lane", lane(stage.on_device)},
          {"count", stage.count},
          {"total_ns", stage.total},
          {"median_ns", stage.median},
          {"p95_ns", stage.p95},
          {"min_ns", stage.min},
          {"max_ns", stage.max},
          {"share", stage.share},
          {"tokens", stage.tokens},
          {"bytes", stage.work.bytes},
          {"operations", stage.work.operations},
          {"exponentials", stage.work.exponentials},
          {"bytes_per_second", stage.bandwidth},
          {"operations_per_second", stage.rate},
          {"exponentials_per_second", stage.exponential_rate},
          {"operations_per_byte", stage.intensity},
          {"roofline", roofline_json(stage, roof)},
          {"histogram", {{"edges_ns", histogram.edges}, {"counts", histogram.counts}}}};
}

ordered_json comparison_json(const Profile& before, const Profile& after) {
  ordered_json list = ordered_json::array();
  for (const StageComparison& stage : compare(before, after))
    list.push_back({{"stage", stage_name(stage.stage)},
                    {"lane", lane(stage.on_device)},
                    {"difference_ns_per_token", stage.difference},
                    {"ratio", stage.ratio},
                    {"sentence", comparison_sentence(stage)}});
  return list;
}

}  // namespace

std::vector<std::int32_t> prompt_ids(const ProfileRun& run, const LoadedModel& loaded) {
  ModelRun reading;
  reading.prompt = run.prompt;
  reading.prompt_ids = run.prompt_ids;
  std::vector<std::int32_t> ids = prompt_ids(reading, loaded);
  const std::size_t text = ids.size();
  if (run.read > 0) ids.resize(static_cast<std::size_t>(run.read));
  for (std::size_t i = text; i < ids.size(); ++i) ids[i] = ids[i - text];
  return ids;
}

Profile profile_of(const ProfileRun& run, const std::filesystem::path& base, const std::filesystem::path& assets,
                   std::stop_token stop, const ProfileListener& listener) {
  if (!run.file.empty()) return load_profile(base / run.file);
  if (run.precision == Precision::f64)
    throw Error("dtype f64 is the reference, which is not recorded; use f32, bf16 or f16");
  const LoadedModel loaded =
      load_with_tokenizer(resolve_model(run.model, base, assets), run.precision, run.device, run.threads);
  Profile profile =
      profile_run(*loaded.model, {.ids = prompt_ids(run, loaded), .generate = run.tokens}, stop, listener);
  profile.ceilings = measure_ceilings(run.device, run.precision, loaded.model->backend().threads(), stop);
  return profile;
}

ordered_json compute_profile(const ProfileScene& scene, const std::filesystem::path& base,
                             const std::filesystem::path& assets, std::stop_token stop) {
  const Profile profile = profile_of(scene.run, base, assets, stop);
  ordered_json stages = ordered_json::array();
  const std::vector<RooflinePoint> roof = roofline(profile);
  for (const StageStatistics& stage : stage_statistics(profile.zones))
    stages.push_back(stage_json(stage, profile, roof));
  ordered_json result{{"format", "statescope-result"},
                      {"version", 1},
                      {"kind", "profile"},
                      {"title", profile.title},
                      {"model", profile.model},
                      {"device", profile.device},
                      {"precision", profile.precision},
                      {"tokens", profile.tokens},
                      {"generated", profile.generated},
                      {"zones", profile.zones.size()},
                      {"dropped", profile.dropped},
                      {"stages", stages},
                      {"ceilings", to_json(profile.ceilings)},
                      {"memory", to_json(profile.memory)}};
  result["memory"]["key_value_at_this_context"] =
      static_cast<double>(profile.memory.key_value_per_token) * static_cast<double>(profile.tokens);
  if (!scene.run.against.empty())
    result["comparison"] = comparison_json(load_profile(base / scene.run.against), profile);
  return result;
}

}  // namespace statescope
