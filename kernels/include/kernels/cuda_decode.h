// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/device_memory.h"

namespace statescope::kernels {

// One token of `batch` independent sequences through a Mamba-1 layer in four fused steps, in the order below, with a
// token's beginning (the embedding) and end (head, choice) around the layers; where sequences are taken together the
// second step is part of the first and the third. Everything lies in device memory, so that a recorded chain of steps
// runs without the host. Each sum runs in one fixed order: repeated runs give the same bits.
//
// Rows that a product reads (weights and activations) lie `product_pad` elements apart or a multiple of it, with zeros
// in what pads the weights and finite numbers in what pads activations.
constexpr std::int64_t product_pad = 32;
constexpr std::int64_t padded(std::int64_t count) {
  return (count + product_pad - 1) / product_pad * product_pad;
}

/// An 8-bit row of weights is its padded integers, then a bf16 scale for every 32 of them, with the numbers of
/// kernels/linear.h. It multiplies activations in bf16.
constexpr std::int64_t scale_inputs = 32;
/// Elements from one row of weights to the next.
constexpr std::int64_t weight_stride(std::int64_t cols, ElementType type) {
  const std::int64_t inputs = padded(cols), bytes = inputs + inputs / scale_inputs * 2;
  return type == ElementType::i8 ? (bytes + 15) / 16 * 16 : inputs;
}

/// Σ x² over groups of 16 neighbours of a row, which a norm adds up in order.
constexpr std::int64_t squares_group = 16;
constexpr std::int64_t squares_slots(std::int64_t d_model) {
  return (d_model + squares_group - 1) / squares_group;
}

/// The residual stream, x [batch, D] in float32 with D padded, and the sums of its squares [batch, squares_slots(D)].
/// Where steps take sequences together also x times the weights of the norm to come and `stream_scale`, which keeps it
/// inside float16: the rms is known only when all of x is.
struct DecodeStream {
  float* x = nullptr;
  float* squares = nullptr;
  std::int64_t batch = 0, d_model = 0;
  DeviceMatrix scaled = {};  // [batch, D], type of the weights, or empty
};
constexpr float stream_scale = 1.0f / 16;
/// Sequences from which on steps in 16 bits take several together.
constexpr std::int64_t large_batch = 33;

/// x = rows `ids` [batch] of the embedding.
struct DecodeEmbedArgs {
  const std::int32_t* ids = nullptr;
  DeviceMatrix table;  // [V, D]
  DecodeStream stream;
  const float* next_norm = nullptr;  // [D]; for `scaled`
};

/// Where steps take sequences together the in-projection's blocks, 64 channels each, also make the x-projection, in
/// parts that the state update adds up in order: float32 [decode_parts(E), batch, decode_part_stride(R + 2N)].
constexpr std::int64_t decode_part_inputs = 64;
constexpr std::int64_t decode_parts(std::int64_t E) {
  return (E + decode_part_inputs - 1) / decode_part_inputs;
}
constexpr std::int64_t decode_part_stride(std::int64_t projected) {
  return (projected + 7) / 8 * 8;
}
/// What decides whether they do.
struct DecodeShape {
  ElementType type = ElementType::f32;  // of weights and activations
  std::int64_t batch = 0, D = 0, E = 0, N = 0, K = 0, R = 0;
};

/// xz = W rms_norm(x) + bias; u = SiLU(conv(xz[:E])), whose history moves on; z = xz[E:].
struct DecodeInArgs {
  DecodeStream stream;
  const float* norm = nullptr;  // [D], padded with zeros
  float epsilon = 0;
  DeviceMatrix W;                      // [2E, D]
  const float* bias = nullptr;         // [2E] or null
  const float* conv_weight = nullptr;  // [K, E]
  const float* conv_bias = nullptr;    // [E] or null
  std::int64_t taps = 0;               // K
  DeviceMatrix history;                // [batch · (K-1), E] in and out, oldest first; type of W
  DeviceMatrix u, z;                   // [batch, E], type of W
  DeviceMatrix project;                // [R + 2N, E], where there are parts
  float* parts = nullptr;              // of the x-projection, or null
};

/// y = W x; also a small product of its own.
struct DecodeProjectArgs {
  DeviceMatrix x;  // [batch, K]
  DeviceMatrix W;  // [M, K], same type
  DeviceMatrix y;  // [batch, M], same type
};

/// Δ = softplus(W_dt dt_low + bias), the state update and the gate of kernels/selective_scan.h for one token.
struct DecodeStateArgs {
  std::int64_t batch = 0, E = 0, N = 0, R = 0;
  DeviceMatrix projected;          // [batch, R + 2N]: low rank Δ, B, C
  const float* parts = nullptr;    // the same in parts, or null
  DeviceMatrix dt, dt_transposed;  // [E, R] where there are parts, [R, E] elsewhere
  const float* dt_bias = nullptr;  // [E] or null
  const float* A = nullptr;        // [N, E]
  const float* D = nullptr;        // [E]
  DeviceMatrix u, z;               // [batch, E]
  float* h = nullptr;              // [batch, N, E] in and out
  DeviceMatrix y;                  // [batch, E], type of u
};

/// x += W y + bias, and the squares anew.
struct DecodeOutArgs {
  DeviceMatrix y;               // [batch, E]
  DeviceMatrix W;               // [D, E]
  const float* bias = nullptr;  // [D] or null
  DecodeStream stream;
  const float* next_norm = nullptr;  // [D]; for `scaled`
};

/// The best of 32 neighbouring logits.
struct BestLogit {
  float logit;
  std::int32_t id;
};
constexpr std::int64_t best_group = 32;
constexpr std::int64_t best_slots(std::int64_t vocab) {
  return (vocab + best_group - 1) / best_group;
}

/// logits = W rms_norm(x), and the best of each group among the first `drawable`.
struct DecodeHeadArgs {
  DecodeStream stream;
  const float* norm = nullptr;  // [D], padded with zeros
  float epsilon = 0;
  DeviceMatrix W;             // [V, D]
  float* logits = nullptr;    // [batch, V]
  BestLogit* best = nullptr;  // [batch, best_slots(V)]
  std::int64_t drawable = 0;
  DeviceMatrix normed;  // [batch, D], type of W: scratch for large batches
};

/// ids = the most likely of each row, the first of equals; also appended to `chosen` at the row's counter.
struct DecodeChooseArgs {
  const BestLogit* best = nullptr;  // [batch, best_slots(vocab)]
  std::int64_t batch = 0, vocab = 0;
  std::int32_t* ids = nullptr;       // [batch]
  std::int32_t* chosen = nullptr;    // [capacity, batch]
  std::int32_t* counters = nullptr;  // [batch] tokens chosen so far; one past `capacity` is not written
  std::int64_t capacity = 0;
};

}  // namespace statescope::kernels
