// SPDX-License-Identifier: GPL-3.0-or-later
#include "device_stream.h"

#include <algorithm>

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
  if (buffer && spare_.size() < most_spare) spare_.push_back(std::move(buffer));
}

}  // namespace statescope
