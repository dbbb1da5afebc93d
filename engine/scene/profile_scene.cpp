// SPDX-License-Identifier: GPL-3.0-or-later
// The scenes of the Profile workspace: the scan theatre and profiles.
#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t max_tokens = 1 << 20, max_threads = 1024;
constexpr const char* tab_names[] = {"timeline", "stages",  "roofline",
                                     "memory",   "compare", "sweep"};  // in the order of ProfileTab

ProfileTab parse_tab(const std::string& name, const std::string& where) {
  const auto found = std::find(std::begin(tab_names), std::end(tab_names), name);
  if (found == std::end(tab_names))
    throw Error(where + ": \"tab\" must be timeline, stages, roofline, memory, compare or sweep");
  return static_cast<ProfileTab>(found - std::begin(tab_names));
}

std::vector<ScanPair> get_pairs(const json& object, const std::string& where) {
  std::vector<ScanPair> pairs;
  const auto found = object.find("pairs");
  if (found == object.end()) return pairs;
  if (!found->is_array() || found->size() > longest_theatre)
    throw Error(where + ": \"pairs\" must be a list of at most " + std::to_string(longest_theatre) + " pairs [a, b]");
  for (const json& pair : *found) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
      throw Error(where + ": \"pairs\" holds something that is not [a, b]");
    pairs.push_back({pair[0].get<double>(), pair[1].get<double>()});
  }
  return pairs;
}

std::int64_t get_within(const json& object, const std::string& key, std::int64_t fallback, std::int64_t first,
                        std::int64_t last, const std::string& where) {
  const std::int64_t value = get_int_or(object, key, fallback, where);
  if (value < first || value > last)
    throw Error(where + ": \"" + key + "\" must be " + std::to_string(first) + " to " + std::to_string(last));
  return value;
}

}  // namespace

TheatreScene parse_theatre_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object,
                      {"kind", "algorithm", "chunk", "pairs", "h0", "model", "prompt", "prompt_ids", "layer", "channel",
                       "state", "first", "length"},
                      where);
  refuse_unknown_keys(object_at(root, "view", root_where), {}, root_where + ": view");
  TheatreScene scene;
  TheatreRun& run = scene.run;
  const std::string algorithm = get_string_or(object, "algorithm", scan_algorithm_id(run.algorithm), where);
  run.algorithm = named([&] { return parse_scan_algorithm(algorithm); }, where + ": algorithm");
  run.chunk = get_within(object, "chunk", run.chunk, 1, longest_theatre, where);
  run.pairs = get_pairs(object, where);
  run.h0 = get_number_or(object, "h0", 0, where);
  run.model = get_string_or(object, "model", run.model, where);
  run.prompt = get_string_or(object, "prompt", run.prompt, where);
  run.prompt_ids = get_ids(object, "prompt_ids", where);
  run.layer = get_index(object, "layer", 0, where);
  run.channel = get_index(object, "channel", 0, where);
  run.state = get_index(object, "state", 0, where);
  run.first = get_index(object, "first", 0, where);
  run.length = get_within(object, "length", run.length, 1, longest_theatre, where);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const TheatreScene& scene) {
  const TheatreRun& run = scene.run;
  ordered_json experiment{
      {"kind", "scan-theatre"}, {"algorithm", scan_algorithm_id(run.algorithm)}, {"chunk", run.chunk}};
  if (!run.pairs.empty()) {
    ordered_json pairs = ordered_json::array();
    for (const ScanPair& pair : run.pairs) pairs.push_back(ordered_json::array({pair.a, pair.b}));
    experiment["pairs"] = pairs;
  }
  if (run.h0 != 0) experiment["h0"] = run.h0;
  experiment["model"] = run.model;
  experiment["prompt"] = run.prompt;
  if (!run.prompt_ids.empty()) experiment["prompt_ids"] = run.prompt_ids;
  experiment["layer"] = run.layer;
  experiment["channel"] = run.channel;
  experiment["state"] = run.state;
  experiment["first"] = run.first;
  experiment["length"] = run.length;
  return {{"experiment", experiment}, {"cursor", scene.cursor}};
}

ProfileScene parse_profile_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(
      object,
      {"kind", "file", "against", "model", "prompt", "prompt_ids", "read", "tokens", "device", "dtype", "threads"},
      where);
  ProfileScene scene;
  ProfileRun& run = scene.run;
  run.file = get_string_or(object, "file", "", where);
  run.against = get_string_or(object, "against", "", where);
  run.model = get_string_or(object, "model", run.model, where);
  run.prompt = get_string_or(object, "prompt", run.prompt, where);
  run.prompt_ids = get_ids(object, "prompt_ids", where);
  run.read = get_within(object, "read", 0, 0, max_tokens, where);
  run.tokens = get_within(object, "tokens", 0, 0, max_tokens, where);
  run.threads = static_cast<int>(get_within(object, "threads", 0, 0, max_threads, where));
  run.device = get_string_or(object, "device", run.device, where);
  const std::string dtype = get_string_or(object, "dtype", precision_name(run.precision), where);
  run.precision = named([&] { return parse_precision(dtype); }, where + ": dtype");

  const json& view = object_at(root, "view", root_where);
  const std::string view_where = root_where + ": view";
  refuse_unknown_keys(view, {"tab", "from", "to", "stage"}, view_where);
  scene.view.from = get_index(view, "from", 0, view_where);
  scene.view.to = get_index(view, "to", 0, view_where);
  if (scene.view.to < scene.view.from) throw Error(view_where + ": \"to\" must not lie before \"from\"");
  const std::string stage = get_string_or(view, "stage", "", view_where);
  if (!stage.empty()) scene.view.stage = named([&] { return parse_stage(stage); }, view_where + ": stage");
  scene.view.tab = parse_tab(get_string_or(view, "tab", "timeline", view_where), view_where);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const ProfileScene& scene) {
  const ProfileRun& run = scene.run;
  ordered_json experiment{{"kind", "profile"}};
  if (!run.file.empty()) experiment["file"] = run.file;
  if (!run.against.empty()) experiment["against"] = run.against;
  experiment["model"] = run.model;
  experiment["prompt"] = run.prompt;
  if (!run.prompt_ids.empty()) experiment["prompt_ids"] = run.prompt_ids;
  if (run.read != 0) experiment["read"] = run.read;
  experiment["tokens"] = run.tokens;
  experiment["device"] = run.device;
  experiment["dtype"] = precision_name(run.precision);
  if (run.threads != 0) experiment["threads"] = run.threads;
  ordered_json view{
      {"tab", tab_names[static_cast<std::size_t>(scene.view.tab)]}, {"from", scene.view.from}, {"to", scene.view.to}};
  if (scene.view.stage) view["stage"] = stage_name(*scene.view.stage);
  return {{"experiment", experiment}, {"view", view}, {"cursor", scene.cursor}};
}

}  // namespace statescope
