// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/focus.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/error.h"
#include "engine/run/readings.h"
#include "engine/run/session.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

constexpr std::int64_t vocab = 31;

RunPointer snapshot(const std::shared_ptr<const LoadedModel>& loaded, const Session& session) {
  return std::make_shared<const RunSnapshot>(RunSnapshot{loaded, session.trace(), {}});
}

Session conversation_of(const LoadedModel& loaded, std::span<const std::int32_t> ids) {
  Session session(loaded.model);
  session.append(ids, false);
  return session;
}

// A run of three stretches, and what one may look at next.
class FocusOn : public testing::Test {
 protected:
  // Whatever is reused must be what would have been computed.
  void expect_reuse_changes_nothing(const RunPointer& next, const ModelView& wanted, std::int64_t cursor) {
    ASSERT_FALSE(known->covers(next, wanted, cursor));
    const auto reused = focus_on(next, wanted, cursor, known, {});
    expect_same_numbers(*reused, *focus_on(next, wanted, cursor, nullptr, {}));
    EXPECT_TRUE(reused->covers(next, wanted, cursor));
    EXPECT_EQ(reused->run, next);
  }

  std::shared_ptr<const LoadedModel> loaded =
      std::make_shared<const LoadedModel>(LoadedModel{random_model({}), std::nullopt});
  Session session = conversation_of(*loaded, random_ids(150, vocab));
  RunPointer run = snapshot(loaded, session);
  ModelView view{1, 7, 2, Summary::mean_delta, Quantity::conv, ChannelOrder::widest};
  std::shared_ptr<const Focus> known = focus_on(run, view, 70, nullptr, {});
};

TEST_F(FocusOn, holds_what_the_engine_says) {
  EXPECT_EQ(known->states_first, 64);
  EXPECT_EQ(known->states_last, 128);
  EXPECT_TRUE(known->covers(run, view, 127));
  EXPECT_FALSE(known->covers(run, view, 128));
  const ModelSizes& s = loaded->model->info().sizes;
  const Capture truth = captured(*loaded->model, session.trace().ids());
  const std::vector<float>& h = truth.at(Quantity::h, 1);  // [T, E, N]
  for (const std::int64_t t : {64, 70, 127})
    for (const std::int64_t n : {0, 4}) {
      const float expected = h[static_cast<std::size_t>((t * s.d_inner + 7) * s.d_state + n)];
      ASSERT_NE(expected, 0);
      EXPECT_EQ((*known->states)[static_cast<std::size_t>(((t - 64) * s.d_inner + 7) * s.d_state + n)], expected);
      EXPECT_EQ((*known->channel_curves[static_cast<std::size_t>(n)])[static_cast<std::size_t>(t)], expected);
    }
  EXPECT_EQ(*known->map, over_time(*known->track, Quantity::conv));
  float largest = 0;
  for (const float value : *known->states) largest = std::max(largest, std::abs(value));
  EXPECT_GT(known->state_range, 0.2f * largest);
  EXPECT_LT(known->state_range, 2 * largest);
}

TEST_F(FocusOn, another_layer) {
  view.layer = 0;
  expect_reuse_changes_nothing(run, view, 70);
}

TEST_F(FocusOn, another_channel) {
  view.channel = 19;
  expect_reuse_changes_nothing(run, view, 70);
}

TEST_F(FocusOn, another_tensor) {
  for (const Quantity map : {Quantity::delta, Quantity::gate, Quantity::y, Quantity::B, Quantity::C}) {
    view.map = map;
    expect_reuse_changes_nothing(run, view, 70);
  }
}

TEST_F(FocusOn, cursor_beyond_the_stretch) {
  expect_reuse_changes_nothing(run, view, 63);
  expect_reuse_changes_nothing(run, view, 149);
}

TEST_F(FocusOn, run_extended_by_generation) {
  for (int i = 0; i < 50; ++i) {
    const std::int32_t id = session.draw({}, vocab);
    session.append(std::span(&id, 1), true);
  }
  const RunPointer longer = snapshot(loaded, session);
  const auto reused = focus_on(longer, view, 70, known, {});
  EXPECT_EQ(reused->track->tokens, 200);
  expect_reuse_changes_nothing(longer, view, 70);
  expect_reuse_changes_nothing(longer, view, 199);
}

TEST_F(FocusOn, run_rewound_and_replaced_by_one_of_the_same_length) {
  session.rewind(100);
  expect_reuse_changes_nothing(snapshot(loaded, session), view, 70);
  session.append(random_ids(50, vocab, 99), false);
  const RunPointer other = snapshot(loaded, session);
  ASSERT_NE(other->trace.ids(), run->trace.ids());
  expect_reuse_changes_nothing(other, view, 149);
}

TEST_F(FocusOn, run_of_another_model) {
  MambaSpec spec;
  spec.seed = 2;
  const auto other = std::make_shared<const LoadedModel>(LoadedModel{random_model(spec), std::nullopt});
  const RunPointer other_run = snapshot(other, conversation_of(*other, session.trace().ids()));
  expect_reuse_changes_nothing(other_run, view, 70);
  EXPECT_NE(*focus_on(other_run, view, 70, known, {})->map, *known->map);
}

TEST_F(FocusOn, stops_when_asked_to) {
  std::stop_source source;
  source.request_stop();
  view.layer = 0;
  EXPECT_THROW(focus_on(run, view, 70, known, source.get_token()), Cancelled);
}

TEST_F(FocusOn, same_run_shares_instead_of_computing_again) {
  view.channel = 3;
  const auto next = focus_on(run, view, 71, known, {});
  EXPECT_EQ(next->track, known->track);
  EXPECT_EQ(next->map, known->map);
  EXPECT_EQ(next->states, known->states);
}

}  // namespace
}  // namespace statescope::test
