// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/check.h"

#include <string>

#include "kernels/cuda_error.h"

namespace statescope::kernels::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // a failed allocation must not fail the next launch as well
  const std::string sentence = std::string(what) + " failed on the CUDA device: " + cudaGetErrorString(status);
  if (status == cudaErrorMemoryAllocation)
    throw CudaOutOfMemory(sentence + "; choose a shorter sequence, a smaller batch or the CPU");
  throw CudaError(sentence);
}

}  // namespace statescope::kernels::cuda
