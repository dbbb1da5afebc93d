// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/selective_scan.cuh"

namespace statescope::kernels::cuda {
template void run_scan<F16>(const ScanArgs&, Plan, const Chunks&, cudaStream_t);
}
