// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "engine/models/checkpoint.h"
#include "engine/models/model.h"

namespace statescope {

/// The sizes of a published model by its name, "mamba-130m". Throws Error naming the known ones.
ModelSizes published_sizes(const std::string& name);

/// A Mamba-1 checkpoint with random weights in float32, initialised as state-spaces/mamba does: the same sizes and seed
/// give the same weights. For measuring, since speed does not depend on what the weights say. The file it maps lies in
/// the system's temporary folder and has no name any more. Throws Error when that folder is full, and Cancelled.
Checkpoint random_checkpoint(const ModelSizes& sizes, std::uint64_t seed = 1, std::stop_token stop = {});

}  // namespace statescope
