// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <limits>

#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_tokens = 1 << 20;

Sampling parse_sampling(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"temperature", "top_k", "top_p", "seed"}, where);
  Sampling sampling;
  sampling.temperature = get_number_or(object, "temperature", sampling.temperature, where);
  sampling.top_k = static_cast<int>(std::min<std::int64_t>(get_index(object, "top_k", 0, where), 1 << 30));
  sampling.top_p = get_number_or(object, "top_p", sampling.top_p, where);
  sampling.seed = get_seed(object, sampling.seed, where);
  named([&] { check_sampling(sampling); }, where);
  return sampling;
}

ModelRun parse_run(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"kind", "model", "prompt", "prompt_ids", "generated", "sampling", "tokens_to_generate"},
                      where);
  ModelRun run;
  run.model = get_string(object, "model", where);
  run.prompt = get_string_or(object, "prompt", "", where);
  run.prompt_ids = get_ids(object, "prompt_ids", where);
  run.generated = get_ids(object, "generated", where);
  run.sampling = parse_sampling(object_at(object, "sampling", where), where + ": sampling");
  run.tokens_to_generate = static_cast<int>(
      std::min<std::int64_t>(get_index(object, "tokens_to_generate", run.tokens_to_generate, where), max_tokens));
  return run;
}

ModelView parse_view(const json& object, const std::string& where) {
  refuse_unknown_keys(object, {"layer", "channel", "state", "overview", "map", "order"}, where);
  ModelView view;
  view.layer = get_index(object, "layer", 0, where);
  view.channel = get_index(object, "channel", 0, where);
  view.state = get_index(object, "state", 0, where);
  const std::string overview = get_string_or(object, "overview", summary_name(view.overview), where);
  view.overview = named([&] { return parse_summary(overview); }, where + ": overview");
  const std::string map = get_string_or(object, "map", quantity_name(view.map), where);
  view.map = named([&] { return parse_quantity(map); }, where + ": map");
  if (view.map == Quantity::logits || view.map == Quantity::hidden || view.map == Quantity::h)
    throw Error(where + ": \"map\" must be delta, gate, conv, y, B or C");
  const std::string order = get_string_or(object, "order", "widest", where);
  if (order != "widest" && order != "index") throw Error(where + ": \"order\" must be widest or index");
  view.order = order == "widest" ? ChannelOrder::widest : ChannelOrder::index;
  return view;
}

}  // namespace

std::vector<std::int32_t> get_ids(const json& object, const std::string& key, const std::string& where) {
  std::vector<std::int32_t> ids;
  const auto found = object.find(key);
  if (found == object.end()) return ids;
  if (!found->is_array() || found->size() > max_tokens)
    throw Error(where + ": \"" + key + "\" must be a list of at most " + std::to_string(max_tokens) + " token ids");
  for (const json& id : *found) {
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() > std::numeric_limits<std::int32_t>::max())
      throw Error(where + ": \"" + key + "\" holds something that is not a token id");
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

ModelScene parse_model_scene(const json& root, const std::string& where) {
  ModelScene scene;
  scene.run = parse_run(object_at(root, "experiment", where), where + ": experiment");
  scene.view = parse_view(object_at(root, "view", where), where + ": view");
  scene.cursor = get_index(root, "cursor", 0, where);
  return scene;
}

nlohmann::ordered_json scene_json(const ModelScene& scene) {
  using nlohmann::ordered_json;
  const ModelRun& run = scene.run;
  const ModelView& view = scene.view;
  ordered_json experiment{{"kind", "model-run"}, {"model", run.model}};
  if (run.prompt_ids.empty() || !run.prompt.empty()) experiment["prompt"] = run.prompt;
  if (!run.prompt_ids.empty()) experiment["prompt_ids"] = run.prompt_ids;
  if (!run.generated.empty()) experiment["generated"] = run.generated;
  experiment["sampling"] = {{"temperature", run.sampling.temperature},
                            {"top_k", run.sampling.top_k},
                            {"top_p", run.sampling.top_p},
                            {"seed", run.sampling.seed}};
  experiment["tokens_to_generate"] = run.tokens_to_generate;
  return {{"experiment", experiment},
          {"view",
           {{"layer", view.layer},
            {"channel", view.channel},
            {"state", view.state},
            {"overview", summary_name(view.overview)},
            {"map", quantity_name(view.map)},
            {"order", view.order == ChannelOrder::widest ? "widest" : "index"}}},
          {"cursor", scene.cursor}};
}

ModelScene clamped(ModelScene scene, const ModelSizes& sizes, std::int64_t tokens) {
  const auto inside = [](std::int64_t value, std::int64_t count) {
    return std::clamp<std::int64_t>(value, 0, std::max<std::int64_t>(count - 1, 0));
  };
  scene.view.layer = inside(scene.view.layer, sizes.layers);
  scene.view.channel = inside(scene.view.channel, sizes.d_inner);
  scene.view.state = inside(scene.view.state, sizes.d_state);
  scene.cursor = inside(scene.cursor, tokens);
  return scene;
}

}  // namespace statescope
