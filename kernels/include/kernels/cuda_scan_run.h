// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/element_type.h"
#include "kernels/scan_algorithms.h"

namespace statescope::kernels {

/// A selective scan with everything fused in: D, the gate z, the bias of Δ and softplus.
struct CudaScanSize {
  ElementType type = ElementType::f32;  // of x, delta, B, C, z and y
  std::int64_t batch = 1, T = 0, E = 0, N = 0;
  bool backward = false;  // the gradients instead, from the states before the first token; of the fused scan
  ScanAlgorithm algorithm = ScanAlgorithm::fused;
};

/// One scan of that size with random inputs in device memory, ready to be timed again and again.
class CudaScanRun {
 public:
  /// Throws CudaError, CudaOutOfMemory, and CudaError in a build without CUDA.
  static std::unique_ptr<CudaScanRun> create(int device, const CudaScanSize& size);
  virtual ~CudaScanRun() = default;
  /// Runs it `times` times and waits: seconds of one by the device's clock. Throws CudaError.
  virtual double seconds(int times = 1) = 0;
};

}  // namespace statescope::kernels
