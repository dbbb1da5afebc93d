// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/sweep.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/error.h"
#include "engine/profile/ceilings.h"
#include "message_of.h"

namespace statescope {
namespace {

using namespace test;

SweepRequest small() {
  SweepRequest request;
  request.lengths = {5, 1, 5};
  request.channels = 20;
  request.states = 3;
  request.d_model = 24;
  request.heads = 3;
  request.threads = 1;
  request.repeats = 2;
  return request;
}

std::vector<SweepPoint> points_of(const SweepRequest& request) {
  std::vector<SweepPoint> points;
  sweep(request, [&](const SweepPoint& point) { points.push_back(point); });
  return points;
}

TEST(Sweep, MeasuresEveryWorkAtEveryLengthShortestFirst) {
  const std::vector<SweepPoint> points = points_of(small());
  ASSERT_EQ(points.size(), 2 * std::size(all_sweep_works));
  std::set<SweepWork> works;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const SweepPoint& point = points[i];
    EXPECT_EQ(point.skipped, "");
    EXPECT_EQ(point.length, i < std::size(all_sweep_works) ? 1 : 5);
    EXPECT_EQ(point.device, "cpu");
    EXPECT_EQ(point.repeats, 2);
    EXPECT_GT(point.fastest, 0);
    EXPECT_LE(point.fastest, point.seconds);
    EXPECT_LE(point.seconds, point.slowest);
    works.insert(point.work);
  }
  EXPECT_EQ(works.size(), std::size(all_sweep_works));
}

TEST(Sweep, CountsWhatEachKeepsFromTokenToToken) {
  for (const SweepPoint& point : points_of(small())) {
    const bool attention = point.work == SweepWork::attention || point.work == SweepWork::attention_step;
    EXPECT_EQ(point.kept, attention ? 2 * point.length * 24 * 4 : 3 * 20 * 4) << sweep_work_name(point.work);
    EXPECT_GE(point.memory, point.kept);
    if (point.work != SweepWork::attention) continue;
    EXPECT_EQ(point.least.operations, 4 * 24 * point.length * (point.length + 1) / 2);
  }
}

TEST(Sweep, SkipsWhatNeedsTooMuchMemoryOrTimeWithASentence) {
  SweepRequest request = small();
  request.works = {SweepWork::hillis_steele};
  request.lengths = {4, 1 << 28};
  request.channels = 1 << 14;
  auto points = points_of(request);
  EXPECT_EQ(points[0].skipped, "");
  EXPECT_NE(points[1].skipped.find("hillis-steele over 268,435,456 tokens needs"), std::string::npos)
      << points[1].skipped;
  EXPECT_EQ(points[1].seconds, 0);

  request = small();
  request.works = {SweepWork::attention};
  request.lengths = {64, 128};
  request.longest_run = 1e-9;
  points = points_of(request);
  EXPECT_EQ(points[0].skipped, "");  // nothing to judge by
  EXPECT_NE(points[1].skipped.find("would take about"), std::string::npos) << points[1].skipped;
}

TEST(Sweep, StopsBetweenTwoPoints) {
  std::stop_source stop;
  int count = 0;
  EXPECT_THROW(sweep(
                   small(),
                   [&](const SweepPoint&) {
                     ++count;
                     stop.request_stop();
                   },
                   stop.get_token()),
               Cancelled);
  EXPECT_EQ(count, 1);
}

TEST(Sweep, RefusesARequestThatMakesNoSense) {
  const auto refusal = [](const std::function<void(SweepRequest&)>& change) {
    SweepRequest request = small();
    change(request);
    return message_of([&] { points_of(request); });
  };
  EXPECT_NE(refusal([](auto& r) { r.lengths = {}; }).find("at least one"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.lengths = {0}; }).find("not 0"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.heads = 5; }).find("divide"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.states = -1; }).find("states"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.repeats = 0; }).find("repeats"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.memory_share = 0; }).find("memory"), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.devices = {"tpu"}; }).find("\"tpu\""), std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.devices = {"cuda:99"}; }).find("cuda:99"), std::string::npos);
}

TEST(Sweep, LengthsAreEvenOnALogarithmicAxis) {
  EXPECT_EQ(sweep_lengths(256, 2048), (std::vector<std::int64_t>{256, 512, 1024, 2048}));
  EXPECT_EQ(sweep_lengths(1, 8, 2), (std::vector<std::int64_t>{1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(sweep_lengths(100, 250), (std::vector<std::int64_t>{100, 200, 250}));
  EXPECT_TRUE(sweep_lengths(5, 4).empty());
}

SweepPoint point(SweepWork work, std::int64_t length, double seconds, std::int64_t kept = 0) {
  SweepPoint result;
  result.work = work;
  result.device = "cpu";
  result.length = length;
  result.seconds = seconds;
  result.kept = kept;
  return result;
}

TEST(SweepFindings, SayOnlyWhatWasMeasured) {
  EXPECT_TRUE(sweep_findings({}).empty());
  std::vector<SweepPoint> points;
  for (const std::int64_t length : {1024, 2048, 4096, 8192, 16384, 32768}) {
    const auto L = static_cast<double>(length);
    points.push_back(point(SweepWork::fused, length, 1e-6 * L));
    points.push_back(point(SweepWork::attention, length, 1e-9 * L * L));
  }
  points.push_back(point(SweepWork::hillis_steele, 2048, 2048e-6 * 12));
  SweepPoint skipped = point(SweepWork::hillis_steele, 4096, 0);
  skipped.skipped = "too much";
  points.push_back(skipped);
  points.push_back(point(SweepWork::recurrent_step, 4096, 3e-6, 98304));
  points.push_back(point(SweepWork::attention_step, 4096, 1.2e-3, 1 << 20));
  EXPECT_EQ(
      sweep_findings(points),
      (std::vector<std::string>{
          "On the CPU at 32,768 tokens, fused is 33 times as fast as attention: 32.8 ms against 1.07 s",
          "On the CPU after 4,096 tokens, one more takes attention 1.2 ms and 1.0 MiB of keys and values; it takes the "
          "recurrence 3 µs and 96.0 KiB of state, whatever the length",
          "On the CPU time grows with the length L as fused L^1.00, attention L^2.00",
          "On the CPU at 2,048 tokens, fused is 12 times as fast as Hillis–Steele: 2.05 ms against 24.6 ms"}));
}

TEST(Ceilings, AreMeasuredOrStopped) {
  const Ceilings limits = measure_ceilings("cpu", Precision::bf16, 1);
  EXPECT_NE(limits.device.find("1 thread"), std::string::npos);
  EXPECT_GT(limits.read_bandwidth, 0);
  EXPECT_GT(limits.copy_bandwidth, 0);
  EXPECT_GT(limits.multiply_add_rate, 0);
  EXPECT_GE(limits.matrix_rate, limits.multiply_add_rate);
  EXPECT_GT(limits.exponential_rate, 0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(measure_ceilings("cpu", Precision::f32, 1, stop.get_token()), Cancelled);
  EXPECT_NE(message_of([] { measure_ceilings("gpu"); }).find("\"gpu\""), std::string::npos);
}

}  // namespace
}  // namespace statescope
