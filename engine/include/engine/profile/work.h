// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "engine/models/model.h"
#include "engine/profile/profile.h"

namespace statescope {

/// The least work of one stage of one layer for `tokens` tokens read at once. `weights`: bytes of the stage's matrix as
/// it is stored (0 for a stage without one). `value_bytes`: of an activation in memory; the residual stream, the
/// states, logits and vectors of weights count as float32. Per channel and token, with N states:
///
///   convolution  2K + 2 operations, 1 exponential      (taps; SiLU)
///   dt-projection 2R + 1, 2                            (softplus = log(1 + exp))
///   scan         6N + 3, N                             (Δ·A, Δx·B, two multiply-adds; Δ·x, D·x)
///   gate         3, 1
///   norm         4 per number of the stream
Work stage_work(Stage stage, const ModelSizes& sizes, std::int64_t tokens, std::int64_t weights = 0,
                std::int64_t value_bytes = 4);

}  // namespace statescope
