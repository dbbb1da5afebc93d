// SPDX-License-Identifier: GPL-3.0-or-later
// Every cell of the training grid as a model that reads a stream.
#include "engine/models/grid.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/run/readings.h"
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

// The constants of S4D in the equation that Model writes: h = e^{ΔA} (h before, turned) + Δ B x, y = Σ C h + D x.
TEST(Grid, S4dOpensWithConstantsInPlaceOfBAndC) {
  for (const BlockKind block : blocks) {
    for (const InnerKind inner : {InnerKind::s4d_real, InnerKind::s4d_complex}) {
      const Recipe recipe = cell(block, inner);
      SCOPED_TRACE(name_of(recipe));
      Saved saved(recipe);
      const auto model = load_model(saved.folder.path(), Precision::f32, 1);
      EXPECT_EQ(model->info().state_kind, StateKind::per_channel);
      EXPECT_EQ(model->info().sizes.d_state, 4) << "real numbers, two of a pair";
      EXPECT_EQ(model->A_imag(1).rows, inner == InnerKind::s4d_complex ? 2 : 0);
      expect_the_network(saved, *model);

      Session session(model);
      session.append(random_ids(70, 8), false);
      const Trace& trace = session.trace();
      const LayerTrack track = layer_track(*model, trace, 1);
      ASSERT_EQ(track.C.size(), 12u * 4u);
      for (const std::int64_t channel : {0, 7}) {
        const std::vector<float> h = channel_states(*model, track, channel);
        const std::vector<float> last = states(*model, trace, track, 69, 70);
        for (const std::int64_t t : {1, 40, 69}) {
          const auto wide = static_cast<std::size_t>(t * 12 + channel);
          double read = static_cast<double>(model->D(1)[channel]) * static_cast<double>(track.conv.at(wide));
          for (std::int64_t n = 0; n < 4; ++n) {
            const StateUpdate u = state_update(*model, track, h, channel, n, t);
            EXPECT_NE(u.write, 0);
            EXPECT_NEAR(u.h, u.gate * u.h_prev + u.write, 1e-6 * (1 + std::abs(u.h))) << t << " " << n;
            read += static_cast<double>(track.C.at(static_cast<std::size_t>(channel * 4 + n))) * u.h;
          }
          EXPECT_NEAR(track.y.at(wide), read, 1e-5);
        }
        for (std::int64_t n = 0; n < 4; ++n) {
          const float now = h.at(static_cast<std::size_t>(69 * 4 + n));
          EXPECT_EQ(now, last.at(static_cast<std::size_t>(channel * 4 + n)));
          EXPECT_EQ(now, session.state().layers.at(1).h.at(static_cast<std::size_t>(n * 12 + channel)));
        }
        const std::vector<float> over = over_time(track, Quantity::C, channel);
        EXPECT_EQ(over.at(2 * 70 + 5), track.C.at(static_cast<std::size_t>(channel * 4 + 2)));
      }
    }
  }
}

// What has no state opens too, with what it has. A trace that went on stands for one that was made at once.
TEST(Grid, AttentionAndHyenaOpenWithoutAState) {
  for (const BlockKind block : blocks) {
    for (const InnerKind inner : {InnerKind::attention, InnerKind::hyena}) {
      const Recipe recipe = cell(block, inner);
      SCOPED_TRACE(name_of(recipe));
      Saved saved(recipe);
      const auto model = load_model(saved.folder.path(), Precision::f32, 1);
      EXPECT_EQ(model->info().state_kind, StateKind::none);
      expect_the_network(saved, *model);
      Session session(model);
      const std::vector<std::int32_t> ids = random_ids(90, 8);
      session.append(std::span(ids).first(70), false);
      const LayerTrack before = layer_track(*model, session.trace(), 1);
      session.append(std::span(ids).subspan(70), true);
      const LayerTrack track = layer_track(*model, session.trace(), 1, &before);
      EXPECT_EQ(track.y, layer_track(*model, session.trace(), 1).y);
      EXPECT_NE(track.y.at(89 * 12 + 7), 0);
      EXPECT_TRUE(track.delta.empty() && states(*model, session.trace(), track, 5, 6).empty());
      session.rewind(70);
      EXPECT_EQ(layer_track(*model, session.trace(), 1).y, before.y);
    }
  }
}

TEST(Grid, AHyenaFilterNeedsItsLength) {
  Saved saved(cell(BlockKind::plain, InnerKind::hyena));
  const std::filesystem::path config = saved.folder.path() / "config.json";
  nlohmann::json json = nlohmann::json::parse(read_text_file(config.string(), 1 << 20));
  EXPECT_EQ(json["statescope"]["length"], 23);
  json["statescope"].erase("length");
  write_file(config, json.dump());
  EXPECT_NE(message_of([&] { load_model(saved.folder.path()); }).find("statescope.length"), std::string::npos);
}

// The state of a recurrence does not grow; attention keeps every key and value, 2 layers of 2 · 12 floats a token, and
// Hyena its inputs.
TEST(Grid, OnlyWhatHasNoStateGrowsWithTheContext) {
  const auto growth = [](InnerKind inner) {
    Saved saved(cell(BlockKind::plain, inner));
    const auto model = load_model(saved.folder.path(), Precision::f32, 1);
    ModelState state = model->initial_state();
    const std::int64_t before = state.bytes();
    EXPECT_EQ(before, model->info().state_bytes);
    logits_of(*model, random_ids(100, 8), 7, state);
    EXPECT_EQ(state.bytes() - before, 100 * model->info().cache_bytes);
    return state.bytes() - before;
  };
  EXPECT_EQ(growth(InnerKind::s4d_complex), 0);
  EXPECT_EQ(growth(InnerKind::s6), 0);
  EXPECT_EQ(growth(InnerKind::attention), 100 * 2 * 24 * 4);
  EXPECT_EQ(growth(InnerKind::hyena), 100 * 2 * 12 * 4);
}

}  // namespace
}  // namespace statescope
