// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/zone_lanes.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace statescope {
namespace {

constexpr std::int64_t judged = 16;  // zones of a column

std::int64_t first_ending_after(std::span<const ProfileZone> zones, double time) {
  const auto found = std::partition_point(
      zones.begin(), zones.end(), [time](const ProfileZone& zone) { return static_cast<double>(zone.end) <= time; });
  return found - zones.begin();
}

Stage longest_stage(std::span<const ProfileZone> zones) {
  StageTimes times{};
  const std::size_t stride = (zones.size() + judged - 1) / judged;
  for (std::size_t i = 0; i < zones.size(); i += stride)
    times[static_cast<std::size_t>(zones[i].stage)] += zones[i].end - zones[i].begin;
  return static_cast<Stage>(std::max_element(times.begin(), times.end()) - times.begin());
}

// The first of zones[from…] that does not begin before `time`, sought in growing steps: it is near.
std::int64_t first_from(std::span<const ProfileZone> zones, std::int64_t from, double time) {
  const auto before = [time](const ProfileZone& zone) { return static_cast<double>(zone.begin) < time; };
  std::int64_t low = from, step = 1;
  while (low + step < std::ssize(zones) && before(zones[static_cast<std::size_t>(low + step)])) {
    low += step;
    step *= 2;
  }
  const auto end = zones.begin() + std::min(low + step, std::ssize(zones));
  return std::partition_point(zones.begin() + low, end, before) - zones.begin();
}

// A pass begins with an embedding, or where the layers start over.
void extend_spans(ZoneLane& lane, const ProfileZone& zone) {
  const bool outside = zone.layer < 0;
  const bool starts_over = !outside && !lane.layers.empty() && zone.layer < lane.layers.back().number &&
                           !lane.passes.empty() && lane.passes.back().begin <= lane.layers.back().begin;
  if (lane.passes.empty() || zone.stage == Stage::embedding || starts_over) {
    const std::int64_t token = lane.passes.empty() ? 0 : lane.passes.back().number + lane.passes.back().tokens;
    lane.passes.push_back({zone.begin, zone.end, token, zone.tokens});
  }
  LaneSpan& pass = lane.passes.back();
  pass.end = std::max(pass.end, zone.end);
  if (outside) return;
  const bool same =
      !lane.layers.empty() && lane.layers.back().number == zone.layer && lane.layers.back().begin >= pass.begin;
  if (!same) lane.layers.push_back({zone.begin, zone.end, zone.layer, zone.tokens});
  lane.layers.back().end = std::max(lane.layers.back().end, zone.end);
}

}  // namespace

void ZoneLanes::append(std::span<const ProfileZone> zones) {
  for (const ProfileZone& zone : zones) {
    auto lane = std::find_if(lanes_.begin(), lanes_.end(),
                             [&zone](const ZoneLane& l) { return l.on_device == zone.on_device; });
    if (lane == lanes_.end()) {
      lane = lanes_.insert(zone.on_device ? lanes_.end() : lanes_.begin(), ZoneLane());
      lane->on_device = zone.on_device;
      try {
        lane->zones.reserve(expected_);
      } catch (const std::bad_alloc&) {  // then they move as they grow
      }
    }
    lane->zones.push_back(zone);
    layers_ = std::max(layers_, std::int64_t{zone.layer} + 1);
    extend_spans(*lane, zone);
    end_ = std::max(end_, zone.end);
  }
  count_ += std::ssize(zones);
}

const std::vector<LaneSpan>& ZoneLanes::passes() const {
  static const std::vector<LaneSpan> none;
  return lanes_.empty() ? none : lanes_.back().passes;
}

std::vector<ZoneRun> visible_runs(std::span<const ProfileZone> zones, double first, double last, double width) {
  std::vector<ZoneRun> runs;
  if (!(last > first) || !(width > 0)) return runs;
  const double scale = width / (last - first);
  const auto pixel = [&](std::int64_t time) { return (static_cast<double>(time) - first) * scale; };
  const auto size = [&](const ProfileZone& zone) { return static_cast<double>(zone.end - zone.begin) * scale; };
  const std::int64_t count = std::ssize(zones);
  for (std::int64_t i = first_ending_after(zones, first); i < count;) {
    const ProfileZone& zone = zones[static_cast<std::size_t>(i)];
    const double left = pixel(zone.begin);
    if (left >= width) break;
    if (size(zone) >= 1) {
      runs.push_back({std::max(left, 0.0), std::min(pixel(zone.end), width), zone.stage, i});
      ++i;
      continue;
    }
    // All that begins in this column of pixels, but for a last one that reaches far beyond it.
    const double column = std::floor(std::max(left, 0.0));
    const double column_end = first + (column + 1) / scale;
    std::int64_t end = std::max(first_from(zones, i, column_end), i + 1);
    if (end - i > 1 && size(zones[static_cast<std::size_t>(end - 1)]) >= 1) --end;
    const Stage stage = longest_stage(zones.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(end - i)));
    ZoneRun run{column, std::min(column + 1, width), stage, end - i == 1 ? i : -1};
    const bool joins = !runs.empty() && runs.back().zone < 0 && run.zone < 0 && runs.back().stage == stage &&
                       runs.back().right == run.left;
    if (joins)
      runs.back().right = run.right;
    else
      runs.push_back(run);
    i = end;
  }
  return runs;
}

std::int64_t zone_at(std::span<const ProfileZone> zones, double time) {
  const std::int64_t i = first_ending_after(zones, time);
  return i < std::ssize(zones) && static_cast<double>(zones[static_cast<std::size_t>(i)].begin) <= time ? i : -1;
}

std::vector<StageTimes> times_by_layer(std::span<const ProfileZone> zones, double first, double last,
                                       std::int64_t layers) {
  std::vector<StageTimes> times(static_cast<std::size_t>(layers + 1), StageTimes{});
  const auto low = static_cast<std::int64_t>(first), high = static_cast<std::int64_t>(last);
  for (std::int64_t i = first_ending_after(zones, first); i < std::ssize(zones); ++i) {
    const ProfileZone& zone = zones[static_cast<std::size_t>(i)];
    if (zone.begin >= high) break;
    const bool inside = zone.layer >= 0 && zone.layer < layers;
    times[static_cast<std::size_t>(inside ? zone.layer : layers)][static_cast<std::size_t>(zone.stage)] +=
        std::min(zone.end, high) - std::max(zone.begin, low);
  }
  return times;
}

}  // namespace statescope
