// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/recipe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

constexpr std::array block_names{std::pair{BlockKind::plain, "plain"}, std::pair{BlockKind::h3, "h3"},
                                 std::pair{BlockKind::mamba, "mamba"}};
constexpr std::array inner_names{std::pair{InnerKind::s6, "s6"}, std::pair{InnerKind::s4d_real, "s4d-real"},
                                 std::pair{InnerKind::s4d_complex, "s4d-complex"}, std::pair{InnerKind::hyena, "hyena"},
                                 std::pair{InnerKind::attention, "attention"}};

constexpr std::array initial_names{std::pair{InitialA::s4d_real, "s4d-real"}, std::pair{InitialA::half, "half"},
                                   std::pair{InitialA::random, "random"}, std::pair{InitialA::s4d_lin, "s4d-lin"},
                                   std::pair{InitialA::s4d_inv, "s4d-inv"}};

template <class Names, class Kind>
std::string name_of(const Names& names, Kind kind) {
  return std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == kind; })->second;
}

template <class Names>
auto kind_of(const Names& names, const std::string& text, const std::string& where, const std::string& key) {
  std::string known;
  for (const auto& [kind, name] : names) {
    if (text == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(where + ": " + key + " " + in_quotes(text) + " is not known; choose one of " + known);
}

// Reads the members of one object; whatever is left over is a mistake.
class Reader {
 public:
  Reader(const nlohmann::json& parent, const std::string& key, const std::string& where)
      : where_(where + ": " + key), object_(member(parent, key, where)) {}

  void count(const char* key, std::int64_t& value, std::int64_t least, std::int64_t most) {
    value = get_int_or(object_, key, value, where_);
    known_.emplace_back(key);
    if (value < least || value > most)
      throw Error(where_ + ": " + key + " is " + std::to_string(value) + ", and must lie between " +
                  std::to_string(least) + " and " + std::to_string(most));
  }
  void number(const char* key, double& value, double least, double most) {
    value = get_number_or(object_, key, value, where_);
    known_.emplace_back(key);
    if (!(value >= least && value <= most))
      throw Error(where_ + ": " + key + " must lie between " + nlohmann::json(least).dump() + " and " +
                  nlohmann::json(most).dump());
  }
  void flag(const char* key, bool& value) {
    value = get_bool_or(object_, key, value, where_);
    known_.emplace_back(key);
  }
  std::string text(const char* key, const std::string& fallback) {
    known_.emplace_back(key);
    return get_string_or(object_, key, fallback, where_);
  }
  /// Refuses members that nobody asked for: a misspelt key must not pass for its default.
  void finish() const {
    for (const auto& [key, value] : object_.items())
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        throw Error(where_ + ": the key " + in_quotes(key) + " is not known; see RECIPE.md for those that are");
  }
  const std::string& where() const { return where_; }

 private:
  static const nlohmann::json& member(const nlohmann::json& parent, const std::string& key, const std::string& where) {
    static const nlohmann::json none = nlohmann::json::object();
    if (!parent.contains(key)) return none;
    if (!parent.at(key).is_object()) throw Error(where + ": " + key + " must be an object");
    return parent.at(key);
  }

  std::string where_;
  const nlohmann::json& object_;
  std::vector<std::string> known_;
};

constexpr std::int64_t many = std::int64_t{1} << 20;

TaskRecipe read_task(const nlohmann::json& json, const std::string& where, const std::filesystem::path& folder) {
  TaskRecipe task;
  Reader reader(json, "task", where);
  task.kind = reader.text("kind", "");
  if (task.kind.empty()) throw Error(reader.where() + ": the key \"kind\" is missing; it names what is learnt");
  reader.count("length", task.length, 0, many);
  reader.count("vocab", task.vocab, 0, many);
  reader.count("memorise", task.memorise, 0, many);
  const auto path = [&](const char* key) {
    const std::string name = reader.text(key, "");
    return name.empty() ? std::filesystem::path() : folder / name;
  };
  task.text = path("text");
  task.tokenizer = path("tokenizer");
  reader.finish();
  return task;
}

NetworkRecipe read_network(const nlohmann::json& json, const std::string& where) {
  NetworkRecipe network;
  Reader reader(json, "model", where);
  network.block = kind_of(block_names, reader.text("block", "mamba"), reader.where(), "block");
  network.inner = kind_of(inner_names, reader.text("inner", "s6"), reader.where(), "inner");
  const bool complex = network.inner == InnerKind::s4d_complex;
  network.initial_A =
      kind_of(initial_names, reader.text("initial_A", complex ? "s4d-lin" : "s4d-real"), reader.where(), "initial_A");
  if (complex != (network.initial_A == InitialA::s4d_lin || network.initial_A == InitialA::s4d_inv))
    throw Error(reader.where() + ": initial_A " + initial_A_name(network.initial_A) + " does not fit inner " +
                inner_name(network.inner) + "; s4d-lin and s4d-inv are for s4d-complex, the others for real A");
  reader.flag("selective_delta", network.selective_delta);
  reader.flag("selective_B", network.selective_B);
  reader.flag("selective_C", network.selective_C);
  reader.count("layers", network.layers, 1, 256);
  reader.count("d_model", network.d_model, 1, 8192);
  reader.count("d_state", network.d_state, 1, 1024);
  reader.count("expand", network.expand, 1, 16);
  reader.count("d_conv", network.d_conv, 1, 64);
  network.dt_rank = (network.d_model + 15) / 16;
  reader.count("dt_rank", network.dt_rank, 1, network.d_inner());
  reader.count("heads", network.heads, 1, network.d_inner());
  constexpr std::int64_t widest = 128;  // TrainingOps::attention
  const std::int64_t head = network.d_inner() / network.heads;
  if (network.inner == InnerKind::attention &&
      (head * network.heads != network.d_inner() || head % 2 != 0 || head > widest))
    throw Error(reader.where() + ": heads must divide d_inner, " + std::to_string(network.d_inner()) +
                ", into an even number of columns, at most " + std::to_string(widest) +
                "; choose another number than " + std::to_string(network.heads));
  if (network.inner == InnerKind::s4d_complex && network.d_state % 2 != 0)
    throw Error(reader.where() + ": d_state must be even, its states are conjugate pairs");
  reader.finish();
  return network;
}

OptimiserRecipe read_optimiser(const nlohmann::json& json, const std::string& where) {
  OptimiserRecipe optimiser;
  Reader reader(json, "optimiser", where);
  reader.number("learning_rate", optimiser.learning_rate, 1e-12, 10);
  reader.number("weight_decay", optimiser.weight_decay, 0, 10);
  reader.number("beta1", optimiser.beta1, 0, 0.999999);
  reader.number("beta2", optimiser.beta2, 0, 0.999999);
  reader.number("epsilon", optimiser.epsilon, 1e-20, 1);
  reader.number("clip", optimiser.clip, 0, 1e9);
  reader.count("steps", optimiser.steps, 1, std::int64_t{1} << 40);
  reader.count("warmup", optimiser.warmup, 0, optimiser.steps);
  reader.number("last_rate", optimiser.last_rate, 0, 1);
  reader.number("dropout", optimiser.dropout, 0, 0.9);
  reader.finish();
  return optimiser;
}

}  // namespace

std::string block_name(BlockKind block) {
  return name_of(block_names, block);
}

std::string inner_name(InnerKind inner) {
  return name_of(inner_names, inner);
}

std::string initial_A_name(InitialA initial) {
  return name_of(initial_names, initial);
}

Recipe parse_recipe(const nlohmann::json& json, const std::string& where, const std::filesystem::path& folder) {
  if (!json.is_object()) throw Error(where + ": a recipe is a JSON object; see RECIPE.md");
  Recipe recipe;
  recipe.task = read_task(json, where, folder);
  recipe.network = read_network(json, where);
  recipe.optimiser = read_optimiser(json, where);
  nlohmann::json run = json;
  for (const char* part : {"task", "model", "optimiser"}) run.erase(part);
  const nlohmann::json wrapped{{"run", run}};
  Reader reader(wrapped, "run", where);
  if (const std::string start = reader.text("start", ""); !start.empty()) recipe.start = folder / start;
  auto seed = static_cast<std::int64_t>(recipe.seed);
  reader.count("seed", seed, 0, std::int64_t{1} << 53);
  recipe.seed = static_cast<std::uint64_t>(seed);
  reader.count("batch", recipe.batch, 1, 65536);
  reader.count("evaluate_every", recipe.evaluate_every, 1, std::int64_t{1} << 40);
  reader.count("evaluation_sequences", recipe.evaluation_sequences, 1, many);
  reader.number("stop_at_accuracy", recipe.stop_at_accuracy, 0, 1);
  reader.finish();
  return recipe;
}

Recipe load_recipe(const std::filesystem::path& file) {
  constexpr std::size_t largest = 1 << 20;
  const std::string name = file.string();
  return parse_recipe(parse_json(read_text_file(name, largest), name), name, file.parent_path());
}

nlohmann::ordered_json to_json(const Recipe& recipe) {
  const auto& [task, network, optimiser, start, seed, batch, evaluate_every, evaluation_sequences, enough] = recipe;
  const bool conjugate = network.inner == InnerKind::s4d_complex && network.initial_A != InitialA::s4d_inv;
  nlohmann::ordered_json json;
  json["task"] = {{"kind", task.kind}, {"length", task.length}, {"vocab", task.vocab}, {"memorise", task.memorise}};
  if (!task.text.empty()) json["task"]["text"] = task.text.string();
  if (!task.tokenizer.empty()) json["task"]["tokenizer"] = task.tokenizer.string();
  json["model"] = {{"block", block_name(network.block)},
                   {"inner", inner_name(network.inner)},
                   {"initial_A", initial_A_name(conjugate ? InitialA::s4d_lin : network.initial_A)},
                   {"selective_delta", network.selective_delta},
                   {"selective_B", network.selective_B},
                   {"selective_C", network.selective_C},
                   {"layers", network.layers},
                   {"d_model", network.d_model},
                   {"d_state", network.d_state},
                   {"expand", network.expand},
                   {"d_conv", network.d_conv},
                   {"dt_rank", network.dt_rank},
                   {"heads", network.heads}};
  json["optimiser"] = {{"learning_rate", optimiser.learning_rate},
                       {"weight_decay", optimiser.weight_decay},
                       {"beta1", optimiser.beta1},
                       {"beta2", optimiser.beta2},
                       {"epsilon", optimiser.epsilon},
                       {"clip", optimiser.clip},
                       {"steps", optimiser.steps},
                       {"warmup", optimiser.warmup},
                       {"last_rate", optimiser.last_rate},
                       {"dropout", optimiser.dropout}};
  if (!start.empty()) json["start"] = start.string();
  json["seed"] = seed;
  json["batch"] = batch;
  json["evaluate_every"] = evaluate_every;
  json["evaluation_sequences"] = evaluation_sequences;
  json["stop_at_accuracy"] = enough;
  return json;
}

}  // namespace statescope
