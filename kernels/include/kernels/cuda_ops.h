// SPDX-License-Identifier: GPL-3.0-or-later
// What operations of CudaBackend take, in device memory.
#pragma once

#include <cstdint>

#include "kernels/device_memory.h"

namespace statescope::kernels {

/// A scan's sums of so many tokens lie, and are written, together.
constexpr std::int64_t summed_tokens = 4;

/// Where an operation leaves its state in passing, in float32: after `interval` tokens, 2 · interval and so on, `count`
/// times, `step` floats apart. It reads count · interval tokens at least.
struct PassedStates {
  float* to = nullptr;
  std::int64_t interval = 0, count = 0, step = 0;
};

/// The selective scan of kernels/selective_scan.h on the device, one sequence, everything fused in. State, Δ and
/// exp(Δ·A) are float32 whatever the type of the rest, which is one.
struct DeviceScanArgs {
  DeviceMatrix x, delta;     // [T, E]; delta before bias and softplus
  DeviceMatrix B, C;         // [T, N]
  DeviceMatrix z;            // [T, E] or empty: y is then not gated
  const float* A = nullptr;  // [N, E] state-major
  std::int64_t N = 0;
  const float* D = nullptr;           // [E]
  const float* delta_bias = nullptr;  // [E] or null
  float* h = nullptr;                 // [N, E] in and out
  DeviceMatrix y;                     // [T, E]
  float* h_all = nullptr;             // [T, E, N] or null
  /// Σ Δ and Σ h² of some channels each, [⌈T / 4⌉, scan_sum_slots, 2, 4 tokens], or null. What lies behind the
  /// last token means nothing.
  float* sums = nullptr;
  PassedStates passed = {};  // h [N, E]; only beside sums
};

/// What is kept of rows [T, D] on their way into the norm of a layer, and of the layer before.
struct KeptRows {
  float* rows = nullptr;             // [T, D] the rows themselves
  const float* before = nullptr;     // [T, D] those kept before the layer before, or null
  const float* scan_sums = nullptr;  // of its scan, or null
  std::int64_t slots = 0;
  std::int64_t channels = 1;  // of the scan
  /// One number a row, `step` floats apart, or null: |x|, |x - before|, the mean Δ and |h| of the scan.
  float *residual = nullptr, *update = nullptr, *delta = nullptr, *state = nullptr;
  std::int64_t step = 1;
};

/// The linear scan of kernels/scan_ladder.h, all float32.
struct DeviceLinearScanArgs {
  DeviceMatrix a, b;          // [T, W]
  const float* h0 = nullptr;  // [W], or null for 0
  DeviceMatrix h;             // [T, W]; may be b itself
  void* workspace = nullptr;  // linear_scan_work(algorithm, T, W, chunk).workspace bytes
};

/// The causal convolution of kernels/causal_conv.h; the new history goes elsewhere, because many blocks read the old.
struct DeviceConvArgs {
  DeviceMatrix x;                 // [T, E]
  const float* weight = nullptr;  // [K, E]
  const float* bias = nullptr;    // [E] or null
  std::int64_t taps = 0;          // K
  DeviceMatrix history;           // [K-1, E] in
  DeviceMatrix next_history;      // [K-1, E] out; must not overlap history
  DeviceMatrix y;                 // [T, E]
  PassedStates passed = {};       // histories [K-1, E]
};

/// What a copy from one matrix to another does to the elements on the way, in float32.
enum class Mapping { identity, softplus, silu };

}  // namespace statescope::kernels
