// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/cuda_backend.h"
#include "kernels/cuda_devices.h"

namespace statescope {

/// The number of the CUDA device that "cuda" or "cuda:1" names, nothing for "cpu". Throws Error for any other name and
/// for a device that is not there.
std::optional<int> cuda_index(const std::string& device);

/// The backend of a CUDA device, with its errors as Error.
std::unique_ptr<kernels::CudaBackend> open_cuda(int index);

}  // namespace statescope
