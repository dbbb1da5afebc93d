// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/models/model.h"

namespace statescope {

/// Generation that records nothing: one or more sequences side by side, whose states stay where the model runs. For one
/// thread at a time.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::int64_t batch() const = 0;

  /// Reads the same further tokens into every sequence, many at once. Throws Error for ids outside the vocabulary.
  virtual void read(std::span<const std::int32_t> ids) = 0;
  /// Reads one more token of every sequence, ids [batch] below the vocabulary. Throws Error for others.
  virtual void step(std::span<const std::int32_t> ids) = 0;
  /// Logits [V] of a sequence after the last token; valid until the next call.
  virtual std::span<const float> logits(std::int64_t sequence = 0) = 0;

  /// Reads `ids` [batch], then the most likely token among the first `drawable` of each sequence, again and again.
  /// Returns the `count` tokens chosen, [count, batch]; the last of them are not read yet.
  virtual std::vector<std::int32_t> greedy(std::span<const std::int32_t> ids, std::int64_t count,
                                           std::int64_t drawable) = 0;
  virtual ModelState state(std::int64_t sequence = 0) = 0;
};

/// `batch` sequences that all go on from `state`. The decoder keeps the model. Throws Error for a batch below 1.
std::unique_ptr<Decoder> make_decoder(const std::shared_ptr<const Model>& model, const ModelState& state,
                                      std::int64_t batch = 1);

}  // namespace statescope
