// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

namespace statescope::kernels::cuda {

/// Throws CudaError, or CudaOutOfMemory, unless `status` is success. `what` names the call for the sentence.
void check(cudaError_t status, const char* what);

/// After a launch: throws when it was refused. What the kernel itself does wrong shows at the next synchronisation.
inline void check_launch(const char* kernel) {
  check(cudaGetLastError(), kernel);
}

}  // namespace statescope::kernels::cuda
