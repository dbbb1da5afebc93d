// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace statescope::kernels {

/// What a processor can do at most with all threads of a backend. Medians of repeated runs; 0 where a run was stopped.
struct CpuCeilings {
  double read_bandwidth = 0;     // bytes per second, from a buffer larger than its share of the caches
  double copy_bandwidth = 0;     // bytes per second, read and written both counted
  double multiply_add_rate = 0;  // float32 operations per second, a multiply-add counts two
  double bf16_pair_rate = 0;     // the same for dot products of bf16 pairs; 0 without such instructions
  double exponential_rate = 0;   // of float32 exponentials as the scan computes them, from registers
};

}  // namespace statescope::kernels
