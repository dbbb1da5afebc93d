// SPDX-License-Identifier: GPL-3.0-or-later
// The formats on literal bytes.
#include "engine/profile/files.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

// The example of PROFILE.md.
const char* const saved = R"({
  "format": "statescope-profile",
  "version": 1,
  "title": "mamba-lab, 2 tokens",
  "model": "mamba-lab",
  "device": "CPU, AVX-512, 2 threads",
  "precision": "f32",
  "tokens": 2,
  "generated": 1,
  "dropped": 0,
  "ceilings": {
    "device": "CPU, AVX-512, 2 threads",
    "read_bandwidth": 31000000000.0,
    "copy_bandwidth": 24000000000.0,
    "multiply_add_rate": 218000000000.0,
    "matrix_rate": 218000000000.0,
    "exponential_rate": 5000000000.0
  },
  "memory": {
    "weights": 14000000,
    "activations": 20480,
    "recurrent_state": 311296,
    "key_value_per_token": 16384
  },
  "stages": [
    "embedding",
    "norm",
    "in-projection",
    "convolution",
    "x-projection",
    "dt-projection",
    "scan",
    "gate",
    "out-projection",
    "head",
    "sampling",
    "copy"
  ],
  "zones": [
    [0, -1, 0, 120, 1380, 1, 2048, 0, 0],
    [6, 3, 1, 2000, 9007199254740993, 1, 57344, 811008, 8192]
  ]
}
)";

Profile saved_profile() {
  Profile profile;
  profile.title = "mamba-lab, 2 tokens";
  profile.model = "mamba-lab";
  profile.device = "CPU, AVX-512, 2 threads";
  profile.precision = "f32";
  profile.tokens = 2;
  profile.generated = 1;
  profile.ceilings = {"CPU, AVX-512, 2 threads", 31e9, 24e9, 218e9, 218e9, 5e9};
  profile.memory = {14000000, 20480, 311296, 16384};
  profile.zones = {{Stage::embedding, -1, false, 120, 1380, 1, {2048, 0, 0}},
                   {Stage::scan, 3, true, 2000, 9007199254740993, 1, {57344, 811008, 8192}}};
  return profile;
}

TEST(ProfileFile, ReadsAndWritesExactlyThisText) {
  EXPECT_EQ(to_text(saved_profile()), saved);
  const Profile read = parse_profile(saved, "p.json");
  EXPECT_EQ(to_text(read), saved);
  EXPECT_EQ(read.zones[1].end, 9007199254740993);  // beyond what a double holds
  EXPECT_EQ(read.zones[1].stage, Stage::scan);
  EXPECT_EQ(read.zones[0].layer, -1);
  EXPECT_EQ(to_text(parse_profile(to_text(Profile()), "p.json")), to_text(Profile()));
}

TEST(ProfileFile, StagesAreReadByNameSoThatTheirNumbersMayChange) {
  auto json = nlohmann::json::parse(saved);
  json["stages"] = {"scan", "gate"};
  json["zones"] = {{1, 0, 0, 0, 5, 1, 0, 0, 0}};
  EXPECT_EQ(parse_profile(json.dump(), "p.json").zones[0].stage, Stage::gate);
}

TEST(ProfileFile, RefusesAnythingElseNamingIt) {
  const auto refused = [](const char* place, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(saved);
    const nlohmann::json::json_pointer pointer(place);
    json[pointer] = value;
    const std::string message = message_of([&] { parse_profile(json.dump(), "p.json"); });
    EXPECT_NE(message.find("p.json"), std::string::npos) << place << ": " << message;
    return message;
  };
  refused("/format", "statescope-scene");
  refused("/version", 2);
  refused("/title", 3);
  refused("/tokens", -1);
  refused("/tokens", 18446744073709551615U);
  refused("/ceilings", 3);
  refused("/ceilings/read_bandwidth", -1.0);
  refused("/memory/weights", 1.5);
  refused("/stages/0", "lunch");
  refused("/stages", "scan");
  refused("/zones", nullptr);
  EXPECT_NE(refused("/zones/0", {1, 2}).find("zone 0"), std::string::npos);
  EXPECT_NE(refused("/zones/1/0", 12).find("zone 1"), std::string::npos);
  refused("/zones/1/1", -2);
  refused("/zones/1/1", std::int64_t{1} << 40);
  refused("/zones/1/2", 2);
  refused("/zones/1/3", 3.5);
  EXPECT_NE(refused("/zones/1/4", 10).find("\"end\""), std::string::npos);
  EXPECT_NE(refused("/zones/1/3", 10).find("order"), std::string::npos);
  refused("/zones/1/8", "many");
  for (const char* text : {"", "[]", "{", "null", "{}"}) EXPECT_THROW(parse_profile(text, "p.json"), Error) << text;
}

TEST(ProfileFile, TraceEventsAreWhatPerfettoReads) {
  const std::string text = to_trace_events(saved_profile());
  EXPECT_NE(text.find("\"ts\": 0.120, \"dur\": 1.260"), std::string::npos) << text;
  EXPECT_NE(text.find("\"dur\": 9007199254738.993"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(text);
  ASSERT_EQ(json["traceEvents"].size(), 5U);  // process, two lanes, two zones
  const auto& event = json["traceEvents"][4];
  EXPECT_EQ(event["ph"], "X");
  EXPECT_EQ(event["name"], "scan");
  EXPECT_EQ(event["cat"], "layer 3");
  EXPECT_EQ(event["tid"], 2);
  EXPECT_EQ(event["args"],
            nlohmann::json::parse(
                R"({"layer": 3, "tokens": 1, "bytes": 57344, "operations": 811008, "exponentials": 8192})"));
  EXPECT_EQ(json["traceEvents"][2]["args"]["name"], "device");
}

TEST(ProfileFile, CsvHasOneLinePerZone) {
  EXPECT_EQ(to_csv(saved_profile()),
            "stage,layer,lane,begin_ns,end_ns,duration_ns,tokens,bytes,operations,exponentials\n"
            "embedding,-1,cpu,120,1380,1260,1,2048,0,0\n"
            "scan,3,device,2000,9007199254740993,9007199254738993,1,57344,811008,8192\n");
}

TEST(ProfileFile, TheEndingSaysTheFormat) {
  const TemporaryFolder folder;
  save_profile(saved_profile(), folder / "a.json");
  save_profile(saved_profile(), folder / "a.trace.json");
  save_profile(saved_profile(), folder / "a.csv");
  EXPECT_EQ(read_text(folder / "a.json"), saved);
  EXPECT_EQ(to_text(load_profile(folder / "a.json")), saved);
  EXPECT_EQ(read_text(folder / "a.trace.json"), to_trace_events(saved_profile()));
  EXPECT_EQ(read_text(folder / "a.csv"), to_csv(saved_profile()));
  EXPECT_NE(message_of([&] { save_profile(saved_profile(), folder / "a.txt"); }).find(".csv"), std::string::npos);
  EXPECT_NE(message_of([&] { check_profile_name("a.txt"); }).find(".csv"), std::string::npos);
}

}  // namespace
}  // namespace statescope
