// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "engine/models/checkpoint.h"
#include "engine/models/model.h"

namespace statescope::grid {

constexpr const char* prefix = "backbone.";

enum class Block { plain, h3, mamba };
enum class Inner { s6, s4d, attention, hyena };

/// What the tensors of a cell say, beyond the sizes.
struct Cell {
  ModelInfo info;
  Block block = Block::plain;
  Inner inner = Inner::s6;
  bool conjugate = false;  // S4D over pairs
  bool selective_delta = false, selective_B = false, selective_C = false;
  /// Of a channel of S4D: conjugate pairs or real numbers.
  std::int64_t modes() const { return info.sizes.d_state / (conjugate ? 2 : 1); }
  std::int64_t heads = 1;
  std::int64_t length = 0;  // of the sequences that Hyena's filter was made for
};

/// The beginning of the names of a layer's tensors: "backbone.layers.0.mixer.".
std::string mixer(std::int64_t layer);

/// Checks every tensor against the others. Throws Error naming file and tensor.
Cell inspect(const Checkpoint& checkpoint);

}  // namespace statescope::grid
