// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace statescope::kernels {

/// Loops of cpu/ceilings_impl.h for one instruction set.
struct CeilingOps {
  static constexpr std::int64_t scratch = 12 * 16;  // floats that the loops work on, at most

  std::int64_t multiply_adds_per_round;
  void (*multiply_adds)(float* values, std::int64_t rounds);
  void (*pair_products)(float* values, std::int64_t rounds);  // null without bf16 dot products
  // In one place at a time and in four: processors differ in which of them is faster.
  float (*reading[2])(const float* values, std::int64_t count);
};

}  // namespace statescope::kernels
