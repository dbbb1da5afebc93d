// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "cuda/selective_scan.h"

namespace statescope::kernels::cuda {

/// Time cut into pieces that run side by side. A first pass finds, for every piece but the last, the state it would end
/// in had it begun with nothing (the first begins with h) and the sum of its Δ, which is all that its decay e^(A·ΣΔ)
/// depends on; the second pass begins each piece with what these imply.
struct Chunks {
  std::int64_t count = 1, length = 0;  // length is a multiple of every tile
  float* start = nullptr;              // [batch, N, E] h as it was before
  float* end = nullptr;                // [count - 1, batch, N, E]
  float* delta = nullptr;              // [count - 1, batch, E]
};

/// How a scan of these sizes runs. A matter of batch, E and N alone without a workspace, so that a sequence read in
/// pieces meets the same operations.
enum class Plan { any, narrow, wide, states_8, states_64, states_128 };

/// Neighbouring channels that are worked on together.
constexpr int channels_of(Plan plan) {
  return plan == Plan::any ? 1 : plan == Plan::narrow || plan == Plan::states_128 ? 8 : 16;
}

/// Enqueues a scan of elements T (float, __nv_bfloat16 or __half).
template <class T>
void run_scan(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
