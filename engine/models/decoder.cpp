// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/decoder.h"

#include <algorithm>

#include "engine/error.h"

namespace statescope {
namespace {

// For models in host memory: one sequence after the other.
class HostDecoder final : public Decoder {
 public:
  HostDecoder(std::shared_ptr<const Model> model, const ModelState& state, std::int64_t batch)
      : model_(std::move(model)),
        states_(static_cast<std::size_t>(batch), state),
        logits_(static_cast<std::size_t>(batch)) {}

  std::int64_t batch() const override { return std::ssize(states_); }
  void read(std::span<const std::int32_t> ids) override {
    if (ids.empty()) return;
    for (std::size_t i = 0; i < states_.size(); ++i) logits_[i] = read_for_logits(*model_, ids, states_[i]);
  }
  void step(std::span<const std::int32_t> ids) override {
    for (std::size_t i = 0; i < states_.size(); ++i)
      logits_[i] = read_for_logits(*model_, ids.subspan(i, 1), states_[i]);
  }
  std::span<const float> logits(std::int64_t sequence) override { return logits_[static_cast<std::size_t>(sequence)]; }
  std::vector<std::int32_t> greedy(std::span<const std::int32_t> ids, std::int64_t count,
                                   std::int64_t drawable) override {
    std::vector<std::int32_t> chosen, next(ids.begin(), ids.end());
    for (std::int64_t i = 0; i < count; ++i) {
      step(next);
      for (std::size_t n = 0; n < next.size(); ++n) {
        const auto begin = logits_[n].begin();
        next[n] = static_cast<std::int32_t>(std::max_element(begin, begin + drawable) - begin);
      }
      chosen.insert(chosen.end(), next.begin(), next.end());
    }
    return chosen;
  }
  ModelState state(std::int64_t sequence) override { return states_[static_cast<std::size_t>(sequence)]; }

 private:
  std::shared_ptr<const Model> model_;
  std::vector<ModelState> states_;
  std::vector<std::vector<float>> logits_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(const std::shared_ptr<const Model>& model, const ModelState& state,
                                      std::int64_t batch) {
  if (batch < 1) throw Error("a batch of " + std::to_string(batch) + " sequences cannot be generated; use at least 1");
  if (auto decoder = model->device_decoder(state, batch)) return decoder;
  return std::make_unique<HostDecoder>(model, state, batch);
}

}  // namespace statescope
