// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/device_memory.h"

namespace statescope::kernels::cuda {

/// Rounds float32 to the columns from `first` on of an 8-bit matrix, with the numbers of PackedMatrix
/// (kernels/linear.h). `first` is a multiple of 32. Enqueued.
void quantise(const DeviceMatrix& from, const DeviceMatrix& to, std::int64_t first, cudaStream_t stream);
/// The weights as they multiply, rounded to the type of `to`. Enqueued.
void dequantise(const DeviceMatrix& from, const DeviceMatrix& to, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
