// SPDX-License-Identifier: GPL-3.0-or-later
// The experiment "selectivity": the rule of a task, what survives, scenes and their refusals.
#include "engine/experiments/selectivity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/experiments/compute.h"
#include "engine/experiments/gated.h"
#include "message_of.h"
#include "paths.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using nlohmann::ordered_json;

constexpr std::int32_t none = kernels::ignored_target;

Scene parsed(const std::string& experiment, const std::string& rest = "") {
  return parse_scene(R"({"format": "statescope-scene", "version": 1, "experiment": )" + experiment + rest + "}",
                     "s.json");
}

TaskRecipe task(const char* kind, std::int64_t length, std::int64_t vocab, std::int64_t memorise) {
  TaskRecipe recipe;
  recipe.kind = kind;
  recipe.length = length;
  recipe.vocab = vocab;
  recipe.memorise = memorise;
  return recipe;
}

// A small network of a task, with its first weights.
std::filesystem::path untrained(const TemporaryFolder& folder, const char* name, InnerKind inner,
                                const TaskRecipe& task, std::uint64_t seed = 3) {
  Recipe recipe;
  recipe.task = task;
  recipe.network.inner = inner;
  recipe.network.block = BlockKind::plain;
  recipe.network.layers = 2;
  recipe.network.d_model = 6;
  recipe.network.d_state = 4;
  recipe.network.dt_rank = 1;
  recipe.seed = seed;
  const auto ops = kernels::cpu_training(1);
  Trainer(recipe, *ops).save(folder.path() / name);
  return folder.path() / name;
}

TEST(TaskRule, GivesBackTheTargetsOfEverySequence) {
  for (const TaskRecipe& recipe :
       {task("selective-copying", 20, 9, 4), task("copying", 15, 6, 3), task("induction-heads", 16, 8, 0)}) {
    const Batch batch = make_task(recipe)->batch(5, Split::training, 2, 1);
    EXPECT_EQ(task_rule(recipe, batch.tokens).targets, batch.targets) << recipe.kind;
  }
  // Associative recall: chance may ask again, and then the answer is the same.
  const TaskRecipe recall = task("associative-recall", 32, 20, 4);
  const Batch batch = make_task(recall)->batch(5, Split::training, 2, 1);
  const TaskRule rule = task_rule(recall, batch.tokens);
  int asked = 0;
  for (std::size_t t = 0; t < batch.targets.size(); ++t) {
    if (batch.targets[t] == none) continue;
    ++asked;
    EXPECT_EQ(rule.targets[t], batch.targets[t]);
  }
  EXPECT_EQ(asked, 4);
}

TEST(TaskRule, FollowsEditedTokens) {
  const TaskRule copy = task_rule(task("selective-copying", 5, 9, 2), std::vector<std::int32_t>{0, 3, 0, 5, 2, 8, 8});
  EXPECT_EQ(copy.targets, (std::vector<std::int32_t>{none, none, none, none, none, 3, 5}));
  EXPECT_EQ(copy.needed, (std::vector<bool>{false, true, false, true, false, false, false})) << "nobody asks for 2";
  const TaskRule heads = task_rule(task("induction-heads", 6, 8, 0), std::vector<std::int32_t>{1, 7, 4, 2, 7, 7});
  EXPECT_EQ(heads.targets, (std::vector<std::int32_t>{none, none, none, none, 4, none}));
  EXPECT_THROW(task_rule(task("text", 6, 8, 0), std::vector<std::int32_t>{1}), Error);
}

// h is linear in what was written, so with the signs of the writing the kept parts add up to it. S6's A is negative and
// real: a state whose writings all have one sign is their sum exactly.
TEST(Selectivity, WhatIsKeptAddsUpToTheState) {
  LayerProbe layer;
  layer.channels = 1;
  layer.states = 2;
  layer.A = {-1, -0.5};
  layer.delta = {0.3F, 1.2F, 0.05F, 0.7F};
  layer.written = {1.0F, 0.4F, 0.25F, 2.0F, 0.5F, 0.0F, 0.75F, 1.5F};
  double h[2] = {};
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t n = 0; n < 2; ++n) {
      h[n] = std::exp(layer.A[n] * static_cast<double>(layer.delta[t])) * h[n] +
             static_cast<double>(layer.written[2 * t + n]);
      layer.h.push_back(static_cast<float>(h[n]));
    }
  const std::vector<double> kept = kept_amounts(layer, std::nullopt, 3, false);
  EXPECT_NEAR(kept[0] + kept[1] + kept[2] + kept[3], h[0] + h[1], 1e-12);
  const std::vector<double> survival = kept_amounts(layer, 0, 1, true);
  EXPECT_NEAR(survival[0], (std::exp(-1.2) + 0.4 * std::exp(-0.6)) / 1.4, 1e-7);
  EXPECT_EQ(survival[1], 1);
  EXPECT_EQ(survival[2], 0) << "not read yet";
  const QuantityRows gates = quantity_rows(layer, SelectivityQuantity::gate, 0);
  EXPECT_EQ(gates.rows, 2);
  EXPECT_NEAR(gates.values[4 + 1], std::exp(-0.6), 1e-7) << "state 1, token 1";
  const QuantityRows norms = quantity_rows(layer, SelectivityQuantity::state, std::nullopt);
  EXPECT_NEAR(norms.values[3], std::hypot(h[0], h[1]), 1e-6);
}

TEST(Selectivity, ProbesWriteWhatTheyKeep) {
  const TemporaryFolder folder;
  const TaskRecipe copy = task("selective-copying", 12, 8, 3);
  SelectivityRun run;
  run.systems[0].model = untrained(folder, "s6", InnerKind::s6, copy).string();
  run.systems[1].model = untrained(folder, "s4d", InnerKind::s4d_real, copy).string();
  TrainedModels models;
  const SelectivityReading reading = read_sequence(run, {}, {}, models);
  ASSERT_EQ(reading.length(), 15);
  for (const SystemReading& system : reading.systems) {
    EXPECT_EQ(system.asked, 3);
    const LayerProbe& layer = system.layer(7);
    EXPECT_EQ(&layer, &system.probe.layers[1]) << "the last";
    // Every state from what was written, which is the recurrence.
    for (const std::int64_t e : {0, 5}) {
      double h = 0;
      const auto at = [&](std::int64_t t) { return static_cast<std::size_t>((t * layer.channels + e) * 4 + 2); };
      for (std::int64_t t = 0; t < 15; ++t) {
        const double step = static_cast<double>(layer.delta[static_cast<std::size_t>(t * layer.channels + e)]);
        h = std::exp(step * layer.A[static_cast<std::size_t>(e * 4 + 2)]) * h +
            static_cast<double>(layer.written[at(t)]);
        EXPECT_NEAR(static_cast<double>(layer.h[at(t)]), h, 1e-5 * (1 + std::abs(h)));
      }
    }
  }
  EXPECT_FALSE(selection_of(reading, 0, 0).constant);
  EXPECT_TRUE(selection_of(reading, 1, 0).constant);
  run.systems[0].knobs.freeze_delta = true;
  EXPECT_TRUE(selection_of(read_sequence(run, {}, {}, models), 0, 0).constant);

  const FreshAnswers fresh = fresh_answers(run.systems[0], {1, 5, copy}, {}, {}, models);
  EXPECT_EQ(fresh.sequences, 5);
  EXPECT_EQ(fresh.asked, (std::vector<std::int64_t>{5, 5, 5}));
}

// At another length the task is made anew; with knobs that change nothing the probe counts what the batches count.
TEST(Selectivity, FreshSequencesOfAnotherLengthAreAnswered) {
  const TemporaryFolder folder;
  SelectivitySystem system;
  const auto copying = [](std::int64_t length) { return task("selective-copying", length, 8, 3); };
  system.model = untrained(folder, "s6", InnerKind::s6, copying(12)).string();
  TrainedModels models;
  const FreshAnswers at_trained = fresh_answers(system, {4, 40, copying(12)}, {}, {}, models);
  SelectivitySystem probed = system;
  probed.knobs.input = Knobs::Input::euler;  // as S6 is trained
  EXPECT_EQ(fresh_answers(probed, {4, 40, copying(12)}, {}, {}, models).right, at_trained.right);
  const FreshAnswers longer = fresh_answers(system, {4, 40, copying(200)}, {}, {}, models);
  EXPECT_EQ(longer.asked, at_trained.asked);
  EXPECT_NE(longer.right, at_trained.right);
  EXPECT_THROW(fresh_answers(system, {4, 40, copying(2)}, {}, {}, models), Error) << "three tokens do not fit in two";
}

TEST(Selectivity, LongSequencesAreShownShorterAndReadWithinBounds) {
  const TemporaryFolder folder;
  const auto copying = [](std::int64_t length) { return task("selective-copying", length, 8, 3); };
  SelectivityRun run;
  run.systems[0].model = untrained(folder, "s6", InnerKind::s6, copying(5000)).string();
  run.systems[1].model = untrained(folder, "attention", InnerKind::attention, copying(12)).string();
  TrainedModels models;
  const SelectivityReading reading = read_sequence(run, {}, {}, models);
  EXPECT_EQ(reading.length(), longest_shown + 3);
  EXPECT_EQ(reading.systems[1].asked, 3);
  EXPECT_EQ(shown_task(task("selective-copying", 5000, 8, 1000)).length, 4000) << "room for what is remembered";
  const auto refusal = [&](const SelectivitySystem& system, std::int64_t length) {
    return message_of([&] { fresh_answers(system, {1, 1, copying(length)}, {}, {}, models); });
  };
  EXPECT_EQ(refusal(run.systems[1], 40000),
            "reading 40003 tokens of selective-copying compares each with all before it, and Selectivity does that for "
            "at most 32768 of them; choose a shorter sequence, or a system with a state");
  run.systems[0].knobs.freeze_delta = true;  // then every state is kept: 2 layers, 12 channels, 12 floats
  EXPECT_EQ(refusal(run.systems[0], 1048576),
            "reading 1048579 tokens of selective-copying keeps 1.1 GiB of states, over Selectivity's 1.0 GiB; choose a "
            "shorter sequence, or turn the knobs back");
}

TEST(Selectivity, ASystemWithoutStatesAnswers) {
  const TemporaryFolder folder;
  const TaskRecipe copy = task("selective-copying", 12, 8, 3);
  SelectivityScene scene;
  scene.run.systems[0].model = untrained(folder, "s6", InnerKind::s6, copy).string();
  scene.run.systems[1].model = untrained(folder, "hyena", InnerKind::hyena, copy).string();
  scene.run.fresh = 2;
  scene.run.lengths = {12, 30};
  TrainedModels models;
  const SelectivityReading reading = read_sequence(scene.run, {}, {}, models);
  EXPECT_EQ(reading.systems[1].asked, 3);
  const LayerProbe& layer = reading.systems[1].layer(0);
  EXPECT_TRUE(kept_amounts(layer, std::nullopt, 5, false).empty());
  EXPECT_EQ(quantity_rows(layer, SelectivityQuantity::gate, 2).rows, 0);
  EXPECT_FALSE(selection_of(reading, 1, 0).constant);
  const ordered_json result = compute(scene, {}, {});
  EXPECT_EQ(result["systems"][1]["arrays"].size(), 3u) << "x, y, logits";
  EXPECT_EQ(result["systems"][1]["lengths"][1]["length"], 30);
  EXPECT_EQ(result["systems"][0]["lengths"][0]["right"], result["systems"][0]["fresh"]["right"]);
}

TEST(Selectivity, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  SelectivityRun run;
  run.systems[0].model = untrained(folder, "a", InnerKind::s6, task("selective-copying", 12, 8, 3)).string();
  run.systems[1].model = untrained(folder, "b", InnerKind::s6, task("copying", 12, 8, 3)).string();
  TrainedModels models;
  EXPECT_NE(message_of([&] { read_sequence(run, {}, {}, models); }).find("different tasks"), std::string::npos);
  run.systems[1] = run.systems[0];
  run.tokens = {1, 8};
  EXPECT_NE(message_of([&] { read_sequence(run, {}, {}, models); }).find("token 8"), std::string::npos);
  run.systems[1].model = "bundled:none";
  EXPECT_THROW(read_sequence(run, {}, {}, models), Error);
}

TEST(Selectivity, SceneComesBackAsItWas) {
  const Scene scene = parsed(R"({"kind": "selectivity", "seed": 9, "tokens": [1, 0, 7], "fresh": 4, "lengths": [9, 64],
    "systems": [{"model": "a", "freeze_delta": true, "delta_scale": 0.5}, {"model": "bundled:b", "input": "zoh"}]})",
                             R"(, "view": {"layer": 1, "channels": [3, null], "quantity": "written", "survival": true,
                                           "system": 1, "answers": "by-length"}, "cursor": 2)");
  EXPECT_EQ(scene_kind(scene), "selectivity");
  const auto& read = std::get<SelectivityScene>(scene);
  EXPECT_TRUE(read.run.systems[0].knobs.freeze_delta);
  EXPECT_EQ(read.run.systems[1].knobs.input, Knobs::Input::zero_order_hold);
  EXPECT_EQ(read.view.channels[0], 3);
  EXPECT_FALSE(read.view.channels[1].has_value());
  EXPECT_EQ(read.run.lengths, (std::vector<std::int64_t>{9, 64}));
  EXPECT_TRUE(read.view.by_length);
  EXPECT_EQ(read.view.quantity, SelectivityQuantity::written);
  EXPECT_EQ(parse_scene(to_text(scene), "again"), scene);
  const auto refusal = [](const std::string& experiment) { return message_of([&] { parsed(experiment); }); };
  EXPECT_NE(refusal(R"({"kind": "selectivity", "systems": [{"model": "a"}]})").find("two systems"), std::string::npos);
  EXPECT_NE(refusal(R"({"kind": "selectivity", "fresh": 1, "lengths": [0]})").find("1 to 1048576"), std::string::npos);
  EXPECT_NE(refusal(R"({"kind": "selectivity", "lengths": [64]})").find("fresh"), std::string::npos);
  EXPECT_NE(refusal(R"({"kind": "selectivity", "systems": [{"model": "a", "delta_scale": 0}, {"model": "b"}]})")
                .find("delta_scale"),
            std::string::npos);
}

TEST(GatedRecurrence, IsTheSelectiveModelUnderZohOnly) {
  GatedRun run;
  run.x.kind = SignalKind::white_noise;
  run.z.kind = SignalKind::drawn;
  run.z.values = {-40, -3, 0, 2, 30, 700, -700};  // far beyond where exp would overflow
  const GatedResult r = gated_result(run, {});
  ASSERT_EQ(r.gated.size(), 400u);
  EXPECT_LT(r.zoh_difference, 1e-15 * 4);
  EXPECT_GT(r.euler_difference, 1);
  // By hand: the first steps from h = 0.
  EXPECT_EQ(r.gated[0], r.gate[0] * r.x[0]);
  EXPECT_EQ(r.gated[1], (1 - r.gate[1]) * r.gated[0] + r.gate[1] * r.x[1]);
  EXPECT_NEAR(r.delta[1], std::log1p(std::exp(r.z[1])), 1e-15);
  EXPECT_NEAR(std::exp(-r.delta[200]), 1 - r.gate[200], 1e-15);
}

TEST(GatedRecurrence, ScenesOfTheOtherPagesComeBack) {
  const Scene gated =
      parsed(R"({"kind": "gated-recurrence", "x": {"kind": "step", "length": 50}, "z": {"kind": "sine"}})");
  EXPECT_EQ(scene_kind(gated), "gated-recurrence");
  EXPECT_EQ(std::get<GatedScene>(gated).run.z.length, 50);
  EXPECT_EQ(parse_scene(to_text(gated), "again"), gated);
  const std::string recipe = R"({"task": {"kind": "copying", "length": 6, "vocab": 5, "memorise": 2},
    "model": {"block": "plain", "layers": 1, "d_model": 8, "d_state": 2},
    "optimiser": {"steps": 5}, "batch": 4, "evaluate_every": 2, "evaluation_sequences": 4})";
  const Scene training = parsed(R"({"kind": "training", "recipe": )" + recipe + "}");
  EXPECT_EQ(scene_kind(training), "training");
  EXPECT_EQ(parse_scene(to_text(training), "again"), training);
  const ordered_json result = compute(training, {}, {});
  EXPECT_EQ(result["steps"], 5);
  EXPECT_EQ(result["fresh"].size(), 3u) << "after 2, 4 and 5";
  EXPECT_THROW(parsed(R"({"kind": "training", "recipe": {"task": {"kind": "text", "length": 8, "text": "a"}}})"),
               Error);
}

// The bundled pair, on sequences that the trainer never made: the selective one solves the task.
TEST(Selectivity, BundledModelsAnswerAsTheirLogsSay) {
  const ordered_json result =
      compute(parsed(R"({"kind": "selectivity", "seed": 77, "fresh": 24})", R"(, "cursor": 63)"), {}, test::assets);
  const ordered_json& systems = result["systems"];
  EXPECT_GT(systems[0]["fresh"]["accuracy"].get<double>(), 0.95);
  EXPECT_LT(systems[1]["fresh"]["accuracy"].get<double>(), 0.9);
  EXPECT_EQ(result["tokens"].size(), 80u);
}

}  // namespace
}  // namespace statescope
