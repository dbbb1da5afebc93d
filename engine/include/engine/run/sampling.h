// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace statescope {

struct Sampling {
  double temperature = 0;  // 0 is greedy: the most likely token, the lowest id among equals
  int top_k = 0;           // only the k most likely tokens; 0 is all
  double top_p = 1;        // only the most likely tokens that together reach this probability
  std::uint64_t seed = 1;
  bool operator==(const Sampling&) const = default;
};

/// Throws Error naming the first value out of range.
void check_sampling(const Sampling& sampling);

struct Candidate {
  std::int32_t id = 0;
  float probability = 0;  // softmax at temperature 1 over the whole vocabulary
};

/// log Σ exp(logit): what is to be subtracted from a logit to make it a log-probability.
double log_sum_exp(std::span<const float> logits);

/// The `count` most likely next tokens, most likely first.
std::vector<Candidate> top_candidates(std::span<const float> logits, int count);
/// The same where log_sum_exp is known.
std::vector<Candidate> top_candidates(std::span<const float> logits, int count, double log_total);

/// Natural logarithm of the probability of `id`.
double log_probability(std::span<const float> logits, std::int32_t id);

/// Draws the token at `position`. A pure function: the random number comes from seed and position alone, so rewinding
/// and generating again gives the same text. Cut by top-k, then by top-p, on the tempered probabilities.
/// Throws Error when there are no logits or one of them is not finite.
std::int32_t sample(std::span<const float> logits, const Sampling& sampling, std::int64_t position);

}  // namespace statescope
