// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scene/scene.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/error.h"
#include "paths.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

// The format as SCENE.md gives it, with every key.
const char* const complete = R"({
  "format": "statescope-scene",
  "version": 1,
  "experiment": {
    "kind": "model-run",
    "model": "../models/some lab",
    "prompt": "Call me \"Ishmael\" — 🐋\n",
    "generated": [
      12,
      0,
      2147483647
    ],
    "sampling": {
      "temperature": 0.7,
      "top_k": 40,
      "top_p": 0.95,
      "seed": 18446744073709551615
    },
    "tokens_to_generate": 7
  },
  "view": {
    "layer": 3,
    "channel": 11,
    "state": 2,
    "overview": "state_norm",
    "map": "gate",
    "order": "index"
  },
  "cursor": 5
}
)";

ModelScene complete_scene() {
  ModelScene scene;
  scene.run.model = "../models/some lab";
  scene.run.prompt = "Call me \"Ishmael\" — 🐋\n";
  scene.run.generated = {12, 0, 2147483647};
  scene.run.sampling = {.temperature = 0.7, .top_k = 40, .top_p = 0.95, .seed = 18446744073709551615U};
  scene.run.tokens_to_generate = 7;
  scene.view = {3, 11, 2, Summary::state_norm, Quantity::gate, ChannelOrder::index};
  scene.cursor = 5;
  return scene;
}

nlohmann::json document() {
  return nlohmann::json::parse(complete);
}

std::string refusal(const nlohmann::json& json) {
  return message_of([&] { parse_scene(json.dump(), "s.json"); });
}

TEST(Scene, ReadsAndWritesExactlyThisText) {
  EXPECT_EQ(parse_scene(complete, "s.json"), Scene(complete_scene()));
  EXPECT_EQ(to_text(complete_scene()), complete);
}

TEST(Scene, WritesIdsInPlaceOfThePrompt) {
  ModelScene scene;
  scene.run.prompt_ids = {4, 5};
  EXPECT_EQ(parse_scene(to_text(scene), "s.json"), Scene(scene));
  EXPECT_EQ(to_text(scene).find("\"prompt\""), std::string::npos);
}

TEST(Scene, KeepsTheTextOfAPromptThatWasCutInTheMiddle) {
  ModelScene scene;
  scene.run.prompt = "Call me Ishmael";
  scene.run.prompt_ids = {4, 5};
  EXPECT_EQ(parse_scene(to_text(scene), "s.json"), Scene(scene));
}

TEST(Scene, MissingKeysHaveDefaults) {
  const Scene scene = parse_scene(
      R"({"format": "statescope-scene", "version": 1, "experiment": {"kind": "model-run", "model": "m"}})", "s.json");
  ModelScene expected;
  expected.run.model = "m";
  EXPECT_EQ(scene, Scene(expected));
}

TEST(Scene, FilesRoundTripAndAFailedSaveLeavesTheOld) {
  const TemporaryFolder folder;
  save_scene(complete_scene(), folder / "a.json");
  EXPECT_EQ(load_scene(folder / "a.json"), Scene(complete_scene()));
  EXPECT_EQ(read_text(folder / "a.json"), complete);
  EXPECT_THROW(save_scene(Scene(), folder / "absent/a.json"), Error);
  std::filesystem::create_directory(folder / "dir");
  EXPECT_THROW(save_scene(Scene(), folder / "dir"), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(Scene, RefusesWhatIsNoScene) {
  for (const char* text :
       {"", "[]", "3", "null", "{}", R"({"format": 1})", R"({"format": "statescope-trace", "version": 1})", "{\"a\":"})
    EXPECT_NE(message_of([&] { parse_scene(text, "s.json"); }).find("s.json"), std::string::npos) << text;
  const std::string deep = std::string(100000, '[');
  EXPECT_NE(message_of([&] { parse_scene(deep, "s.json"); }).find("s.json"), std::string::npos);
}

TEST(Scene, RefusesOtherVersions) {
  for (const nlohmann::json& version : {nlohmann::json(0), nlohmann::json(2), nlohmann::json(-1)}) {
    auto json = document();
    json["version"] = version;
    EXPECT_NE(refusal(json).find("version " + version.dump()), std::string::npos) << refusal(json);
  }
  auto json = document();
  json["version"] = "1";
  EXPECT_NE(refusal(json).find("version"), std::string::npos);
  json.erase("version");
  EXPECT_NE(refusal(json).find("version"), std::string::npos);
}

TEST(Scene, RefusesUnknownKeysEverywhere) {
  for (const char* place : {"", "/experiment", "/experiment/sampling", "/view"}) {
    auto json = document();
    json[nlohmann::json::json_pointer(std::string(place) + "/colour\n")] = 1;
    const std::string message = refusal(json);
    EXPECT_NE(message.find("unknown key \"colour"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

struct Refused {
  const char* place;
  nlohmann::json value;
};
void PrintTo(const Refused& r, std::ostream* out) {
  *out << r.place << " = " << r.value;
}

class SceneRefuses : public testing::TestWithParam<Refused> {};

TEST_P(SceneRefuses, NamingFileAndKey) {
  auto json = document();
  const nlohmann::json::json_pointer place(GetParam().place);
  json[place] = GetParam().value;
  const std::string message = refusal(json);
  std::string key = place.back();
  if (const auto list = nlohmann::json::json_pointer(GetParam().place).parent_pointer(); key == "0") key = list.back();
  if (key == "temperature" || key.rfind("top_", 0) == 0) key = key.substr(0, 3);  // "top-k must be …"
  EXPECT_NE(message.find("s.json"), std::string::npos) << message;
  EXPECT_NE(message.find(key), std::string::npos) << message;
}

const double too_large = 18446744073709551616.0;

INSTANTIATE_TEST_SUITE_P(Keys, SceneRefuses,
                         testing::ValuesIn(std::vector<Refused>{{"/experiment", 3},
                                                                {"/experiment/kind", "weather"},
                                                                {"/experiment/kind", 1},
                                                                {"/experiment/model", nullptr},
                                                                {"/experiment/model", 7},
                                                                {"/experiment/prompt", {1, 2}},
                                                                {"/experiment/prompt_ids", "1,2"},
                                                                {"/experiment/prompt_ids", {-1}},
                                                                {"/experiment/generated", {1.5}},
                                                                {"/experiment/generated", {2147483648}},
                                                                {"/experiment/generated", {"12"}},
                                                                {"/experiment/sampling", "greedy"},
                                                                {"/experiment/sampling/temperature", -1},
                                                                {"/experiment/sampling/temperature", "hot"},
                                                                {"/experiment/sampling/top_k", -1},
                                                                {"/experiment/sampling/top_k", 1.5},
                                                                {"/experiment/sampling/top_p", 0},
                                                                {"/experiment/sampling/top_p", 2},
                                                                {"/experiment/sampling/seed", -1},
                                                                {"/experiment/sampling/seed", 1.5},
                                                                {"/experiment/sampling/seed", too_large},
                                                                {"/experiment/tokens_to_generate", -5},
                                                                {"/view", {1}},
                                                                {"/view/layer", -1},
                                                                {"/view/channel", too_large},
                                                                {"/view/state", "first"},
                                                                {"/view/overview", "loss"},
                                                                {"/view/map", "heat"},
                                                                {"/view/map", "h"},
                                                                {"/view/order", "random"},
                                                                {"/cursor", -2},
                                                                {"/cursor", true}}));

TEST(Scene, BoundsTheNumberOfIds) {
  auto json = document();
  json["experiment"]["prompt_ids"] = std::vector<int>((1 << 20) + 1, 3);
  EXPECT_NE(refusal(json).find("prompt_ids"), std::string::npos);
}

TEST(Scene, IsClampedToWhatTheModelAndTheRunHave) {
  const ModelSizes sizes{8, 256, 512, 16, 4, 16, 4096};
  ModelScene scene = complete_scene();
  EXPECT_EQ(clamped(scene, sizes, 10), scene);
  constexpr auto huge = std::numeric_limits<std::int64_t>::max();
  scene.view.layer = scene.view.channel = scene.view.state = scene.cursor = huge;
  const ModelScene inside = clamped(scene, sizes, 10);
  EXPECT_EQ(inside.view.layer, 7);
  EXPECT_EQ(inside.view.channel, 511);
  EXPECT_EQ(inside.view.state, 15);
  EXPECT_EQ(inside.cursor, 9);
  EXPECT_EQ(clamped(scene, sizes, 0).cursor, 0);
  scene.cursor = -4;
  EXPECT_EQ(clamped(scene, sizes, 10).cursor, 0);
}

const char* const theatre = R"({
  "format": "statescope-scene",
  "version": 1,
  "experiment": {
    "kind": "scan-theatre",
    "algorithm": "chunked",
    "chunk": 4,
    "pairs": [
      [
        0.5,
        1.0
      ],
      [
        0.25,
        -2.0
      ]
    ],
    "h0": 3.0,
    "model": "m",
    "prompt": "a",
    "prompt_ids": [
      8,
      9
    ],
    "layer": 1,
    "channel": 2,
    "state": 3,
    "first": 4,
    "length": 5
  },
  "cursor": 6
}
)";

TEST(Scene, OfTheTheatreReadsAndWritesExactlyThisText) {
  TheatreScene scene;
  scene.run = {ScanAlgorithm::chunked, 4, {{0.5, 1}, {0.25, -2}}, 3, "m", "a", 1, 2, 3, 4, 5, {8, 9}};
  scene.cursor = 6;
  EXPECT_EQ(parse_scene(theatre, "s.json"), Scene(scene));
  EXPECT_EQ(to_text(scene), theatre);
  EXPECT_EQ(scene_kind(scene), "scan-theatre");
}

const char* const profile = R"({
  "format": "statescope-scene",
  "version": 1,
  "experiment": {
    "kind": "profile",
    "file": "run.json",
    "against": "other.json",
    "model": "m",
    "prompt": "a",
    "prompt_ids": [
      3
    ],
    "read": 64,
    "tokens": 7,
    "device": "cuda:1",
    "dtype": "bf16",
    "threads": 2
  },
  "view": {
    "tab": "roofline",
    "from": 10,
    "to": 20,
    "stage": "in-projection"
  },
  "cursor": 15
}
)";

TEST(Scene, OfAProfileReadsAndWritesExactlyThisText) {
  ProfileScene scene;
  scene.run = {"run.json", "other.json", "m", "a", 7, "cuda:1", Precision::bf16, {3}, 64, 2};
  scene.view = {10, 20, Stage::in_projection, ProfileTab::roofline};
  scene.cursor = 15;
  EXPECT_EQ(parse_scene(profile, "s.json"), Scene(scene));
  EXPECT_EQ(to_text(scene), profile);
  EXPECT_EQ(scene_kind(scene), "profile");
}

TEST(Scene, OfAnotherKindIsRefusedWhereOnlyModelRunsAreShown) {
  const TemporaryFolder folder;
  write_text(folder / "t.json", theatre);
  EXPECT_NE(message_of([&] { load_model_scene(folder / "t.json"); }).find("scan-theatre"), std::string::npos);
}

TEST(Scene, OfTheTheatreAndOfProfilesRefusesBadParametersNamingThem) {
  const auto expect_refused = [](const char* scene, const char* place, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(scene);
    const nlohmann::json::json_pointer pointer(place);
    json[pointer] = value;
    const std::string message = refusal(json);
    EXPECT_NE(message.find("s.json"), std::string::npos) << place;
    EXPECT_NE(message.find(pointer.back()), std::string::npos) << place << ": " << message;
  };
  expect_refused(theatre, "/experiment/algorithm", "quick");
  expect_refused(theatre, "/experiment/chunk", 0);
  expect_refused(theatre, "/experiment/chunk", 65);
  expect_refused(theatre, "/experiment/pairs", std::vector<std::vector<int>>(65, {1, 0}));
  expect_refused(theatre, "/experiment/pairs", {{1, 2, 3}});
  expect_refused(theatre, "/experiment/pairs", {{"1", 2}});
  expect_refused(theatre, "/experiment/h0", "none");
  expect_refused(theatre, "/experiment/length", 65);
  expect_refused(theatre, "/experiment/layer", -1);
  expect_refused(theatre, "/experiment/colour", 1);
  expect_refused(theatre, "/view", 3);
  expect_refused(profile, "/experiment/tokens", -1);
  expect_refused(profile, "/experiment/dtype", "f8");
  expect_refused(profile, "/experiment/colour", 1);
  expect_refused(profile, "/experiment/read", -1);
  expect_refused(profile, "/experiment/threads", 100000);
  expect_refused(profile, "/experiment/prompt_ids", {-1});
  expect_refused(profile, "/view/to", 9);
  expect_refused(profile, "/view/tab", "lunch");
  expect_refused(profile, "/view/stage", "lunch");
  expect_refused(profile, "/cursor", -1);
}

TEST(Scene, FindsItsModel) {
  const std::filesystem::path assets = test::assets;
  EXPECT_EQ(resolve_model("bundled:mamba-lab", "/base", assets), assets / "models" / "mamba-lab");
  EXPECT_EQ(resolve_model("../m", "/base/scenes", assets), "/base/scenes/../m");
  EXPECT_EQ(resolve_model("/models/m", "/base", assets), "/models/m");
  for (const char* name : {"bundled:", "bundled:absent", "bundled:../models/mamba-lab", "bundled:..", "bundled:.",
                           "bundled:/etc", "bundled:mamba-lab/", "bundled:mamba-lab/config.json"}) {
    const std::string message = message_of([&] { resolve_model(name, "/base", assets); });
    EXPECT_NE(message.find("there is no bundled model"), std::string::npos) << name << ": " << message;
  }
}

}  // namespace
}  // namespace statescope
