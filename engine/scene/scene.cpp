// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scene/scene.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_scene_bytes = 16 << 20;
constexpr std::size_t max_tokens = 1 << 20;
constexpr int version = 1;

const json& object_at(const json& parent, const std::string& key, const std::string& where) {
  static const json empty = json::object();
  const auto found = parent.find(key);
  if (found == parent.end()) return empty;
  if (!found->is_object()) throw Error(where + ": \"" + key + "\" must be an object");
  return *found;
}

// A key nobody reads is a typing error that would silently show something else.
void refuse_unknown_keys(const json& object, std::initializer_list<const char*> known, const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(where + ": unknown key " + in_quotes(key));
  }
}

std::int64_t get_index(const json& object, const std::string& key, std::int64_t fallback, const std::string& where) {
  const std::int64_t value = get_int_or(object, key, fallback, where);
  if (value < 0) throw Error(where + ": \"" + key + "\" must not be negative");
  return value;
}

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

std::uint64_t get_seed(const json& object, std::uint64_t fallback, const std::string& where) {
  const auto found = object.find("seed");
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_number_unsigned()) throw Error(where + ": \"seed\" must be an integer from 0 to 18446744073709551615");
  return found->get<std::uint64_t>();
}

// What `parse` says about the text, with the place in front.
template <class Parse>
auto named(const Parse& parse, const std::string& where) {
  try {
    return parse();
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
}

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
  if (const std::string kind = get_string(object, "kind", where); kind != "model-run")
    throw Error(where + ": unknown experiment kind " + in_quotes(kind) + "; this version knows \"model-run\"");
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

Scene parse_scene(std::string_view text, const std::string& where) {
  const json root = parse_json(text, where);
  if (!root.is_object() || root.value("format", json()) != "statescope-scene")
    throw Error(where + ": this is not a scene; \"format\" must be \"statescope-scene\"");
  if (const std::int64_t found = get_int(root, "version", where); found != version)
    throw Error(where + ": scene version " + std::to_string(found) + " is not known; this version reads 1");
  refuse_unknown_keys(root, {"format", "version", "experiment", "view", "cursor"}, where);
  Scene scene;
  scene.run = parse_run(object_at(root, "experiment", where), where + ": experiment");
  scene.view = parse_view(object_at(root, "view", where), where + ": view");
  scene.cursor = get_index(root, "cursor", 0, where);
  return scene;
}

Scene load_scene(const std::filesystem::path& path) {
  return parse_scene(read_text_file(path.string(), max_scene_bytes), path.string());
}

std::string to_text(const Scene& scene) {
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
  const ordered_json root{{"format", "statescope-scene"},
                          {"version", version},
                          {"experiment", experiment},
                          {"view",
                           {{"layer", view.layer},
                            {"channel", view.channel},
                            {"state", view.state},
                            {"overview", summary_name(view.overview)},
                            {"map", quantity_name(view.map)},
                            {"order", view.order == ChannelOrder::widest ? "widest" : "index"}}},
                          {"cursor", scene.cursor}};
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

void save_scene(const Scene& scene, const std::filesystem::path& path) {
  write_file(path, to_text(scene));
}

Scene clamped(Scene scene, const ModelSizes& sizes, std::int64_t tokens) {
  const auto inside = [](std::int64_t value, std::int64_t count) {
    return std::clamp<std::int64_t>(value, 0, std::max<std::int64_t>(count - 1, 0));
  };
  scene.view.layer = inside(scene.view.layer, sizes.layers);
  scene.view.channel = inside(scene.view.channel, sizes.d_inner);
  scene.view.state = inside(scene.view.state, sizes.d_state);
  scene.cursor = inside(scene.cursor, tokens);
  return scene;
}

std::filesystem::path resolve_model(const std::string& model, const std::filesystem::path& base,
                                    const std::filesystem::path& assets) {
  const std::string bundled = "bundled:";
  if (model.rfind(bundled, 0) != 0) return base / model;  // an absolute path replaces the base
  const std::string name = model.substr(bundled.size());
  const std::filesystem::path folder = assets / "models" / name;
  std::error_code error;
  if (name.empty() || std::filesystem::path(name).filename() != name || name == "." || name == ".." ||
      !std::filesystem::is_directory(folder, error))
    throw Error("there is no bundled model " + in_quotes(name) + " in " + (assets / "models").string());
  return folder;
}

}  // namespace statescope
