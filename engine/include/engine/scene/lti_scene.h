// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/dynamics/discretise.h"
#include "engine/dynamics/preset.h"
#include "engine/dynamics/signal.h"

namespace statescope {

/// The experiment "lti": a linear time-invariant system, discretised, answers an input.
struct LtiRun {
  SystemChoice system;               // a mass on a spring
  StepRule rule;                     // zero-order hold, Δ = 0.1 s
  Signal input;                      // a step
  std::vector<double> h0;            // [N], the state before the first input; empty is zero
  std::vector<Complex> eigenvalues;  // [N] of A, where a hand has put them; empty: they are searched for
  bool operator==(const LtiRun&) const = default;
};

/// What the Dynamics workspace shows of it.
struct LtiView {
  enum class Page { motion, convolution, frequency };
  Page page = Page::motion;
  std::int64_t axes[3] = {0, 1, 2};  // states of the phase portrait
  bool three_d = false;              // of three or more states
  bool operator==(const LtiView&) const = default;
};

struct LtiScene {
  LtiRun run;
  LtiView view;
  std::int64_t cursor = 0;  // sample
  bool operator==(const LtiScene&) const = default;
};

}  // namespace statescope
