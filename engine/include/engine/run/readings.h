// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/models/model.h"
#include "engine/run/trace.h"

namespace statescope {

/// Channels in order of their mean Δ over the sequence, widest first; equal ones by index.
std::vector<std::int64_t> channels_by_mean_delta(const LayerTrack& track, std::int64_t d_inner);

/// One tensor of the track turned so that time runs along rows: [E, T] for delta, conv, y and gate, [N, T] for B and C,
/// of `channel` where they are constants of each. Empty for what a layer without state lacks. Throws Error for another
/// quantity.
std::vector<float> over_time(const LayerTrack& track, Quantity quantity, std::int64_t channel = 0);

/// After how many tokens each state of a channel has halved if every step were the channel's mean Δ: [N],
/// ln 2 / (|A| · mean Δ). Empty without a state.
std::vector<double> half_lives(const Model& model, const LayerTrack& track, std::int64_t channel);

/// What a token writes into one state of a channel: Δ·B·x.
double write(const LayerTrack& track, const ModelSizes& sizes, std::int64_t channel, std::int64_t state,
             std::int64_t token);

}  // namespace statescope
