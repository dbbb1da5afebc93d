// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>

namespace statescope {
namespace {

// The most of a limit that a stage may leave unused and still be bound by it: below that, something else is.
constexpr double near_a_limit = 0.05;
// Nothing is faster than a ceiling. This much above it, the ceiling is wrong.
constexpr double disturbed = 1.1;
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

// So near to each other that one is "1.0 times" the other.
bool alike(double longer, double shorter) {
  return longer < 1.05 * shorter;
}

std::string duration(double nanoseconds) {
  if (nanoseconds < 1e3) return print("%.0f ns", nanoseconds);
  if (nanoseconds < 1e6) return print("%.3g µs", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return print("%.3g ms", nanoseconds / 1e6);
  return print("%.3g s", nanoseconds / 1e9);
}

// The place, from 1 on, of the smallest value that at least this share of `count` does not exceed.
std::size_t rank_of(double share, std::size_t count) {
  return std::max<std::size_t>(static_cast<std::size_t>(std::ceil(share * static_cast<double>(count))), 1);
}
std::int64_t nearest_rank(const std::vector<std::int64_t>& sorted, double share) {
  return sorted[rank_of(share, sorted.size()) - 1];
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

std::int64_t time_taken(const ProfileZone& zone) {
  return std::max<std::int64_t>(zone.end - zone.begin, 0);
}

// The CPU's stages in their order, then the device's.
constexpr std::size_t places = 2 * all_stages.size();
std::size_t place_of(bool on_device, Stage stage) {
  return (on_device ? all_stages.size() : 0) + static_cast<std::size_t>(stage);
}

// Of every stage that occurs; `quantiles` sets median and p95 of a place.
template <class Quantiles>
std::vector<StageStatistics> finished(const std::array<StageSums, places>& sums, const Quantiles& quantiles) {
  double lane_total[2] = {};
  for (std::size_t place = 0; place < places; ++place)
    lane_total[place / all_stages.size()] += static_cast<double>(sums[place].total);
  std::vector<StageStatistics> result;
  for (std::size_t place = 0; place < places; ++place) {
    if (sums[place].count == 0) continue;
    StageStatistics stage;
    static_cast<StageSums&>(stage) = sums[place];
    stage.on_device = place >= all_stages.size();
    stage.stage = all_stages[place % all_stages.size()];
    quantiles(place, stage);
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

// Durations counted on a logarithmic axis.
class DecadeBins {
 public:
  explicit DecadeBins(int bins_per_decade) : bins_(std::clamp(bins_per_decade, 1, 1000)) {}

  void add(std::int64_t nanoseconds, std::int64_t count) {
    const auto took = static_cast<double>(std::max<std::int64_t>(nanoseconds, 1));
    auto bin = static_cast<std::int64_t>(std::floor(std::log10(took) * bins_));
    // Rounding must not put a duration into the bin beside its own.
    if (took < edge(bin)) --bin;
    if (took >= edge(bin + 1)) ++bin;
    counts_[bin] += count;
  }
  Histogram histogram() const {
    Histogram histogram;
    if (counts_.empty()) return histogram;
    const std::int64_t first = counts_.begin()->first, last = counts_.rbegin()->first;
    histogram.counts.resize(static_cast<std::size_t>(last - first + 1));
    for (const auto& [bin, count] : counts_) histogram.counts[static_cast<std::size_t>(bin - first)] = count;
    for (std::int64_t bin = first; bin <= last + 1; ++bin) histogram.edges.push_back(edge(bin));
    return histogram;
  }

 private:
  double edge(std::int64_t bin) const { return std::pow(10.0, static_cast<double>(bin) / bins_); }

  double bins_;
  std::map<std::int64_t, std::int64_t> counts_;  // bin from 1 ns on -> zones
};

// Bins of a tally: nanosecond by nanosecond up to 255, then 128 to every doubling.
constexpr int fine_bits = 8;
std::size_t fine_bin(std::int64_t nanoseconds) {
  const auto value = static_cast<std::uint64_t>(nanoseconds);
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - fine_bits, 0);
  return (static_cast<std::size_t>(shift) << (fine_bits - 1)) + static_cast<std::size_t>(value >> shift);
}
std::int64_t fine_middle(std::size_t bin) {
  constexpr std::size_t doubling = std::size_t{1} << (fine_bits - 1);
  if (bin < 2 * doubling) return static_cast<std::int64_t>(bin);
  const std::size_t shift = bin / doubling - 1;
  const std::uint64_t first = static_cast<std::uint64_t>(bin - shift * doubling) << shift;
  return static_cast<std::int64_t>(first + ((std::uint64_t{1} << shift) - 1) / 2);
}

double nanoseconds_a_token(const std::optional<StageStatistics>& stage, std::int64_t tokens) {
  return stage ? static_cast<double>(stage->total) / static_cast<double>(std::max<std::int64_t>(tokens, 1)) : 0;
}

}  // namespace

void StageSums::add(const ProfileZone& zone) {
  const std::int64_t took = time_taken(zone);
  min = count == 0 ? took : std::min(min, took);
  max = std::max(max, took);
  ++count;
  total = saturating_sum(total, took);
  tokens = saturating_sum(tokens, zone.tokens);
  work += zone.work;
}

std::vector<StageStatistics> stage_statistics(std::span<const ProfileZone> zones) {
  std::array<StageSums, places> sums;
  std::array<std::vector<std::int64_t>, places> durations;
  for (const ProfileZone& zone : zones) {
    const std::size_t place = place_of(zone.on_device, zone.stage);
    sums[place].add(zone);
    durations[place].push_back(time_taken(zone));
  }
  return finished(sums, [&durations](std::size_t place, StageStatistics& stage) {
    std::vector<std::int64_t>& sorted = durations[place];
    std::sort(sorted.begin(), sorted.end());
    stage.median = nearest_rank(sorted, 0.5);
    stage.p95 = nearest_rank(sorted, 0.95);
  });
}

Histogram duration_histogram(std::span<const ProfileZone> zones, Stage stage, bool on_device, int bins_per_decade) {
  DecadeBins bins(bins_per_decade);
  for (const ProfileZone& zone : zones)
    if (zone.stage == stage && zone.on_device == on_device) bins.add(time_taken(zone), 1);
  return bins.histogram();
}

void StageTally::add(std::span<const ProfileZone> zones) {
  for (const ProfileZone& zone : zones) {
    const std::size_t place = place_of(zone.on_device, zone.stage);
    sums_[place].add(zone);
    std::vector<std::int64_t>& counts = counts_[place];
    const std::size_t bin = fine_bin(time_taken(zone));
    if (bin >= counts.size()) counts.resize(bin + 1);
    ++counts[bin];
  }
}

std::vector<StageStatistics> StageTally::statistics() const {
  return finished(sums_, [this](std::size_t place, StageStatistics& stage) {
    const auto ranked = [&](double share) {
      auto left = static_cast<std::int64_t>(rank_of(share, static_cast<std::size_t>(stage.count)));
      std::size_t bin = 0;
      for (; (left -= counts_[place][bin]) > 0; ++bin) {
      }
      return std::clamp(fine_middle(bin), stage.min, stage.max);
    };
    stage.median = ranked(0.5);
    stage.p95 = ranked(0.95);
  });
}

Histogram StageTally::histogram(Stage stage, bool on_device, int bins_per_decade) const {
  DecadeBins bins(bins_per_decade);
  const std::vector<std::int64_t>& counts = counts_[place_of(on_device, stage)];
  for (std::size_t bin = 0; bin < counts.size(); ++bin)
    if (counts[bin] > 0) bins.add(fine_middle(bin), counts[bin]);
  return bins.histogram();
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
    point.sentence = name +
                     (alike(memory, taken) ? "as fast as memory could feed it; some of its data"
                                           : times(memory / taken) + " as fast as memory could feed it; its data") +
                     " were still in the cache";
    return point;
  }
  if (point.share > disturbed) {
    point.bound = shortest == exponentials ? Bound::exponentials : Bound::arithmetic;
    point.sentence = name + times(point.share) + " as fast as the ceiling that was measured: something slowed that " +
                     "measurement down; run again";
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
    if (alike(arithmetic, memory))
      point.sentence += " and, at " + operations_a_byte + ", as much by memory";
    else if (memory > 0)
      point.sentence +=
          ", since at " + operations_a_byte + " memory could feed it " + times(arithmetic / memory) + " as fast";
  } else {
    point.bound = Bound::memory;
    point.sentence = name + percent(point.share) + " of the read bandwidth; bound by memory";
    const double others = std::max(arithmetic, exponentials);
    if (alike(memory, others))
      point.sentence += " and, at " + operations_a_byte + ", as much by arithmetic";
    else if (others > 0)
      point.sentence +=
          ", since at " + operations_a_byte + " arithmetic could go " + times(memory / others) + " as fast";
  }
  return point;
}

std::vector<RooflinePoint> roofline(std::span<const StageStatistics> reading,
                                    std::span<const StageStatistics> generating, const Ceilings& ceilings) {
  double lane_total[2] = {};
  std::vector<RooflinePoint> points;
  for (const auto& [stages, one] : {std::pair{reading, false}, std::pair{generating, true}})
    for (const StageStatistics& stage : stages) {
      RooflinePoint point = roofline_point(stage, ceilings);
      point.generating = one;
      point.time_share = static_cast<double>(stage.total);
      point.sentence.insert(stage_name(stage.stage).size(), one ? ", generating" : ", reading");
      lane_total[stage.on_device] += point.time_share;
      points.push_back(std::move(point));
    }
  for (RooflinePoint& point : points) point.time_share = over(point.time_share, lane_total[point.on_device]);
  std::stable_sort(points.begin(), points.end(), [](const RooflinePoint& a, const RooflinePoint& b) {
    return place_of(a.on_device, a.stage) < place_of(b.on_device, b.stage);
  });
  return points;
}

std::vector<RooflinePoint> roofline(const Profile& profile) {
  std::vector<ProfileZone> reading, generating;
  for (const ProfileZone& zone : profile.zones) (zone.tokens > 1 ? reading : generating).push_back(zone);
  return roofline(stage_statistics(reading), stage_statistics(generating), profile.ceilings);
}

}  // namespace statescope
