// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/random_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/error.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;

const ModelSizes sizes{2, 12, 24, 4, 4, 1, 40};

TEST(RandomWeights, AreAModelThatRunsAndComesOutAlikeForOneSeed) {
  const auto logits = [](std::uint64_t seed) {
    const auto model = load_model(random_checkpoint(sizes, seed), Precision::f32, 1);
    EXPECT_EQ(model->info().conflicts.size(), 0U);
    ModelState state = model->initial_state();
    return read_for_logits(*model, std::vector<std::int32_t>{1, 2, 39}, state);
  };
  const std::vector<float> first = logits(1);
  ASSERT_EQ(first.size(), 40U);
  for (const float value : first) EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(logits(1), first);
  EXPECT_NE(logits(2), first);
}

TEST(RandomWeights, StepsLieBetweenTheBoundsOfTheInitialisation) {
  const Checkpoint checkpoint = random_checkpoint(sizes);
  for (const double bias : checkpoint.read_f64("backbone.layers.1.mixer.dt_proj.bias")) {
    const double delta = std::log1p(std::exp(bias));
    EXPECT_GE(delta, 0.001 * (1 - 1e-4));
    EXPECT_LE(delta, 0.1 * (1 + 1e-4));
  }
  EXPECT_FLOAT_EQ(checkpoint.read_f32("backbone.layers.0.mixer.A_log")[5], std::log(2.0f));  // channel 1, state 1
}

TEST(RandomWeights, PublishedSizesHaveNames) {
  const ModelSizes s = published_sizes("mamba-130m");
  EXPECT_EQ(s.layers, 24);
  EXPECT_EQ(s.d_inner, 1536);
  EXPECT_EQ(s.dt_rank, 48);
  EXPECT_NE(message_of([] { published_sizes("mamba-7b"); }).find("mamba-130m"), std::string::npos);
}

TEST(RandomWeights, StopWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(random_checkpoint(sizes, 1, stop.get_token()), Cancelled);
}

}  // namespace
}  // namespace statescope
