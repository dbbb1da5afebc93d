// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "engine/error.h"

namespace statescope {
namespace {

// Calls f(chain, logit) for all of them in 16 chains, which compilers turn into vectors: one after the other, each step
// would wait for the one before, and generation with small weights would wait for that.
constexpr std::size_t chains = 16;
template <class F>
void in_chains(std::span<const float> logits, const F& f) {
  std::size_t i = 0;
  for (; i + chains <= logits.size(); i += chains)
    for (std::size_t c = 0; c < chains; ++c) f(c, logits[i + c]);
  for (; i < logits.size(); ++i) f(i % chains, logits[i]);
}

// A logit that is not a number is passed over.
float highest(std::span<const float> logits) {
  std::array<float, chains> best;
  best.fill(-std::numeric_limits<float>::infinity());
  in_chains(logits, [&](std::size_t c, float logit) { best[c] = logit > best[c] ? logit : best[c]; });
  return *std::max_element(best.begin(), best.end());
}

bool all_finite(std::span<const float> logits) {
  std::array<float, chains> zeros{};  // but not a number where a logit is not finite
  in_chains(logits, [&](std::size_t c, float logit) { zeros[c] += logit * 0; });
  return std::all_of(zeros.begin(), zeros.end(), [](float zero) { return zero == 0; });
}

// Indices of the `count` largest logits, largest first, lower id first among equals.
std::vector<std::int32_t> largest(std::span<const float> logits, std::size_t count) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto above = [&](std::int32_t a, std::int32_t b) {
    const float la = logits[static_cast<std::size_t>(a)], lb = logits[static_cast<std::size_t>(b)];
    return la != lb ? la > lb : a < b;
  };
  count = std::min(count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(), above);
  ids.resize(count);
  return ids;
}

// A number in [0, 1) from seed and position: the SplitMix64 generator (Steele, Lea & Flood 2014) at that step.
double uniform(std::uint64_t seed, std::int64_t position) {
  std::uint64_t z = seed * 0xD1342543DE82EF95u + (static_cast<std::uint64_t>(position) + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

}  // namespace

void check_sampling(const Sampling& sampling) {
  if (!(sampling.temperature >= 0 && sampling.temperature <= 100)) throw Error("temperature must be between 0 and 100");
  if (sampling.top_k < 0) throw Error("top-k must be 0 (all tokens) or more");
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) throw Error("top-p must be above 0 and at most 1");
}

double log_sum_exp(std::span<const float> logits) {
  const float top = highest(logits);
  double total = 0;  // of floats that are right to an ulp each: the sum is as good as that
  for (const float logit : logits) total += std::exp(logit - top);
  return top + std::log(total);
}

std::vector<Candidate> top_candidates(std::span<const float> logits, int count) {
  return top_candidates(logits, count, log_sum_exp(logits));
}

std::vector<Candidate> top_candidates(std::span<const float> logits, int count, double log_total) {
  std::vector<Candidate> candidates;
  for (const std::int32_t id : largest(logits, static_cast<std::size_t>(count)))
    candidates.push_back({id, static_cast<float>(std::exp(logits[static_cast<std::size_t>(id)] - log_total))});
  return candidates;
}

double log_probability(std::span<const float> logits, std::int32_t id) {
  return logits[static_cast<std::size_t>(id)] - log_sum_exp(logits);
}

std::int32_t sample(std::span<const float> logits, const Sampling& sampling, std::int64_t position) {
  if (logits.empty()) throw Error("there is no token to draw: the tokenizer's vocabulary is empty");
  if (!all_finite(logits))
    throw Error("the model's logits are not finite at position " + std::to_string(position) +
                "; its weights overflow in this arithmetic, try f32");
  if (sampling.temperature == 0)
    return static_cast<std::int32_t>(std::find(logits.begin(), logits.end(), highest(logits)) - logits.begin());
  const auto kept = sampling.top_k > 0 ? static_cast<std::size_t>(sampling.top_k) : logits.size();
  const std::vector<std::int32_t> ids = largest(logits, kept);
  std::vector<double> weights;
  const double top = logits[static_cast<std::size_t>(ids.front())];
  for (const std::int32_t id : ids)
    weights.push_back(std::exp((logits[static_cast<std::size_t>(id)] - top) / sampling.temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sampling.top_p < 1) {
    double reached = 0;
    std::size_t count = 0;
    while (count < weights.size() && reached < sampling.top_p * total) reached += weights[count++];
    weights.resize(count);
    total = reached;
  }
  double left = uniform(sampling.seed, position) * total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return ids[i];
  }
  return ids[weights.size() - 1];  // rounding may leave a crumb after the last weight
}

}  // namespace statescope
