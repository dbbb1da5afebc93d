// SPDX-License-Identifier: GPL-3.0-or-later
#include "state_travel.h"

#include <algorithm>
#include <cstring>

namespace statescope {
namespace {

// Layers whose states travel back together, while the device computes others.
constexpr std::int64_t layers_at_once = 8;

bool is_zero(const std::vector<float>& values) {
  // Every value is the one after it.
  return values.empty() ||
         (values[0] == 0 && std::memcmp(values.data(), values.data() + 1, (values.size() - 1) * sizeof(float)) == 0);
}

}  // namespace

MambaCuda::StateTravel::StateTravel(const MambaCuda& model, const ModelState& before, ModelState& after)
    : model_(model), before_(before), after_(after), arrivals_{{0, 1, false}} {
  // The first layer alone, then always twice as many as before: the device never waits long for the next.
  const std::int64_t layers = model.layout_.info.sizes.layers;
  for (std::int64_t layer = 1, many = layers_of_piece; layer < layers; layer += many, many *= 2)
    arrivals_.push_back({layer, std::min(layer + many, layers), false});
  pieces_ = arrivals_.size() - 1;
  for (std::size_t i = 1; i < arrivals_.size(); ++i) model.mover_.add([this, i] { fetch(arrivals_[i]); });
  fetch(arrivals_[0]);  // sooner than another thread would wake up
}

void MambaCuda::StateTravel::fetch(Arrival& some) const {
  const auto layer = [&](std::int64_t i) -> const LayerState& { return before_.layers[static_cast<std::size_t>(i)]; };
  some.initial = true;
  for (std::int64_t i = some.first; i < some.end && some.initial; ++i)
    some.initial = is_zero(layer(i).h) && is_zero(layer(i).conv);
  for (std::int64_t i = some.first; i < some.end && !some.initial; ++i) model_.pack(i, layer(i));
}

void MambaCuda::StateTravel::bring(std::int64_t layer) {
  if (arrived_ == arrivals_.size() || arrivals_[arrived_].first != layer) return;
  model_.mover_.finish(arrived_);
  const Arrival& some = arrivals_[arrived_++];
  if (some.initial)
    model_.clear(some.first, some.end - some.first);
  else
    model_.push(some.first, some.end - some.first);
}

void MambaCuda::StateTravel::send(std::int64_t layer) {
  if (layer % layers_at_once != layers_at_once / 2 && layer + 1 < model_.layout_.info.sizes.layers) return;
  const std::int64_t first = sent_, end = layer + 1;
  const auto there = model_.pull(first, end - first, 1 - model_.state_.current);
  model_.mover_.add([this, first, end, there] {
    model_.cuda_->wait(there);
    for (std::int64_t i = first; i < end; ++i) model_.unpack(i, after_.layers[static_cast<std::size_t>(i)]);
  });
  sent_ = end;
  ++pieces_;
}

}  // namespace statescope
