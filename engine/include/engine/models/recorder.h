// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

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

/// Receives what a run computes, in rising order of tokens for each quantity and layer.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// `layer` is 0 for logits; for hidden it is the layer the stream enters, the number of layers for the last.
  virtual bool wants(Quantity quantity, std::int64_t layer) const = 0;
  /// `values` holds `values.size() / tokens` numbers for each of the tokens first, first + 1, ...
  virtual void record(Quantity quantity, std::int64_t layer, std::int64_t first, std::int64_t tokens,
                      std::span<const float> values) = 0;

  /// Tokens, counted from the first of the run, between the states the recorder wants to keep; 0 for none.
  virtual std::int64_t snapshot_interval() const { return 0; }
  /// The state of a layer after `tokens` tokens, a multiple of the interval; not the one the run ends with.
  virtual void record_snapshot(std::int64_t layer, std::int64_t tokens, LayerState state);
};

}  // namespace statescope
