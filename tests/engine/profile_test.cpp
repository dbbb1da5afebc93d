// SPDX-License-Identifier: GPL-3.0-or-later
// Recording, statistics and rooflines. Numbers on literal zones; a real run is judged by its shapes, never by the
// clock.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "engine/error.h"
#include "engine/profile/recorder.h"
#include "engine/profile/run.h"
#include "engine/profile/statistics.h"
#include "engine/profile/work.h"
#include "test_checkpoint.h"

namespace statescope {
namespace {

using namespace test;

ProfileZone zone(Stage stage, std::int64_t begin, std::int64_t end, Work work = {}, bool on_device = false) {
  return {stage, 0, on_device, begin, end, 1, work};
}

TEST(Recorder, TheInnermostOfAThreadReceivesAndTheOuterOneGoesOn) {
  EXPECT_EQ(ProfileRecorder::current(), nullptr);
  ProfileRecorder outer;
  const auto record = [](Stage stage) { const ZoneScope scope(stage, 3, 5, [] { return Work{1, 2, 3}; }); };
  {
    ProfileRecorder inner;
    record(Stage::scan);
    EXPECT_EQ(inner.take().size(), 1U);
    EXPECT_TRUE(inner.take().empty());
  }
  record(Stage::gate);
  const std::vector<ProfileZone> zones = outer.take();
  ASSERT_EQ(zones.size(), 1U);
  EXPECT_EQ(zones[0].stage, Stage::gate);
  EXPECT_EQ(zones[0].layer, 3);
  EXPECT_EQ(zones[0].tokens, 5);
  EXPECT_EQ(zones[0].work, (Work{1, 2, 3}));
  EXPECT_LE(zones[0].begin, zones[0].end);
}

TEST(Recorder, CountsWhatItHasNoRoomForAndSortsByBegin) {
  ProfileRecorder recorder(2);
  recorder.add(zone(Stage::scan, 20, 30));
  recorder.add(zone(Stage::gate, 10, 15));
  recorder.add(zone(Stage::head, 1, 2));
  const std::vector<ProfileZone> zones = recorder.take();
  ASSERT_EQ(zones.size(), 2U);
  EXPECT_EQ(zones[0].stage, Stage::gate);
  EXPECT_EQ(recorder.dropped(), 1);
}

TEST(Recorder, WithoutOneTheWorkIsNotEvenAskedFor) {
  ZoneScope scope(Stage::scan, 0, 1, []() -> Work { throw Error("asked"); });
  scope.next(Stage::gate, []() -> Work { throw Error("asked"); });
}

TEST(ProfileRun, RecordsEveryStageOfEveryLayerWithoutAGap) {
  const auto model = random_model({});
  const std::vector<std::int32_t> ids = random_ids(9, 31);
  std::size_t heard = 0;
  const Profile profile = profile_run(*model, {.ids = ids, .generate = 3}, {},
                                      [&](std::span<const ProfileZone> zones) { heard += zones.size(); });
  EXPECT_EQ(heard, profile.zones.size());
  EXPECT_EQ(profile.tokens, 12);
  EXPECT_EQ(profile.generated, 3);
  EXPECT_EQ(profile.precision, "f32");
  EXPECT_EQ(profile.dropped, 0);
  std::map<Stage, std::int64_t> tokens;
  for (std::size_t i = 0; i < profile.zones.size(); ++i) {
    const ProfileZone& z = profile.zones[i];
    tokens[z.stage] += z.tokens;
    EXPECT_LE(z.begin, z.end);
    EXPECT_LE(i > 0 ? profile.zones[i - 1].end : 0, z.begin);  // one thread: no overlap
  }
  EXPECT_EQ(tokens[Stage::embedding], 12);
  for (const Stage stage : {Stage::in_projection, Stage::convolution, Stage::x_projection, Stage::dt_projection,
                            Stage::scan, Stage::gate, Stage::out_projection})
    EXPECT_EQ(tokens[stage], 2 * 12) << stage_name(stage);
  EXPECT_EQ(tokens[Stage::norm], 2 * 12 + 4);  // and before the head, once after the prompt and after each token
  EXPECT_EQ(tokens[Stage::head], 4);
  EXPECT_EQ(tokens[Stage::sampling], 3);
}

TEST(ProfileRun, CanLeaveThePromptOut) {
  const auto model = random_model({});
  const ProfileRequest request{.ids = random_ids(9, 31), .generate = 2, .record_prefill = false};
  const Profile profile = profile_run(*model, request);
  EXPECT_EQ(profile.tokens, 2);
  for (const ProfileZone& z : profile.zones) EXPECT_EQ(z.tokens, 1);
}

TEST(ProfileRun, DoesNotChangeWhatIsComputed) {
  const auto model = random_model({});
  const std::vector<std::int32_t> ids = random_ids(40, 31);
  ModelState plain = model->initial_state(), recorded = model->initial_state();
  const auto expected = read_for_logits(*model, ids, plain);
  const ProfileRecorder recorder;
  EXPECT_EQ(read_for_logits(*model, ids, recorded), expected);
  EXPECT_TRUE(same(plain, recorded));
}

TEST(ProfileRun, StopsAndRefusesAnEmptyPrompt) {
  const auto model = random_model({});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(profile_run(*model, {.ids = {1, 2}}, stop.get_token()), Cancelled);
  EXPECT_NE(message_of([&] { profile_run(*model, {}); }).find("at least one token"), std::string::npos);
  EXPECT_EQ(ProfileRecorder::current(), nullptr);
}

TEST(ProfileRun, TellsMemoryFromTheSizes) {
  const auto model = random_model({});
  const MemoryUse use = memory_use(*model, 8);
  EXPECT_EQ(use.weights, model->weight_bytes());
  EXPECT_GE(use.weights, model->info().parameters * 4);  // padded, never less
  EXPECT_EQ(use.recurrent_state, model->initial_state().bytes());
  EXPECT_EQ(use.key_value_per_token, 2 * 2 * 12 * 4);  // keys and values, layers, d_model, float32
}

// Counted by hand for D = 2, E = 4, N = 3, K = 2, R = 1, V = 5 and three tokens.
TEST(StageWork, FollowsTheShapes) {
  const ModelSizes s{1, 2, 4, 3, 2, 1, 5};
  EXPECT_EQ(stage_work(Stage::in_projection, s, 3, 100), (Work{100 + 3 * (2 + 8) * 4, 2 * 3 * 8 * 2, 0}));
  EXPECT_EQ(stage_work(Stage::scan, s, 3), (Work{(3 * (8 + 6) + 16 + 36) * 4, 12 * 21, 36}));
  EXPECT_EQ(stage_work(Stage::gate, s, 3), (Work{3 * 12 * 4, 36, 12}));
  EXPECT_EQ(stage_work(Stage::head, s, 3, 40, 2), (Work{40 + 3 * 2 * 2 + 15 * 4, 60, 0}));
  EXPECT_EQ(stage_work(Stage::norm, s, 0), (Work{2 * 4, 0, 0}));
}

TEST(StageWork, SumsStopAtTheLargestNumber) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ((Work{largest, 1, largest - 1} + Work{largest, 2, 5}), (Work{largest, 3, largest}));
}

TEST(Statistics, OfLiteralZones) {
  std::vector<ProfileZone> zones;
  for (std::int64_t i = 1; i <= 20; ++i)  // 1 to 20 µs
    zones.push_back(zone(Stage::scan, 0, i * 1000, {1000, 4000, 10}));
  zones.push_back(zone(Stage::gate, 0, 790'000, {1, 0, 0}));
  zones.push_back(zone(Stage::scan, 0, 500, {1000, 0, 0}, true));
  const auto stages = stage_statistics(zones);
  ASSERT_EQ(stages.size(), 3U);
  const StageStatistics& scan = stages[0];
  EXPECT_EQ(scan.stage, Stage::scan);
  EXPECT_FALSE(scan.on_device);
  EXPECT_EQ(scan.count, 20);
  EXPECT_EQ(scan.total, 210'000);
  EXPECT_EQ(scan.median, 10'000);
  EXPECT_EQ(scan.p95, 19'000);
  EXPECT_EQ(scan.min, 1000);
  EXPECT_EQ(scan.max, 20'000);
  EXPECT_EQ(scan.tokens, 20);
  EXPECT_DOUBLE_EQ(scan.share, 0.21);
  EXPECT_DOUBLE_EQ(scan.bandwidth, 20'000 / 210e-6);
  EXPECT_DOUBLE_EQ(scan.rate, 80'000 / 210e-6);
  EXPECT_DOUBLE_EQ(scan.intensity, 4);
  EXPECT_DOUBLE_EQ(scan.exponential_rate, 200 / 210e-6);
  EXPECT_EQ(stages[1].stage, Stage::gate);
  EXPECT_TRUE(stages[2].on_device);
  EXPECT_DOUBLE_EQ(stages[2].share, 1);  // of its own lane
  EXPECT_TRUE(stage_statistics({}).empty());
}

TEST(Statistics, HistogramPutsEveryDurationIntoItsBin) {
  const std::vector<ProfileZone> zones{zone(Stage::scan, 0, 10),   zone(Stage::scan, 0, 99), zone(Stage::scan, 0, 100),
                                       zone(Stage::scan, 0, 1000), zone(Stage::scan, 0, 0),  zone(Stage::gate, 0, 5)};
  const Histogram histogram = duration_histogram(zones, Stage::scan, false, 1);
  EXPECT_EQ(histogram.counts, (std::vector<std::int64_t>{1, 2, 1, 1}));  // 0 counts as 1 ns
  ASSERT_EQ(histogram.edges.size(), 5U);
  EXPECT_DOUBLE_EQ(histogram.edges.front(), 1);
  EXPECT_DOUBLE_EQ(histogram.edges.back(), 10'000);
  EXPECT_TRUE(duration_histogram(zones, Stage::head, false).counts.empty());
}

TEST(Statistics, TallyOfPiecesSaysWhatAllZonesSay) {
  std::vector<ProfileZone> zones;
  std::mt19937 random(7);
  std::uniform_real_distribution<double> decades(0, 9.6);  // 1 ns to 4 s
  for (std::int64_t i = 0; i < 3000; ++i) {
    const auto length = static_cast<std::int64_t>(std::pow(10, decades(random)));
    zones.push_back(zone(i % 3 == 0 ? Stage::gate : Stage::scan, 5, 5 + length, {i, 2 * i, 3}, i % 5 == 0));
  }
  StageTally tally;
  EXPECT_TRUE(tally.statistics().empty());
  for (std::size_t i = 0; i < zones.size(); i += 100) tally.add(std::span(zones).subspan(i, 100));
  const auto exact = stage_statistics(zones), tallied = tally.statistics();
  ASSERT_EQ(tallied.size(), 4U);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const StageStatistics &a = tallied[i], &b = exact[i];
    EXPECT_EQ(a.stage, b.stage);
    EXPECT_EQ(a.on_device, b.on_device);
    EXPECT_EQ(a.count, b.count);
    EXPECT_EQ(a.total, b.total);
    EXPECT_EQ(a.min, b.min);
    EXPECT_EQ(a.max, b.max);
    EXPECT_EQ(a.work, b.work);
    EXPECT_DOUBLE_EQ(a.share, b.share);
    EXPECT_NEAR(static_cast<double>(a.median), static_cast<double>(b.median), static_cast<double>(b.median) / 200);
    EXPECT_NEAR(static_cast<double>(a.p95), static_cast<double>(b.p95), static_cast<double>(b.p95) / 200);
    const Histogram bins = tally.histogram(a.stage, a.on_device, 1);
    EXPECT_EQ(std::accumulate(bins.counts.begin(), bins.counts.end(), std::int64_t{0}), a.count);
    EXPECT_EQ(bins.edges, duration_histogram(zones, a.stage, a.on_device, 1).edges);
  }
}

TEST(Statistics, ComparesByTheToken) {
  Profile before, after;
  before.tokens = 10;
  before.zones = {zone(Stage::scan, 0, 1000), zone(Stage::gate, 0, 100)};
  after.tokens = 5;
  after.zones = {zone(Stage::scan, 0, 250), zone(Stage::head, 0, 100)};
  const auto stages = compare(before, after);
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_DOUBLE_EQ(stages[0].difference, -50);
  EXPECT_DOUBLE_EQ(stages[0].ratio, 0.5);
  EXPECT_EQ(comparison_sentence(stages[0]), "scan: 2.0 times as fast a token, 50 ns instead of 100 ns");
  EXPECT_FALSE(stages[1].after);
  EXPECT_EQ(comparison_sentence(stages[1]), "gate: only in the first run, 10 ns a token");
  EXPECT_EQ(comparison_sentence(stages[2]), "head: only in the second run, 20 ns a token");
}

// 100 GB/s, 1 Tflop/s, 2 Tflop/s in products, 10 G exponentials a second.
const Ceilings machine{"test", 100e9, 90e9, 1e12, 2e12, 10e9};

StageStatistics stage(Stage which, double seconds, Work work, std::int64_t count = 1) {
  const auto each = static_cast<std::int64_t>(std::llround(seconds * 1e9)) / count;
  std::vector<ProfileZone> zones;
  for (std::int64_t i = 0; i < count; ++i)
    zones.push_back(zone(which, 0, each, {work.bytes / count, work.operations / count, work.exponentials / count}));
  return stage_statistics(zones)[0];
}

TEST(Roofline, NamesWhatBinds) {
  // 1 GB takes memory 10 ms of the 20; its 0.5 Gflop would take 0.25 ms.
  RooflinePoint point = roofline_point(stage(Stage::in_projection, 0.020, {1'000'000'000, 500'000'000, 0}), machine);
  EXPECT_EQ(point.bound, Bound::memory);
  EXPECT_DOUBLE_EQ(point.share, 0.5);
  EXPECT_DOUBLE_EQ(point.attainable, 0.5 * 100e9);
  EXPECT_EQ(
      point.sentence,
      "in-projection: 50 % of the read bandwidth; bound by memory, since at 0.5 operations a byte arithmetic could "
      "go 40 times as fast");
  // 10 Gflop take 10 ms of the 40; its 0.5 GB would take 5 ms.
  point = roofline_point(stage(Stage::scan, 0.040, {500'000'000, 10'000'000'000, 0}), machine);
  EXPECT_EQ(point.bound, Bound::arithmetic);
  EXPECT_DOUBLE_EQ(point.attainable, 1e12);
  EXPECT_EQ(point.sentence,
            "scan: 25 % of the multiply-add ceiling; bound by arithmetic, since at 20 operations a byte memory could "
            "feed it 2.0 times as fast");
  // 10 Gflop take 10 ms of the 40, and so does its 1 GB.
  point = roofline_point(stage(Stage::scan, 0.040, {990'000'000, 10'000'000'000, 0}), machine);
  EXPECT_EQ(point.sentence,
            "scan: 25 % of the multiply-add ceiling; bound by arithmetic and, at 10 operations a byte, as much by "
            "memory");
  // 10 Gflop in 5 ms are twice what the machine is said to do.
  point = roofline_point(stage(Stage::scan, 0.005, {100'000'000, 10'000'000'000, 0}), machine);
  EXPECT_EQ(point.bound, Bound::arithmetic);
  EXPECT_EQ(
      point.sentence,
      "scan: 2.0 times as fast as the ceiling that was measured: something slowed that measurement down; run again");
  // 0.1 G exponentials take 10 ms of the 12.5.
  point = roofline_point(stage(Stage::scan, 0.0125, {100'000'000, 1'000'000'000, 100'000'000}), machine);
  EXPECT_EQ(point.bound, Bound::exponentials);
  EXPECT_EQ(point.sentence,
            "scan: 80 % of the ceiling of exponentials, which bind it; multiply-adds alone would allow 10 times the "
            "speed");
  // 1 GB in 5 ms: memory alone needs 10.
  point = roofline_point(stage(Stage::gate, 0.005, {1'000'000'000, 1'000'000, 0}), machine);
  EXPECT_EQ(point.bound, Bound::cache);
  EXPECT_EQ(point.sentence, "gate: 2.0 times as fast as memory could feed it; its data were still in the cache");
  // 1 KB in 5 µs.
  point = roofline_point(stage(Stage::norm, 5e-6, {1000, 1000, 0}), machine);
  EXPECT_EQ(point.bound, Bound::overhead);
  EXPECT_EQ(point.sentence,
            "norm: 0.2 % of what the machine could do; a call lasts only 5 µs, so getting it started costs more than "
            "doing it");
}

// 1 MB of weights, read once for 100 tokens in 1 ms and once for each of two more in 2 ms.
TEST(Roofline, ReadingAndGeneratingAreTwoPoints) {
  Profile profile;
  profile.ceilings = machine;
  for (const std::int64_t tokens : {100, 1, 1}) {
    ProfileZone each = zone(Stage::head, 0, tokens > 1 ? 1'000'000 : 2'000'000, {1'000'000, tokens * 500'000, 0});
    each.tokens = tokens;
    profile.zones.push_back(each);
  }
  profile.zones.push_back(zone(Stage::scan, 0, 5'000'000, {1000, 1000, 0}));
  profile.zones.back().tokens = 100;
  const std::vector<RooflinePoint> points = roofline(profile);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].stage, Stage::scan);
  EXPECT_FALSE(points[1].generating);
  EXPECT_DOUBLE_EQ(points[1].intensity, 50);
  EXPECT_DOUBLE_EQ(points[1].time_share, 0.1);
  EXPECT_TRUE(points[2].generating);
  EXPECT_DOUBLE_EQ(points[2].intensity, 0.5);
  EXPECT_DOUBLE_EQ(points[2].time_share, 0.4);
  EXPECT_EQ(points[2].sentence.rfind("head, generating: ", 0), 0u) << points[2].sentence;
}

TEST(Roofline, SaysNothingOfWhatWasNotMeasured) {
  EXPECT_EQ(roofline_point(stage(Stage::scan, 1, {1, 1, 1}), {}).bound, Bound::nothing);
  EXPECT_EQ(roofline_point(stage(Stage::scan, 1, {}), machine).bound, Bound::nothing);
  EXPECT_EQ(roofline_point(stage(Stage::scan, 0, {1, 1, 1}), machine).bound, Bound::nothing);
}

}  // namespace
}  // namespace statescope
