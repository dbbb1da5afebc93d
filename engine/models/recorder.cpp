// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/recorder.h"

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/models/model.h"

namespace statescope {

std::string quantity_name(Quantity quantity) {
  switch (quantity) {
    case Quantity::logits:
      return "logits";
    case Quantity::hidden:
      return "hidden";
    case Quantity::delta:
      return "delta";
    case Quantity::B:
      return "B";
    case Quantity::C:
      return "C";
    case Quantity::conv:
      return "conv";
    case Quantity::h:
      return "h";
    case Quantity::y:
      return "y";
    case Quantity::gate:
      return "gate";
    case Quantity::state_squares:
      break;
  }
  return "state_squares";
}

void Recorder::record_kept(std::int64_t, std::int64_t, std::shared_ptr<const ResidualStream>,
                           std::span<const LayerSummary>) {}
void Recorder::record_last_logits(std::vector<float>) {}
void Recorder::record_snapshot(std::int64_t, std::int64_t, LayerState) {}

Quantity parse_quantity(const std::string& name) {
  std::string known;
  for (const Quantity quantity : all_quantities) {
    if (quantity_name(quantity) == name) return quantity;
    known += (known.empty() ? "" : ", ") + quantity_name(quantity);
  }
  throw Error("unknown tensor " + in_quotes(name) + "; known are " + known);
}

}  // namespace statescope
