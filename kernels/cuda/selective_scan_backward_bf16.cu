// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/selective_scan_backward.cuh"

namespace statescope::kernels::cuda::scan_gradients {
template void run<Bf16>(const ScanBackwardArgs&, const Plan&, const Workspace&, cudaStream_t);
}
