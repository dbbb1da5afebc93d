// SPDX-License-Identifier: GPL-3.0-or-later
// What stands in for the CUDA backend in a build without it.
#include "kernels/cuda_backend.h"
#include "kernels/cuda_devices.h"
#include "kernels/cuda_error.h"
#include "kernels/cuda_host_ops.h"
#include "kernels/cuda_scan_host.h"
#include "kernels/cuda_scan_run.h"
#include "kernels/training_ops.h"

namespace statescope::kernels {

std::vector<CudaDevice> cuda_devices() {
  return {};
}

std::unique_ptr<CudaBackend> CudaBackend::create(int) {
  throw CudaError("this build has no CUDA backend; build with STATESCOPE_CUDA=ON or use the CPU");
}

// Nobody has a backend to call these with.
void selective_scan(CudaBackend&, const SelectiveScanArgs<float>&, ElementType) {}
void selective_scan(CudaBackend&, const SelectiveScanArgs<float>&, ScanAlgorithm, std::int64_t, ElementType) {}
void selective_scan_backward(CudaBackend&, const SelectiveScanBackwardArgs<float>&, ElementType) {}

std::unique_ptr<CudaScanRun> CudaScanRun::create(int, const CudaScanSize&) {
  throw CudaError("this build has no CUDA; build with STATESCOPE_CUDA=ON, or use the CPU");
}

std::unique_ptr<CudaHostOps> CudaHostOps::create(int) {
  throw CudaError("this build has no CUDA; build with STATESCOPE_CUDA=ON, or use the CPU");
}

std::unique_ptr<TrainingOps<float>> cuda_training(int, bool) {
  throw CudaError("this build has no CUDA; build with STATESCOPE_CUDA=ON, or use the CPU");
}

}  // namespace statescope::kernels
