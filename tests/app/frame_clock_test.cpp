// SPDX-License-Identifier: GPL-3.0-or-later
#include "frame_clock.h"

#include <gtest/gtest.h>

#include <QElapsedTimer>

namespace statescope {
namespace {

void frame(FrameClock& clock, double milliseconds) {
  clock.begin_frame();
  QElapsedTimer timer;
  timer.start();
  while (static_cast<double>(timer.nsecsElapsed()) < milliseconds * 1e6) {
  }
  clock.end_frame();
}

TEST(FrameClock, reports_nothing_before_the_first_frame_and_after_a_reset) {
  FrameClock clock;
  EXPECT_EQ(clock.report().frames, 0u);
  EXPECT_EQ(clock.report().paint_median, 0);
  frame(clock, 1);
  EXPECT_EQ(clock.report().frames, 1u);
  EXPECT_EQ(clock.report().interval_median, 0) << "one frame has no distance";
  clock.reset();
  EXPECT_EQ(clock.report().frames, 0u);
  EXPECT_EQ(clock.report().paint_95, 0);
}

TEST(FrameClock, median_ignores_one_slow_frame_of_ten_and_the_95th_percentile_of_twenty_shows_two) {
  FrameClock clock;
  for (int i = 0; i < 9; ++i) frame(clock, 0.2);
  frame(clock, 30);
  EXPECT_LT(clock.report().paint_median, 10);
  EXPECT_GE(clock.report().interval_95, clock.report().interval_median);
  for (int i = 0; i < 9; ++i) frame(clock, 0.2);
  frame(clock, 30);
  const FrameClock::Report report = clock.report();
  EXPECT_EQ(report.frames, 20u);
  EXPECT_GE(report.paint_median, 0.2);
  EXPECT_LT(report.paint_median, 10);
  EXPECT_GE(report.paint_95, 30);
  EXPECT_GE(report.interval_95, 30);
}

}  // namespace
}  // namespace statescope
