// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/run/trace.h"
#include "engine/scene/scene.h"
#include "model/run_snapshot.h"

namespace statescope {

using Values = std::shared_ptr<const std::vector<float>>;

/// What the user is looking at, with every number the views need of it.
struct Focus {
  RunPointer run;
  std::shared_ptr<const LayerTrack> track;
  std::vector<std::int64_t> order;  // channels, widest mean Δ first

  Quantity map_quantity = Quantity::delta;
  Values map;  // [E or N, T]; empty for what a layer without state lacks

  std::int64_t channel = 0;
  Values channel_states;               // [T, N]
  std::vector<Values> channel_curves;  // N times [T]; without a state x and y
  std::vector<double> half_lives;      // [N] tokens

  // The states of a stretch of tokens around the cursor, so that playing only looks up.
  std::int64_t states_first = 0, states_last = 0;
  Values states;                        // [states_last - states_first, E, N]
  std::vector<Prediction> predictions;  // of the same tokens
  float state_range = 0;  // what the ends of the state map's colours stand for, the same for all tokens of a run

  bool covers(const RunPointer& wanted_run, const ModelView& view, std::int64_t cursor) const;
};

/// Computes what `known` (may be null) does not already hold. Throws Cancelled.
std::shared_ptr<const Focus> focus_on(const RunPointer& run, const ModelView& view, std::int64_t cursor,
                                      const std::shared_ptr<const Focus>& known, std::stop_token stop);

}  // namespace statescope
