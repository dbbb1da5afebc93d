// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda_backend.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels {

/// The selective scan and its gradients on a CUDA device, from and to matrices in host memory, with x, delta, B, C, z
/// and y (and their gradients) rounded to `type` on the way. Contracts as in kernels/selective_scan.h; state_squares
/// must be empty. From 2,048 tokens on few sequences are cut in time, and reading in pieces agrees to rounding only.
/// Throws CudaError, also for sizes that the device's scan does not take.
void selective_scan(CudaBackend& backend, const SelectiveScanArgs<float>& args, ElementType type = ElementType::f32);
/// The same by a rung of the ladder (kernels/scan_ladder.h); `chunk` >= 1 tokens is only read by `chunked`.
void selective_scan(CudaBackend& backend, const SelectiveScanArgs<float>& args, ScanAlgorithm algorithm,
                    std::int64_t chunk = default_scan_chunk, ElementType type = ElementType::f32);
void selective_scan_backward(CudaBackend& backend, const SelectiveScanBackwardArgs<float>& args,
                             ElementType type = ElementType::f32);

}  // namespace statescope::kernels
