// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/profile/profile.h"

namespace statescope {

/// What the zones of a stage add up to. Times in nanoseconds.
struct StageSums {
  std::int64_t count = 0;
  std::int64_t total = 0;
  std::int64_t min = 0, max = 0;  // of one zone
  std::int64_t tokens = 0;
  Work work;

  void add(const ProfileZone& zone);
};

/// One stage on one lane.
struct StageStatistics : StageSums {
  Stage stage = Stage::embedding;
  bool on_device = false;
  std::int64_t median = 0, p95 = 0;  // of one zone, ns; nearest rank
  double share = 0;                  // of the total of all stages of the lane
  double bandwidth = 0;              // bytes per second
  double rate = 0;                   // operations per second
  double intensity = 0;              // operations per byte
  double exponential_rate = 0;
};

/// Every stage that occurs, in the order of `Stage`, the CPU's lane first.
std::vector<StageStatistics> stage_statistics(std::span<const ProfileZone> zones);

/// How long the zones of a stage took, on a logarithmic axis with `bins_per_decade` bins for a factor of ten. Bin i
/// counts durations in [edges[i], edges[i + 1]) nanoseconds. Empty when the stage does not occur.
struct Histogram {
  std::vector<double> edges;         // counts.size() + 1
  std::vector<std::int64_t> counts;  // first and last are not zero
};
Histogram duration_histogram(std::span<const ProfileZone> zones, Stage stage, bool on_device, int bins_per_decade = 10);

/// Statistics while zones still come: adding one costs nanoseconds, whatever came before, and none is kept. Sums are
/// exact; medians, 95 % and the places of durations in a histogram are within half a per cent.
class StageTally {
 public:
  void add(std::span<const ProfileZone> zones);
  /// In the order of stage_statistics.
  std::vector<StageStatistics> statistics() const;
  Histogram histogram(Stage stage, bool on_device, int bins_per_decade = 10) const;

 private:
  std::array<StageSums, 2 * all_stages.size()> sums_;
  std::array<std::vector<std::int64_t>, 2 * all_stages.size()> counts_;  // zones by duration, in fine bins
};

/// A stage in two runs. A stage that occurs in one only has no difference.
struct StageComparison {
  Stage stage = Stage::embedding;
  bool on_device = false;
  std::optional<StageStatistics> before, after;
  double before_per_token = 0, after_per_token = 0;  // nanoseconds of this stage a token read
  double difference = 0;                             // of them, after - before
  double ratio = 0;                                  // after / before
};
/// By stage, per token read, so that runs of different lengths compare.
std::vector<StageComparison> compare(const Profile& before, const Profile& after);
/// "scan: 1.8 times as fast a token, 12.1 µs instead of 21.9 µs".
std::string comparison_sentence(const StageComparison& comparison);

/// What keeps a stage from being faster.
enum class Bound {
  memory,        // the traffic takes longest
  cache,         // faster than memory could be: the data were still in the cache
  arithmetic,    // the multiply-adds take longest
  exponentials,  // the exponentials take longest
  overhead,      // none is near its limit and a call is short: starting the work costs more than doing it
  nothing,       // no limit was measured, or nothing was counted
};

/// A stage on the roofline.
struct RooflinePoint {
  Stage stage = Stage::embedding;
  bool on_device = false;
  bool generating = false;  // of zones that read one token, else of those that read many at once
  double time_share = 0;    // of the total of all stages of the lane
  double intensity = 0;     // operations per byte, x
  double rate = 0;          // operations per second, y
  double attainable = 0;    // operations per second that the roof allows at this intensity
  double share = 0;         // of the limit that binds: the shortest time the ceilings allow over the time taken; may
                            // pass 1 when the data come from the cache
  Bound bound = Bound::nothing;
  std::string sentence;  // one, plain, on what bounds it
};
/// Of all its zones alike.
RooflinePoint roofline_point(const StageStatistics& stage, const Ceilings& ceilings);
/// The statistics of the zones that read many tokens and of those that read one, and where both put each stage, in the
/// order of stage_statistics: weights that are read for 512 tokens at once lie elsewhere than those read for one.
std::vector<RooflinePoint> roofline(std::span<const StageStatistics> reading,
                                    std::span<const StageStatistics> generating, const Ceilings& ceilings);
std::vector<RooflinePoint> roofline(const Profile& profile);

}  // namespace statescope
