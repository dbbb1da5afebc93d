// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_decode_loop.h"

namespace statescope::kernels::cuda {

/// Bytes that decode_loop wants; 0 where it cannot run, which needs compute capability 9.0, d_conv <= 4, and rows short
/// enough that a few fit in a multiprocessor's shared memory.
std::int64_t decode_loop_memory(const DecodeLoopArgs& args, int device);

void decode_loop(const DecodeLoopArgs& args, std::int64_t tokens, int device, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
