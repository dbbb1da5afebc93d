// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/models/recorder.h"
#include "kernels/cuda_backend.h"

namespace statescope {

/// Memory on a device for residual streams, which goes from one trace to the next: asking the device for it takes as
/// long as reading some hundred tokens.
class StreamMemory {
 public:
  StreamMemory() { spare_.reserve(most_spare); }
  /// Throws CudaOutOfMemory.
  kernels::DeviceBuffer take(kernels::CudaBackend& backend, std::int64_t bytes);
  void give_back(kernels::DeviceBuffer buffer);  // never throws

 private:
  static constexpr std::size_t most_spare = 4;
  std::mutex mutex_;
  std::vector<kernels::DeviceBuffer> spare_;
};

/// A run's residual stream that stays on the device, [layers + 1, tokens, d_model], and the numbers that leave it: the
/// layers' summaries of each token, [tokens, layers, all_summaries], and behind them their states after every
/// `interval` tokens, [states(), layers, state_size], history and h.
struct KeptOnDevice {
  kernels::DeviceBuffer stream, numbers;
  std::int64_t layers = 0, tokens = 0, d_model = 0;
  std::int64_t interval = 0;  // 0 where no state is left on the way
  std::int64_t history_size = 0, state_size = 0;

  /// How many states are left on the way, and of them by the first `read` tokens.
  std::int64_t states() const { return interval > 0 ? (tokens - 1) / interval : 0; }
  std::int64_t states_after(std::int64_t read) const { return interval > 0 ? std::min(read / interval, states()) : 0; }
  std::int64_t stream_bytes() const { return (layers + 1) * tokens * d_model * 4; }
  std::int64_t numbers_bytes() const { return state_at(states(), 0); }

  kernels::DeviceMatrix rows(std::int64_t layer, std::int64_t first, std::int64_t count) const {
    return {stream.as<float>() + (layer * tokens + first) * d_model, kernels::ElementType::f32, count, d_model,
            d_model};
  }
  /// Where summaries and states begin in `numbers`, in bytes; state i is the one after (i + 1) · interval tokens.
  std::int64_t summaries_at(std::int64_t token, std::int64_t layer = 0) const {
    return (token * layers + layer) * static_cast<std::int64_t>(sizeof(LayerSummary));
  }
  std::int64_t state_at(std::int64_t i, std::int64_t layer) const {
    return summaries_at(tokens) + (i * layers + layer) * state_size * 4;
  }
  float* number(Summary summary, std::int64_t layer, std::int64_t token) const {
    return numbers.as<float>(summaries_at(token, layer)) + static_cast<std::int64_t>(summary);
  }
  /// Where a layer leaves the histories in front of its states while it reads `count` tokens from `first` on, which is
  /// a multiple of the interval.
  kernels::PassedStates passed(std::int64_t layer, std::int64_t first, std::int64_t count) const {
    const std::int64_t before = states_after(first);
    return {numbers.as<float>(state_at(before, layer)), interval, states_after(first + count) - before,
            layers * state_size};
  }
};

}  // namespace statescope
