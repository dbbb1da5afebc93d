// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/dynamics/hippo_memory.h"
#include "engine/dynamics/s4.h"
#include "engine/dynamics/signal.h"

namespace statescope {

inline constexpr std::size_t max_memory_methods = 4;
inline constexpr std::size_t max_memory_times = 65536;

/// The experiment "hippo": a signal is written into the coefficients of one to four methods.
struct HippoRun {
  Signal input = sample_input();  // four seconds that look like speech
  double delta = 0.005;  // seconds
  std::vector<MemoryMethod> methods = std::vector<MemoryMethod>(1);
  // For `compute` only.
  std::vector<std::int64_t> at;      // samples after which it answers; empty: the cursor, or every `stride`-th
  std::int64_t stride = 0;           // 0: none
  std::int64_t points = 0;           // of a reconstruction, evenly spread over the reach; 0: the middle of every sample
  std::vector<std::int64_t> orders;  // for the error against N
  bool operator==(const HippoRun&) const = default;

  static Signal sample_input() {
    Signal signal;
    signal.kind = SignalKind::band_noise;
    signal.length = 800;
    signal.frequency = 0.2;
    signal.frequency_end = 4;
    signal.seed = 7;
    return signal;
  }
};

/// What the Memory workspace shows of it.
struct HippoView {
  std::int64_t method = 0;  // selected: whose matrix and coefficients are shown
  bool operator==(const HippoView&) const = default;
};

struct HippoScene {
  HippoRun run;
  HippoView view;
  std::int64_t cursor = 0;  // sample: what has been read last
  bool operator==(const HippoScene&) const = default;
};

/// The experiment "s4": from a matrix to a convolution kernel.
struct S4Run {
  std::optional<S4dInit> diagonal;                               // empty: S4, the HiPPO matrix as normal plus low rank
  Hippo hippo = {.family = HippoFamily::legs_lti, .order = 32};  // S4D uses the order alone: N/2 modes
  Method discretisation = Method::bilinear;                      // S4 knows bilinear only
  double delta = 0.01;                                           // seconds
  std::int64_t length = 400;                                     // samples of the kernel
  std::vector<Complex> C;                                        // [N] real for S4, [N/2] for S4D; empty: see `read`
  std::int64_t read = 0;  // without C: S4 reads this one coefficient, S4D the sum of all modes
  bool operator==(const S4Run&) const = default;
};
/// Throws Error for what S4 or S4D cannot start from: lmu, another step than bilinear, an odd order of S4D, a C of
/// another length or complex for S4, a `read` beyond the order, Δ ≤ 0, a length outside 1 … max_kernel_length.
void check(const S4Run& run);

struct S4Scene {
  S4Run run;
  std::int64_t cursor = 0;  // sample of the kernel
  bool operator==(const S4Scene&) const = default;
};

}  // namespace statescope
