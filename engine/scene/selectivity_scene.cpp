// SPDX-License-Identifier: GPL-3.0-or-later
// The scenes of the Selectivity workspace.
#include <array>

#include "scene_json.h"

namespace statescope {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array drawn_quantities{SelectivityQuantity::delta, SelectivityQuantity::gate,
                                      SelectivityQuantity::written, SelectivityQuantity::state};
constexpr std::uint64_t max_channel = 1 << 20;
constexpr std::array all_inputs{Knobs::Input::as_trained, Knobs::Input::zero_order_hold, Knobs::Input::euler};

// The one of `all` whose id the key holds.
template <class Values, class Id>
auto get_choice(const json& object, const char* key, const Values& all, typename Values::value_type fallback,
                const Id& id, const std::string& where) {
  const std::string chosen = get_string_or(object, key, id(fallback), where);
  std::string known;
  for (const auto value : all) {
    if (id(value) == chosen) return value;
    known += (known.empty() ? "" : ", ") + id(value);
  }
  throw Error(where + ": \"" + key + "\" is " + in_quotes(chosen) + "; the known ones are " + known);
}

std::string answers_id(bool by_length) {
  return by_length ? "by-length" : "by-question";
}

bool get_flag(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) throw Error(where + ": \"" + key + "\" must be true or false");
  return found->get<bool>();
}

SelectivitySystem parse_system(const json& object, const std::string& where) {
  if (!object.is_object()) throw Error(where + " must be an object");
  refuse_unknown_keys(object, {"model", "freeze_delta", "freeze_B", "freeze_C", "delta_scale", "input"}, where);
  SelectivitySystem system;
  system.model = get_string(object, "model", where);
  Knobs& knobs = system.knobs;
  knobs.freeze_delta = get_flag(object, "freeze_delta", where);
  knobs.freeze_B = get_flag(object, "freeze_B", where);
  knobs.freeze_C = get_flag(object, "freeze_C", where);
  knobs.delta_scale = get_number_or(object, "delta_scale", knobs.delta_scale, where);
  if (!(knobs.delta_scale > 0 && knobs.delta_scale <= max_delta_scale))
    throw Error(where + ": \"delta_scale\" must be above 0 and at most " + std::to_string(int(max_delta_scale)));
  knobs.input = get_choice(object, "input", all_inputs, knobs.input, discretised_input_id, where);
  return system;
}

std::vector<std::int64_t> get_lengths(const json& object, const std::string& where) {
  std::vector<std::int64_t> lengths;
  for (const json& length : list_at(object, "lengths", max_fresh_lengths, where)) {
    if (!length.is_number_unsigned() || length.get<std::uint64_t>() - 1 >= std::uint64_t{max_fresh_length})
      throw Error(where + ": \"lengths\" must hold numbers of tokens, 1 to " + std::to_string(max_fresh_length));
    lengths.push_back(length.get<std::int64_t>());
  }
  return lengths;
}

ordered_json system_json(const SelectivitySystem& system) {
  const Knobs& knobs = system.knobs;
  ordered_json object{{"model", system.model}};
  if (knobs.freeze_delta) object["freeze_delta"] = true;
  if (knobs.freeze_B) object["freeze_B"] = true;
  if (knobs.freeze_C) object["freeze_C"] = true;
  if (knobs.delta_scale != 1) object["delta_scale"] = knobs.delta_scale;
  if (knobs.input != Knobs::Input::as_trained) object["input"] = discretised_input_id(knobs.input);
  return object;
}

}  // namespace

std::string selectivity_quantity_id(SelectivityQuantity quantity) {
  constexpr const char* ids[] = {"delta", "gate", "written", "state"};
  return ids[static_cast<int>(quantity)];
}

std::string discretised_input_id(Knobs::Input input) {
  constexpr const char* ids[] = {"as-trained", "zoh", "euler"};
  return ids[static_cast<int>(input)];
}

SelectivityScene parse_selectivity_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object, {"kind", "systems", "seed", "tokens", "fresh", "lengths"}, where);
  SelectivityScene scene;
  SelectivityRun& run = scene.run;
  const json& systems = list_at(object, "systems", run.systems.size(), where);
  if (!systems.empty() && systems.size() != run.systems.size())
    throw Error(where + ": \"systems\" must hold two systems that read the same tokens");
  for (std::size_t i = 0; i < systems.size(); ++i)
    run.systems[i] = parse_system(systems[i], where + ": systems[" + std::to_string(i) + "]");
  run.seed = get_seed(object, run.seed, where);
  run.tokens = get_ids(object, "tokens", where);
  if (std::ssize(run.tokens) > max_selectivity_tokens)
    throw Error(where + ": \"tokens\" must hold at most " + std::to_string(max_selectivity_tokens) + " ids");
  run.fresh = get_index(object, "fresh", 0, where);
  if (run.fresh > max_fresh_sequences)
    throw Error(where + ": \"fresh\" must be at most " + std::to_string(max_fresh_sequences));
  run.lengths = get_lengths(object, where);
  if (!run.lengths.empty() && run.fresh == 0)
    throw Error(where + ": \"lengths\" are of fresh sequences; say by \"fresh\" how many");

  const json& view = object_at(root, "view", root_where);
  const std::string in_view = root_where + ": view";
  refuse_unknown_keys(view, {"layer", "channels", "quantity", "survival", "system", "answers"}, in_view);
  scene.view.layer = get_index(view, "layer", 0, in_view);
  const json& channels = list_at(view, "channels", scene.view.channels.size(), in_view);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i].is_null()) continue;
    if (!channels[i].is_number_unsigned() || channels[i].get<std::uint64_t>() > max_channel)
      throw Error(in_view + ": \"channels\" must hold two channel numbers, or null for all");
    scene.view.channels[i] = channels[i].get<std::int64_t>();
  }
  scene.view.quantity =
      get_choice(view, "quantity", drawn_quantities, scene.view.quantity, selectivity_quantity_id, in_view);
  scene.view.survival = get_flag(view, "survival", in_view);
  scene.view.system = std::min<std::int64_t>(get_index(view, "system", 0, in_view), 1);
  scene.view.by_length = get_choice(view, "answers", std::array{false, true}, false, answers_id, in_view);
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const SelectivityScene& scene) {
  const SelectivityRun& run = scene.run;
  ordered_json systems = ordered_json::array();
  for (const SelectivitySystem& system : run.systems) systems.push_back(system_json(system));
  ordered_json experiment{{"kind", "selectivity"}, {"systems", systems}, {"seed", run.seed}};
  if (!run.tokens.empty()) experiment["tokens"] = run.tokens;
  if (run.fresh > 0) experiment["fresh"] = run.fresh;
  if (!run.lengths.empty()) experiment["lengths"] = run.lengths;
  ordered_json view{{"layer", scene.view.layer}};
  if (scene.view.channels[0] || scene.view.channels[1]) {
    view["channels"] = ordered_json::array();
    for (const auto& channel : scene.view.channels)
      view["channels"].push_back(channel ? ordered_json(*channel) : ordered_json());
  }
  view["quantity"] = selectivity_quantity_id(scene.view.quantity);
  view["survival"] = scene.view.survival;
  view["system"] = scene.view.system;
  view["answers"] = answers_id(scene.view.by_length);
  return {{"experiment", experiment}, {"view", view}, {"cursor", scene.cursor}};
}

Recipe TrainingScene::first_recipe() {
  Recipe recipe;
  recipe.task.kind = "selective-copying";
  recipe.task.length = 24;
  recipe.task.vocab = 16;
  recipe.task.memorise = 4;
  recipe.network.dt_rank = 4;
  recipe.optimiser.learning_rate = 5e-3;
  recipe.optimiser.steps = 1500;
  recipe.optimiser.warmup = 100;
  recipe.optimiser.weight_decay = 0.01;
  recipe.optimiser.beta2 = 0.98;
  recipe.evaluate_every = 50;
  recipe.evaluation_sequences = 64;
  return recipe;
}

TrainingScene parse_training_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object, {"kind", "recipe"}, where);
  refuse_unknown_keys(object_at(root, "view", root_where), {}, root_where + ": view");
  TrainingScene scene;
  if (object.contains("recipe")) scene.recipe = parse_recipe(object["recipe"], where + ": recipe", {});
  if (scene.recipe.task.kind == "text")
    throw Error(where + ": a text is learnt by statescope-cli train; choose a task with questions and answers");
  return scene;
}

ordered_json scene_json(const TrainingScene& scene) {
  return {{"experiment", {{"kind", "training"}, {"recipe", to_json(scene.recipe)}}}};
}

GatedScene parse_gated_scene(const json& root, const std::string& root_where) {
  const json& object = object_at(root, "experiment", root_where);
  const std::string where = root_where + ": experiment";
  refuse_unknown_keys(object, {"kind", "x", "z"}, where);
  refuse_unknown_keys(object_at(root, "view", root_where), {}, root_where + ": view");
  GatedScene scene;
  if (object.contains("x")) scene.run.x = parse_signal(object_at(object, "x", where), where + ": x");
  if (object.contains("z")) scene.run.z = parse_signal(object_at(object, "z", where), where + ": z");
  if (scene.run.x.length > max_gated_length)
    throw Error(where + ": x: \"length\" must be at most " + std::to_string(max_gated_length));
  scene.run.z.length = scene.run.x.length;
  scene.cursor = get_index(root, "cursor", 0, root_where);
  return scene;
}

ordered_json scene_json(const GatedScene& scene) {
  return {
      {"experiment", {{"kind", "gated-recurrence"}, {"x", signal_json(scene.run.x)}, {"z", signal_json(scene.run.z)}}},
      {"cursor", scene.cursor}};
}

}  // namespace statescope
