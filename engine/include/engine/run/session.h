// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/models/model.h"
#include "engine/run/sampling.h"
#include "engine/run/trace.h"

namespace statescope {

/// One conversation with a model: tokens go in, the state moves on, the trace grows. For one thread at a time; what
/// other threads need is a copy of the trace.
class Session {
 public:
  static constexpr std::int64_t default_memory_limit = std::int64_t{1} << 30;

  /// `memory_limit` bounds the trace, in bytes.
  explicit Session(std::shared_ptr<const Model> model, std::int64_t memory_limit = default_memory_limit);

  const Model& model() const { return *model_; }
  const std::shared_ptr<const Model>& shared_model() const { return model_; }
  const Trace& trace() const { return trace_; }
  std::int64_t length() const { return trace_.length(); }
  /// Logits [V] after the last token; empty before the first.
  std::span<const float> logits() const { return logits_; }

  /// Reads further tokens. `progress` is told how many of them are done. When stopped it throws Cancelled and keeps the
  /// tokens already read. Throws Error for ids outside the vocabulary and when the trace would pass the memory limit;
  /// nothing is read then.
  void append(std::span<const std::int32_t> ids, bool generated, std::stop_token stop = {},
              const std::function<void(std::int64_t)>& progress = {});

  /// Draws the next token among the first `vocab` (a vocabulary padded for speed ends in ids that mean nothing).
  std::int32_t draw(const Sampling& sampling, std::int64_t vocab) const;

  /// Forgets the tokens from `length` on. State and logits become what they were there, bit for bit.
  void rewind(std::int64_t length);

  /// All of a session at one moment; cheap to copy.
  struct Snapshot {
    Trace trace;
    std::shared_ptr<const ModelState> state;
    std::vector<float> logits;
  };
  Snapshot snapshot() const;
  void restore(const Snapshot& snapshot);

  const ModelState& state() const { return state_; }

  /// Bytes that a trace of `tokens` tokens holds with a checkpoint every `interval`.
  static std::int64_t trace_bytes(const ModelInfo& info, std::int64_t tokens, std::int64_t interval);

 private:
  void make_room(std::int64_t tokens);
  std::int64_t slice_length() const;
  bool on_device() const { return model_->device() != "cpu"; }

  std::shared_ptr<const Model> model_;
  std::int64_t memory_limit_;
  ModelState state_;
  Trace trace_;
  std::vector<float> logits_;
};

}  // namespace statescope
