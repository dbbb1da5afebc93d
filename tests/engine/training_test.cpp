// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "engine/models/model.h"
#include "engine/random.h"
#include "engine/training/network.h"
#include "engine/training/task.h"
#include "engine/training/trainer.h"
#include "kernels/cuda_devices.h"
#include "kernels/training_ops.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

// Two layers with sizes that are no multiples of a vector.
NetworkRecipe small_network(BlockKind block, InnerKind inner) {
  NetworkRecipe recipe;
  recipe.block = block;
  recipe.inner = inner;
  recipe.layers = 2;
  recipe.d_model = 5;
  recipe.d_state = 4;
  recipe.d_conv = 3;
  recipe.dt_rank = 2;
  recipe.heads = 5;
  recipe.vocab = 7;
  recipe.length = 9;
  return recipe;
}

std::vector<NetworkRecipe> grid() {
  std::vector<NetworkRecipe> cells;
  for (const BlockKind block : {BlockKind::plain, BlockKind::h3, BlockKind::mamba})
    for (const InnerKind inner :
         {InnerKind::s6, InnerKind::s4d_real, InnerKind::s4d_complex, InnerKind::hyena, InnerKind::attention})
      cells.push_back(small_network(block, inner));
  for (int constants = 1; constants < 8; ++constants) {
    NetworkRecipe recipe = small_network(BlockKind::mamba, InnerKind::s6);
    recipe.selective_delta = (constants & 1) == 0;
    recipe.selective_B = (constants & 2) == 0;
    recipe.selective_C = (constants & 4) == 0;
    cells.push_back(recipe);
  }
  return cells;
}

std::string name_of(const NetworkRecipe& recipe) {
  return block_name(recipe.block) + " " + inner_name(recipe.inner) + (recipe.selective_delta ? "" : " constant Δ") +
         (recipe.selective_B ? "" : " constant B") + (recipe.selective_C ? "" : " constant C");
}

// Three sequences of nine tokens, a third of them without an answer.
Batch random_batch(std::int64_t vocab, std::uint64_t seed) {
  Uniform uniform(seed);
  Batch batch{3, 9, {}, {}};
  const auto token = [&] { return static_cast<std::int32_t>(uniform() * static_cast<double>(vocab)); };
  for (int i = 0; i < 27; ++i) {
    batch.tokens.push_back(token());
    batch.targets.push_back(i % 3 == 1 ? kernels::ignored_target : token());
  }
  return batch;
}

// Away from the beginning, where embeddings are near 0 and norms curve: everything a little different from everything.
template <class Real>
void shake(const Parameters<Real>& parameters, std::uint64_t seed) {
  Uniform uniform(seed);
  for (std::int64_t i = 0; i < parameters.count(); ++i)
    parameters.values()[i] += static_cast<Real>(0.3 * uniform.normal());
}

TEST(TrainingGradients, AgreeWithFiniteDifferencesInEveryCellOfTheGrid) {
  const auto ops = kernels::reference_training();
  for (const NetworkRecipe& recipe : grid()) {
    SCOPED_TRACE(name_of(recipe));
    Network<double> network(recipe, 3, *ops);
    const Parameters<double>& p = network.parameters();
    shake(p, 4);
    const Batch batch = random_batch(recipe.vocab, 5);
    const Dropout dropout{0.25, 11};
    network.run(batch, true, dropout);
    const std::vector<double> gradients(p.gradients(), p.gradients() + p.count());
    Uniform uniform(6);
    for (const ParameterInfo& info : p.infos()) {
      for (int sample = 0; sample < 4; ++sample) {
        const auto at = info.offset + static_cast<std::int64_t>(uniform() * static_cast<double>(info.rows * info.cols));
        double& value = p.values()[at];
        const double kept = value, step = 1e-4;
        const auto loss_at = [&](double offset) {
          value = kept + offset;
          return network.run(batch, false, dropout).loss;
        };
        const double near = loss_at(step) - loss_at(-step), far = loss_at(2 * step) - loss_at(-2 * step);
        value = kept;
        // Of fourth order: the fifth derivative costs step⁴ = 1e-16, rounding 1e-16 / step = 1e-12, each times what the
        // network makes of it, which is much where H3 multiplies.
        EXPECT_NEAR((8 * near - far) / (12 * step), gradients[static_cast<std::size_t>(at)], 2e-8)
            << info.name << " " << at;
      }
    }
  }
}

TEST(TrainingGradients, FastPathAgreesWithTheReference) {
  const auto reference = kernels::reference_training();
  const auto fast = kernels::cpu_training(2);
  for (const NetworkRecipe& recipe : grid()) {
    SCOPED_TRACE(name_of(recipe));
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      Network<double> exact(recipe, 3, *reference);
      Network<float> network(recipe, 3, *fast);
      shake(exact.parameters(), 4 + 10 * seed);
      for (std::int64_t i = 0; i < exact.parameters().count(); ++i)
        network.parameters().values()[i] = static_cast<float>(exact.parameters().values()[i]);
      const Batch batch = random_batch(recipe.vocab, 5 + 10 * seed);
      const Dropout dropout{0.25, 11};
      const BatchResult expected = exact.run(batch, true, dropout), result = network.run(batch, true, dropout);
      EXPECT_NEAR(result.loss, expected.loss, 1e-5);
      EXPECT_EQ(result.is_right, expected.is_right);
      for (const ParameterInfo& info : network.parameters().infos()) {
        double difference = 0, size = 0;
        for (std::int64_t i = info.offset; i < info.offset + info.rows * info.cols; ++i) {
          const double wanted = exact.parameters().gradients()[i];
          difference += std::pow(static_cast<double>(network.parameters().gradients()[i]) - wanted, 2);
          size += wanted * wanted;
        }
        EXPECT_LE(std::sqrt(difference), 2e-5 * std::sqrt(size) + 1e-7)
            << info.name << ", network " << seed;  // some hundred roundings of 6e-8
      }
    }
  }
}

TEST(TrainingParameters, ABeginsWhereTheRecipeSays) {
  const auto ops = kernels::reference_training();
  const auto parameter = [&](InnerKind inner, InitialA initial, const std::string& name) {
    NetworkRecipe recipe = small_network(BlockKind::mamba, inner);
    recipe.d_state = 8;
    recipe.initial_A = initial;
    const Network<double> network(recipe, 3, *ops);
    const Parameters<double>& p = network.parameters();
    for (std::size_t i = 0; i < p.infos().size(); ++i)
      if (p.infos()[i].name == "backbone.layers.0.mixer." + name)
        return std::vector<double>(p.value(i).data, p.value(i).data + p.value(i).rows * p.value(i).cols);
    return std::vector<double>();
  };
  // Of the first channel: rows are states for S6, columns for S4D. S4D-Inv with N = 8: 17.825354, 4.244132, …
  const auto real = parameter(InnerKind::s6, InitialA::s4d_real, "A_log");
  EXPECT_DOUBLE_EQ(real.at(3 * 10), std::log(4.0));
  EXPECT_DOUBLE_EQ(parameter(InnerKind::s6, InitialA::half, "A_log").at(3 * 10), std::log(0.5));
  const auto random = parameter(InnerKind::s4d_real, InitialA::random, "log_A_real");
  EXPECT_NE(random.at(0), random.at(1));
  const auto inverse = parameter(InnerKind::s4d_complex, InitialA::s4d_inv, "A_imag");
  EXPECT_NEAR(inverse.at(0), 17.825354, 1e-6);
  EXPECT_NEAR(inverse.at(3), 0.363783, 1e-6);
  EXPECT_DOUBLE_EQ(parameter(InnerKind::s4d_complex, InitialA::s4d_lin, "A_imag").at(2), 2 * std::numbers::pi);
}

Recipe small_recipe() {
  Recipe recipe;
  recipe.task = {"selective-copying", 12, 8, 2, {}, {}};
  recipe.network = small_network(BlockKind::mamba, InnerKind::s6);
  recipe.network.d_model = 8;
  recipe.optimiser.learning_rate = 1e-2;
  recipe.optimiser.steps = 60;
  recipe.optimiser.warmup = 5;
  recipe.batch = 8;
  recipe.evaluation_sequences = 16;
  return recipe;
}

// On a device sums run in another order and exponentials are its own; a few hundred roundings of 6e-8.
TEST(TrainingCuda, NetworksLearnTheSameAsOnTheProcessorAndAlwaysTheSame) {
  if (kernels::cuda_devices().empty()) GTEST_SKIP() << "no CUDA device";
  const auto cpu = kernels::cpu_training(1), cuda = kernels::cuda_training();
  for (NetworkRecipe recipe : grid()) {
    SCOPED_TRACE(name_of(recipe));
    recipe.d_model = 20;
    recipe.d_state = 16;
    recipe.heads = 2;
    Network<float> expected(recipe, 3, *cpu), network(recipe, 3, *cuda);
    const Batch batch = random_batch(recipe.vocab, 5);
    const auto gradients = [&](Network<float>& of, const TrainingOps<float>& ops) {
      of.run(batch, true, {0.25, 11});
      return ops.download({of.parameters().gradients(), 1, of.parameters().count()});
    };
    const std::vector<float> wanted = gradients(expected, *cpu), got = gradients(network, *cuda);
    EXPECT_EQ(gradients(network, *cuda), got);
    EXPECT_NEAR(network.run(batch, false).loss, expected.run(batch, false).loss, 1e-5);
    for (const ParameterInfo& info : network.parameters().infos()) {
      double difference = 0, size = 0;
      for (auto i = static_cast<std::size_t>(info.offset);
           i < static_cast<std::size_t>(info.offset + info.rows * info.cols); ++i) {
        difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(wanted[i]), 2);
        size += std::pow(static_cast<double>(wanted[i]), 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-4 * std::sqrt(size) + 1e-7) << info.name;
    }
    const LayerProbe probe = network.probe({batch.tokens.data(), 9}).layers[1];
    const LayerProbe same = expected.probe({batch.tokens.data(), 9}).layers[1];
    for (std::size_t i = 0; i < same.h.size(); ++i) EXPECT_NEAR(probe.h[i], same.h[i], 1e-4);
  }
  Trainer trainer(small_recipe(), *cuda), same(small_recipe(), *cuda), on_cpu(small_recipe(), *cpu);
  double loss = 0;
  for (int i = 0; i < 20; ++i) {
    loss = trainer.step().loss;
    EXPECT_EQ(same.step().loss, loss);
    EXPECT_NEAR(on_cpu.step().loss, loss, 2e-3);
  }
}

std::vector<float> values_of(Trainer& trainer) {
  const Parameters<float>& p = trainer.network().parameters();
  return {p.values(), p.values() + p.count()};
}

// Kept elements grow by what falls out; one in four does, another one for every key.
TEST(TrainingDropout, KeepsTheMeanAndChoosesByTheKey) {
  const auto ops = kernels::reference_training();
  std::vector<double> ones(4000, 1), out(4000), other(4000);
  ops->dropout({MatrixView<double>(ones.data(), 40, 100), 0.25, 7, MatrixView<double>(out.data(), 40, 100)});
  ops->dropout({MatrixView<double>(ones.data(), 40, 100), 0.25, 8, MatrixView<double>(other.data(), 40, 100)});
  const auto kept = std::count(out.begin(), out.end(), 4.0 / 3), gone = std::count(out.begin(), out.end(), 0.0);
  EXPECT_EQ(kept + gone, 4000);
  EXPECT_NEAR(static_cast<double>(gone), 1000, 110);  // 4 standard deviations
  int both = 0;
  for (std::size_t i = 0; i < out.size(); ++i) both += out[i] == 0 && other[i] == 0 ? 1 : 0;
  EXPECT_NEAR(both, 250, 62);
}

TEST(Training, ResumedIsUninterruptedBitForBit) {
  const auto ops = kernels::cpu_training(2), one_thread = kernels::cpu_training(1);
  const TemporaryFolder folder;
  Recipe recipe = small_recipe();
  recipe.optimiser.dropout = 0.1;
  Trainer whole(recipe, *ops);
  for (int i = 0; i < 9; ++i) {
    if (i == 4) whole.save(folder.path());
    whole.step();
  }
  Trainer resumed = Trainer::resume(folder.path(), *one_thread);
  EXPECT_EQ(resumed.steps_done(), 4);
  while (resumed.steps_done() < 9) resumed.step();
  EXPECT_EQ(values_of(resumed), values_of(whole));
}

TEST(Training, LossFallsAndTheCheckpointOpensAsAModel) {
  const auto ops = kernels::cpu_training(2);
  Trainer trainer(small_recipe(), *ops);
  const double before = trainer.evaluate().loss;
  while (!trainer.finished()) trainer.step();
  const double after = trainer.evaluate().loss;
  EXPECT_LT(after, 0.9 * before);

  const TemporaryFolder folder;
  trainer.save(folder.path());
  const auto model = load_model(folder.path(), Precision::f32, 1);
  EXPECT_TRUE(model->info().conflicts.empty());
  // The model reads each sequence as a stream, the network all of them side by side.
  const Evaluation by_model = evaluate(*model, trainer.task(), 5, 6);
  const Evaluation by_network = evaluate(trainer.network(), trainer.task(), 5, 6, 1);
  EXPECT_NEAR(by_model.loss, by_network.loss, 1e-5);
  EXPECT_EQ(by_model.targets, 12);
  EXPECT_EQ(by_model.accuracy_of_answer, by_network.accuracy_of_answer);
  EXPECT_NEAR((by_model.accuracy_of_answer.at(0) + by_model.accuracy_of_answer.at(1)) / 2, by_model.accuracy, 1e-12);
}

// Without knobs a probe is what the network computes; with them, what it would compute with other numbers.
TEST(TrainingProbe, GivesTheNetworksLogitsAndObeysTheKnobs) {
  const auto ops = kernels::cpu_training(1);
  for (const NetworkRecipe& recipe : grid()) {
    SCOPED_TRACE(name_of(recipe));
    Network<float> network(recipe, 3, *ops);
    shake(network.parameters(), 4);
    Batch batch = random_batch(recipe.vocab, 5);
    batch.sequences = 1;
    batch.tokens.resize(9);
    batch.targets.assign(9, 2);
    const Probe probe = network.probe(batch.tokens);
    double loss = 0;
    for (std::size_t t = 0; t < 9; ++t) {
      double sum = 0;
      for (std::size_t v = 0; v < 7; ++v) sum += std::exp(static_cast<double>(probe.logits[t * 7 + v]));
      loss += (std::log(sum) - static_cast<double>(probe.logits[t * 7 + 2])) / 9;
    }
    EXPECT_NEAR(loss, network.run(batch, false).loss, 1e-5);
    ASSERT_EQ(probe.layers.size(), 2U);
    const LayerProbe& layer = probe.layers[1];
    const bool s6 = recipe.inner == InnerKind::s6, states = has_state(recipe.inner);
    EXPECT_EQ(std::ssize(layer.y), 9 * 10);
    EXPECT_EQ(std::ssize(layer.h), !states ? 0 : 9 * 10 * (recipe.inner == InnerKind::s4d_complex ? 2 : 4));

    const auto with = [&](auto change) {
      Knobs knobs;
      change(knobs);
      return network.probe(batch.tokens, knobs).logits;
    };
    EXPECT_EQ(with([](Knobs& k) { k.delta_scale = 1.5; }) != probe.logits, states);
    EXPECT_EQ(with([](Knobs& k) { k.freeze_delta = true; }) != probe.logits, s6 && recipe.selective_delta);
    EXPECT_EQ(with([](Knobs& k) { k.freeze_B = true; }) != probe.logits, s6 && recipe.selective_B);
    EXPECT_EQ(with([](Knobs& k) { k.freeze_C = true; }) != probe.logits, s6 && recipe.selective_C);
    EXPECT_EQ(with([](Knobs& k) { k.input = Knobs::Input::zero_order_hold; }) != probe.logits, s6);
    EXPECT_EQ(with([](Knobs& k) { k.input = Knobs::Input::euler; }) != probe.logits, states && !s6);
  }
}

TEST(TrainingProbe, ASavedNetworkIsTheOneThatWasTrained) {
  const auto ops = kernels::cpu_training(1);
  Trainer trainer(small_recipe(), *ops);
  for (int i = 0; i < 3; ++i) trainer.step();
  const TemporaryFolder folder;
  trainer.save(folder.path());
  const TrainedNetwork loaded = load_trained(folder.path(), *ops);
  const std::vector<std::int32_t> ids = random_ids(14, 8);
  EXPECT_EQ(loaded.network->probe(ids).logits, trainer.network().probe(ids).logits);
  EXPECT_EQ(to_json(loaded.recipe), to_json(trainer.recipe()));
}

TEST(Training, LearningRateRisesInALineAndFallsAsACosine) {
  OptimiserRecipe recipe;
  recipe.learning_rate = 2;
  recipe.warmup = 10;
  recipe.steps = 110;
  recipe.last_rate = 0.25;
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 1), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 10), 2);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 60), 1.25);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 110), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 500), 0.5);
}

TEST(Tasks, SelectiveCopyingAsksForTheTokensInTheirOrder) {
  for (const char* kind : {"selective-copying", "copying"}) {
    const auto task = make_task({kind, 20, 9, 4, {}, {}});
    const Batch batch = task->batch(1, Split::training, 3, 50);
    ASSERT_EQ(batch.length, 24);
    std::set<std::int64_t> places;
    for (std::int64_t s = 0; s < 50; ++s) {
      std::vector<std::int32_t> seen, asked;
      for (std::int64_t t = 0; t < 24; ++t) {
        const auto at = static_cast<std::size_t>(s * 24 + t);
        EXPECT_EQ(batch.tokens[at] == 8, t >= 20);
        EXPECT_EQ(batch.targets[at] == kernels::ignored_target, t < 20);
        if (t >= 20) asked.push_back(batch.targets[at]);
        if (t < 20 && batch.tokens[at] != 0) {
          seen.push_back(batch.tokens[at]);
          places.insert(t);
        }
      }
      EXPECT_EQ(asked, seen);
    }
    EXPECT_EQ(places.size(), std::string(kind) == "copying" ? 4U : 20U);
  }
}

TEST(Tasks, InductionHeadsAnswerWhatFollowedBefore) {
  const auto task = make_task({"induction-heads", 16, 6, 0, {}, {}});
  const Batch batch = task->batch(1, Split::evaluation, 0, 40);
  std::set<std::int64_t> places;
  for (std::int64_t s = 0; s < 40; ++s) {
    const std::int32_t* tokens = batch.tokens.data() + s * 16;
    const auto first = std::find(tokens, tokens + 16, 5) - tokens;
    places.insert(first);
    ASSERT_LT(first, 14);
    EXPECT_EQ(tokens[15], 5);
    EXPECT_EQ(std::count(tokens, tokens + 16, 5), 2);
    EXPECT_EQ(batch.targets[static_cast<std::size_t>(s * 16 + 15)], tokens[first + 1]);
  }
  EXPECT_GT(places.size(), 8U);
}

TEST(Tasks, RecallAnswersEachKeyByItsValue) {
  const auto task = make_task({"associative-recall", 32, 40, 6, {}, {}});
  const Batch batch = task->batch(1, Split::training, 0, 30);
  for (std::int64_t s = 0; s < 30; ++s) {
    const std::int32_t *tokens = batch.tokens.data() + s * 32, *targets = batch.targets.data() + s * 32;
    std::map<std::int32_t, std::int32_t> value_of;
    for (int pair = 0; pair < 6; ++pair) {
      EXPECT_LT(tokens[2 * pair], 20);
      EXPECT_GE(tokens[2 * pair + 1], 20);
      value_of[tokens[2 * pair]] = tokens[2 * pair + 1];
    }
    EXPECT_EQ(value_of.size(), 6U);
    int asked = 0;
    for (int t = 0; t < 32; ++t) {
      if (targets[t] == kernels::ignored_target) continue;
      EXPECT_GE(t, 12);
      EXPECT_EQ(targets[t], value_of.at(tokens[t]));
      ++asked;
    }
    EXPECT_EQ(asked, 6);
  }
}

TEST(Tasks, BatchesAreFunctionsOfSeedSplitAndIndex) {
  const auto task = make_task({"selective-copying", 30, 16, 8, {}, {}});
  const auto tokens = [&](std::uint64_t seed, Split split, std::int64_t index) {
    return task->batch(seed, split, index, 4).tokens;
  };
  const auto first = tokens(1, Split::training, 0);
  EXPECT_EQ(tokens(1, Split::training, 0), first);
  EXPECT_NE(tokens(2, Split::training, 0), first);
  EXPECT_NE(tokens(1, Split::evaluation, 0), first);
  EXPECT_NE(tokens(1, Split::training, 1), first);
}

TEST(Tasks, TextKeepsItsLastTwentiethForEvaluation) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += static_cast<char>(i < 1900 ? 'a' + i % 13 : 'A' + i % 13);
  write_text(folder / "text", text);
  const auto task = make_task({"text", 10, 0, 0, folder / "text", {}});
  EXPECT_EQ(task->vocab(), 256);
  for (const Split split : {Split::training, Split::evaluation}) {
    const Batch batch = task->batch(1, split, 2, 20);
    for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
      EXPECT_EQ(batch.tokens[i] < 'a', split == Split::evaluation);
      if (i % 10 < 9) {
        EXPECT_EQ(batch.targets[i], batch.tokens[i + 1]);
      }
    }
  }
}

TEST(Recipes, SayWhatIsWrongAndWhere) {
  const auto message = [](const char* json) {
    return message_of([&] { parse_recipe(nlohmann::json::parse(json), "r.json", ""); });
  };
  EXPECT_EQ(message("[]"), "r.json: a recipe is a JSON object; see RECIPE.md");
  EXPECT_EQ(message("{}"), "r.json: task: the key \"kind\" is missing; it names what is learnt");
  EXPECT_EQ(message(R"({"task": {"kind": "text", "lenght": 3}})"),
            "r.json: task: the key \"lenght\" is not known; see RECIPE.md for those that are");
  EXPECT_EQ(message(R"({"task": {"kind": "text"}, "model": {"inner": "s7"}})"),
            "r.json: model: inner \"s7\" is not known; choose one of s6, s4d-real, s4d-complex, hyena, attention");
  EXPECT_EQ(message(R"({"task": {"kind": "text"}, "model": {"layers": 0}})"),
            "r.json: model: layers is 0, and must lie between 1 and 256");
  EXPECT_NE(message(R"({"task": {"kind": "text"}, "model": {"initial_A": "s4d-lin"}})").find("does not fit inner s6"),
            std::string::npos);
  EXPECT_EQ(
      message(R"({"task": {"kind": "text"}, "model": {"inner": "attention", "heads": 3}})"),
      "r.json: model: heads must divide d_inner, 128, into an even number of columns, at most 128; choose another "
      "number than 3");
  EXPECT_EQ(message(R"({"task": {"kind": "text"}, "batch": 0})"),
            "r.json: run: batch is 0, and must lie between 1 and 65536");
  EXPECT_NE(message_of([] {
              make_task({"selective-copying", 4, 9, 5, {}, {}});
            }).find("1 to `length` tokens"),
            std::string::npos);
  Recipe huge = small_recipe();
  huge.network.d_model = 8192;
  huge.network.layers = 256;
  huge.batch = 65536;
  EXPECT_NE(message_of([&] { Trainer(huge, *kernels::cpu_training(1)); }).find("training by this recipe needs"),
            std::string::npos);
  const Recipe recipe = small_recipe();
  EXPECT_EQ(to_json(parse_recipe(nlohmann::json::parse(to_json(recipe).dump()), "again", "")), to_json(recipe));
}

}  // namespace
}  // namespace statescope
