// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "engine/models/checkpoint.h"
#include "engine/models/model.h"

namespace statescope {

/// Whether a checkpoint is a cell of the model grid (engine/training/RECIPE.md) other than the Mamba-1 layout: its
/// config.json says what surrounds which inner layer.
bool is_grid(const Checkpoint& checkpoint);

/// What it says, checked against the tensors. Throws Error naming file and tensor.
ModelInfo inspect_grid(const Checkpoint& checkpoint);

/// Throws Error for a cell whose inner layer is not S6: what tokens do to its state is nothing that a LayerTap holds.
void require_scan(const Checkpoint& checkpoint);

/// A cell as a model that reads a stream, on the CPU in float32: S6 with constants in place of selection, or in another
/// block, and S4D carry a state of fixed size; attention carries its keys and values, so that LayerState::h grows by
/// 2 d_inner numbers a token. Token by token gives the bits of all at once. Throws Error also for Hyena, whose filter
/// is no recurrence.
std::shared_ptr<const Model> load_grid(const Checkpoint& checkpoint, int threads);

}  // namespace statescope
