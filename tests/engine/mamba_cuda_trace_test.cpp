// SPDX-License-Identifier: GPL-3.0-or-later
// Traces that are recorded on a CUDA device. Without a device every test says that it is skipped.
#include <algorithm>
#include <cmath>
#include <map>

#include "cuda_fixture.h"
#include "engine/run/session.h"

namespace statescope {
namespace {

using namespace test;

class MambaCudaTrace : public CudaModelTest {};

TEST_F(MambaCudaTrace, ASessionReadsRewindsAndAnswers) {
  const Pair models = load(usual);
  const Ids ids = random_ids(1200, 90);
  Session cpu(models.cpu), cuda(models.cuda);
  for (Session* session : {&cpu, &cuda}) {
    session->append(std::span(ids).first(150), false);
    session->rewind(100);
    session->append(std::span(ids).subspan(100), true);
    session->rewind(0);
    session->append(std::span(ids).first(1180), false);
    session->append(std::span(ids).subspan(1180), false);  // so few that they are brought over
  }
  EXPECT_LE(relative_error(cuda.logits(), cpu.logits()), 1e-4);
  // The device keeps states less often, and most of the stream where it is.
  const std::int64_t interval = cuda.trace().interval;
  ASSERT_EQ(cuda.trace().checkpoints.size(), static_cast<std::size_t>(1200 / interval + 1));
  for (std::size_t i = 0; i < 3; ++i) {
    const LayerState& got = cuda.trace().checkpoints[1]->layers[i];
    const LayerState& want =
        cpu.trace().checkpoints[static_cast<std::size_t>(interval / cpu.trace().interval)]->layers[i];
    EXPECT_LE(relative_error(got.h, want.h), 1e-4);
    EXPECT_LE(relative_error(got.conv, want.conv), 1e-4);
  }
  for (std::int64_t layer = 0; layer <= 3; ++layer) {
    Floats got(1200 * 32), want = got;
    copy_stream(cuda.trace(), layer, 0, 1200, 32, got.data());
    copy_stream(cpu.trace(), layer, 0, 1200, 32, want.data());
    EXPECT_LE(relative_error(got, want), 1e-4) << layer;
  }
  for (const Summary summary : all_summaries) {
    Floats got, want;
    for (std::size_t t = 0; t < ids.size(); ++t)
      for (std::size_t layer = 0; layer < 3; ++layer) {
        got.push_back(cuda.trace().tokens[t]->layers[layer][summary]);
        want.push_back(cpu.trace().tokens[t]->layers[layer][summary]);
      }
    EXPECT_LE(relative_error(got, want), 1e-4) << summary_name(summary);
  }
  const LayerTrack got = layer_track(*models.cuda, cuda.trace(), 1), want = layer_track(*models.cpu, cpu.trace(), 1);
  EXPECT_LE(relative_error(got.delta, want.delta), 1e-4);
  EXPECT_LE(relative_error(got.y, want.y), 1e-4);
  EXPECT_LE(
      relative_error(states(*models.cuda, cuda.trace(), got, 70, 130), states(*models.cpu, cpu.trace(), want, 70, 130)),
      1e-4);
}

// The states that a run leaves on the way, by tokens read.
class Snapshots final : public Recorder {
 public:
  Snapshots(std::int64_t interval, bool kept) : interval_(interval), kept_(kept) {}
  bool wants(Quantity, std::int64_t) const override { return false; }
  void record(Quantity, std::int64_t, std::int64_t, MatrixView<const float>) override {}
  bool accepts_kept() const override { return kept_; }
  void record_kept(std::int64_t first, std::int64_t tokens, std::shared_ptr<const ResidualStream>,
                   std::span<const LayerSummary>) override {
    EXPECT_EQ(first, kept_tokens);
    kept_tokens += tokens;
  }
  std::int64_t snapshot_interval() const override { return interval_; }
  void record_snapshot(std::int64_t layer, std::int64_t tokens, LayerState state) override {
    EXPECT_EQ(std::ssize(states[tokens].layers), layer);
    states[tokens].layers.push_back(std::move(state));
  }
  std::int64_t kept_tokens = 0;
  std::map<std::int64_t, ModelState> states;

 private:
  std::int64_t interval_;
  bool kept_;
};

TEST_F(MambaCudaTrace, StatesLeftInPassingAreThoseOfRunsThatAreCut) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const auto model = load({{7, 32, 64, 16, 4, 2, 90}}, precision).cuda;
    const Ids ids = random_ids(300, 90);
    for (const std::int64_t interval : {300, 64, 200, 7, 100, 2, 150}) {
      SCOPED_TRACE(testing::Message() << precision_name(precision) << ", interval " << interval);
      Snapshots cut(interval, false);
      const ModelState state = run_from(*model, model->initial_state(), ids, &cut);
      EXPECT_EQ(std::ssize(cut.states), 299 / interval);
      for (int i = 0; i < 3; ++i) {  // at last as a graph
        Snapshots passed(interval, true);
        EXPECT_TRUE(same(run_from(*model, model->initial_state(), ids, &passed), state));
        EXPECT_EQ(passed.kept_tokens, 300);
        ASSERT_EQ(passed.states.size(), cut.states.size());
        for (const auto& [tokens, there] : passed.states) EXPECT_TRUE(same(there, cut.states.at(tokens))) << tokens;
      }
    }
  }
}

// All that a session has after reading.
Floats everything(const Session& session, const ModelSizes& sizes) {
  Floats all(session.logits().begin(), session.logits().end());
  std::vector<std::shared_ptr<const ModelState>> states = session.trace().checkpoints;
  states.push_back(session.snapshot().state);
  for (const auto& state : states)
    for (const LayerState& layer : state->layers) {
      all.insert(all.end(), layer.h.begin(), layer.h.end());
      all.insert(all.end(), layer.conv.begin(), layer.conv.end());
    }
  for (const auto& token : session.trace().tokens)
    for (const LayerSummary& layer : token->layers) all.insert(all.end(), layer.values.begin(), layer.values.end());
  const std::int64_t tokens = session.length();
  for (std::int64_t layer = 0; layer <= sizes.layers; ++layer) {
    Floats rows(static_cast<std::size_t>(tokens * sizes.d_model));
    copy_stream(session.trace(), layer, 0, tokens, sizes.d_model, rows.data());
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

TEST_F(MambaCudaTrace, LengthsThatComeAgainGiveTheSameBits) {
  // From the third time on they run as graphs, one for each place of the convolution's history; 300 tokens need other
  // memory, which takes all graphs away.
  const MambaSpec spec{{7, 32, 64, 16, 4, 2, 90}};
  const auto model = load(spec, Precision::bf16).cuda;
  const Ids ids = random_ids(300, 90), before = random_ids(66, 90, 1);
  std::map<std::size_t, Floats> first;
  for (const std::size_t tokens :
       {100, 70, 100, 100, 100, 70, 70, 70, 100, 300, 100, 100, 100, 100, 100, 70, 300, 300}) {
    Session session(model);
    session.append(before, false);
    session.append(std::span(ids).first(tokens), false);
    const Floats all = everything(session, spec.sizes);
    EXPECT_TRUE(std::none_of(all.begin(), all.end(), [](float v) { return std::isnan(v); }));
    EXPECT_TRUE(first.emplace(tokens, all).first->second == all) << tokens;
  }
}

TEST_F(MambaCudaTrace, ALongTraceAgreesWithTheCpuAndRepeatsItsBits) {
  // Two runs, the first of which computes two chunks and leaves three states on the way.
  const MambaSpec spec{{7, 32, 64, 16, 4, 2, 90}};
  const Pair models = load(spec);
  const Ids ids = random_ids(4300, 90);
  Session cpu(models.cpu);
  cpu.append(ids, false);
  Floats first;
  for (int i = 0; i < 3; ++i) {
    Session cuda(models.cuda);
    cuda.append(ids, false);
    const Floats all = everything(cuda, spec.sizes);
    if (i > 0) {
      EXPECT_TRUE(all == first) << i;
      continue;
    }
    first = all;
    const std::int64_t times = cuda.trace().interval / cpu.trace().interval;
    ASSERT_EQ(cuda.trace().checkpoints.size(), 5U);
    for (std::size_t j = 1; j < 5; ++j)
      for (std::size_t layer = 0; layer < 7; ++layer) {
        const LayerState &got = cuda.trace().checkpoints[j]->layers[layer],
                         &want = cpu.trace().checkpoints[j * static_cast<std::size_t>(times)]->layers[layer];
        EXPECT_LE(relative_error(got.h, want.h), 1e-4) << j << ", " << layer;
        EXPECT_LE(relative_error(got.conv, want.conv), 1e-4) << j << ", " << layer;
      }
    for (const Summary summary : all_summaries) {
      Floats got, want;
      for (std::size_t t = 0; t < ids.size(); ++t)
        for (std::size_t layer = 0; layer < 7; ++layer) {
          got.push_back(cuda.trace().tokens[t]->layers[layer][summary]);
          want.push_back(cpu.trace().tokens[t]->layers[layer][summary]);
        }
      EXPECT_LE(relative_error(got, want), 1e-4) << summary_name(summary);
    }
    for (std::int64_t layer = 0; layer <= 7; ++layer) {
      Floats got(4300 * 32), want = got;
      copy_stream(cuda.trace(), layer, 0, 4300, 32, got.data());
      copy_stream(cpu.trace(), layer, 0, 4300, 32, want.data());
      EXPECT_LE(relative_error(got, want), 1e-4) << layer;
    }
  }
}

}  // namespace
}  // namespace statescope
