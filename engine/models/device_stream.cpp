// SPDX-License-Identifier: GPL-3.0-or-later
#include "device_stream.h"

#include <algorithm>
#include <cmath>

#include "kernels/cuda_error.h"

namespace statescope {

kernels::DeviceBuffer StreamMemory::take(kernels::CudaBackend& backend, std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  const auto fits =
      std::find_if(spare_.begin(), spare_.end(), [&](const auto& buffer) { return buffer.bytes() >= bytes; });
  if (fits != spare_.end()) {
    kernels::DeviceBuffer taken = std::move(*fits);
    spare_.erase(fits);
    return taken;
  }
  spare_.clear();
  return backend.allocate(bytes);
}

void StreamMemory::give_back(kernels::DeviceBuffer buffer) {
  const std::scoped_lock lock(mutex_);
  if (spare_.size() < most_spare) spare_.push_back(std::move(buffer));
}

std::vector<LayerSummary> summaries_of(const std::vector<float>& sums, std::int64_t d_inner) {
  std::vector<LayerSummary> summaries(sums.size() / all_summaries.size());
  for (std::size_t i = 0; i < summaries.size(); ++i)
    for (const Summary summary : all_summaries) {
      const float sum = sums[i * all_summaries.size() + static_cast<std::size_t>(summary)];
      summaries[i][summary] = summary == Summary::mean_delta ? sum / static_cast<float>(d_inner) : std::sqrt(sum);
    }
  return summaries;
}

}  // namespace statescope
