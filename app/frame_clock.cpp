// SPDX-License-Identifier: GPL-3.0-or-later
#include "frame_clock.h"

#include <algorithm>

namespace statescope {
namespace {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double milliseconds(const QElapsedTimer& timer) {
  return static_cast<double>(timer.nsecsElapsed()) * 1e-6;
}

}  // namespace

void FrameClock::begin_frame() {
  paint_.start();
}

void FrameClock::end_frame() {
  paints_.push_back(milliseconds(paint_));
  if (interval_.isValid()) intervals_.push_back(milliseconds(interval_));
  interval_.start();
}

void FrameClock::reset() {
  paints_.clear();
  intervals_.clear();
  interval_.invalidate();
}

FrameClock::Report FrameClock::report() const {
  return {paints_.size(), percentile(paints_, 0.5), percentile(paints_, 0.95), percentile(intervals_, 0.5),
          percentile(intervals_, 0.95)};
}

}  // namespace statescope
