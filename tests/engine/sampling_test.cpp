// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/error.h"

namespace statescope {
namespace {

using Floats = std::vector<float>;

std::set<std::int32_t> drawn(const Floats& logits, const Sampling& sampling, int draws = 2000) {
  std::set<std::int32_t> ids;
  for (int i = 0; i < draws; ++i) ids.insert(sample(logits, sampling, i));
  return ids;
}

TEST(Sampling, GreedyTakesTheLowestIdAmongEquals) {
  EXPECT_EQ(sample(Floats{1, 3, 2, 3}, {}, 0), 1);
  EXPECT_EQ(sample(Floats{-5}, {}, 9), 0);
}

TEST(Sampling, TopKKeepsTheKMostLikely) {
  const Floats logits{0, 2, 1, 2, -1};
  EXPECT_EQ(drawn(logits, {.temperature = 5, .top_k = 1}), (std::set<std::int32_t>{1}));
  EXPECT_EQ(drawn(logits, {.temperature = 5, .top_k = 3}), (std::set<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(drawn(logits, {.temperature = 5, .top_k = 99}).size(), 5U);
  EXPECT_EQ(drawn(logits, {.temperature = 5}).size(), 5U);
}

TEST(Sampling, TopPStopsAtTheTokenThatReachesIt) {
  // Probabilities 0.5, 0.25, 0.125, 0.125: exact in binary, so the boundary is exact.
  const Floats logits{std::log(0.125F), std::log(0.5F), std::log(0.125F), std::log(0.25F)};
  const auto kept = [&](double top_p) { return drawn(logits, {.temperature = 1, .top_p = top_p}); };
  EXPECT_EQ(kept(1e-9), (std::set<std::int32_t>{1}));
  EXPECT_EQ(kept(0.4999), (std::set<std::int32_t>{1}));
  EXPECT_EQ(kept(0.5001), (std::set<std::int32_t>{1, 3}));
  EXPECT_EQ(kept(0.7499), (std::set<std::int32_t>{1, 3}));
  EXPECT_EQ(kept(0.7501), (std::set<std::int32_t>{0, 1, 3}));  // the lower id of two equals
  EXPECT_EQ(kept(1).size(), 4U);
}

TEST(Sampling, TopPCountsWhatTopKLeft) {
  const Floats logits{std::log(0.5F), std::log(0.25F), std::log(0.25F)};
  // Of the two that top-k keeps, the first has two thirds.
  EXPECT_EQ(drawn(logits, {.temperature = 1, .top_k = 2, .top_p = 0.6}), (std::set<std::int32_t>{0}));
  EXPECT_EQ(drawn(logits, {.temperature = 1, .top_p = 0.6}), (std::set<std::int32_t>{0, 1}));
}

TEST(Sampling, FollowsTheTemperedDistribution) {
  const Floats logits{0.3F, -1, 2, 0, 1.1F, -0.4F, 0.9F, 1.6F};
  for (const double temperature : {0.5, 1.0, 2.0}) {
    constexpr int draws = 40000;
    std::vector<int> counts(logits.size());
    for (int i = 0; i < draws; ++i)
      ++counts[static_cast<std::size_t>(sample(logits, {.temperature = temperature, .seed = 123}, i))];
    double total = 0, chi_square = 0;
    for (const float logit : logits) total += std::exp(logit / temperature);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected = draws * std::exp(logits[i] / temperature) / total;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(chi_square, 24.3) << temperature;  // 7 degrees of freedom, one in a thousand
  }
}

TEST(Sampling, DependsOnSeedAndPositionAlone) {
  const Floats logits(50, 0.5F);
  const auto text = [&](std::uint64_t seed) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 30; ++i) ids.push_back(sample(logits, {.temperature = 1, .seed = seed}, i));
    return ids;
  };
  EXPECT_EQ(text(4), text(4));
  EXPECT_NE(text(4), text(5));
  const std::vector<std::int32_t> ids = text(4);
  EXPECT_GT(std::set<std::int32_t>(ids.begin(), ids.end()).size(), 15U);  // positions differ, too
}

TEST(Sampling, ExtremeTemperaturesStayDefined) {
  const Floats logits{-3e38F, 3e38F, 0};
  EXPECT_EQ(drawn(logits, {.temperature = 5e-324}), (std::set<std::int32_t>{1}));
  EXPECT_EQ(drawn(logits, {.temperature = 100}), (std::set<std::int32_t>{1}));
}

TEST(Sampling, RefusesSettingsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(check_sampling({}));
  EXPECT_NO_THROW(check_sampling({.temperature = 100, .top_k = 1, .top_p = 1e-9}));
  for (const double temperature : {-0.1, 100.1, nan}) EXPECT_THROW(check_sampling({.temperature = temperature}), Error);
  EXPECT_THROW(check_sampling({.top_k = -1}), Error);
  for (const double top_p : {0.0, -1.0, 1.01, nan}) EXPECT_THROW(check_sampling({.top_p = top_p}), Error);
}

TEST(Sampling, RefusesLogitsItCannotDrawFrom) {
  EXPECT_THROW(sample({}, {}, 0), Error);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THROW(sample(Floats{1, bad, 2}, {}, 0), Error);
    EXPECT_THROW(sample(Floats{1, bad, 2}, {.temperature = 1}, 0), Error);
  }
}

TEST(Candidates, AreSoftmaxProbabilitiesMostLikelyFirst) {
  const auto top = top_candidates(Floats{std::log(0.2F), std::log(0.5F), std::log(0.1F), std::log(0.2F)}, 3);
  ASSERT_EQ(top.size(), 3U);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_NEAR(top[0].probability, 0.5, 1e-6);
  EXPECT_EQ(top[1].id, 0);  // the lower id of two equals
  EXPECT_EQ(top[2].id, 3);
  EXPECT_NEAR(top[2].probability, 0.2, 1e-6);
  EXPECT_EQ(top_candidates(Floats{1, 2}, 12).size(), 2U);
}

TEST(LogProbability, EqualsTheSoftmaxEvenForLargeLogits) {
  // Each exponential is a float, right to 6e-8.
  EXPECT_NEAR(log_probability(Floats{1000, 1001}, 0), -std::log1p(std::exp(1.0)), 1e-7);
  EXPECT_NEAR(log_probability(Floats{-1000, -1001, -1002}, 2), -2 - std::log(1 + std::exp(-1.0) + std::exp(-2.0)),
              1e-7);
}

}  // namespace
}  // namespace statescope
