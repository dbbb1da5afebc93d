// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/device_memory.h"

namespace statescope::kernels {

/// A layer of one sequence for decode_loop: its weights and its state in device memory, laid out as cuda_decode.h says,
/// rows of matrices padded(columns) apart.
struct DecodeLayer {
  const float* norm = nullptr;             // [D], padded with zeros
  const void* in_proj = nullptr;           // [2E, D]
  const float* in_bias = nullptr;          // [2E] or null
  const float* conv_weight = nullptr;      // [K, E]
  const float* conv_bias = nullptr;        // [E] or null
  const void* x_proj = nullptr;            // [R + 2N, E]
  const void* dt_proj = nullptr;           // [E, R]
  const float* dt_bias = nullptr;          // [E] or null
  const float *A = nullptr, *D = nullptr;  // [N, E], [E]
  const void* out_proj = nullptr;          // [D, E]
  const float* out_bias = nullptr;         // [D] or null
  void* history = nullptr;                 // [K-1, E] in and out, without gaps
  float* h = nullptr;                      // [N, E] in and out
};

/// Tokens of one sequence, each the most likely after the one before it, in one kernel that holds the whole device: its
/// blocks share out the channels and the rows of every matrix, pass what they compute to each other, and read weights
/// ahead while they wait. What the steps of cuda_decode.h do in 98 kernels for 24 layers; activations stay in float32.
struct DecodeLoopArgs {
  ElementType type = ElementType::f32;  // of matrices and history
  std::int64_t d_model = 0, d_inner = 0, d_state = 0, d_conv = 0, dt_rank = 0, vocab = 0;
  const DecodeLayer* layers = nullptr;  // [layer_count], in device memory
  std::int64_t layer_count = 0;
  const void *embedding = nullptr, *head = nullptr;  // [V, D]
  const float* final_norm = nullptr;                 // [D], padded with zeros
  float epsilon = 0;
  std::int64_t drawable = 0;        // ids below it may be chosen
  float* logits = nullptr;          // [V] out, after the last token read
  std::int32_t* ids = nullptr;      // [1] in: the token to read; out: the one chosen last
  std::int32_t* chosen = nullptr;   // [capacity] out, from `counter` on; one past `capacity` is not written
  std::int32_t* counter = nullptr;  // [1] tokens chosen so far, in and out
  std::int64_t capacity = 0;
  /// decode_loop_memory() bytes, zero before the first call and then left alone. The second word of 32 bits is not 0
  /// after a call in which a part of the device waited in vain for another: nothing it left can be used.
  void* memory = nullptr;
};

}  // namespace statescope::kernels
