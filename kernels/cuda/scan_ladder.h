// SPDX-License-Identifier: GPL-3.0-or-later
// The ladder of scans (kernels/scan_ladder.h) on a CUDA device: every phase of an algorithm is a kernel, every pair
// travels through device memory. For teaching and measuring: models use the fused scan.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/selective_scan.h"
#include "kernels/cuda_backend.h"
#include "kernels/scan_algorithms.h"

namespace statescope::kernels::cuda {

/// Bytes of device memory that an algorithm works in, as linear_scan_work counts them.
std::int64_t linear_scan_workspace(ScanAlgorithm algorithm, std::int64_t T, std::int64_t W, std::int64_t chunk);
/// Enqueues it on the tokens and lanes of args.a. Throws CudaError when a launch is refused.
void linear_scan(const DeviceLinearScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk, cudaStream_t stream);

/// The same for a whole selective scan that is not `fused`: a = exp(Δ A) and b = Δ B x are written to memory
/// [T, batch · N · E], scanned, and every h is read again to be contracted with C. What `args` asks for is done, except
/// that its own workspace is not used.
std::int64_t ladder_workspace(const ScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk);
void ladder_scan(const ScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk, void* workspace,
                 cudaStream_t stream);

}  // namespace statescope::kernels::cuda
