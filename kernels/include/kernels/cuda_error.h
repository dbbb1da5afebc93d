// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace statescope::kernels {

/// A CUDA call that failed: one sentence with the call and the driver's reason.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The device has no room for an allocation. Nothing else is wrong: the caller may go on with the CPU.
class CudaOutOfMemory : public CudaError {
 public:
  using CudaError::CudaError;
};

}  // namespace statescope::kernels
