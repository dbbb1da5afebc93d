// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

#include "engine/training/recipe.h"

namespace statescope {

/// A recipe to begin with.
struct TrainingPreset {
  QString name, sentence;
  Recipe recipe;
};
const std::vector<TrainingPreset>& training_presets();

}  // namespace statescope
