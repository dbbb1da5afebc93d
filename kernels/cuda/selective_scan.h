// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda_ops.h"

namespace statescope::kernels::cuda {

/// A tensor [batch, T, columns] in device memory whose columns are neighbours. Strides count elements; a row stride of
/// 0 makes it constant over time. The data pointer is null for what is absent.
template <class Pointer>
struct Sequence {
  Pointer data = nullptr;
  std::int64_t row = 0;    // from one token to the next
  std::int64_t batch = 0;  // from one sequence to the next
  explicit operator bool() const { return data != nullptr; }
};
using Input = Sequence<const void*>;
using Output = Sequence<void*>;

/// The selective scan of kernels/selective_scan.h on `batch` sequences at once, with everything around it fused in:
///
///   Δ_t = softplus(delta_t + delta_bias)              (each part when asked for)
///   h_t = exp(Δ_t A) ⊙ h_{t-1} + Δ_t B_t x_t
///   y_t = (Σ_n C_t[n] h_t[n] + D ⊙ x_t) ⊙ SiLU(z_t)   (each part when given)
///
/// All pointers are device memory. State, Δ and exp(Δ·A) are float32 whatever `type` is.
struct ScanArgs {
  ElementType type = ElementType::f32;  // of x, delta, B, C, z and y: f32, bf16 or f16
  std::int64_t batch = 1, T = 0, E = 0, N = 0;
  std::int64_t groups = 1;            // of B and C; divides E, channel e belongs to group e / (E / groups)
  Input x, delta;                     // [batch, T, E]
  const float* A = nullptr;           // [N, E] state-major
  Input B, C;                         // [batch, T, groups · N]
  const float* D = nullptr;           // [E] or null
  Input z;                            // [batch, T, E] or absent
  const float* delta_bias = nullptr;  // [E] or null
  bool softplus = false;
  float* h = nullptr;      // [batch, N, E] in: before the first token; out: after the last
  Output y;                // [batch, T, E]
  float* h_all = nullptr;  // [batch, T, E, N] every state, or null
  /// Σ Δ and Σ h² of each token over some neighbouring channels, [batch, ⌈T / 4⌉, scan_sum_slots(args), 2, 4 tokens],
  /// or null. What lies behind the last token means nothing.
  float* sums = nullptr;
  PassedStates passed;  // [batch, count] of h [N, E]; only beside sums
  /// With `channels` h_all is [batch, T, channels, N] of those channels only, by rising index.
  const std::int32_t* channel_list = nullptr;  // device memory
  std::int64_t channels = 0;
  /// Device memory of scan_workspace(args) bytes. With it, few sequences are cut into chunks of time that run side by
  /// side; without it, time is never cut.
  void* workspace = nullptr;
};

/// Bytes that let the scan cut time into chunks; 0 when the sequences alone fill the device.
std::int64_t scan_workspace(const ScanArgs& args);

/// How many groups of channels the scan adds up each on its own.
std::int64_t scan_sum_slots(const ScanArgs& args);

/// Whether selective_scan can run these sizes and types; the launcher asks the same question.
bool supports(const ScanArgs& args);

/// Enqueues the scan. Throws CudaError when `supports` is false or the launch is refused. Deterministic: the same
/// inputs give the same bits on one device. Without a workspace, reading a sequence in pieces gives the bits of reading
/// it at once, and states in passing have those of a scan that ends there.
void selective_scan(const ScanArgs& args, cudaStream_t stream);

/// Gradients of a scan that began with the states `h0` and whose upstream gradients are dy and, where given, dh_last.
/// Everything is recomputed from the inputs; only the states every few tokens are kept, in `workspace`.
struct ScanBackwardArgs {
  ScanArgs forward;                // h is read as the state before the first token and left alone; y is not used
  Input dy;                        // [batch, T, E], forward.type
  const float* dh_last = nullptr;  // [batch, N, E] or null
  Output dx, ddelta, dz;           // [batch, T, E], forward.type; dz absent without z; ddelta before bias and softplus
  float *dB = nullptr, *dC = nullptr;           // [batch, T, groups · N]
  float* dA = nullptr;                          // [N, E], summed over batch and time
  float *dD = nullptr, *ddelta_bias = nullptr;  // [E] or null
  float* dh0 = nullptr;                         // [batch, N, E] or null
  void* workspace = nullptr;                    // scan_backward_workspace(args) bytes
};
std::int64_t scan_backward_workspace(const ScanBackwardArgs& args);
/// Enqueues the gradients; every output is overwritten. Deterministic on one device. Throws CudaError, also where a
/// block gets too little shared memory: float32 needs 97 KiB, which devices of compute capability 8.0 and later have.
void selective_scan_backward(const ScanBackwardArgs& args, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
