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

/// A cell as a model that reads a stream, on the CPU in float32: S6 with constants in place of selection, or in another
/// block, and S4D carry a state of fixed size; attention carries its keys and values and Hyena its inputs, so that
/// LayerState::h grows by 2 d_inner or d_inner numbers a token. Token by token gives the bits of all at once.
///
/// S4D holds its states at zero order: h ← e^{ΔA} h + (e^{ΔA} − 1)/A x. What stands as B is (e^{ΔA} − 1)/(ΔA), so that
/// a token writes Δ·B·x as everywhere; what stands as C has the 2 of a conjugate pair, and for its imaginary part the
/// sign, so that y = Σ C h + D x over the N real numbers of a channel.
std::shared_ptr<const Model> load_grid(const Checkpoint& checkpoint, int threads);

}  // namespace statescope
