// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "cuda/selective_scan.h"

namespace statescope::kernels::cuda {

/// Time cut into pieces that run side by side. A first pass finds, for every piece but the last, the state it would end
/// in had it begun with nothing (the first begins with h) and the sum of its Δ, which is all that its decay e^(A·ΣΔ)
/// depends on; the second pass begins each piece with what these imply.
struct Chunks {
  std::int64_t count = 1, length = 0;  // length is a multiple of every tile
  float* start = nullptr;              // [batch, N, E] h as it was before
  float* end = nullptr;                // [count - 1, batch, N, E]
  float* delta = nullptr;              // [count - 1, batch, E]
};

/// How a scan of these sizes runs. A matter of batch, E and N alone without a workspace, so that a sequence read in
/// pieces meets the same operations.
enum class Plan { any, narrow, wide, states_8, states_64, states_128 };

/// Neighbouring channels that are worked on together.
constexpr int channels_of(Plan plan) {
  return plan == Plan::any ? 1 : plan == Plan::narrow ? 12 : plan == Plan::states_128 ? 8 : 16;
}

/// Tokens of a chunk from which on its end is sooner found as a sum than by the recurrence (measured on an H200), and
/// what the length of such chunks is a multiple of.
constexpr std::int64_t worth_summing = 1024, tile_of_sums = 128;

/// Pairs of warps, each with channels_of(plan) channels, that a block has at most: more read longer rows from memory,
/// fewer wait less for each other (measured on an H200).
constexpr int pairs_of_block(Plan plan, std::int64_t length) {
  if (plan == Plan::wide) return length < worth_summing ? 4 : 8;
  return plan == Plan::states_8 || plan == Plan::states_64 ? 4 : 1;
}

/// The blocks of a group of channels for chunks of this length, and how many pairs of warps each has.
struct Blocks {
  std::int64_t count, pairs;
};
inline Blocks blocks_of_group(const ScanArgs& args, Plan plan, std::int64_t length) {
  const auto ratio = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const std::int64_t pairs = ratio(args.E / args.groups, channels_of(plan)),
                     count = ratio(pairs, pairs_of_block(plan, length));
  return {count, ratio(pairs, count)};
}

/// Enqueues a scan of elements T (float, __nv_bfloat16 or __half).
template <class T>
void run_scan(const ScanArgs& args, Plan plan, const Chunks& chunks, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
