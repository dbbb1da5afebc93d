// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/readings.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.h"

namespace statescope {
namespace {

double mean_delta(const LayerTrack& track, std::int64_t d_inner, std::int64_t channel) {
  double total = 0;
  for (std::int64_t t = 0; t < track.tokens; ++t) total += track.delta[static_cast<std::size_t>(t * d_inner + channel)];
  return total / static_cast<double>(std::max<std::int64_t>(track.tokens, 1));
}

const std::vector<float>& tensor(const LayerTrack& track, Quantity quantity) {
  switch (quantity) {
    case Quantity::delta:
      return track.delta;
    case Quantity::conv:
      return track.conv;
    case Quantity::y:
      return track.y;
    case Quantity::gate:
      return track.gate;
    case Quantity::B:
      return track.B;
    case Quantity::C:
      return track.C;
    default:
      throw Error("a layer's track does not hold " + quantity_name(quantity));
  }
}

}  // namespace

std::vector<std::int64_t> channels_by_mean_delta(const LayerTrack& track, std::int64_t d_inner) {
  std::vector<double> means(static_cast<std::size_t>(d_inner));
  const std::int64_t steps = track.kind == StateKind::none ? 0 : track.tokens;
  for (std::int64_t t = 0; t < steps; ++t)
    for (std::int64_t e = 0; e < d_inner; ++e)
      means[static_cast<std::size_t>(e)] += track.delta[static_cast<std::size_t>(t * d_inner + e)];
  std::vector<std::int64_t> order(static_cast<std::size_t>(d_inner));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return means[static_cast<std::size_t>(a)] > means[static_cast<std::size_t>(b)];
  });
  return order;
}

std::vector<float> over_time(const LayerTrack& track, Quantity quantity, std::int64_t channel) {
  const std::vector<float>& values = tensor(track, quantity);
  const std::int64_t T = track.tokens;
  if (track.kind == StateKind::per_channel && (quantity == Quantity::B || quantity == Quantity::C)) {
    const std::int64_t N = T == 0 ? 0 : std::ssize(values) * T / std::ssize(track.y);
    std::vector<float> constant;
    for (std::int64_t n = 0; n < N; ++n)
      constant.insert(constant.end(), static_cast<std::size_t>(T), values[static_cast<std::size_t>(channel * N + n)]);
    return constant;
  }
  std::vector<float> turned(values.size());
  const std::int64_t width = T == 0 ? 0 : std::ssize(values) / T;
  for (std::int64_t t = 0; t < T; ++t)
    for (std::int64_t i = 0; i < width; ++i)
      turned[static_cast<std::size_t>(i * T + t)] = values[static_cast<std::size_t>(t * width + i)];
  return turned;
}

std::vector<double> half_lives(const Model& model, const LayerTrack& track, std::int64_t channel) {
  const ModelSizes& s = model.info().sizes;
  std::vector<double> tokens;
  if (track.kind == StateKind::none) return tokens;
  const double delta = mean_delta(track, s.d_inner, channel);
  for (std::int64_t n = 0; n < s.d_state; ++n)
    tokens.push_back(std::log(2.0) / (-static_cast<double>(model.A(track.layer)(n, channel)) * delta));
  return tokens;
}

double write(const LayerTrack& track, const ModelSizes& sizes, std::int64_t channel, std::int64_t state,
             std::int64_t token) {
  const auto wide = static_cast<std::size_t>(token * sizes.d_inner + channel);
  const auto narrow = static_cast<std::size_t>(track.row(channel, token) * sizes.d_state + state);
  return static_cast<double>(track.delta[wide]) * track.B[narrow] * track.conv[wide];
}

}  // namespace statescope
