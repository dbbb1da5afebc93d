// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment "selectivity": one sequence of a task, read by two trained networks.
#include "engine/experiments/selectivity.h"

#include <algorithm>
#include <cmath>

#include "array_json.h"
#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/io/utf8.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t most_loaded = 6;

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

std::vector<std::int32_t> likeliest(const Probe& probe) {
  std::vector<std::int32_t> ids;
  for (auto row = probe.logits.begin(); row != probe.logits.end(); row += probe.vocab)
    ids.push_back(static_cast<std::int32_t>(std::max_element(row, row + probe.vocab) - row));
  return ids;
}

std::vector<bool> right_answers(const Probe& probe, const std::vector<std::int32_t>& targets) {
  const std::vector<std::int32_t> predicted = likeliest(probe);
  std::vector<bool> is_right;
  for (std::size_t t = 0; t < targets.size(); ++t)
    if (targets[t] != kernels::ignored_target) is_right.push_back(predicted[t] == targets[t]);
  return is_right;
}

void require_same_task(const TrainedNetwork& a, const TrainedNetwork& b) {
  const TaskRecipe &first = a.recipe.task, &second = b.recipe.task;
  if (first.kind != second.kind || first.vocab != second.vocab)
    throw Error("the two systems learnt different tasks, " + first.kind + " with " + std::to_string(first.vocab) +
                " tokens and " + second.kind + " with " + std::to_string(second.vocab) +
                "; choose two of the same task");
}

void require_known(const std::vector<std::int32_t>& tokens, std::int64_t vocab) {
  if (tokens.empty()) throw Error("the sequence is empty; give at least one token");
  for (const std::int32_t id : tokens)
    if (id < 0 || id >= vocab)
      throw Error("token " + std::to_string(id) + " is outside the vocabulary; choose 0 to " +
                  std::to_string(vocab - 1));
}

// What is kept of a token and channel: every state and what was written to it, or only what passes through a layer.
// Attention keeps no more, but compares every token with all before it: that takes time without bound.
void require_room(const Recipe& recipe, std::int64_t tokens, bool states) {
  constexpr std::int64_t most_state_bytes = std::int64_t{1} << 30, most_attended = std::int64_t{1} << 15;
  const NetworkRecipe& n = recipe.network;
  const std::string reading = "reading " + std::to_string(tokens) + " tokens of " + recipe.task.kind;
  if (n.inner == InnerKind::attention && tokens > most_attended)
    throw Error(reading + " compares each with all before it, and Selectivity does that for at most " +
                std::to_string(most_attended) + " of them; choose a shorter sequence, or a system with a state");
  const bool keeps = states && n.inner != InnerKind::attention && n.inner != InnerKind::hyena;
  const std::int64_t numbers = keeps ? 2 * n.d_state + 4 : 16;
  const std::int64_t bytes = tokens * n.layers * n.d_inner() * numbers * static_cast<std::int64_t>(sizeof(float));
  if (keeps && bytes > most_state_bytes)
    throw Error(reading + " keeps " + format_bytes(bytes) + " of states, over Selectivity's " +
                format_bytes(most_state_bytes) + "; choose a shorter sequence, or turn the knobs back");
  require_memory(bytes, reading);
}

// By one channel, or by all of them.
template <class Body>
void for_each_state(const LayerProbe& layer, std::optional<std::int64_t> channel, const Body& body) {
  const std::int64_t first = channel ? std::min(*channel, layer.channels - 1) : 0;
  const std::int64_t last = channel ? first + 1 : layer.channels;
  for (std::int64_t e = first; e < last; ++e)
    for (std::int64_t n = 0; n < layer.states; ++n) body(e, n);
}

std::int64_t tokens_of(const LayerProbe& layer) {
  return std::ssize(layer.delta) / layer.channels;
}

}  // namespace

TrainedModels::TrainedModels() : ops_(kernels::cpu_training(1)) {}
TrainedModels::~TrainedModels() = default;

std::shared_ptr<const TrainedNetwork> TrainedModels::at(const std::filesystem::path& folder) {
  const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const auto& one) { return one.first == folder; });
  if (found != loaded_.end()) {
    std::rotate(found, found + 1, loaded_.end());
    return loaded_.back().second;
  }
  auto network = std::make_shared<const TrainedNetwork>(load_trained(folder, *ops_));
  if (loaded_.size() >= most_loaded) loaded_.erase(loaded_.begin());
  loaded_.emplace_back(folder, std::move(network));
  return loaded_.back().second;
}

TaskRecipe shown_task(TaskRecipe task) {
  task.length = std::min(task.length, std::max(longest_shown, 4 * task.memorise));
  return task;
}

const LayerProbe& SystemReading::layer(std::int64_t index) const {
  return probe.layers[at(std::min<std::int64_t>(index, std::ssize(probe.layers) - 1))];
}

void answer(SelectivityReading& reading, std::size_t index) {
  SystemReading& system = reading.systems[index];
  system.predictions = likeliest(system.probe);
  for (std::size_t t = 0; t < reading.tokens.size(); ++t) {
    if (reading.rule.targets[t] == kernels::ignored_target) continue;
    ++system.asked;
    system.right += system.predictions[t] == reading.rule.targets[t];
  }
}

SelectivityReading read_sequence(const SelectivityRun& run, const std::filesystem::path& base,
                                 const std::filesystem::path& assets, TrainedModels& models, std::stop_token stop) {
  SelectivityReading reading;
  std::array<std::shared_ptr<const TrainedNetwork>, 2> networks;
  for (std::size_t i = 0; i < 2; ++i) networks[i] = models.at(resolve_model(run.systems[i].model, base, assets));
  require_same_task(*networks[0], *networks[1]);
  reading.task = shown_task(networks[0]->recipe.task);
  reading.tokens =
      run.tokens.empty() ? make_task(reading.task)->batch(run.seed, Split::evaluation, 0, 1).tokens : run.tokens;
  require_known(reading.tokens, reading.task.vocab);
  reading.rule = task_rule(reading.task, reading.tokens);
  for (std::size_t i = 0; i < 2; ++i) {
    if (stop.stop_requested()) throw Cancelled();
    const TrainedNetwork& trained = *networks[i];
    SystemReading& system = reading.systems[i];
    system.system = run.systems[i];
    system.recipe = trained.recipe;
    require_room(trained.recipe, reading.length(), true);
    system.probe = trained.network->probe(reading.tokens, run.systems[i].knobs);
    answer(reading, i);
  }
  return reading;
}

double FreshAnswers::accuracy() const {
  double all = 0, good = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    all += static_cast<double>(asked[i]);
    good += static_cast<double>(right[i]);
  }
  return all > 0 ? good / all : 0;
}

FreshAnswers fresh_answers(const SelectivitySystem& system, const FreshSequences& fresh,
                           const std::filesystem::path& base, const std::filesystem::path& assets,
                           TrainedModels& models, std::stop_token stop,
                           const std::function<void(const FreshAnswers&)>& listener) {
  const std::shared_ptr<const TrainedNetwork> trained = models.at(resolve_model(system.model, base, assets));
  const std::unique_ptr<Task> task = make_task(fresh.task);
  const bool as_trained = system.knobs == Knobs{};  // then nothing has to be kept
  require_room(trained->recipe, task->length(), !as_trained);
  FreshAnswers answers;
  while (answers.sequences < fresh.count) {
    if (stop.stop_requested()) throw Cancelled();
    const Batch batch = task->batch(fresh.seed, Split::evaluation, ++answers.sequences, 1);
    const std::vector<bool> is_right =
        as_trained ? trained->network->run(batch, false).is_right
                   : right_answers(trained->network->probe(batch.tokens, system.knobs), batch.targets);
    answers.asked.resize(std::max(answers.asked.size(), is_right.size()));
    answers.right.resize(answers.asked.size());
    for (std::size_t number = 0; number < is_right.size(); ++number) {
      ++answers.asked[number];
      answers.right[number] += is_right[number];
    }
    if (listener) listener(answers);
  }
  return answers;
}

Selection selection_of(const SelectivityReading& reading, std::size_t system, std::int64_t index) {
  const LayerProbe& layer = reading.systems[system].layer(index);
  const std::vector<std::int32_t>& targets = reading.rule.targets;
  const auto first = std::find_if(targets.begin(), targets.end(),
                                  [](std::int32_t target) { return target != kernels::ignored_target; });
  const std::int64_t before = first - targets.begin(), E = layer.channels;
  Selection result;
  if (before == 0 || layer.states == 0) return result;
  const std::vector<double> kept = kept_amounts(layer, std::nullopt, before - 1, false);
  double tokens[2] = {}, steps[2] = {}, amounts[2] = {};
  for (std::int64_t t = 0; t < before; ++t) {
    const bool needed = reading.rule.needed[at(t)];
    ++tokens[needed];
    amounts[needed] += kept[at(t)];
    for (std::int64_t e = 0; e < E; ++e)
      steps[needed] += static_cast<double>(layer.delta[at(t * E + e)]) / static_cast<double>(E);
  }
  result.constant = true;
  for (std::int64_t i = E; i < before * E && result.constant; ++i)
    result.constant = layer.delta[at(i)] == layer.delta[at(i % E)];
  if (tokens[0] == 0 || tokens[1] == 0 || amounts[0] + amounts[1] <= 0) return result;
  result.delta_needed = steps[1] / tokens[1];
  result.delta_rest = steps[0] / tokens[0];
  result.kept_needed = amounts[1] / (amounts[0] + amounts[1]);
  result.share_needed = tokens[1] / (tokens[0] + tokens[1]);
  return result;
}

QuantityRows quantity_rows(const LayerProbe& layer, SelectivityQuantity quantity, std::optional<std::int64_t> channel) {
  using enum SelectivityQuantity;
  QuantityRows result;
  if (layer.states == 0) return result;
  const std::int64_t T = tokens_of(layer), E = layer.channels, N = layer.states;
  result.rows = !channel ? E : quantity == delta ? 1 : N;
  result.values.resize(at(result.rows * T));
  if (quantity == delta) {
    const std::int64_t first = channel ? std::min(*channel, E - 1) : 0;
    for (std::int64_t row = 0; row < result.rows; ++row)
      for (std::int64_t t = 0; t < T; ++t) result.values[at(row * T + t)] = layer.delta[at(t * E + first + row)];
    return result;
  }
  std::vector<double> sums(at(channel ? 0 : T));
  const auto value = [&](std::int64_t e, std::int64_t n, std::int64_t t) {
    const double step = static_cast<double>(layer.delta[at(t * E + e)]);
    if (quantity == gate) return std::exp(step * layer.A[at(e * N + n)]);
    return static_cast<double>((quantity == written ? layer.written : layer.h)[at((t * E + e) * N + n)]);
  };
  for_each_state(layer, channel, [&](std::int64_t e, std::int64_t n) {
    if (channel) {
      for (std::int64_t t = 0; t < T; ++t) result.values[at(n * T + t)] = static_cast<float>(value(e, n, t));
      return;
    }
    if (n == 0) std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t t = 0; t < T; ++t) {
      const double v = value(e, n, t);
      sums[at(t)] += quantity == gate ? v / static_cast<double>(N) : quantity == written ? std::abs(v) : v * v;
    }
    if (n + 1 < N) return;
    for (std::int64_t t = 0; t < T; ++t)
      result.values[at(e * T + t)] = static_cast<float>(quantity == state ? std::sqrt(sums[at(t)]) : sums[at(t)]);
  });
  return result;
}

std::vector<double> kept_amounts(const LayerProbe& layer, std::optional<std::int64_t> channel, std::int64_t last,
                                 bool survival) {
  if (layer.states == 0) return {};
  const std::int64_t T = tokens_of(layer), E = layer.channels, N = layer.states;
  std::vector<double> kept(at(T)), written(at(T));
  for_each_state(layer, channel, [&](std::int64_t e, std::int64_t n) {
    double since = 0;  // Σ Δ after the token
    for (std::int64_t s = std::min(last, T - 1); s >= 0; --s) {
      const double amount = std::abs(static_cast<double>(layer.written[at((s * E + e) * N + n)]));
      kept[at(s)] += amount * std::exp(layer.A[at(e * N + n)] * since);
      written[at(s)] += amount;
      since += static_cast<double>(layer.delta[at(s * E + e)]);
    }
  });
  if (survival)
    for (std::size_t s = 0; s < kept.size(); ++s) kept[s] = written[s] > 0 ? kept[s] / written[s] : 0;
  return kept;
}

namespace {

ordered_json floats_json(const char* name, std::vector<std::string> axes, std::vector<std::int64_t> shape,
                         const std::vector<float>& values) {
  return {{"name", name}, {"axes", std::move(axes)}, {"shape", std::move(shape)}, {"values", values}};
}

ordered_json system_json(const SelectivityScene& scene, const SystemReading& system, std::size_t number,
                         std::int64_t cursor) {
  const std::optional<std::int64_t> channel = scene.view.channels[number];
  const std::int64_t index = std::min<std::int64_t>(scene.view.layer, std::ssize(system.probe.layers) - 1);
  const LayerProbe& layer = system.layer(index);
  const std::int64_t T = system.probe.tokens, E = layer.channels, N = layer.states;
  ordered_json arrays = ordered_json::array();
  if (N > 0) {
    arrays.push_back(array_json("A", {"channel", "state"}, {E, N}, layer.A));
    arrays.push_back(floats_json("delta", {"token", "channel"}, {T, E}, layer.delta));
    if (!layer.B.empty()) arrays.push_back(floats_json("B", {"token", "state"}, {T, N}, layer.B));
    if (!layer.C.empty()) arrays.push_back(floats_json("C", {"token", "state"}, {T, N}, layer.C));
    arrays.push_back(floats_json("written", {"token", "channel", "state"}, {T, E, N}, layer.written));
    arrays.push_back(floats_json("h", {"token", "channel", "state"}, {T, E, N}, layer.h));
    arrays.push_back(array_json("kept", "token", kept_amounts(layer, channel, cursor, false)));
    arrays.push_back(array_json("survival", "token", kept_amounts(layer, channel, cursor, true)));
  }
  arrays.push_back(floats_json("x", {"token", "channel"}, {T, E}, layer.x));
  arrays.push_back(floats_json("y", {"token", "channel"}, {T, E}, layer.y));
  arrays.push_back(floats_json("logits", {"token", "id"}, {T, system.probe.vocab}, system.probe.logits));
  return {{"model", system.system.model},
          {"block", block_name(system.recipe.network.block)},
          {"inner", inner_name(system.recipe.network.inner)},
          {"layer", index},
          {"complex", layer.complex},
          {"asked", system.asked},
          {"right", system.right},
          {"predictions", system.predictions},
          {"arrays", arrays}};
}

ordered_json fresh_json(const FreshAnswers& fresh) {
  return {
      {"sequences", fresh.sequences}, {"accuracy", fresh.accuracy()}, {"asked", fresh.asked}, {"right", fresh.right}};
}

}  // namespace

ordered_json compute_selectivity(const SelectivityScene& scene, const std::filesystem::path& base,
                                 const std::filesystem::path& assets, std::stop_token stop) {
  TrainedModels models;
  const SelectivityReading reading = read_sequence(scene.run, base, assets, models, stop);
  const std::int64_t cursor = std::min(scene.cursor, reading.length() - 1);
  std::int64_t numbers = 0;
  for (const SystemReading& system : reading.systems) {
    const LayerProbe& layer = system.layer(scene.view.layer);
    numbers += reading.length() * (layer.channels * (2 * layer.states + 3) + 2 * layer.states + system.probe.vocab);
  }
  require_memory(numbers * bytes_per_double, "the result of this scene");
  ordered_json systems = ordered_json::array();
  for (std::size_t i = 0; i < reading.systems.size(); ++i) {
    const SystemReading& system = reading.systems[i];
    systems.push_back(system_json(scene, system, i, cursor));
    if (scene.run.fresh == 0) continue;
    FreshSequences fresh{scene.run.seed, scene.run.fresh, reading.task};
    systems.back()["fresh"] = fresh_json(fresh_answers(system.system, fresh, base, assets, models, stop));
    if (scene.run.lengths.empty()) continue;
    ordered_json& lengths = systems.back()["lengths"] = ordered_json::array();
    for (const std::int64_t length : scene.run.lengths) {
      fresh.task.length = length;
      lengths.push_back({{"length", length}});
      lengths.back().update(fresh_json(fresh_answers(system.system, fresh, base, assets, models, stop)));
    }
  }
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "selectivity"},
          {"task", reading.task.kind},
          {"cursor", cursor},
          {"tokens", reading.tokens},
          {"targets", reading.rule.targets},
          {"needed", reading.rule.needed},
          {"systems", systems}};
}

}  // namespace statescope
