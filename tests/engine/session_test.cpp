// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/error.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Floats = std::vector<float>;
using Ids = std::vector<std::int32_t>;

const MambaSpec spec{{3, 16, 32, 5, 4, 2, 29}};

const std::shared_ptr<const Model>& model() {
  static const std::shared_ptr<const Model> shared = random_model(spec);
  return shared;
}

Floats logits_of(const Session& session) {
  return {session.logits().begin(), session.logits().end()};
}

Floats stream_of(const Session& session, std::int64_t layer, std::int64_t token) {
  const std::int64_t D = session.model().info().sizes.d_model;
  Floats row(static_cast<std::size_t>(D));
  copy_stream(session.trace(), layer, token, 1, D, row.data());
  return row;
}

// Everything a session knows, bit for bit.
void expect_same(const Session& a, const Session& b) {
  EXPECT_EQ(a.trace().ids(), b.trace().ids());
  EXPECT_EQ(logits_of(a), logits_of(b));
  EXPECT_TRUE(same(a.state(), b.state()));
  for (std::int64_t t = 0; t < std::min(a.length(), b.length()); ++t) {
    const TokenRecord& x = *a.trace().tokens[static_cast<std::size_t>(t)];
    const TokenRecord& y = *b.trace().tokens[static_cast<std::size_t>(t)];
    for (std::int64_t layer = 0; layer <= std::ssize(x.layers); ++layer)
      ASSERT_EQ(stream_of(a, layer, t), stream_of(b, layer, t)) << t;
    for (std::size_t layer = 0; layer < x.layers.size(); ++layer)
      ASSERT_EQ(x.layers[layer].values, y.layers[layer].values) << t;
  }
}

void expect_same_checkpoints(const Trace& a, const Trace& b) {
  ASSERT_EQ(a.interval, b.interval);
  ASSERT_EQ(a.checkpoints.size(), b.checkpoints.size());
  for (std::size_t j = 0; j < a.checkpoints.size(); ++j) EXPECT_TRUE(same(*a.checkpoints[j], *b.checkpoints[j])) << j;
}

Session read(const Ids& ids, std::int64_t limit = Session::default_memory_limit) {
  Session session(model(), limit);
  session.append(ids, false);
  return session;
}

Ids first(const Ids& ids, std::int64_t count) {
  return {ids.begin(), ids.begin() + count};
}

TEST(Session, AppendingInPiecesEqualsAppendingAtOnce) {
  const Ids ids = random_ids(200, 29);
  Session pieces(model());
  std::size_t done = 0;
  for (const std::size_t count : {1U, 62U, 1U, 1U, 70U, 0U, 65U}) {
    pieces.append(std::span(ids).subspan(done, count), false);
    done += count;
  }
  const Session whole = read(ids);
  expect_same(pieces, whole);
  expect_same_checkpoints(pieces.trace(), whole.trace());
}

TEST(Session, EqualsAPlainRun) {
  const Ids ids = random_ids(130, 29);
  const Session session = read(ids);
  const Capture plain = captured(*model(), ids);
  const Floats& logits = plain.at(Quantity::logits);
  EXPECT_EQ(logits_of(session), Floats(logits.end() - 29, logits.end()));
}

TEST(Session, RewindingEqualsNeverHavingGoneOn) {
  const Ids ids = random_ids(200, 29);
  for (const std::int64_t length : {0, 1, 63, 64, 65, 127, 128, 129, 199, 200}) {
    SCOPED_TRACE(length);
    Session session = read(ids);
    session.rewind(length);
    const Session fresh = read(first(ids, length));
    expect_same(session, fresh);
    expect_same_checkpoints(session.trace(), fresh.trace());
    session.append(std::span(ids).subspan(static_cast<std::size_t>(length)), false);
    expect_same(session, read(ids));
  }
}

TEST(Session, RewindingOutOfRangeStaysInside) {
  Session session = read(random_ids(5, 29));
  session.rewind(99);
  EXPECT_EQ(session.length(), 5);
  session.rewind(-3);
  EXPECT_EQ(session.length(), 0);
  EXPECT_TRUE(session.logits().empty());
}

TEST(Session, CancellingKeepsWhatWasReadAndCanGoOn) {
  const Ids ids = random_ids(200, 29);
  Session session(model());
  std::stop_source stop;
  std::vector<std::int64_t> seen;
  EXPECT_THROW(session.append(ids, false, stop.get_token(),
                              [&](std::int64_t done) {
                                seen.push_back(done);
                                if (done >= 128) stop.request_stop();
                              }),
               Cancelled);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{64, 128}));
  expect_same(session, read(first(ids, 128)));
  session.append(std::span(ids).subspan(128), false);
  expect_same(session, read(ids));
  expect_same_checkpoints(session.trace(), read(ids).trace());
}

TEST(Session, ThinsItsCheckpointsOutToFitTheLimit) {
  const Ids ids = random_ids(700, 29);
  const std::int64_t limit = Session::trace_bytes(model()->info(), 700, 256);
  ASSERT_LT(limit, Session::trace_bytes(model()->info(), 700, 128));
  Session small(model(), limit);
  for (std::size_t t = 0; t < 700; t += 50) small.append(std::span(ids).subspan(t, 50), false);
  EXPECT_EQ(small.trace().interval, 256);
  EXPECT_EQ(small.trace().checkpoints.size(), 3U);
  const Session large = read(ids);
  expect_same(small, large);
  for (const std::int64_t layer : {0, 2}) {
    const LayerTrack a = layer_track(*model(), small.trace(), layer), b = layer_track(*model(), large.trace(), layer);
    EXPECT_EQ(a.delta, b.delta);
    EXPECT_EQ(a.y, b.y);
    EXPECT_EQ(states(*model(), small.trace(), a, 250, 270), states(*model(), large.trace(), b, 250, 270));
  }
  small.rewind(300);
  expect_same(small, read(first(ids, 300)));
}

TEST(Session, LimitsThatAreTooSmallLeaveItUnchanged) {
  const Ids ids = random_ids(100, 29);
  Session session = read(ids, Session::trace_bytes(model()->info(), 150, 1024));
  const std::string message = message_of([&] { session.append(ids, false); });
  EXPECT_NE(message.find("200 tokens"), std::string::npos) << message;
  expect_same(session, read(ids));
  EXPECT_EQ(session.trace().interval, read(ids, Session::trace_bytes(model()->info(), 150, 1024)).trace().interval);
  session.append(std::span(ids).first(50), false);
  EXPECT_EQ(session.length(), 150);
}

TEST(Session, IdsOutsideTheVocabularyLeaveItUnchanged) {
  const Ids ids = random_ids(70, 29);
  Session session = read(ids);
  Ids bad = random_ids(90, 29);
  for (const std::int32_t id : {29, -1}) {
    bad[80] = id;
    EXPECT_THROW(session.append(bad, true), Error);
    expect_same(session, read(ids));
  }
}

TEST(Session, A4096TokenPromptOfMamba130mFitsOneGibibyte) {
  ModelInfo info;
  info.sizes = {24, 768, 1536, 16, 4, 48, 50280};
  info.state_bytes = 24 * 1536 * (16 + 3) * 4;
  EXPECT_LE(Session::trace_bytes(info, 4096, 1024), Session::default_memory_limit);
}

TEST(Session, DrawsOnlyFromTheVocabularyGiven) {
  Session session = read(random_ids(10, 29));
  Sampling sampling{.temperature = 3, .seed = 5};
  std::set<std::int32_t> drawn;
  for (int i = 0; i < 300; ++i) {
    drawn.insert(session.draw(sampling, 4));
    ++sampling.seed;
  }
  EXPECT_EQ(drawn, (std::set<std::int32_t>{0, 1, 2, 3}));
  EXPECT_LT(session.draw({}, 1000), 29);
  EXPECT_THROW(session.draw(sampling, 0), Error);
  EXPECT_THROW(session.draw(sampling, -1), Error);
  EXPECT_THROW(Session(model()).draw(sampling, 29), Error);
}

TEST(Session, GeneratingAgainAfterARewindGivesTheSameText) {
  const Sampling sampling{.temperature = 1.3, .top_k = 20, .top_p = 0.95, .seed = 9};
  Session session = read(random_ids(60, 29));
  const auto generate = [&] {
    for (int i = 0; i < 10; ++i) session.append(Ids{session.draw(sampling, 29)}, true);
    return session.trace().ids();
  };
  const Ids once = generate();
  session.rewind(60);
  EXPECT_EQ(generate(), once);
  EXPECT_FALSE(session.trace().tokens[59]->generated);
  EXPECT_TRUE(session.trace().tokens[60]->generated);
}

TEST(Session, RestoringASnapshotBringsEverythingBack) {
  const Ids ids = random_ids(140, 29);
  Session session = read(first(ids, 100));
  const Session::Snapshot snapshot = session.snapshot();
  session.append(std::span(ids).subspan(100), true);
  session.rewind(30);
  session.restore(snapshot);
  expect_same(session, read(first(ids, 100)));
  session.append(std::span(ids).subspan(100), false);
  expect_same(session, read(ids));
}

TEST(Session, LogitsOfAnyTokenComeBackAsTheRunHadThem) {
  const Ids ids = random_ids(70, 29);
  const Session session = read(ids);
  EXPECT_EQ(logits_of(*model(), session.trace(), 0, 70), captured(*model(), ids).at(Quantity::logits));
  EXPECT_EQ(logits_of(session), logits_of(*model(), session.trace(), 69, 70));
}

// A model whose weights do not fit the caches is read in long slices, which pass checkpoints on their way.
TEST(Session, LongSlicesKeepTheStatesThatShortOnesWould) {
  const MambaSpec large{{2, 256, 2800, 3, 4, 5, 40}};  // 17 MiB of weights
  const auto big = random_model(large, Precision::f32, 2);
  ASSERT_GT(big->weight_bytes(), std::int64_t{16} << 20);
  const Ids ids = random_ids(400, 40);
  std::vector<std::int64_t> seen;
  Session session(big);
  session.append(ids, false, {}, [&](std::int64_t done) { seen.push_back(done); });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{256, 400}));
  ASSERT_EQ(session.trace().checkpoints.size(), 7U);
  ModelState state = big->initial_state();
  for (std::size_t j = 0; j < 7; ++j) {
    EXPECT_TRUE(same(*session.trace().checkpoints[j], state)) << j;
    if (j < 6) run(*big, std::span(ids).subspan(j * 64, 64), state, nullptr);
  }
  run(*big, std::span(ids).subspan(384), state, nullptr);
  EXPECT_TRUE(same(session.state(), state));
  Session unaligned(big);
  unaligned.append(std::span(ids).first(70), false);
  unaligned.append(std::span(ids).subspan(70), false);
  expect_same_checkpoints(unaligned.trace(), session.trace());
}

TEST(Session, RecordsWhatTheModelExpectedOfEachToken) {
  const Ids ids = random_ids(70, 29);
  const Session session = read(ids);
  const Capture plain = captured(*model(), ids);
  const Floats& logits = plain.at(Quantity::logits);
  const std::vector<Prediction> all = predictions(*model(), session.trace(), 0, 70);
  EXPECT_EQ(all[0].log_probability, 0);
  // Any stretch of them is the same as all.
  const std::vector<Prediction> some = predictions(*model(), session.trace(), 13, 40);
  ASSERT_EQ(some.size(), 27U);
  for (std::size_t t = 13; t < 40; ++t) {
    EXPECT_EQ(some[t - 13].log_probability, all[t].log_probability);
    EXPECT_EQ(some[t - 13].next[3].id, all[t].next[3].id);
  }
  for (std::size_t t = 1; t < ids.size(); ++t) {
    const float* row = logits.data() + (t - 1) * 29;
    double total = 0, best = 0;
    for (int v = 0; v < 29; ++v) total += std::exp(static_cast<double>(row[v]));
    for (int v = 0; v < 29; ++v) best = std::max(best, std::exp(static_cast<double>(row[v])) / total);
    EXPECT_NEAR(all[t].log_probability, row[ids[t]] - std::log(total), 1e-5) << t;
    EXPECT_NEAR(all[t - 1].next[0].probability, best, 1e-6) << t;
  }
}

}  // namespace
}  // namespace statescope
