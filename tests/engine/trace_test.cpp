// SPDX-License-Identifier: GPL-3.0-or-later
// A trace keeps little and recomputes the rest: what comes back must be what the run had, bit for bit.
#include "engine/run/trace.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/error.h"
#include "engine/run/session.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Floats = std::vector<float>;

class TraceOfARun : public testing::Test {
 protected:
  static constexpr std::int64_t T = 150, E = 37, N = 5, layers = 3;  // two checkpoints on the way, odd width

  static void SetUpTestSuite() {
    model = random_model({{layers, 16, E, N, 4, 2, 29}, Dtype::f32, true, true, true, true});
    ids = random_ids(T, 29);
    run = std::make_unique<Capture>(captured(*model, ids));
  }
  static void TearDownTestSuite() {
    model.reset();
    run.reset();
  }
  TraceOfARun() : session(model) { session.append(ids, false); }

  static void expect_equal(const LayerTrack& a, const LayerTrack& b) {
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.delta, b.delta);
    EXPECT_EQ(a.B, b.B);
    EXPECT_EQ(a.C, b.C);
    EXPECT_EQ(a.conv, b.conv);
    EXPECT_EQ(a.y, b.y);
    EXPECT_EQ(a.gate, b.gate);
  }

  inline static std::shared_ptr<const Model> model;
  inline static std::vector<std::int32_t> ids;
  inline static std::unique_ptr<Capture> run;
  Session session;
};

TEST_F(TraceOfARun, GivesEveryTensorOfEveryLayerBack) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    SCOPED_TRACE(layer);
    const LayerTrack track = layer_track(*model, session.trace(), layer);
    EXPECT_EQ(track.delta, run->at(Quantity::delta, layer));
    EXPECT_EQ(track.B, run->at(Quantity::B, layer));
    EXPECT_EQ(track.C, run->at(Quantity::C, layer));
    EXPECT_EQ(track.conv, run->at(Quantity::conv, layer));
    EXPECT_EQ(track.y, run->at(Quantity::y, layer));
    EXPECT_EQ(track.gate, run->at(Quantity::gate, layer));
  }
}

TEST_F(TraceOfARun, ExtendsAnOlderTrackToTheSameBits) {
  for (const std::int64_t before : {1, 63, 64, 65, 128, 150}) {
    SCOPED_TRACE(before);
    Session shorter(model);
    shorter.append(std::span(ids).first(static_cast<std::size_t>(before)), false);
    const LayerTrack old = layer_track(*model, shorter.trace(), 1);
    expect_equal(layer_track(*model, session.trace(), 1, &old), layer_track(*model, session.trace(), 1));
  }
}

TEST_F(TraceOfARun, ExtendingComputesOnlyWhatFollowsTheLastCheckpoint) {
  LayerTrack old = layer_track(*model, session.trace(), 1);
  session.append(ids, false);
  old.delta[0] = 42;                                  // before the checkpoint at 128: taken over
  old.delta[static_cast<std::size_t>(140 * E)] = 42;  // after it: computed again
  const LayerTrack extended = layer_track(*model, session.trace(), 1, &old);
  EXPECT_EQ(extended.delta[0], 42);
  EXPECT_NE(extended.delta[static_cast<std::size_t>(140 * E)], 42);
}

TEST_F(TraceOfARun, TracksOfOtherLayersOrLongerRunsAreNotTakenOver) {
  const LayerTrack other = layer_track(*model, session.trace(), 0);
  expect_equal(layer_track(*model, session.trace(), 1, &other), layer_track(*model, session.trace(), 1));
  const LayerTrack longer = layer_track(*model, session.trace(), 1);
  session.rewind(70);
  const LayerTrack fresh = layer_track(*model, session.trace(), 1);
  ASSERT_EQ(fresh.tokens, 70);
  expect_equal(layer_track(*model, session.trace(), 1, &longer), fresh);
}

TEST_F(TraceOfARun, StatesComeBackAcrossCheckpoints) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const LayerTrack track = layer_track(*model, session.trace(), layer);
    const Floats& all = run->at(Quantity::h, layer);
    for (const auto& [begin, end] :
         {std::pair{0, 1}, {0, 150}, {63, 66}, {64, 65}, {100, 130}, {128, 150}, {149, 150}, {77, 77}}) {
      EXPECT_EQ(states(*model, session.trace(), track, begin, end),
                Floats(all.begin() + begin * E * N, all.begin() + end * E * N))
          << "layer " << layer << ", tokens " << begin << " to " << end;
    }
  }
}

TEST_F(TraceOfARun, ChannelTrajectoriesAreTheRunsStates) {
  const LayerTrack track = layer_track(*model, session.trace(), 2);
  const Floats& all = run->at(Quantity::h, 2);
  for (std::int64_t channel = 0; channel < E; ++channel) {
    Floats expected;
    for (std::int64_t t = 0; t < T; ++t)
      for (std::int64_t n = 0; n < N; ++n) expected.push_back(all[static_cast<std::size_t>((t * E + channel) * N + n)]);
    ASSERT_EQ(channel_states(*model, track, channel), expected) << channel;
  }
}

TEST_F(TraceOfARun, AnUpdateAddsUp) {
  const LayerTrack track = layer_track(*model, session.trace(), 1);
  for (const std::int64_t channel : {0, 36}) {
    const Floats trajectory = channel_states(*model, track, channel);
    for (std::int64_t t = 0; t < T; ++t) {
      for (std::int64_t n = 0; n < N; ++n) {
        const StateUpdate u = state_update(*model, track, trajectory, channel, n, t);
        ASSERT_LT(u.A, 0);
        ASSERT_NEAR(u.gate, std::exp(u.delta * u.A), 1e-15);
        ASSERT_NEAR(u.write, u.delta * u.B * u.x, 1e-15);
        ASSERT_EQ(u.h, run->at(Quantity::h, 1)[static_cast<std::size_t>((t * E + channel) * N + n)]);
        ASSERT_EQ(u.h_prev, t == 0 ? 0 : trajectory[static_cast<std::size_t>((t - 1) * N + n)]);
        // A few float32 roundings of the two terms.
        ASSERT_NEAR(u.gate * u.h_prev + u.write, u.h, 1e-6 * (std::abs(u.h_prev) + std::abs(u.write)));
      }
    }
  }
}

TEST_F(TraceOfARun, SummariesAreWhatTheyAreCalled) {
  const auto norm = [](const float* values, std::int64_t count) {
    double squares = 0;
    for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(values[i]) * values[i];
    return std::sqrt(squares);
  };
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const std::int64_t t : {0, 64, 149}) {
      const LayerSummary& summary =
          session.trace().tokens[static_cast<std::size_t>(t)]->layers[static_cast<std::size_t>(layer)];
      const float* delta = run->at(Quantity::delta, layer).data() + t * E;
      double total = 0;
      for (std::int64_t e = 0; e < E; ++e) total += delta[e];
      EXPECT_NEAR(summary[Summary::mean_delta], total / E, 1e-6);
      EXPECT_NEAR(summary[Summary::state_norm], norm(run->at(Quantity::h, layer).data() + t * E * N, E * N), 1e-5);
      const float* before = run->at(Quantity::hidden, layer).data() + t * 16;
      const float* after = run->at(Quantity::hidden, layer + 1).data() + t * 16;
      EXPECT_NEAR(summary[Summary::residual_norm], norm(before, 16), 1e-5);
      Floats update(16);
      for (std::size_t d = 0; d < 16; ++d) update[d] = after[d] - before[d];
      EXPECT_NEAR(summary[Summary::update_norm], norm(update.data(), 16), 1e-5);
    }
  }
}

TEST_F(TraceOfARun, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(layer_track(*model, session.trace(), 0, nullptr, stop.get_token()), Cancelled);
}

TEST_F(TraceOfARun, OfNothingIsEmpty) {
  const LayerTrack track = layer_track(*model, Session(model).trace(), 1);
  EXPECT_EQ(track.tokens, 0);
  EXPECT_TRUE(track.delta.empty());
}

TEST(Summaries, HaveNamesThatReadBack) {
  for (const Summary summary : all_summaries) EXPECT_EQ(parse_summary(summary_name(summary)), summary);
  const std::string message = message_of([] { parse_summary("mean"); });
  EXPECT_NE(message.find("\"mean\"; known are mean_delta, state_norm"), std::string::npos) << message;
}

}  // namespace
}  // namespace statescope
