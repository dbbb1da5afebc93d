// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "engine/dynamics/principal.h"
#include "engine/experiments/lti.h"
#include "widgets/series.h"

namespace statescope {

/// A result that whoever holds it last gives back by a thread of the pool: for a long one that takes tens of
/// milliseconds, which no event handler has.
std::shared_ptr<const LtiResult> shared_result(LtiResult&& result);

/// A result and its numbers as views take them: shared, not copied. Made where the result was made, because long ones
/// are summed up for drawing.
struct LtiSeries {
  LtiSeries() = default;
  /// With the principal directions of three or more states, when the portrait shows one of them.
  LtiSeries(std::shared_ptr<const LtiResult> result, const LtiView& view);

  std::shared_ptr<const LtiResult> result;                                               // null: none yet
  std::vector<Series> states;                                                            // N of [L]
  PrincipalDirections directions;                                                        // three; empty unless shown
  std::vector<Series> principal;                                                         // h along them, 3 of [L]
  Series input, recurrence, fft, kernel, free_response, step_response, continuous_step;  // [L]
  Series exact_kernel;                                                                   // Δ C e^{tA} B [L]
  std::vector<float> strip;  // the output as shares of 0 … 1, for the scrubber [L]
};

}  // namespace statescope
