// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cublas_v2.h>

#include <string>

#include "kernels/cuda_error.h"

namespace statescope::kernels::cuda {

inline void check_blas(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw CudaError(std::string(what) + " failed on the CUDA device: " + cublasGetStatusString(status));
}

}  // namespace statescope::kernels::cuda
