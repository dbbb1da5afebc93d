// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/experiments/selectivity.h"

namespace statescope {

/// A trained network that can be chosen.
struct ModelChoice {
  std::string model;  // as a scene names it
  TaskRecipe task;
  NetworkRecipe network;
};

/// The networks of `assets`/models and of the user's folder that learnt a task with questions and answers, by name.
std::vector<ModelChoice> model_choices(const std::filesystem::path& assets, const std::filesystem::path& users);

/// One system in the picture.
struct SystemFrame {
  std::int64_t rows = 0;                             // of the map, over the tokens; 0 without states
  std::shared_ptr<const std::vector<float>> values;  // [rows, T]
  std::vector<std::int64_t> order;                   // channels, widest Δ first; empty for the states of one
  std::vector<double> kept;                          // [T] kept_amounts at the cursor; empty without states
  Selection selection;
};

/// What a reading shows at a cursor.
struct SelectivityFrame {
  std::shared_ptr<const SelectivityReading> reading;
  SelectivityView view;
  std::int64_t cursor = 0;
  std::array<SystemFrame, 2> systems;
};
/// What `before` has in common with it is taken from there.
SelectivityFrame selectivity_frame(std::shared_ptr<const SelectivityReading> reading, const SelectivityView& view,
                                   std::int64_t cursor, const std::shared_ptr<const SelectivityFrame>& before);

/// The same of a reading by the first system alone.
SelectivityFrame single_frame(std::shared_ptr<const SelectivityReading> reading, const SelectivityView& view,
                              std::int64_t cursor);

/// Answers to fresh sequences, as far as they are there.
struct FreshFrame {
  std::array<FreshAnswers, 2> now, as_trained;  // with the knobs, and without any
};

/// Answers to fresh sequences of one length of the task.
struct LengthAnswers {
  std::int64_t length = 0;
  std::array<FreshAnswers, 2> systems;
};
/// From the length that the first system learnt from to its doubles, as far as they are there.
using LengthFrame = std::vector<LengthAnswers>;

}  // namespace statescope
