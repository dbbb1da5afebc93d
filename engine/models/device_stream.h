// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

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

/// A run's residual stream that stays on the device, [layers + 1, tokens, d_model], with the layers' summaries of each
/// token, [layers, tokens, all_summaries].
struct KeptOnDevice {
  kernels::DeviceBuffer stream, numbers;
  std::int64_t layers = 0, tokens = 0, d_model = 0;

  kernels::DeviceMatrix rows(std::int64_t layer, std::int64_t first, std::int64_t count) const {
    return {stream.as<float>() + (layer * tokens + first) * d_model, kernels::ElementType::f32, count, d_model,
            d_model};
  }
  static constexpr std::int64_t summaries = all_summaries.size();
  float* number(Summary summary, std::int64_t layer, std::int64_t token) const {
    return numbers.as<float>() + (layer * tokens + token) * summaries + static_cast<std::int64_t>(summary);
  }
};

}  // namespace statescope
