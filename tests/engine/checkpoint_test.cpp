// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <set>

#include "engine/error.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using testing::Test;

bool mentions(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    if (text.find(part) == std::string::npos) return false;
  return text.find('\n') == std::string::npos;
}

class CheckpointFolder : public Test {
 protected:
  std::string load() const {
    return message_of([&] { load_model(folder.path(), Precision::f32, 1); });
  }
  std::string load_reference() const {
    return message_of([&] { MambaReference reference(Checkpoint::open(folder.path())); });
  }
  void write() const { write_checkpoint(folder.path(), tensors, config); }

  const MambaSpec spec{};
  TemporaryFolder folder;
  Tensors tensors = random_mamba(spec);
  nlohmann::json config = config_of(spec);
  const std::string mixer0 = "backbone.layers.0.mixer.", mixer1 = "backbone.layers.1.mixer.";
};

TEST_F(CheckpointFolder, AgreeingConfigHasNoConflicts) {
  write();
  const ModelInfo info = inspect_checkpoint(Checkpoint::open(folder.path()));
  EXPECT_EQ(info.conflicts, std::vector<std::string>{});
  EXPECT_EQ(info.family, "Mamba-1");
  EXPECT_EQ(info.sizes.d_inner, 20);
  EXPECT_EQ(info.state_bytes, 2 * 20 * (5 + 3) * 4);
  std::int64_t parameters = 0;
  for (const auto& [name, tensor] : tensors) parameters += std::ssize(tensor.values);
  EXPECT_EQ(info.parameters, parameters);
  EXPECT_EQ(info.stored_bytes, 4 * parameters);
  EXPECT_EQ(info.dtypes, "F32");
  EXPECT_TRUE(info.tied_head);
}

TEST_F(CheckpointFolder, EveryLieOfTheConfigIsListedAndTheTensorsWin) {
  const std::vector<std::pair<std::string, nlohmann::json>> lies{{"hidden_size", 4096},
                                                                 {"num_hidden_layers", 48},
                                                                 {"intermediate_size", "many"},
                                                                 {"state_size", 128},
                                                                 {"conv_kernel", 5},
                                                                 {"time_step_rank", 2.5},
                                                                 {"vocab_size", 50277},
                                                                 {"expand", 2},
                                                                 {"use_bias", true},
                                                                 {"use_conv_bias", false},
                                                                 {"tie_word_embeddings", 0},
                                                                 {"d_model", 7},
                                                                 {"n_layer", nullptr},
                                                                 {"d_inner", 20},
                                                                 {"dt_rank", "auto"}};
  for (const auto& [key, value] : lies) config[key] = value;
  write();
  const ModelInfo info = inspect_checkpoint(Checkpoint::open(folder.path()));
  EXPECT_EQ(info.sizes.d_model, 12);
  EXPECT_EQ(info.sizes.layers, 2);
  EXPECT_EQ(info.conflicts.size(), lies.size() - 3);  // null, auto and the truth are none
  for (std::size_t i = 0; i < lies.size() - 3; ++i) {
    const std::string start = "config.json says " + lies[i].first + " = " + lies[i].second.dump();
    EXPECT_TRUE(std::any_of(info.conflicts.begin(), info.conflicts.end(), [&](const std::string& conflict) {
      return conflict.rfind(start, 0) == 0;
    })) << start;
  }
  const MambaSpec honest{};
  const auto ids = random_ids(5, 31);
  EXPECT_EQ(captured(*load_model(folder.path()), ids).all, captured(*random_model(honest), ids).all);
}

TEST_F(CheckpointFolder, RunsWithoutAConfig) {
  write_tensors(folder / "model.safetensors", tensors);
  const ModelInfo info = load_model(folder.path())->info();
  ASSERT_EQ(info.conflicts.size(), 2U);
  EXPECT_TRUE(mentions(info.conflicts[0], {"config.json is missing"}));
  EXPECT_TRUE(mentions(info.conflicts[1], {"layer_norm_epsilon", "1e-5"}));
}

TEST_F(CheckpointFolder, EpsilonComesFromTheConfig) {
  config["layer_norm_epsilon"] = 0.5;
  write();
  const auto ids = random_ids(5, 31);
  const auto changed = captured(*load_model(folder.path()), ids).at(Quantity::logits);
  EXPECT_GT(relative_error(changed, captured(*random_model(spec), ids).at(Quantity::logits)), 0.01);
  config["layer_norm_epsilon"] = -1;
  write();
  EXPECT_TRUE(mentions(load(), {"config.json", "layer_norm_epsilon"}));
}

TEST_F(CheckpointFolder, ShardsGiveTheSameModelAndAnyOfTheirFilesOpensIt) {
  write_sharded(folder.path(), tensors, 3);
  write_text(folder / "config.json", config.dump());
  const auto ids = random_ids(5, 31);
  const auto truth = captured(*random_model(spec), ids).all;
  for (const char* file : {"", "config.json", "model.safetensors.index.json", "model-1.safetensors"})
    EXPECT_EQ(captured(*load_model(folder / file), ids).all, truth) << file;
}

TEST_F(CheckpointFolder, EveryMissingTensorIsNamed) {
  const std::set<std::string> optional{mixer0 + "conv1d.bias", mixer0 + "dt_proj.bias", mixer1 + "conv1d.bias",
                                       mixer1 + "dt_proj.bias"};
  for (const auto& [name, tensor] : tensors) {
    Tensors without = tensors;
    without.erase(name);
    write_checkpoint(folder.path(), without, config);
    const std::string message = load();
    const bool named = mentions(message, {folder.path().string(), name, "missing"});
    EXPECT_TRUE(optional.count(name) ? message == "no Error" : named) << name << ": " << message;
  }
}

TEST_F(CheckpointFolder, EveryWrongShapeIsNamedWithItsFile) {
  for (const auto& [name, tensor] : tensors) {
    Tensors wrong = tensors;
    // One row more in the last dimension, and the values flattened.
    for (const bool flat : {false, true}) {
      std::vector<std::int64_t>& shape = wrong[name].shape = tensor.shape;
      if (flat)
        shape = {std::ssize(tensor.values), 1, 1, 1};
      else
        ++shape.back();
      wrong[name].values.resize(tensor.values.size() / static_cast<std::size_t>(tensor.shape.back()) *
                                static_cast<std::size_t>(flat ? tensor.shape.back() : shape.back()));
      write_checkpoint(folder.path(), wrong, config);
      // A wrong first matrix may show as its partner's fault, so the sentence names some tensor and its shape.
      const std::string message = load();
      EXPECT_TRUE(mentions(message, {"model.safetensors: tensor \"", "has shape ["})) << name << ": " << message;
      EXPECT_TRUE(!flat || mentions(message, {name})) << message;
    }
  }
}

TEST_F(CheckpointFolder, EmptyTensorsAreRefused) {
  for (auto& [name, tensor] : tensors) {
    if (name != "backbone.embeddings.weight") continue;
    tensor.shape[0] = 0;
    tensor.values.clear();
  }
  write();
  EXPECT_TRUE(mentions(load(), {"embeddings.weight", "[0, 12]"})) << load();
}

TEST_F(CheckpointFolder, AMissingLayerIsCounted) {
  Tensors moved;
  for (const auto& [name, tensor] : tensors) {
    std::string other = name;
    if (const auto at = other.find("layers.1."); at != std::string::npos) other.replace(at, 9, "layers.5.");
    moved[other] = tensor;
  }
  tensors = moved;
  write();
  EXPECT_TRUE(mentions(load(), {"layer 1 is missing", "layer 5"})) << load();
}

TEST_F(CheckpointFolder, UnknownLayerTensorsAreRefusedAndOthersListed) {
  tensors["optimizer\nstep"] = {Dtype::f32, {1}, {1}};
  write();
  const ModelInfo info = inspect_checkpoint(Checkpoint::open(folder.path()));
  ASSERT_EQ(info.conflicts.size(), 1U);
  EXPECT_TRUE(mentions(info.conflicts[0], {"optimizer", "not used"}));  // on one line
  tensors["backbone.layers.1.mlp.fc1.weight"] = {Dtype::f32, {2, 2}, {1, 2, 3, 4}};
  write();
  EXPECT_TRUE(mentions(load(), {"model.safetensors", "backbone.layers.1.mlp.fc1.weight"})) << load();
}

TEST_F(CheckpointFolder, ManyUnusedTensorsAreSummedUp) {
  for (int i = 0; i < 100; ++i) tensors["extra." + std::to_string(i)] = {Dtype::f32, {1}, {1}};
  write();
  const auto conflicts = inspect_checkpoint(Checkpoint::open(folder.path())).conflicts;
  EXPECT_LT(conflicts.size(), 20U);
  EXPECT_TRUE(mentions(conflicts.back(), {"92 further tensors"})) << conflicts.back();
}

TEST_F(CheckpointFolder, OtherFamiliesAreRefusedByName) {
  config["model_type"] = "falcon_mamba";
  write();
  EXPECT_TRUE(mentions(load(), {"config.json", "falcon_mamba"})) << load();

  config["model_type"] = "mamba2";
  for (const std::string& mixer : {mixer0, mixer1}) {
    for (const char* gone : {"x_proj.weight", "dt_proj.weight", "dt_proj.bias"}) tensors.erase(mixer + gone);
    tensors[mixer + "dt_bias"] = tensors[mixer + "norm.weight"] = {Dtype::f32, {4}, {1, 2, 3, 4}};
    tensors[mixer + "A_log"] = {Dtype::f32, {4}, {1, 2, 3, 4}};
  }
  write();
  EXPECT_TRUE(mentions(load(), {folder.path().string(), "mamba2"})) << load();

  config["model_type"] = "mamba";
  config["hidden_act"] = "gelu";
  tensors = random_mamba(spec);
  write();
  EXPECT_TRUE(mentions(load(), {"config.json", "hidden_act"})) << load();
}

TEST_F(CheckpointFolder, WeightsThatAreNoNumbersAreNamedInBothPaths) {
  const Tensors good = tensors;
  const auto expect = [&](const std::vector<std::string>& parts) {
    write();
    EXPECT_TRUE(mentions(load(), parts)) << load();
    EXPECT_TRUE(mentions(load_reference(), parts)) << load_reference();
    tensors = good;
  };
  tensors[mixer1 + "D"].values[3] = std::numeric_limits<float>::quiet_NaN();
  expect({"model.safetensors", mixer1 + "D", "NaN", "element 3"});
  tensors[mixer0 + "in_proj.weight"].values[7] = -std::numeric_limits<float>::infinity();
  expect({mixer0 + "in_proj.weight", "infinity", "element 7"});
  tensors[mixer0 + "A_log"].values[2] = 1000;  // above what a double's exponential holds
  expect({"model.safetensors", mixer0 + "A_log", "overflow"});
  tensors["backbone.norm_f.weight"].dtype = Dtype::i32;
  expect({"model.safetensors", "backbone.norm_f.weight", "I32"});
}

TEST_F(CheckpointFolder, ShardIndexesMayNotLeaveTheFolder) {
  write_sharded(folder.path(), tensors, 2);
  const auto index = folder / "model.safetensors.index.json";
  for (const char* name : {"../model-0.safetensors", "/etc/passwd", "..", ".", "", "a/b", "model-0.safetensors/"}) {
    write_text(index, nlohmann::json{{"weight_map", {{"some.tensor", name}}}}.dump());
    EXPECT_TRUE(mentions(load(), {"index.json", "some.tensor", "plain file name"})) << load();
  }
  for (const char* text : {"{}", R"({"weight_map": {}})", R"({"weight_map": []})", "[]", "3"}) {
    write_text(index, text);
    EXPECT_TRUE(mentions(load(), {"index.json", "weight_map"})) << load();
  }
  write_text(index, R"({"weight_map": {"t": 5}})");
  EXPECT_TRUE(mentions(load(), {"index.json", "\"t\"", "not a string"})) << load();
  write_text(index, R"({"weight_map": {"t": "absent.safetensors"}})");
  EXPECT_TRUE(mentions(load(), {"absent.safetensors", "cannot be read"})) << load();
}

TEST_F(CheckpointFolder, ATensorInTwoShardsIsRefused) {
  write_sharded(folder.path(), tensors, 2);
  write_tensors(folder / "model-1.safetensors", tensors);
  EXPECT_TRUE(mentions(load(), {"model-1.safetensors", "also in another shard"})) << load();
}

TEST_F(CheckpointFolder, PathsWithoutACheckpointAreExplained) {
  EXPECT_TRUE(mentions(load(), {folder.path().string(), "model.safetensors"})) << load();
  const std::string absent = message_of([&] { Checkpoint::open(folder / "absent"); });
  EXPECT_TRUE(mentions(absent, {"absent", "does not exist"})) << absent;
  write_text(folder / "readme.txt", "text");
  const std::string text = message_of([&] { Checkpoint::open(folder / "readme.txt"); });
  EXPECT_TRUE(mentions(text, {folder.path().string(), "model.safetensors"})) << text;
  std::filesystem::create_directory(folder / "model.safetensors");
  EXPECT_TRUE(mentions(load(), {"model.safetensors", "directory"})) << load();
}

TEST_F(CheckpointFolder, UnreadableFoldersAreExplained) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  std::filesystem::create_directory(folder / "closed");
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::none);
  const std::string message = message_of([&] { Checkpoint::open(folder / "closed" / "model.safetensors"); });
  EXPECT_TRUE(mentions(message, {"closed", "cannot be read"})) << message;
}

TEST_F(CheckpointFolder, BrokenConfigsAreRefused) {
  write();
  const auto text_of = [&](const std::string& text) {
    write_text(folder / "config.json", text);
    return load();
  };
  for (const std::string& text :
       {std::string("[1]"), std::string("3"), std::string("{\"a\": 1,"), std::string(), std::string(100000, '['),
        std::string("{\"a\": NaN}"), "{\"a\": \"" + std::string(20 << 20, 'x') + "\"}"})
    EXPECT_TRUE(mentions(text_of(text), {"config.json"})) << text.substr(0, 40);
}

// Files whose sizes are honest but absurd: nothing is stored, so they cost no disk.
TEST_F(CheckpointFolder, ModelsLargerThanMemoryAreRefusedBeforeReading) {
  MambaSpec large{{1, 100'000, 200'000, 1, 4, 1, 100'000}};  // 280 GB of float32
  const auto [layers, D, E, N, K, R, V] = large.sizes;
  const Tensors shapes{{"backbone.embeddings.weight", {Dtype::f32, {V, D}, {}}},
                       {"backbone.norm_f.weight", {Dtype::f32, {D}, {}}},
                       {"backbone.layers.0.norm.weight", {Dtype::f32, {D}, {}}},
                       {mixer0 + "in_proj.weight", {Dtype::f32, {2 * E, D}, {}}},
                       {mixer0 + "conv1d.weight", {Dtype::f32, {E, 1, K}, {}}},
                       {mixer0 + "x_proj.weight", {Dtype::f32, {R + 2 * N, E}, {}}},
                       {mixer0 + "dt_proj.weight", {Dtype::f32, {E, R}, {}}},
                       {mixer0 + "A_log", {Dtype::f32, {E, N}, {}}},
                       {mixer0 + "D", {Dtype::f32, {E}, {}}},
                       {mixer0 + "out_proj.weight", {Dtype::f32, {D, E}, {}}}};
  write_sparse(folder / "model.safetensors", shapes);
  EXPECT_EQ(inspect_checkpoint(Checkpoint::open(folder.path())).sizes.vocab, V);  // looking costs nothing
  EXPECT_TRUE(mentions(load(), {folder.path().string(), "memory", "is free"})) << load();
  EXPECT_TRUE(mentions(load_reference(), {folder.path().string(), "memory", "is free"})) << load_reference();
}

// One output row takes the room of 16: the parameters alone would say a third of it.
TEST_F(CheckpointFolder, NarrowMatricesAreCountedAsPacked) {
  MambaSpec narrow{{1, 1, 2'000'000'000, 1, 1, 1, 2}, Dtype::f16};  // 13e9 weights stored, 90e9 packed
  const auto [layers, D, E, N, K, R, V] = narrow.sizes;
  const Tensors shapes{{"backbone.embeddings.weight", {Dtype::f16, {V, D}, {}}},
                       {"backbone.norm_f.weight", {Dtype::f16, {D}, {}}},
                       {"backbone.layers.0.norm.weight", {Dtype::f16, {D}, {}}},
                       {mixer0 + "in_proj.weight", {Dtype::f16, {2 * E, D}, {}}},
                       {mixer0 + "conv1d.weight", {Dtype::f16, {E, 1, K}, {}}},
                       {mixer0 + "x_proj.weight", {Dtype::f16, {R + 2 * N, E}, {}}},
                       {mixer0 + "dt_proj.weight", {Dtype::f16, {E, R}, {}}},
                       {mixer0 + "A_log", {Dtype::f16, {E, N}, {}}},
                       {mixer0 + "D", {Dtype::f16, {E}, {}}},
                       {mixer0 + "out_proj.weight", {Dtype::f16, {D, E}, {}}}};
  write_sparse(folder / "model.safetensors", shapes);
  EXPECT_TRUE(mentions(load(), {"335 GiB of memory", "is free"})) << load();
}

}  // namespace
}  // namespace statescope
