// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace statescope {
namespace {

// The most of a limit that a stage may leave unused and still be bound by it: below that, something else is.
constexpr double near_a_limit = 0.05;
// A call this short is mostly getting threads or a device going. Nanoseconds.
constexpr std::int64_t short_call = 20'000;

using Lane = std::pair<bool, Stage>;  // the CPU's first, then in the order of Stage

template <class... Values>
std::string print(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// "31 %", "0.4 %".
std::string percent(double share) {
  return print(share < 0.0995 ? "%.1f %%" : "%.0f %%", share * 100);
}

// "3 times", "1.4 times".
std::string times(double ratio) {
  return print(ratio < 9.95 ? "%.1f times" : "%.0f times", ratio);
}

std::string duration(double nanoseconds) {
  if (nanoseconds < 1e3) return print("%.0f ns", nanoseconds);
  if (nanoseconds < 1e6) return print("%.3g µs", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return print("%.3g ms", nanoseconds / 1e6);
  return print("%.3g s", nanoseconds / 1e9);
}

// The smallest value that at least this share of them does not exceed.
std::int64_t nearest_rank(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

double over(double value, double by) {
  return by > 0 ? value / by : 0;
}

double seconds_of(double work, double rate) {
  return rate > 0 ? work / rate : 0;
}

bool is_matrix(Stage stage) {
  return stage == Stage::in_projection || stage == Stage::x_projection || stage == Stage::dt_projection ||
         stage == Stage::out_projection || stage == Stage::head;
}

double nanoseconds_a_token(const std::optional<StageStatistics>& stage, std::int64_t tokens) {
  return stage ? static_cast<double>(stage->total) / static_cast<double>(std::max<std::int64_t>(tokens, 1)) : 0;
}

}  // namespace

std::vector<StageStatistics> stage_statistics(std::span<const ProfileZone> zones) {
  std::map<Lane, std::vector<std::int64_t>> durations;
  std::map<Lane, StageStatistics> stages;
  std::map<bool, double> lane_total;
  for (const ProfileZone& zone : zones) {
    const Lane lane(zone.on_device, zone.stage);
    const std::int64_t took = std::max<std::int64_t>(zone.end - zone.begin, 0);
    durations[lane].push_back(took);
    StageStatistics& stage = stages[lane];
    stage.stage = zone.stage;
    stage.on_device = zone.on_device;
    ++stage.count;
    stage.total = saturating_sum(stage.total, took);
    stage.tokens = saturating_sum(stage.tokens, zone.tokens);
    stage.work += zone.work;
    lane_total[zone.on_device] += static_cast<double>(took);
  }
  std::vector<StageStatistics> result;
  for (auto& [lane, stage] : stages) {
    std::vector<std::int64_t>& sorted = durations[lane];
    std::sort(sorted.begin(), sorted.end());
    stage.median = nearest_rank(sorted, 0.5);
    stage.p95 = nearest_rank(sorted, 0.95);
    stage.min = sorted.front();
    stage.max = sorted.back();
    const double seconds = static_cast<double>(stage.total) * 1e-9;
    stage.share = over(static_cast<double>(stage.total), lane_total[stage.on_device]);
    stage.bandwidth = over(static_cast<double>(stage.work.bytes), seconds);
    stage.rate = over(static_cast<double>(stage.work.operations), seconds);
    stage.exponential_rate = over(static_cast<double>(stage.work.exponentials), seconds);
    stage.intensity = over(static_cast<double>(stage.work.operations), static_cast<double>(stage.work.bytes));
    result.push_back(stage);
  }
  return result;
}

Histogram duration_histogram(std::span<const ProfileZone> zones, Stage stage, bool on_device, int bins_per_decade) {
  const double bins = std::clamp(bins_per_decade, 1, 1000);
  std::map<std::int64_t, std::int64_t> counts;  // bin from 1 ns on -> zones
  const auto edge = [&](std::int64_t bin) { return std::pow(10.0, static_cast<double>(bin) / bins); };
  for (const ProfileZone& zone : zones) {
    if (zone.stage != stage || zone.on_device != on_device) continue;
    const auto took = static_cast<double>(std::max<std::int64_t>(zone.end - zone.begin, 1));
    auto bin = static_cast<std::int64_t>(std::floor(std::log10(took) * bins));
    // Rounding must not put a duration into the bin beside its own.
    if (took < edge(bin)) --bin;
    if (took >= edge(bin + 1)) ++bin;
    ++counts[bin];
  }
  Histogram histogram;
  if (counts.empty()) return histogram;
  const std::int64_t first = counts.begin()->first, last = counts.rbegin()->first;
  histogram.counts.resize(static_cast<std::size_t>(last - first + 1));
  for (const auto& [bin, count] : counts) histogram.counts[static_cast<std::size_t>(bin - first)] = count;
  for (std::int64_t bin = first; bin <= last + 1; ++bin) histogram.edges.push_back(edge(bin));
  return histogram;
}

std::vector<StageComparison> compare(const Profile& before, const Profile& after) {
  std::map<Lane, StageComparison> stages;
  const auto collect = [&](const Profile& profile, std::optional<StageStatistics> StageComparison::*side) {
    for (const StageStatistics& statistics : stage_statistics(profile.zones)) {
      StageComparison& stage = stages[{statistics.on_device, statistics.stage}];
      stage.stage = statistics.stage;
      stage.on_device = statistics.on_device;
      stage.*side = statistics;
    }
  };
  collect(before, &StageComparison::before);
  collect(after, &StageComparison::after);
  std::vector<StageComparison> result;
  for (auto& [lane, stage] : stages) {
    stage.before_per_token = nanoseconds_a_token(stage.before, before.tokens);
    stage.after_per_token = nanoseconds_a_token(stage.after, after.tokens);
    if (stage.before && stage.after) {
      stage.difference = stage.after_per_token - stage.before_per_token;
      stage.ratio = over(stage.after_per_token, stage.before_per_token);
    }
    result.push_back(stage);
  }
  return result;
}

std::string comparison_sentence(const StageComparison& comparison) {
  const std::string name = stage_name(comparison.stage) + ": ";
  if (!comparison.after) return name + "only in the first run, " + duration(comparison.before_per_token) + " a token";
  if (!comparison.before) return name + "only in the second run, " + duration(comparison.after_per_token) + " a token";
  const std::string numbers =
      duration(comparison.after_per_token) + " instead of " + duration(comparison.before_per_token);
  if (comparison.ratio <= 0) return name + numbers + " a token";
  if (comparison.ratio < 0.95) return name + times(1 / comparison.ratio) + " as fast a token, " + numbers;
  if (comparison.ratio > 1.05) return name + times(comparison.ratio) + " as long a token, " + numbers;
  return name + "as fast as before, " + numbers + " a token";
}

RooflinePoint roofline_point(const StageStatistics& stage, const Ceilings& ceilings) {
  RooflinePoint point;
  point.stage = stage.stage;
  point.on_device = stage.on_device;
  point.intensity = stage.intensity;
  point.rate = stage.rate;
  const double arithmetic_rate =
      is_matrix(stage.stage) ? std::max(ceilings.matrix_rate, ceilings.multiply_add_rate) : ceilings.multiply_add_rate;
  point.attainable = ceilings.read_bandwidth > 0 ? std::min(arithmetic_rate, stage.intensity * ceilings.read_bandwidth)
                                                 : arithmetic_rate;

  const std::string name = stage_name(stage.stage) + ": ";
  const double taken = static_cast<double>(stage.total) * 1e-9;
  const double memory = seconds_of(static_cast<double>(stage.work.bytes), ceilings.read_bandwidth);
  const double arithmetic = seconds_of(static_cast<double>(stage.work.operations), arithmetic_rate);
  const double exponentials = seconds_of(static_cast<double>(stage.work.exponentials), ceilings.exponential_rate);
  const double shortest = std::max({memory, arithmetic, exponentials});
  if (taken <= 0 || shortest <= 0) {
    point.sentence = name + (taken > 0 ? "no limit to compare with was measured" : "no time was measured");
    return point;
  }
  point.share = shortest / taken;
  if (point.share < near_a_limit && stage.median < short_call) {
    point.bound = Bound::overhead;
    point.sentence = name + percent(point.share) + " of what the machine could do; a call lasts only " +
                     duration(static_cast<double>(stage.median)) + ", so getting it started costs more than doing it";
    return point;
  }
  // Faster than memory could be, yet not at the next limit: part of the data never travelled.
  if (memory > taken) {
    point.bound = Bound::cache;
    point.sentence =
        name + times(memory / taken) + " as fast as memory could feed it; its data were still in the cache";
    return point;
  }
  const std::string operations_a_byte = print("%.2g", stage.intensity) + " operations a byte";
  if (shortest == exponentials && exponentials > 0) {
    point.bound = Bound::exponentials;
    const double others = std::max(memory, arithmetic);
    point.sentence = name + percent(point.share) + " of the ceiling of exponentials, which bind it";
    if (others > 0)
      point.sentence += std::string("; ") + (memory > arithmetic ? "memory" : "multiply-adds") + " alone would allow " +
                        times(exponentials / others) + " the speed";
  } else if (shortest == arithmetic) {
    point.bound = Bound::arithmetic;
    point.sentence = name + percent(point.share) + " of the " + (is_matrix(stage.stage) ? "matrix" : "multiply-add") +
                     " ceiling; bound by arithmetic";
    if (memory > 0)
      point.sentence +=
          ", since at " + operations_a_byte + " memory could feed it " + times(arithmetic / memory) + " as fast";
  } else {
    point.bound = Bound::memory;
    point.sentence = name + percent(point.share) + " of the read bandwidth; bound by memory";
    const double others = std::max(arithmetic, exponentials);
    if (others > 0)
      point.sentence +=
          ", since at " + operations_a_byte + " arithmetic could go " + times(memory / others) + " as fast";
  }
  return point;
}

std::vector<RooflinePoint> roofline(const Profile& profile) {
  std::vector<RooflinePoint> points;
  for (const StageStatistics& stage : stage_statistics(profile.zones))
    points.push_back(roofline_point(stage, profile.ceilings));
  return points;
}

}  // namespace statescope
