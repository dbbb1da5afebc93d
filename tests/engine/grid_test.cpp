// SPDX-License-Identifier: GPL-3.0-or-later
// Every cell of the training grid as a model that reads a stream.
#include "engine/models/grid.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/run/session.h"
#include "engine/run/trace.h"
#include "engine/training/trainer.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

Recipe cell(BlockKind block, InnerKind inner, int constants = 0) {
  Recipe recipe;
  recipe.task = {"selective-copying", 20, 8, 3, {}, {}};
  NetworkRecipe& network = recipe.network;
  network.block = block;
  network.inner = inner;
  network.selective_delta = (constants & 1) == 0;
  network.selective_B = (constants & 2) == 0;
  network.selective_C = (constants & 4) == 0;
  network.initial_A = inner == InnerKind::s4d_complex ? InitialA::s4d_lin : InitialA::s4d_real;
  network.d_model = 6;
  network.d_state = 4;
  network.d_conv = 3;
  network.dt_rank = 2;
  network.heads = 3;
  recipe.optimiser.learning_rate = 3e-2;
  recipe.batch = 8;
  return recipe;
}

std::string name_of(const Recipe& recipe) {
  return block_name(recipe.network.block) + " " + inner_name(recipe.network.inner);
}

constexpr BlockKind blocks[] = {BlockKind::plain, BlockKind::h3, BlockKind::mamba};

// A few steps of training, saved.
struct Saved {
  explicit Saved(const Recipe& recipe) : ops(kernels::cpu_training(1)), trainer(recipe, *ops) {
    for (int i = 0; i < 5; ++i) trainer.step();
    trainer.save(folder.path());
  }
  TemporaryFolder folder;
  std::unique_ptr<kernels::TrainingOps<float>> ops;
  Trainer trainer;
};

std::vector<float> logits_of(const Model& model, std::span<const std::int32_t> ids, std::size_t piece,
                             ModelState& state) {
  std::vector<float> logits;
  for (std::size_t first = 0; first < ids.size(); first += piece)
    logits = read_for_logits(model, ids.subspan(first, std::min(piece, ids.size() - first)), state);
  return logits;
}

// The network computes sequences side by side, by convolutions; the model reads one token after the other.
void expect_the_network(Saved& saved, const Model& model) {
  Trainer& trainer = saved.trainer;
  const Evaluation by_model = evaluate(model, trainer.task(), 5, 4);
  const Evaluation by_network = evaluate(trainer.network(), trainer.task(), 5, 4, 1);
  EXPECT_NEAR(by_model.loss, by_network.loss, 2e-5);
  const std::vector<std::int32_t> ids = random_ids(23, 8);
  ModelState at_once = model.initial_state(), one_by_one = at_once, in_pieces = at_once;
  const std::vector<float> logits = logits_of(model, ids, ids.size(), at_once);
  EXPECT_EQ(logits_of(model, ids, 1, one_by_one), logits);
  EXPECT_EQ(logits_of(model, ids, 5, in_pieces), logits);
  for (std::size_t layer = 0; layer < at_once.layers.size(); ++layer) {
    EXPECT_EQ(one_by_one.layers[layer].h, at_once.layers[layer].h);
    EXPECT_EQ(one_by_one.layers[layer].conv, at_once.layers[layer].conv);
  }
}

TEST(Grid, CellsWithS6OpenAsModelsWhoseTraceIsTheirScan) {
  std::vector<Recipe> cells;
  for (const BlockKind block : blocks) cells.push_back(cell(block, InnerKind::s6));
  for (int constants = 1; constants < 8; ++constants) cells.push_back(cell(BlockKind::mamba, InnerKind::s6, constants));
  for (const Recipe& recipe : cells) {
    SCOPED_TRACE(name_of(recipe));
    Saved saved(recipe);
    const auto model = load_model(saved.folder.path(), Precision::f32, 1);
    EXPECT_EQ(model->info().sizes.d_inner, 12);
    expect_the_network(saved, *model);

    Session session(model);
    session.append(random_ids(70, 8), false);
    const Trace& trace = session.trace();
    const LayerTrack track = layer_track(*model, trace, 1);
    const std::vector<float> last = states(*model, trace, track, 69, 70), channel = channel_states(*model, track, 7);
    EXPECT_GT(std::abs(last.at(7 * 4 + 2)), 0);
    for (std::size_t n = 0; n < 4; ++n) {
      EXPECT_EQ(channel.at(69 * 4 + n), last.at(7 * 4 + n));
      EXPECT_EQ(session.state().layers.at(1).h.at(n * 12 + 7), last.at(7 * 4 + n));
    }
    // What is read out of the state, with D x, is y; what is shown as the gate takes it to the output.
    double read = static_cast<double>(model->D(1)[7]) * static_cast<double>(track.conv.at(69 * 12 + 7));
    for (std::size_t n = 0; n < 4; ++n)
      read += static_cast<double>(track.C.at(69 * 4 + n)) * static_cast<double>(last.at(7 * 4 + n));
    EXPECT_NEAR(track.y.at(69 * 12 + 7), read, 1e-5);
  }
}

TEST(Grid, OtherCellsReadAStreamAndSayWhyModelDoesNotShowThem) {
  for (const BlockKind block : blocks) {
    for (const InnerKind inner : {InnerKind::s4d_real, InnerKind::s4d_complex, InnerKind::attention}) {
      const Recipe recipe = cell(block, inner);
      SCOPED_TRACE(name_of(recipe));
      Saved saved(recipe);
      EXPECT_NE(message_of([&] { load_model(saved.folder.path()); }).find("open S4D in Selectivity"),
                std::string::npos);
      const auto model = load_grid(Checkpoint::open(saved.folder.path()), 1);
      expect_the_network(saved, *model);
    }
  }
  Saved hyena(cell(BlockKind::h3, InnerKind::hyena));
  EXPECT_NE(message_of([&] { load_model(hyena.folder.path()); }).find("without steps and states"), std::string::npos);
}

// The state of a recurrence does not grow; attention keeps every key and value: 2 layers of 2 · 12 floats a token.
TEST(Grid, OnlyTheCacheOfAttentionGrowsWithTheContext) {
  const auto growth = [](InnerKind inner) {
    Saved saved(cell(BlockKind::plain, inner));
    const auto model = load_grid(Checkpoint::open(saved.folder.path()), 1);
    ModelState state = model->initial_state();
    const std::int64_t before = state.bytes();
    EXPECT_EQ(before, model->info().state_bytes);
    logits_of(*model, random_ids(100, 8), 7, state);
    return state.bytes() - before;
  };
  EXPECT_EQ(growth(InnerKind::s4d_complex), 0);
  EXPECT_EQ(growth(InnerKind::s6), 0);
  EXPECT_EQ(growth(InnerKind::attention), 100 * 2 * 24 * 4);
}

}  // namespace
}  // namespace statescope
