// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/profile/profile.h"

namespace statescope {

/// A stretch of a lane: one layer's stages, or one pass of the whole model over some tokens.
struct LaneSpan {
  std::int64_t begin = 0, end = 0;  // nanoseconds
  std::int64_t number = 0;          // layer, or the first token of the pass
  std::int64_t tokens = 0;
};

/// What one device did, by begin. Zones of a lane do not overlap.
struct ZoneLane {
  bool on_device = false;
  std::vector<ProfileZone> zones;
  std::vector<LaneSpan> layers, passes;
};

/// A recording sorted for drawing; grows while it goes on.
class ZoneLanes {
 public:
  /// `expected` zones a lane find room without moving those before. Room that is not needed is address space only.
  explicit ZoneLanes(std::size_t expected = 0) : expected_(expected) {}

  void append(std::span<const ProfileZone> zones);
  const std::vector<ZoneLane>& lanes() const { return lanes_; }  // the CPU's first
  std::int64_t end() const { return end_; }
  std::int64_t count() const { return count_; }
  std::int64_t layers() const { return layers_; }  // the highest number of one, and one more
  /// The passes of the lane that works on tokens: the device's where there is one.
  const std::vector<LaneSpan>& passes() const;

 private:
  std::vector<ZoneLane> lanes_;
  std::size_t expected_;
  std::int64_t end_ = 0, count_ = 0, layers_ = 0;
};

/// A box to draw: one zone, or neighbours too small to be seen apart.
struct ZoneRun {
  double left = 0, right = 0;  // pixels
  Stage stage = Stage::embedding;
  std::int64_t zone = -1;  // index of the zone where it is one, else -1
};
/// The boxes of the zones in [first, last] nanoseconds on `width` pixels, left to right. Zones below a pixel share a
/// column, which takes the stage that is longest in it, judged by some of its zones. The work depends on the width,
/// not on the number of zones.
std::vector<ZoneRun> visible_runs(std::span<const ProfileZone> zones, double first, double last, double width);

/// The zone at a time, or -1.
std::int64_t zone_at(std::span<const ProfileZone> zones, double time);

/// Nanoseconds of every stage in one layer, those outside the layers in the last row.
using StageTimes = std::array<std::int64_t, all_stages.size()>;
/// Per layer, for the zones that lie in [first, last]; zones cut by the ends count with their part inside.
std::vector<StageTimes> times_by_layer(std::span<const ProfileZone> zones, double first, double last,
                                       std::int64_t layers);

}  // namespace statescope
