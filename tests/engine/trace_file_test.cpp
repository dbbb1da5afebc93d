// SPDX-License-Identifier: GPL-3.0-or-later
// The trace file as TRACE.md specifies it.
#include "engine/run/trace_file.h"

#include <gtest/gtest.h>

#include "engine/error.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

class TraceFile : public testing::Test {
 protected:
  TraceFile() : model(random_model({{2, 6, 10, 3, 4, 2, 17}})), ids(random_ids(70, 17)) {}

  void write(const TraceSelection& selection, bool commit = true) {
    TraceFileWriter trace(path, model->info(), ids, "a \"prompt\"\n", selection);
    ModelState state = model->initial_state();
    run(*model, ids, state, &trace);
    if (commit) trace.commit();
  }

  TemporaryFolder folder;
  const std::filesystem::path path = folder / "trace.safetensors";
  const std::shared_ptr<const Model> model;
  const std::vector<std::int32_t> ids;
};

TEST_F(TraceFile, HasTheTensorsOfTheSpecification) {
  write({.layers = {0, 1}});
  const SafetensorsFile file(path.string());
  EXPECT_EQ(file.metadata(), (MetadataMap{{"format", "statescope-trace"},
                                          {"version", "1"},
                                          {"model", model->info().name},
                                          {"prompt", "a \"prompt\"\n"}}));
  const std::map<std::string, std::vector<std::int64_t>> shapes{
      {"ids", {70}},           {"logits", {70, 17}},      {"hidden", {3, 70, 6}},     {"layer.0.delta", {70, 10}},
      {"layer.0.B", {70, 3}},  {"layer.0.C", {70, 3}},    {"layer.0.conv", {70, 10}}, {"layer.0.h", {70, 10, 3}},
      {"layer.0.y", {70, 10}}, {"layer.0.gate", {70, 10}}};
  EXPECT_EQ(file.tensors().size(), 3U + 2 * 7);
  for (const auto& [name, shape] : shapes) {
    EXPECT_EQ(file.at(name).shape, shape) << name;
    EXPECT_EQ(file.at(name).dtype, name == "ids" ? Dtype::i32 : Dtype::f32) << name;
    if (name.rfind("layer.0.", 0) == 0) {
      EXPECT_EQ(file.at("layer.1." + name.substr(8)).shape, shape);
    }
  }
}

TEST_F(TraceFile, IsNotTakenForAModel) {
  write({.layers = {0}});
  EXPECT_EQ(message_of([&] { Checkpoint::open(path); }),
            path.string() + " is a trace, not a model; open the model that it was recorded from");
}

TEST_F(TraceFile, HoldsWhatTheRunComputed) {
  write({.layers = {0, 1}});
  const SafetensorsFile file(path.string());
  const Capture run = captured(*model, ids);
  EXPECT_EQ(file.read_ids("ids"), ids);
  EXPECT_EQ(file.read_f32("logits"), run.at(Quantity::logits));
  std::vector<float> hidden;
  for (std::int64_t layer = 0; layer <= 2; ++layer) {
    const auto& part = run.at(Quantity::hidden, layer);
    hidden.insert(hidden.end(), part.begin(), part.end());
  }
  EXPECT_EQ(file.read_f32("hidden"), hidden);
  for (const Quantity quantity :
       {Quantity::delta, Quantity::B, Quantity::C, Quantity::conv, Quantity::h, Quantity::y, Quantity::gate})
    for (std::int64_t layer = 0; layer < 2; ++layer)
      EXPECT_EQ(file.read_f32("layer." + std::to_string(layer) + "." + quantity_name(quantity)),
                run.at(quantity, layer));
}

TEST_F(TraceFile, HoldsOnlyTheSelection) {
  write({.quantities = {Quantity::h, Quantity::logits}, .layers = {1}});
  const SafetensorsFile file(path.string());
  EXPECT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.read_f32("layer.1.h"), captured(*model, ids).at(Quantity::h, 1));
}

TEST_F(TraceFile, IsNotThereUntilCommitted) {
  write_text(path, "older");
  write({.layers = {0}}, false);
  EXPECT_EQ(read_text(path), "older");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_F(TraceFile, RefusesLayersThatDoNotExist) {
  for (const std::int64_t layer : {-1, 2}) {
    const std::string message = message_of([&] { write({.layers = {layer}}); });
    EXPECT_NE(message.find("no layer " + std::to_string(layer)), std::string::npos) << message;
  }
  EXPECT_TRUE(folder.empty());
}

TEST(Quantities, HaveNamesThatReadBack) {
  for (const Quantity quantity : all_quantities) EXPECT_EQ(parse_quantity(quantity_name(quantity)), quantity);
  const std::string message = message_of([] { parse_quantity("x"); });
  EXPECT_NE(message.find("\"x\"; known are logits, hidden"), std::string::npos) << message;
}

}  // namespace
}  // namespace statescope
