// SPDX-License-Identifier: GPL-3.0-or-later
#include "frame_clock.h"

#include <algorithm>

namespace statescope {
namespace {

constexpr std::size_t most_frames = 1 << 18;  // over an hour at 60 Hz; then measuring starts anew

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double milliseconds(const QElapsedTimer& timer) {
  return static_cast<double>(timer.nsecsElapsed()) * 1e-6;
}

constexpr int beat_ms = 5;

}  // namespace

void FrameClock::begin_frame() {
  paint_.start();
}

void FrameClock::end_frame() {
  if (paints_.size() == most_frames) reset();
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

LoopWatch::LoopWatch(QObject* parent) : QObject(parent) {
  timer_.setTimerType(Qt::PreciseTimer);
  QObject::connect(&timer_, &QTimer::timeout, this, [this] {
    longest_ = std::max(longest_, milliseconds(since_beat_) - beat_ms);
    since_beat_.start();
  });
}

void LoopWatch::restart() {
  longest_ = 0;
  since_beat_.start();
  timer_.start(beat_ms);
}

}  // namespace statescope
