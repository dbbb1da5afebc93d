// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/focus.h"

#include <algorithm>
#include <cmath>

#include "engine/run/readings.h"

namespace statescope {
namespace {

constexpr std::int64_t stretch_tokens = 64;  // states computed at once: 6 MB for a layer of mamba-130m
constexpr double shown_share = 0.995;        // of the states lie inside the colours' range

float range_of(const std::vector<float>& values) {
  std::vector<float> sizes;
  const std::size_t step = std::max<std::size_t>(values.size() / 50000, 1);  // a sample is enough for a percentile
  for (std::size_t i = 0; i < values.size(); i += step) sizes.push_back(std::abs(values[i]));
  if (sizes.empty()) return 0;
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(shown_share * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  return *at;
}

Values share(std::vector<float> values) {
  return std::make_shared<const std::vector<float>>(std::move(values));
}

// The chosen channel's input and output, where it has no states.
std::vector<Values> signals_of(const LayerTrack& track, std::int64_t channel) {
  std::vector<Values> curves;
  for (const std::vector<float>* values : {&track.conv, &track.y}) {
    const std::size_t E = values->size() / static_cast<std::size_t>(track.tokens);
    std::vector<float> curve;
    for (std::size_t at = static_cast<std::size_t>(channel); at < values->size(); at += E)
      curve.push_back((*values)[at]);
    curves.push_back(share(std::move(curve)));
  }
  return curves;
}

// A function of run and layer alone, so that a scene has the same colours however one came to it: the first stretch and
// every checkpoint stand for all states.
float state_range(const Model& model, const Trace& trace, const LayerTrack& track) {
  if (track.kind == StateKind::none) return 0;
  float range = range_of(states(model, trace, track, 0, std::min(stretch_tokens, track.tokens)));
  for (const auto& checkpoint : trace.checkpoints)
    range = std::max(range, range_of(checkpoint->layers[static_cast<std::size_t>(track.layer)].h));
  return range;
}

std::vector<Values> curves_of(const std::vector<float>& states, std::int64_t T, std::int64_t N) {
  std::vector<Values> curves;
  for (std::int64_t n = 0; n < N; ++n) {
    std::vector<float> curve(static_cast<std::size_t>(T));
    for (std::int64_t t = 0; t < T; ++t)
      curve[static_cast<std::size_t>(t)] = states[static_cast<std::size_t>(t * N + n)];
    curves.push_back(share(std::move(curve)));
  }
  return curves;
}

}  // namespace

bool Focus::covers(const RunPointer& wanted_run, const ModelView& view, std::int64_t cursor) const {
  return run == wanted_run && track->layer == view.layer && channel == view.channel && map_quantity == view.map &&
         cursor >= states_first && cursor < states_last;
}

std::shared_ptr<const Focus> focus_on(const RunPointer& run, const ModelView& view, std::int64_t cursor,
                                      const std::shared_ptr<const Focus>& known, std::stop_token stop) {
  const Model& model = run->model();
  const ModelSizes& sizes = model.info().sizes;
  const Trace& trace = run->trace;
  const std::int64_t T = trace.length();
  // A run that only went on shares the records of its beginning.
  const bool continued =
      known && known->run->loaded == run->loaded && known->track->tokens <= T && known->track->tokens > 0 &&
      known->run->trace.tokens.back() == trace.tokens[static_cast<std::size_t>(known->run->trace.length() - 1)];
  const bool same_layer = known && known->run->loaded == run->loaded && known->track->layer == view.layer;
  const bool same_track = same_layer && known->run == run;
  auto focus = std::make_shared<Focus>();
  focus->run = run;

  if (same_track) {
    focus->track = known->track;
    focus->order = known->order;
    focus->state_range = known->state_range;
  } else {
    focus->track = std::make_shared<const LayerTrack>(
        layer_track(model, trace, view.layer, same_layer && continued ? known->track.get() : nullptr, stop));
    focus->order = channels_by_mean_delta(*focus->track, sizes.d_inner);
    focus->state_range = state_range(model, trace, *focus->track);
  }

  focus->map_quantity = view.map;
  const bool of_channel =
      focus->track->kind == StateKind::per_channel && (view.map == Quantity::B || view.map == Quantity::C);
  const bool same_map =
      same_track && known->map_quantity == view.map && (!of_channel || known->channel == view.channel);
  focus->map = same_map ? known->map : share(over_time(*focus->track, view.map, view.channel));

  focus->channel = view.channel;
  if (same_track && known->channel == view.channel) {
    focus->channel_states = known->channel_states;
    focus->channel_curves = known->channel_curves;
    focus->half_lives = known->half_lives;
  } else {
    focus->channel_states = share(channel_states(model, *focus->track, view.channel));
    focus->channel_curves = focus->track->kind == StateKind::none ? signals_of(*focus->track, view.channel)
                                                                  : curves_of(*focus->channel_states, T, sizes.d_state);
    focus->half_lives = half_lives(model, *focus->track, view.channel);
  }

  if (same_track && cursor >= known->states_first && cursor < known->states_last) {
    focus->states_first = known->states_first;
    focus->states_last = known->states_last;
    focus->states = known->states;
  } else {
    focus->states_first = cursor / stretch_tokens * stretch_tokens;
    focus->states_last = std::min(focus->states_first + stretch_tokens, T);
    focus->states = share(states(model, trace, *focus->track, focus->states_first, focus->states_last));
  }

  if (continued && known->states_first == focus->states_first) focus->predictions = known->predictions;
  const std::int64_t predicted = focus->states_first + std::ssize(focus->predictions);
  for (Prediction& prediction : predictions(model, trace, predicted, focus->states_last, stop))
    focus->predictions.push_back(std::move(prediction));
  return focus;
}

}  // namespace statescope
