// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace statescope::kernels {

struct CudaDevice {
  std::string name;          // "NVIDIA H200"
  int major = 0, minor = 0;  // compute capability
  std::int64_t memory = 0;   // bytes
};

/// The CUDA devices of this machine, in the driver's order; empty without a driver, and in a build without CUDA.
std::vector<CudaDevice> cuda_devices();

}  // namespace statescope::kernels
