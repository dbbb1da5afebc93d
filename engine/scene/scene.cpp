// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scene/scene.h"

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"
#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;

constexpr std::size_t max_scene_bytes = 16 << 20;
constexpr int version = 1;

}  // namespace

std::string scene_kind(const Scene& scene) {
  constexpr const char* names[] = {
      "model-run",   "scan-theatre", "profile",         "lti", "hippo", "s4",
      "selectivity", "training",     "gated-recurrence"};  // in the order of the alternatives
  return names[scene.index()];
}

Scene parse_scene(std::string_view text, const std::string& where) {
  const json root = parse_json(text, where);
  if (!root.is_object() || root.value("format", json()) != "statescope-scene")
    throw Error(where + ": this is not a scene; \"format\" must be \"statescope-scene\"");
  if (const std::int64_t found = get_int(root, "version", where); found != version)
    throw Error(where + ": scene version " + std::to_string(found) + " is not known; this version reads 1");
  refuse_unknown_keys(root, {"format", "version", "experiment", "view", "cursor"}, where);
  const std::string kind = get_string(object_at(root, "experiment", where), "kind", where + ": experiment");
  if (kind == "model-run") return parse_model_scene(root, where);
  if (kind == "scan-theatre") return parse_theatre_scene(root, where);
  if (kind == "profile") return parse_profile_scene(root, where);
  if (kind == "lti") return parse_lti_scene(root, where);
  if (kind == "hippo") return parse_hippo_scene(root, where);
  if (kind == "s4") return parse_s4_scene(root, where);
  if (kind == "selectivity") return parse_selectivity_scene(root, where);
  if (kind == "training") return parse_training_scene(root, where);
  if (kind == "gated-recurrence") return parse_gated_scene(root, where);
  throw Error(where + ": experiment: unknown experiment kind " + in_quotes(kind) +
              "; this version knows \"model-run\", \"scan-theatre\", \"profile\", \"lti\", \"hippo\", \"s4\", "
              "\"selectivity\", \"training\" and \"gated-recurrence\"");
}

Scene load_scene(const std::filesystem::path& path) {
  return parse_scene(read_text_file(path.string(), max_scene_bytes), path.string());
}

ModelScene load_model_scene(const std::filesystem::path& path) {
  const Scene scene = load_scene(path);
  if (const auto* model = std::get_if<ModelScene>(&scene)) return *model;
  throw Error(path.string() + ": this scene is of the kind " + scene_kind(scene) +
              ", which this view does not show; open one of the kind model-run");
}

std::string to_text(const Scene& scene) {
  nlohmann::ordered_json root{{"format", "statescope-scene"}, {"version", version}};
  root.update(std::visit([](const auto& kind) { return scene_json(kind); }, scene));
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

void save_scene(const Scene& scene, const std::filesystem::path& path) {
  write_file(path, to_text(scene));
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
