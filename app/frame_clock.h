// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <vector>

namespace statescope {

/// Measures a window from inside: how long each frame takes to paint and how far apart frames are.
class FrameClock {
 public:
  struct Report {
    std::size_t frames = 0;
    double paint_median = 0, paint_95 = 0;        // ms spent painting one frame
    double interval_median = 0, interval_95 = 0;  // ms from one frame's end to the next one's
  };

  /// Call around the window's handling of QEvent::UpdateRequest, which paints all that changed.
  void begin_frame();
  void end_frame();

  void reset();
  Report report() const;

 private:
  QElapsedTimer paint_, interval_;
  std::vector<double> paints_, intervals_;
};

/// Measures how long the event loop was ever kept from its work: a timer beats every few milliseconds, and the longest
/// time between two beats is remembered.
class LoopWatch : public QObject {
 public:
  explicit LoopWatch(QObject* parent = nullptr);
  void restart();
  double longest_block() const { return longest_; }  // ms beyond the beat itself

 private:
  QTimer timer_;
  QElapsedTimer since_beat_;
  double longest_ = 0;
};

}  // namespace statescope
