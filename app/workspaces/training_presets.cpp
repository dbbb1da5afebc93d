// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/training_presets.h"

#include <QCoreApplication>

#include "engine/scene/selectivity_scene.h"

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("TrainingPresets", text);
}

// What learns on two processor cores: short sequences, small batches, a high rate.
Recipe classroom(BlockKind block, InnerKind inner, std::int64_t length, std::int64_t memorise) {
  Recipe recipe = TrainingScene::first_recipe();
  recipe.task.length = length;
  recipe.task.memorise = memorise;
  recipe.network.block = block;
  recipe.network.inner = inner;
  return recipe;
}

}  // namespace

const std::vector<TrainingPreset>& training_presets() {
  static const std::vector<TrainingPreset> presets = {
      {tr("Short: S6 in a Mamba block"), tr("Four letters among 24 tokens: the quickest to learn"),
       classroom(BlockKind::mamba, InnerKind::s6, 24, 4)},
      {tr("Short: S4D alone"), tr("The same task without selection"),
       classroom(BlockKind::plain, InnerKind::s4d_complex, 24, 4)},
      {tr("Long: S6 in a Mamba block"), tr("Eight letters among 64 tokens: 98 % right after 1,400 steps"),
       classroom(BlockKind::mamba, InnerKind::s6, 64, 8)},
      {tr("Long: S6 alone"), tr("Selection without convolution and gate"),
       classroom(BlockKind::plain, InnerKind::s6, 64, 8)},
      {tr("Long: S4D alone"), tr("Steps that are the same at every token"),
       classroom(BlockKind::plain, InnerKind::s4d_complex, 64, 8)},
  };
  return presets;
}

}  // namespace statescope
