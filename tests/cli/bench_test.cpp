// SPDX-License-Identifier: GPL-3.0-or-later
// bench and profile from outside. What the clock says is never judged, only what is told.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command.h"
#include "engine/profile/files.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;
using Words = std::vector<std::string>;

class Bench : public testing::Test {
 protected:
  Bench() {
    std::filesystem::create_directory(folder / "model");
    write_checkpoint(folder / "model", MambaSpec{{2, 12, 20, 5, 4, 3, 95}});
    write_tokenizer(folder / "model");
  }
  static nlohmann::json json(Words words) {
    words.push_back("--json");
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const auto parsed = nlohmann::json::parse(outcome.out, nullptr, false);
    EXPECT_TRUE(parsed.is_object()) << outcome.out;
    return parsed;
  }
  // What every measurement tells.
  static void expect_measurement(const nlohmann::json& result, const std::string& kind, std::int64_t tokens) {
    EXPECT_EQ(result["kind"], kind);
    EXPECT_EQ(result["repeats"], 2);
    EXPECT_LE(result["seconds"]["min"], result["seconds"]["median"]);
    EXPECT_LE(result["seconds"]["median"], result["seconds"]["max"]);
    EXPECT_EQ(result["tokens"], tokens);
    EXPECT_DOUBLE_EQ(result["tokens_per_second"].get<double>(),
                     static_cast<double>(tokens) / result["seconds"]["median"].get<double>());
    EXPECT_GT(result["bytes"], 0);
    EXPECT_GT(result["operations"], 0);
    EXPECT_GT(result["share_of_limits"]["memory"], 0);
    EXPECT_GT(result["limits"]["read_bytes_per_second"], 0);
  }
  static void expect_failure(const Words& words, const std::string& part) {
    const Outcome outcome = command(words);
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  }

  TemporaryFolder folder;
  const std::string model = (folder / "model").string();
};

TEST_F(Bench, LimitsAreFiveNumbers) {
  const auto limits = json({"bench", "limits"});
  for (const char* key : {"read_bytes_per_second", "copy_bytes_per_second", "multiply_add_operations_per_second",
                          "matrix_operations_per_second", "exponentials_per_second"})
    EXPECT_GT(limits[key], 0) << key;
  EXPECT_NE(command({"bench", "limits"}).out.find("exponentials"), std::string::npos);
}

TEST_F(Bench, EveryScanIsMeasured) {
  for (const char* algorithm : {"sequential", "hillis-steele", "blelloch", "chunked", "fused"}) {
    const auto result = json({"bench", "scan", "--channels", "24", "--length", "50", "--states", "3", "--batch", "2",
                              "--repeat", "2", "--algorithm", algorithm});
    expect_measurement(result, "scan", 100);
    EXPECT_EQ(result["algorithm"], algorithm);
    EXPECT_EQ(result["exponentials"], 2 * 24 * 50 * 3);
  }
  expect_measurement(
      json({"bench", "scan", "--channels", "24", "--length", "50", "--states", "3", "--repeat", "2", "--backward"}),
      "scan", 50);
}

TEST_F(Bench, ModelsAreMeasuredWithTheirStages) {
  for (const char* dtype : {"f32", "bf16", "f16"}) {
    const auto prefill = json({"bench", "prefill", model, "--tokens", "9", "--repeat", "2", "--dtype", dtype});
    expect_measurement(prefill, "prefill", 9);
    EXPECT_EQ(prefill["model"], "model");
    EXPECT_GT(prefill["weight_bytes"], 0);
    EXPECT_GT(prefill["peak_memory"], 0);
    double share = 0;
    for (const auto& stage : prefill["stages"]) share += stage["share"].get<double>();
    EXPECT_NEAR(share, 1, 1e-12);  // ten stages
    double most = 0;
    for (const auto& run : prefill["runs"]) {
      const double memory = run["share_of_limits"]["memory"], seconds = run["seconds"];
      EXPECT_DOUBLE_EQ(memory, prefill["bytes"].get<double>() / run["read_bytes_per_second"].get<double>() / seconds);
      most = std::max(most, memory);
    }
    EXPECT_EQ(prefill["runs"].size(), 2);
    EXPECT_EQ(prefill["share_of_limits"]["memory"], most);  // the median of two
  }
  const auto traced = json({"bench", "prefill", model, "--tokens", "9", "--repeat", "2", "--trace"});
  EXPECT_DOUBLE_EQ(traced["trace_cost"].get<double>(),
                   traced["traced_seconds"].get<double>() / traced["seconds"]["median"].get<double>() - 1);
  expect_measurement(json({"bench", "decode", model, "--tokens", "20", "--repeat", "2"}), "decode", 20);
  expect_measurement(json({"bench", "decode", model, "--tokens", "5", "--repeat", "2", "--batch", "3"}), "decode", 15);
  const Outcome table = command({"bench", "decode", model, "--tokens", "3", "--repeat", "1"});
  EXPECT_EQ(table.status, 0) << table.err;
  for (const char* part : {"median", "tokens/s", "share", "out-projection", "peak memory"})
    EXPECT_NE(table.out.find(part), std::string::npos) << part;
}

TEST_F(Bench, AttentionAndTheSweep) {
  const auto attention =
      json({"bench", "attention", "--width", "24", "--heads", "3", "--length", "40", "--repeat", "2"});
  expect_measurement(attention, "attention", 1);
  EXPECT_EQ(attention["key_value_bytes"], 2 * 40 * 24 * 4);
  const auto sweep = json({"bench", "sweep", "--from", "2", "--to", "8", "--channels", "20", "--states", "3", "--width",
                           "24", "--heads", "3", "--repeat", "1", "--algorithms", "fused,attention-step"});
  ASSERT_EQ(sweep["points"].size(), 6U);
  EXPECT_EQ(sweep["points"][5]["algorithm"], "attention-step");
  EXPECT_EQ(sweep["points"][5]["length"], 8);
  EXPECT_GT(sweep["points"][5]["seconds"]["median"], 0);
  EXPECT_EQ(sweep["limits"].size(), 1U);
}

TEST_F(Bench, RefusesWhatMakesNoSense) {
  EXPECT_EQ(command({"bench"}).status, 2);
  EXPECT_EQ(command({"bench", "lunch"}).status, 2);
  EXPECT_EQ(command({"bench", "scan", "--algorithm", "quick"}).status, 2);
  EXPECT_EQ(command({"bench", "scan", "--length", "0"}).status, 2);
  EXPECT_EQ(command({"bench", "prefill", model, "--shape", "mamba-130m"}).status, 2);
  expect_failure({"bench", "scan", "--dtype", "bf16", "--json"}, "bf16");
  expect_failure({"bench", "scan", "--device", "tpu"}, "\"tpu\"");
  expect_failure({"bench", "scan", "--device", "cuda:99"}, "cuda:99");
  expect_failure({"bench", "prefill", (folder / "absent").string()}, "absent");
  expect_failure({"bench", "decode", model, "--dtype", "f64"}, "f64");
  expect_failure({"bench", "attention", "--heads", "5"}, "divide");
  expect_failure({"bench", "sweep", "--algorithms", "fused,quick"}, "\"quick\"");
}

TEST_F(Bench, ProfileWritesWhatTheNameSays) {
  const std::string out = (folder / "p").string();
  for (const char* ending : {".json", ".trace.json", ".csv"}) {
    const Outcome outcome = command({"profile", model, "--prompt", "abc", "--tokens", "2", "--out", out + ending});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(std::filesystem::exists(out + ending)) << ending;
  }
  const Profile profile = load_profile(out + ".json");
  EXPECT_EQ(profile.tokens, 5);
  EXPECT_EQ(profile.model, "model");
  EXPECT_GT(profile.ceilings.read_bandwidth, 0);
  expect_failure({"profile", model, "--prompt", "abc", "--out", out + ".txt"}, ".csv");
  expect_failure({"profile", model, "--ids", "95", "--out", out + "2.json"}, "95");
  EXPECT_FALSE(std::filesystem::exists(out + "2.json"));
}

}  // namespace
}  // namespace statescope
