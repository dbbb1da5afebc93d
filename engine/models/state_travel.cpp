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

MambaCuda::StateTravel::StateTravel(const MambaCuda& model, const ModelState& before, ModelState& after,
                                    const KeptOnDevice* kept)
    : model_(model), before_(before), after_(after), kept_(kept), arrivals_{{0, 1, false}} {
  const std::int64_t layers = model.layout_.info.sizes.layers;
  if (kept) passed_.resize(static_cast<std::size_t>(kept->states() * layers));
  // The first layer alone, then always twice as many as before: the device never waits long for the next.
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

void MambaCuda::StateTravel::send(std::int64_t layer, std::int64_t first, std::int64_t count, bool last) {
  const std::int64_t layers = model_.layout_.info.sizes.layers;
  if (layer % layers_at_once != layers_at_once / 2 && layer + 1 < layers) return;
  const std::int64_t begin = sent_, end = layer + 1;
  sent_ = end % layers;
  if (kept_ && kept_->states_after(first) < kept_->states_after(first + count))
    send_passed(begin, end, kept_->states_after(first), kept_->states_after(first + count));
  if (!last) return;
  const auto there = model_.pull(begin, end - begin, 1 - model_.state_.current);
  model_.mover_.add([this, begin, end, there] {
    model_.cuda_->wait(there);
    for (std::int64_t i = begin; i < end; ++i) model_.unpack(i, after_.layers[static_cast<std::size_t>(i)]);
  });
  ++pieces_;
}

void MambaCuda::StateTravel::send_passed(std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t to) {
  const auto computed = model_.cuda_->mark();
  kernels::CudaBackend::Fence there;
  for (std::int64_t i = from; i < to; ++i) {
    const std::int64_t at = kept_->state_at(i, begin), bytes = kept_->state_at(i, end) - at;
    there = model_.cuda_->copy_to_host_aside(model_.numbers_.data(at), kept_->numbers.data(at), bytes, computed);
  }
  model_.mover_.add([this, begin, end, from, to, there] {
    model_.cuda_->wait(there);
    for (std::int64_t i = from; i < to; ++i)
      for (std::int64_t layer = begin; layer < end; ++layer) {
        const auto* state = model_.numbers_.as<const float>(kept_->state_at(i, layer));
        const float* h = state + kept_->history_size;
        passed_[static_cast<std::size_t>(i * kept_->layers + layer)] = {{state, h}, {h, state + kept_->state_size}};
      }
  });
  ++pieces_;
}

void MambaCuda::StateTravel::record(Recorder& recorder) {
  for (std::int64_t i = 0; i < kept_->states(); ++i)
    for (std::int64_t layer = 0; layer < kept_->layers; ++layer)
      recorder.record_snapshot(layer, (i + 1) * kept_->interval,
                               std::move(passed_[static_cast<std::size_t>(i * kept_->layers + layer)]));
}

}  // namespace statescope
