// SPDX-License-Identifier: GPL-3.0-or-later
// The numbers behind a scene are those of a session over the same tokens.
#include "engine/experiments/compute.h"

#include <gtest/gtest.h>

#include "engine/error.h"
#include "engine/profile/files.h"
#include "engine/run/session.h"
#include "paths.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Floats = std::vector<float>;

class Compute : public testing::Test {
 protected:
  static constexpr std::int64_t E = 20, N = 5, T = 9;

  Compute() {
    write_checkpoint(folder.path(), MambaSpec{{2, 12, E, N, 4, 3, 95}});
    scene.run.model = ".";
    scene.run.prompt_ids = {5, 6, 7, 8, 9, 10};
    scene.run.generated = {11, 12, 13};
    scene.view.layer = 1;
    scene.view.channel = 17;
    scene.view.state = 3;
    scene.cursor = 4;
  }
  nlohmann::ordered_json result() const { return compute(scene, folder.path(), test::assets); }
  static nlohmann::ordered_json array(const nlohmann::ordered_json& result, const std::string& name) {
    for (const auto& entry : result["arrays"])
      if (entry["name"] == name) return entry;
    ADD_FAILURE() << "no array " << name;
    return {};
  }

  TemporaryFolder folder;
  ModelScene scene;
};

TEST_F(Compute, AgreesWithASession) {
  const auto json = result();
  const auto model = load_model(folder.path());
  Session session(model);
  session.append(scene.run.prompt_ids, false);
  session.append(scene.run.generated, true);
  const LayerTrack track = layer_track(*model, session.trace(), 1);

  EXPECT_EQ(json["kind"], "model-run");
  EXPECT_EQ(json["cursor"], 4);
  const auto expect_array = [&](const std::string& name, const std::vector<std::string>& axes,
                                const std::vector<std::int64_t>& shape, const Floats& values) {
    const auto entry = array(json, name);
    EXPECT_EQ(entry["axes"].get<std::vector<std::string>>(), axes) << name;
    EXPECT_EQ(entry["shape"].get<std::vector<std::int64_t>>(), shape) << name;
    EXPECT_EQ(entry["values"].get<Floats>(), values) << name;
  };
  expect_array("delta", {"token", "channel"}, {T, E}, track.delta);
  expect_array("gate", {"token", "channel"}, {T, E}, track.gate);
  expect_array("conv", {"token", "channel"}, {T, E}, track.conv);
  expect_array("y", {"token", "channel"}, {T, E}, track.y);
  expect_array("B", {"token", "state"}, {T, N}, track.B);
  expect_array("C", {"token", "state"}, {T, N}, track.C);
  const Floats channel = channel_states(*model, track, 17);
  expect_array("h_of_channel", {"token", "state"}, {T, N}, channel);
  expect_array("h", {"channel", "state"}, {E, N}, states(*model, session.trace(), track, 4, 5));
  for (const Summary summary : all_summaries) {
    Floats values;
    for (std::size_t layer = 0; layer < 2; ++layer)
      for (const auto& token : session.trace().tokens) values.push_back(token->layers[layer][summary]);
    expect_array(summary_name(summary), {"layer", "token"}, {2, T}, values);
  }
  const StateUpdate u = state_update(*model, track, channel, 17, 3, 4);
  EXPECT_EQ(json["update"]["h"].get<double>(), u.h);
  EXPECT_EQ(json["update"]["write"].get<double>(), u.write);
  EXPECT_EQ(json["tokens"].size(), static_cast<std::size_t>(T));
  EXPECT_EQ(json["tokens"][6]["id"], 11);
  EXPECT_EQ(json["tokens"][6]["generated"], true);
  EXPECT_EQ(json["tokens"][5]["generated"], false);
  EXPECT_EQ(json["tokens"][5]["next"][0]["id"], predictions(session.model(), session.trace(), 5, 6)[0].next[0].id);
}

TEST_F(Compute, ReadsThePromptWithTheTokenizerBesideTheModel) {
  scene.run.prompt_ids.clear();
  scene.run.prompt = "a b";
  scene.run.generated.clear();
  EXPECT_NE(message_of([&] { result(); }).find("tokenizer.json"), std::string::npos);
  write_tokenizer(folder.path());
  const auto json = result();
  ASSERT_EQ(json["tokens"].size(), 3U);
  EXPECT_EQ(json["tokens"][0]["id"], 'a' - ' ');
  EXPECT_EQ(json["tokens"][0]["text"], "a");
  EXPECT_EQ(json["cursor"], 2);  // clamped
}

TEST_F(Compute, RefusesWhatCannotBeRead) {
  scene.run.generated = {95};
  EXPECT_NE(message_of([&] { result(); }).find("95"), std::string::npos);
  scene.run.generated.clear();
  scene.run.prompt_ids.clear();
  write_tokenizer(folder.path());
  EXPECT_NE(message_of([&] { result(); }).find("the prompt is empty"), std::string::npos);
  scene.run.model = "absent";
  EXPECT_NE(message_of([&] { result(); }).find("absent"), std::string::npos);
}

TEST_F(Compute, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(compute(scene, folder.path(), test::assets, stop.get_token()), Cancelled);
}

TEST_F(Compute, TheTheatreOfAModelEndsInTheStatesOfThatModel) {
  write_tokenizer(folder.path());
  TheatreScene theatre;
  theatre.run.algorithm = ScanAlgorithm::blelloch;
  theatre.run.model = ".";
  theatre.run.prompt = "abcdefghij";
  theatre.run.layer = 1;
  theatre.run.channel = 17;
  theatre.run.state = 3;
  theatre.run.first = 2;
  theatre.run.length = 7;
  theatre.cursor = 1000;
  const auto json = compute(theatre, folder.path(), test::assets);

  const auto model = load_model(folder.path());
  Session session(model);
  session.append(Tokenizer::load((folder / "tokenizer.json").string()).encode("abcdefghij"), false);
  const LayerTrack track = layer_track(*model, session.trace(), 1);
  const Floats h = channel_states(*model, track, 17);
  ASSERT_EQ(json["states"].size(), 7U);
  for (std::size_t t = 0; t < 7; ++t)  // the theatre works in double, the model in float32: 7 roundings of each
    EXPECT_NEAR(json["states"][t].get<double>(), static_cast<double>(h[(t + 2) * N + 3]), 2e-6) << t;
  EXPECT_EQ(json["kind"], "scan-theatre");
  EXPECT_EQ(json["cursor"], json["steps"].size());
  EXPECT_EQ(json["steps"].back()["rows"].back()["name"], "states");

  theatre.run.layer = 2;
  EXPECT_NE(message_of([&] { compute(theatre, folder.path(), test::assets); }).find("layer 2"), std::string::npos);
  theatre.run.layer = 1;
  theatre.run.first = 5;  // of ten tokens: five are left
  EXPECT_EQ(compute(theatre, folder.path(), test::assets)["states"].size(), 5U);
  theatre.run.first = 10;
  EXPECT_NE(message_of([&] { compute(theatre, folder.path(), test::assets); }).find("token 10"), std::string::npos);
}

TEST_F(Compute, AProfileIsReadFromItsFileAndComparedWithAnother) {
  Profile recorded;
  recorded.title = "first";
  recorded.tokens = 2;
  recorded.zones = {{Stage::scan, 0, false, 0, 1000, 2, {100, 200, 30}}, {Stage::gate, 0, false, 1000, 1500, 2, {}}};
  save_profile(recorded, folder / "first.json");
  recorded.zones[0].end = 500;
  save_profile(recorded, folder / "second.json");
  ProfileScene scene_of_profile;
  scene_of_profile.run.file = "second.json";
  scene_of_profile.run.against = "first.json";
  const auto json = compute(scene_of_profile, folder.path(), test::assets);
  EXPECT_EQ(json["kind"], "profile");
  EXPECT_EQ(json["stages"][0]["stage"], "scan");
  EXPECT_EQ(json["stages"][0]["total_ns"], 500);
  EXPECT_EQ(json["comparison"][0]["difference_ns_per_token"], -250.0);
  scene_of_profile.run.file = "absent.json";
  EXPECT_NE(message_of([&] { compute(scene_of_profile, folder.path(), test::assets); }).find("absent.json"),
            std::string::npos);
}

}  // namespace
}  // namespace statescope
