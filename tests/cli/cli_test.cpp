// SPDX-License-Identifier: GPL-3.0-or-later
// statescope-cli from outside: what a script sees.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command.h"
#include "engine/io/safetensors.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Words = std::vector<std::string>;

class Cli : public testing::Test {
 protected:
  // A model over printable ASCII, one token per character.
  Cli() {
    std::filesystem::create_directory(folder / "model");
    std::filesystem::create_directory(folder / "out");
    write_checkpoint(folder / "model", MambaSpec{{2, 12, 20, 5, 4, 3, 95}});
    write_tokenizer(folder / "model");
  }

  static Words plus(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Words inspect(const Words& more) const { return plus({"inspect", model, "--out", trace}, more); }

  // Exit status 1, one line on stderr that mentions the parts, nothing on stdout, no file left behind.
  void expect_failure(const Words& words, const Words& parts) const {
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("statescope-cli: ", 0), 0U) << outcome.err;
    for (const std::string& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
    EXPECT_TRUE(std::filesystem::is_empty(folder / "out"));
  }
  static void expect_wrong_usage(const Words& words) {
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(words);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  // Exactly one JSON object, nothing else.
  static nlohmann::json json(const Words& words) {
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const auto parsed = nlohmann::json::parse(outcome.out, nullptr, false);
    EXPECT_TRUE(parsed.is_object()) << outcome.out;
    return parsed;
  }

  TemporaryFolder folder;
  const std::string model = (folder / "model").string(), trace = (folder / "out" / "trace.safetensors").string();
};

TEST_F(Cli, HelpIsEverywhere) {
  for (const Words& words : {Words{"--help"},
                             {"devices", "--help"},
                             {"info", "--help"},
                             {"tokenize", "--help"},
                             {"inspect", "--help"},
                             {"generate", "--help"},
                             {"compute", "--help"},
                             {"train", "--help"}}) {
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.out.find("Usage"), std::string::npos) << outcome.out;
  }
}

TEST_F(Cli, WrongUsageIsStatus2) {
  for (const Words& words : {Words{},
                             {"dance"},
                             {"info"},
                             {"info", model, "--loud"},
                             {"tokenize", model},
                             {"generate", model},
                             {"generate", model, "--prompt", "a"},
                             {"generate", model, "--prompt", "a", "--tokens", "0"},
                             {"generate", model, "--prompt", "a", "--tokens", "many"},
                             {"inspect", model, "--ids", "1"},
                             inspect({}),
                             inspect({"--ids", "1", "--prompt", "a"}),
                             inspect({"--ids", "1", "--dtype", "f8"}),
                             inspect({"--ids", "1", "--tensors", "x"}),
                             inspect({"--ids", "1", "--tensors", ""}),
                             inspect({"--ids", "1", "--tensors", "h,"}),
                             {"compute"},
                             {"compute", "scene.json"}})
    expect_wrong_usage(words);
}

TEST_F(Cli, DevicesListsTheProcessor) {
  const auto devices = json({"devices", "--json"})["devices"];
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0]["device"], "cpu");
  EXPECT_GE(devices[0]["threads"].get<int>(), 1);
  EXPECT_NE(command({"devices"}).out.find("cpu"), std::string::npos);
}

TEST_F(Cli, InfoTellsSizesAndConflicts) {
  nlohmann::json config = config_of({{2, 12, 20, 5, 4, 3, 95}});
  config["state_size"] = 16;
  write_text(folder / "model/config.json", config.dump());
  const auto info = json({"info", model, "--json"});
  EXPECT_EQ(info["family"], "Mamba-1");
  EXPECT_EQ(info["sizes"]["d_state"], 5);
  EXPECT_EQ(info["sizes"]["vocab"], 95);
  EXPECT_EQ(info["state_bytes_per_token"], 2 * 20 * 8 * 4);
  ASSERT_EQ(info["conflicts"].size(), 1U);
  EXPECT_NE(info["conflicts"][0].get<std::string>().find("state_size = 16"), std::string::npos);
  const Outcome text = command({"info", model + "/model.safetensors"});
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.out.find("conflict: config.json says state_size"), std::string::npos) << text.out;
}

TEST_F(Cli, TokenizeGivesIdsAndTexts) {
  const auto tokens = json({"tokenize", model, "--text", "a b", "--json"});
  EXPECT_EQ(tokens["ids"], (nlohmann::json{65, 0, 66}));
  EXPECT_EQ(tokens["tokens"], (nlohmann::json{"a", " ", "b"}));
  EXPECT_EQ(command({"tokenize", model, "--text", "a b"}).out, "65\t\"a\"\n0\t\" \"\n66\t\"b\"\n");
  EXPECT_EQ(json({"tokenize", model, "--text", "", "--json"})["ids"], nlohmann::json::array());
}

TEST_F(Cli, InspectWritesTheTraceOfAPromptHoweverItIsGiven) {
  ASSERT_EQ(command(inspect({"--prompt", "a b"})).status, 0);
  const std::string by_prompt = read_text(trace);
  const SafetensorsFile file(trace);
  EXPECT_EQ(file.metadata().at("prompt"), "a b");
  EXPECT_EQ(file.tensors().size(), 3U + 2 * 7);
  const std::vector<std::int32_t> ids{65, 0, 66};
  EXPECT_EQ(file.read_f32("logits"), captured(*load_model(model), ids).at(Quantity::logits));

  write_text(folder / "prompt.txt", "a b");
  ASSERT_EQ(command(inspect({"--prompt-file", (folder / "prompt.txt").string()})).status, 0);
  EXPECT_EQ(read_text(trace), by_prompt);
  ASSERT_EQ(command(inspect({"--ids", "65,0,66"})).status, 0);
  EXPECT_EQ(SafetensorsFile(trace).read_f32("layer.1.h"), file.read_f32("layer.1.h"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out"), {}), 1);
}

TEST_F(Cli, InspectChoosesLayersTensorsAndArithmetic) {
  ASSERT_EQ(command(inspect({"--ids", "1,2", "--layers", "1", "--tensors", "h,logits"})).status, 0);
  EXPECT_EQ(SafetensorsFile(trace).tensors().size(), 3U);
  ASSERT_EQ(command(inspect({"--ids", "1,2", "--layers", "0-1,1"})).status, 0);
  const auto f32 = SafetensorsFile(trace).read_f32("logits");
  for (const auto& [dtype, low, high] : {std::tuple{"f64", 0.0, 1e-5}, {"bf16", 1e-4, 0.1}, {"f16", 1e-5, 0.01}}) {
    ASSERT_EQ(command(inspect({"--ids", "1,2", "--dtype", dtype})).status, 0);
    const double error = relative_error(SafetensorsFile(trace).read_f32("logits"), f32);
    EXPECT_GT(error, low) << dtype;
    EXPECT_LT(error, high) << dtype;
  }
}

TEST_F(Cli, InspectRefusesBadPrompts) {
  expect_failure(inspect({"--prompt", ""}), {"the prompt is empty"});
  expect_failure(inspect({"--prompt", "a\xFF"}), {"UTF-8", "byte 1"});
  write_text(folder / "empty.txt", "");
  expect_failure(inspect({"--prompt-file", (folder / "empty.txt").string()}), {"the prompt is empty"});
  expect_failure(inspect({"--prompt-file", (folder / "absent\n.txt").string()}), {"absent", "cannot be read"});
  expect_failure(inspect({"--prompt-file", "/dev/zero"}), {"/dev/zero", "regular file"});
  write_sparse(folder / "long.txt", {{"t", {Dtype::f32, {1 << 28}, {}}}});
  expect_failure(inspect({"--prompt-file", (folder / "long.txt").string()}), {"long.txt", "at most"});
}

TEST_F(Cli, InspectRefusesBadIdsAndLayers) {
  expect_failure(inspect({"--ids", "1,95"}), {"95", "position 1", "vocabulary of 95"});
  expect_failure(inspect({"--ids=-1"}), {"-1", "position 0"});
  for (const char* ids : {"", ",", "1,", "1,,2", "1 2", "x", "99999999999", "1.5"})
    expect_failure(inspect({"--ids", ids}), {"--ids"});
  for (const char* layers : {"2", "0,2", "1-0", "0-", "-1", "0-9999999999999999999", "first", "0,"})
    expect_failure(inspect({"--ids", "1", "--layers=" + std::string(layers)}), {"--layers"});
}

TEST_F(Cli, InspectRefusesOutputsItCannotWrite) {
  const std::string dir = (folder / "out").string();
  expect_failure({"inspect", model, "--ids", "1", "--out", dir}, {dir, "cannot be written"});
  expect_failure({"inspect", model, "--ids", "1", "--out", dir + "/absent/t.safetensors"}, {"cannot be written"});
  expect_failure({"inspect", model, "--ids", "1", "--out", "/proc/t.safetensors"}, {"/proc/t", "cannot be written"});
  expect_failure({"inspect", model, "--ids", "1", "--out", ""}, {"cannot be written"});
}

TEST_F(Cli, AnInterruptedInspectLeavesNothingBehind) {
  // Long enough to be interrupted on any machine; the file is sparse until it is written.
  write_text(folder / "prompt.txt", std::string(8 << 20, 'a'));
  const Outcome outcome = command(inspect({"--prompt-file", (folder / "prompt.txt").string(), "--tensors", "B"}), "",
                                  [&] { return !std::filesystem::is_empty(folder / "out"); });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "statescope-cli: cancelled\n");
  EXPECT_TRUE(std::filesystem::is_empty(folder / "out"));
}

TEST_F(Cli, DevicesThatAreNotThereAreRefused) {
  for (const char* device : {"cuda", "cuda:3", "tpu", ""})
    expect_failure(inspect({"--ids", "1", "--device", device}), {"--device"});
}

TEST_F(Cli, ModelsWithoutTokenizerRunOnIds) {
  std::filesystem::remove(folder / "model/tokenizer.json");
  EXPECT_EQ(command(inspect({"--ids", "1,2"})).status, 0);
  std::filesystem::remove(trace);
  for (const Words& words : {inspect({"--prompt", "a"}),
                             {"tokenize", model, "--text", "a"},
                             {"generate", model, "--prompt", "a", "--tokens", "3"}})
    expect_failure(words, {"tokenizer.json", "--ids"});
}

TEST_F(Cli, TokenizersLargerThanTheEmbeddingAreRefusedByTheId) {
  write_checkpoint(folder / "model", MambaSpec{{2, 12, 20, 5, 4, 3, 31}});
  expect_failure(inspect({"--prompt", "!~"}), {"94", "vocabulary of 31"});
  expect_failure({"generate", model, "--prompt", "~", "--tokens", "3"}, {"94", "vocabulary of 31"});
  const auto text = json({"generate", model, "--prompt", "!", "--tokens", "20", "--temperature", "9", "--json"});
  for (const int id : text["ids"]) EXPECT_LT(id, 31);
}

TEST_F(Cli, EmbeddingsLargerThanTheTokenizerNeverDrawTheirPadding) {
  write_checkpoint(folder / "model", MambaSpec{{1, 6, 8, 3, 4, 2, 4000}});
  const auto text = json({"generate", model, "--prompt", "!", "--tokens", "60", "--temperature", "50", "--json"});
  EXPECT_EQ(text["ids"].size(), 60U);
  for (const int id : text["ids"]) EXPECT_LT(id, 95);
}

TEST_F(Cli, GenerateIsTheSameForTheSameSeed) {
  const Words words{"generate",      model, "--prompt", "Call me", "--tokens", "30",
                    "--temperature", "1",   "--top-k",  "50",      "--top-p",  "0.9"};
  const auto with_seed = [&](const char* seed) { return json(plus(words, {"--seed", seed, "--json"})); };
  const auto once = with_seed("5");
  EXPECT_EQ(once["ids"], with_seed("5")["ids"]);
  EXPECT_NE(once["ids"], with_seed("6")["ids"]);
  EXPECT_EQ(once["ids"].size(), 30U);
  EXPECT_GT(once["tokens_per_second"].get<double>(), 0);
  EXPECT_EQ(command(plus(words, {"--seed", "5"})).out, once["text"].get<std::string>() + "\n");
}

TEST_F(Cli, GenerateRefusesBadSettings) {
  const Words words{"generate", model, "--prompt", "a", "--tokens", "3"};
  expect_failure(plus(words, {"--temperature=-1"}), {"temperature"});
  expect_failure(plus(words, {"--top-p", "0"}), {"top-p"});
  expect_failure(plus(words, {"--top-k=-2"}), {"top-k"});
  expect_failure({"generate", model, "--prompt", "", "--tokens", "3"}, {"the prompt is empty"});
  expect_failure({"generate", model, "--prompt", "\xC3(", "--tokens", "3"}, {"UTF-8"});
}

TEST_F(Cli, ComputeGivesTheNumbersOfAScene) {
  const std::string out = (folder / "out/result.json").string(), scene = (folder / "scene.json").string();
  const nlohmann::json document{{"format", "statescope-scene"},
                                {"version", 1},
                                {"experiment", {{"kind", "model-run"}, {"model", "model"}, {"prompt", "a b"}}}};
  write_text(scene, document.dump());
  const Outcome outcome = command({"compute", scene, "--out", out});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(read_text(out))["tokens"].size(), 3U);
  std::filesystem::remove(out);

  expect_failure({"compute", (folder / "absent.json").string(), "--out", out}, {"absent.json"});
  expect_failure({"compute", scene, "--out", (folder / "out").string()}, {"cannot be written"});
  expect_failure({"compute", scene, "--out", (folder / "out/absent/r.json").string()}, {"cannot be written"});
  write_text(scene, "{\"format\": 1}");
  expect_failure({"compute", scene, "--out", out}, {"scene.json", "not a scene"});
}

TEST_F(Cli, TrainSavesACheckpointWithItsLogAndGoesOnWhereItWasInterrupted) {
  const std::string recipe = (folder / "recipe.json").string(), out = (folder / "run").string(),
                    straight = (folder / "straight").string();
  write_text(recipe, R"({"task": {"kind": "copying", "length": 12, "vocab": 6, "memorise": 2},
                         "model": {"layers": 1, "d_model": 8, "d_state": 4},
                         "optimiser": {"steps": 4000}, "batch": 8, "evaluate_every": 4000, "evaluation_sequences": 8})");
  const Words words{"train", recipe, "--out", out};
  const Outcome stopped = command(words, "", [&] { return std::filesystem::exists(out + "/log.jsonl"); });
  EXPECT_EQ(stopped.status, 1);
  EXPECT_NE(stopped.err.find("go on with --resume"), std::string::npos) << stopped.err;
  expect_failure(words, {"holds a training run"});
  EXPECT_EQ(command({"train", recipe, "--out", out, "--resume"}).status, 0);
  EXPECT_EQ(json({"train", recipe, "--out", straight, "--json", "--seed", "1"})["step"], 4000);
  EXPECT_EQ(read_text(out + "/model.safetensors"), read_text(straight + "/model.safetensors"));
  EXPECT_EQ(json({"info", out, "--json"})["family"], "Mamba-1");
  const auto evaluation = json({"evaluate", out, "--sequences", "16", "--seed", "9", "--json"});
  EXPECT_EQ(evaluation["targets"], 32);
  EXPECT_EQ(evaluation["accuracy_of_answer"].size(), 2U);
  expect_failure({"evaluate", model}, {"recipe.json"});
  write_text(recipe, R"({"task": {"kind": "dancing", "length": 12, "vocab": 6}})");
  expect_failure({"train", recipe, "--out", (folder / "none").string()}, {"there is no task \"dancing\""});
}

TEST_F(Cli, ModelsThatAreNoneAreRefusedByEveryCommand) {
  const std::string absent = (folder / "absent").string();
  for (const std::string& path : {absent, (folder / "out").string()}) {
    expect_failure({"info", path}, {path});
    expect_failure({"info", path, "--json"}, {path});
    expect_failure({"inspect", path, "--ids", "1", "--out", trace}, {path});
    expect_failure({"tokenize", path, "--text", "a"}, {path});
    expect_failure({"generate", path, "--prompt", "a", "--tokens", "1"}, {path});
  }
  write_text(folder / "model/model.safetensors", "truncated");
  expect_failure({"info", model}, {"model.safetensors"});
}

TEST_F(Cli, AnOutputThatCannotBePrintedIsAFailure) {
  const Outcome outcome = command({"info", model, "--json"}, "/dev/full");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("standard output"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace statescope
