// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "engine/training/evaluate.h"
#include "engine/training/network.h"
#include "engine/training/recipe.h"
#include "engine/training/task.h"
#include "kernels/training_ops.h"

namespace statescope {

/// What one step of training did.
struct StepReport {
  std::int64_t step = 0;  // the first is 1
  double loss = 0, accuracy = 0;
  double rate = 0, gradient_norm = 0;  // before clipping
};

/// The rate of a step, the first is 1: rises in a line for `warmup` steps, then falls as a cosine (Loshchilov & Hutter
/// 2017) to last_rate · learning_rate at the last.
double learning_rate(const OptimiserRecipe& recipe, std::int64_t step);

/// A network that a Trainer saved, and how it came about.
struct TrainedNetwork {
  Recipe recipe;
  std::unique_ptr<Network<float>> network;
};
/// Reads model.safetensors and recipe.json of a folder. Throws Error. `ops` stays the caller's.
TrainedNetwork load_trained(const std::filesystem::path& folder, const TrainingOps<float>& ops);

/// Trains the network of a recipe on its task by AdamW. Every step is a function of the recipe and what the steps
/// before left, so a run that was saved and resumed has the bits of one that was not. Not for several threads at once.
class Trainer {
 public:
  /// Throws Error where the recipe cannot be used. `ops` stays the caller's.
  Trainer(const Recipe& recipe, const TrainingOps<float>& ops);
  /// Goes on from what `save` left. Throws Error, also when the folder belongs to another recipe.
  static Trainer resume(const std::filesystem::path& folder, const TrainingOps<float>& ops);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  const Recipe& recipe() const;
  const Task& task() const;
  Network<float>& network();
  std::int64_t steps_done() const;
  bool finished() const;  // all steps of the schedule are done

  StepReport step();
  /// On the recipe's evaluation sequences; `sequences` others than 0: on that many. Throws Cancelled.
  Evaluation evaluate(std::int64_t sequences = 0, std::stop_token stop = {});

  /// A checkpoint that load_model reads: model.safetensors, config.json, and what resuming needs, recipe.json and
  /// training.safetensors. Overwrites an earlier one. Throws Error.
  void save(const std::filesystem::path& folder) const;

 private:
  struct Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace statescope
