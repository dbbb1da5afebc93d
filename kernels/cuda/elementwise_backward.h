// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// The gradients of softplus and of the gate: as in kernels/elementwise.h, on float32 [T, E] in device memory without
/// gaps. Outputs are overwritten and may be inputs as there. Deterministic. Each throws CudaError when a launch is
/// refused.

/// dbias [E] or null; with it, workspace is [partials_of(T), E] floats (cuda/partial_sums.h).
void softplus_backward(const float* y, const float* dy, std::int64_t T, std::int64_t E, float* dx, float* dbias,
                       float* workspace, cudaStream_t stream);
void gate_backward(const float* y, const float* z, const float* dout, std::int64_t T, std::int64_t E, float* dy,
                   float* dz, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
