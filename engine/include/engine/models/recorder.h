// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/matrix_view.h"

namespace statescope {

struct LayerState;

/// What a run can record; names and shapes as in the trace file (TRACE.md). state_squares, [T, E], is Σ_n h²: the size
/// of the state without the state. It is not for trace files.
enum class Quantity { logits, hidden, delta, B, C, conv, h, y, gate, state_squares };
inline constexpr Quantity all_quantities[] = {Quantity::logits, Quantity::hidden, Quantity::delta,
                                              Quantity::B,      Quantity::C,      Quantity::conv,
                                              Quantity::h,      Quantity::y,      Quantity::gate};
std::string quantity_name(Quantity quantity);
/// Throws Error naming the known ones.
Quantity parse_quantity(const std::string& name);

/// One number per layer and token, cheap enough to keep for all of them.
enum class Summary { mean_delta, state_norm, update_norm, residual_norm };
inline constexpr std::array all_summaries{Summary::mean_delta, Summary::state_norm, Summary::update_norm,
                                          Summary::residual_norm};
struct LayerSummary {
  std::array<float, all_summaries.size()> values{};
  float operator[](Summary summary) const { return values[static_cast<std::size_t>(summary)]; }
  float& operator[](Summary summary) { return values[static_cast<std::size_t>(summary)]; }
};

/// The residual stream of some neighbouring tokens before each layer and before the final norm, wherever it lies.
class ResidualStream {
 public:
  virtual ~ResidualStream() = default;
  /// Rows [count, D] before `layer` (the number of layers: before the final norm), from row `first` on. Any thread may
  /// ask.
  virtual void copy(std::int64_t layer, std::int64_t first, std::int64_t count, float* out) const = 0;
};

/// Receives what a run computes, in rising order of tokens for each quantity and layer, and of layers for each quantity
/// and token.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// `layer` is 0 for logits; for hidden it is the layer the stream enters, the number of layers for the last.
  virtual bool wants(Quantity quantity, std::int64_t layer) const = 0;
  /// Rows of the tokens first, first + 1, ... Until it returns nobody changes them.
  virtual void record(Quantity quantity, std::int64_t layer, std::int64_t first,
                      kernels::MatrixView<const float> rows) = 0;

  /// Whether a device may keep the residual stream and summarise the layers itself. It then calls record_kept, and
  /// hidden, delta and state_squares do not leave it.
  virtual bool accepts_kept() const { return false; }
  /// Of the tokens first, first + 1, ..., which are those rows of the run's stream: summaries [tokens, layers].
  virtual void record_kept(std::int64_t first, std::int64_t tokens, std::shared_ptr<const ResidualStream> stream,
                           std::span<const LayerSummary> summaries);

  /// A device has all its work and the run would wait for it now: the time to make room for what is recorded.
  virtual void prepare() {}

  /// Whether record_last_logits is called, with the logits [V] after the last token.
  virtual bool wants_last_logits() const { return false; }
  virtual void record_last_logits(std::vector<float> logits);

  /// Tokens, counted from the first of the run, between the states the recorder wants to keep; 0 for none.
  virtual std::int64_t snapshot_interval() const { return 0; }
  /// The state of a layer after `tokens` tokens, a multiple of the interval; not the one the run ends with.
  virtual void record_snapshot(std::int64_t layer, std::int64_t tokens, LayerState state);
};

}  // namespace statescope
