// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "engine/scene/selectivity_scene.h"
#include "engine/training/task.h"
#include "engine/training/trainer.h"

namespace statescope {

/// Networks that `Trainer::save` wrote, loaded once each. Not for several threads at once.
class TrainedModels {
 public:
  TrainedModels();
  ~TrainedModels();
  /// Throws Error.
  std::shared_ptr<const TrainedNetwork> at(const std::filesystem::path& folder);

 private:
  std::unique_ptr<TrainingOps<float>> ops_;
  std::vector<std::pair<std::filesystem::path, std::shared_ptr<const TrainedNetwork>>> loaded_;  // last used last
};

/// The task at a length that can be looked at: a network that learnt from longer sequences is shown a shorter one.
constexpr std::int64_t longest_shown = 1024;
TaskRecipe shown_task(TaskRecipe task);

/// What one system made of the sequence.
struct SystemReading {
  SelectivitySystem system;
  Recipe recipe;
  Probe probe;
  std::vector<std::int32_t> predictions;  // [T] the likeliest token after each
  std::int64_t asked = 0, right = 0;      // questions, and right answers

  /// The layer of this number, or the last. Hyena's and attention's have no steps and no states: `states` is 0.
  const LayerProbe& layer(std::int64_t index) const;
};

/// One sequence, read by both.
struct SelectivityReading {
  TaskRecipe task;  // of the first system, as it is shown
  std::vector<std::int32_t> tokens;
  TaskRule rule;
  std::array<SystemReading, 2> systems;

  std::int64_t length() const { return std::ssize(tokens); }
};

/// Finds the predictions of a system whose probe is there, and counts them by the rule.
void answer(SelectivityReading& reading, std::size_t system);

/// Throws Error where a model cannot be loaded, the two learnt different tasks, or do not know a token, and where the
/// states of so many tokens take over 1 GiB or attention would compare over 32,768; Cancelled.
SelectivityReading read_sequence(const SelectivityRun& run, const std::filesystem::path& base,
                                 const std::filesystem::path& assets, TrainedModels& models, std::stop_token stop = {});

/// Answers to the questions of other sequences, counted by their number in the sequence.
struct FreshAnswers {
  std::int64_t sequences = 0;
  std::vector<std::int64_t> asked, right;

  /// The share of all that is right.
  double accuracy() const;
};
/// Which other sequences are answered.
struct FreshSequences {
  std::uint64_t seed = 1;  // whose evaluation sequences
  std::int64_t count = 0;  // so many after the one that is shown
  TaskRecipe task;         // whatever the network learnt from, so that two answer the same
};
/// Reads them with the knobs. `listener` hears the counts so far. Throws as read_sequence, and Error where the task
/// cannot have its length.
FreshAnswers fresh_answers(const SelectivitySystem& system, const FreshSequences& fresh,
                           const std::filesystem::path& base, const std::filesystem::path& assets,
                           TrainedModels& models, std::stop_token stop = {},
                           const std::function<void(const FreshAnswers&)>& listener = {});

/// How differently a layer treats the tokens that answers need and the others before the first question.
struct Selection {
  double delta_needed = 0, delta_rest = 0;  // mean Δ over tokens and channels
  double kept_needed = 0;   // when the first question comes: the share of all `kept_amounts` that they wrote …
  double share_needed = 0;  // … and their share of the tokens
  bool constant = false;    // Δ is the same at every token
};
/// Without states, or tokens of both kinds before the first question: zeros.
Selection selection_of(const SelectivityReading& reading, std::size_t system, std::int64_t layer);

/// A quantity as rows over the tokens, [rows, T].
///
/// Of one channel: Δ has one row; the gate e^{ΔA}, what is written B̄ x and h have one for each state. Of all: one row
/// for each channel, with the mean of the gates, Σ |B̄ x| and ‖h‖ over its states.
struct QuantityRows {
  std::int64_t rows = 0;  // 0 without states
  std::vector<float> values;
};
QuantityRows quantity_rows(const LayerProbe& layer, SelectivityQuantity quantity, std::optional<std::int64_t> channel);

/// What of each token's writing is in the state after the token `at`, exactly:
///
///   amount_s = Σ |B̄_s x_s| e^{A Σ_{k=s+1..at} Δ_k}   over the states of the channel, or of all channels,
///
/// 0 after `at`. Of conjugate pairs A is the real part, so these are moduli. With `survival` the share of Σ |B̄_s x_s|
/// that is left, between 0 and 1. Empty without states.
std::vector<double> kept_amounts(const LayerProbe& layer, std::optional<std::int64_t> channel, std::int64_t at,
                                 bool survival);

}  // namespace statescope
