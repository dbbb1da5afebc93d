// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QTimer>
#include <functional>

namespace statescope {

/// What plays: a position 0 … length-1 that moves with time. Driven by the clock, not by counted ticks, so a late
/// frame skips instead of slowing down. A length of 0 means there is nothing to play.
class Transport : public QObject {
  Q_OBJECT
 public:
  using Clock = std::function<double()>;  ///< monotonic seconds

  explicit Transport(QObject* parent = nullptr, Clock clock = {});

  int length() const { return length_; }
  int position() const { return position_; }
  bool playing() const { return playing_; }
  bool loop() const { return loop_; }
  double speed() const { return speed_; }  ///< steps per second
  /// How far time has moved from `position` towards the next step, 0 ≤ phase < 1. Always 0 with reduced motion.
  double phase() const;

  /// Shortening clamps the position; lengthening while playing just goes on.
  void set_length(int length);
  /// Clamped to the sequence; playing continues from there.
  void set_position(int position);
  void set_speed(double steps_per_second);
  void set_loop(bool loop);
  /// While more steps are still to come (text is being generated), playing waits at the end instead of stopping.
  void set_more_coming(bool more);

  /// Starts; from the beginning when it stood at the end.
  void play();
  void pause();
  void toggle();
  /// Pauses and moves by `steps`.
  void step(int steps);
  void restart() { set_position(0); }

  /// Brings the position up to the clock. The inner timer calls this at about 60 Hz while playing.
  void advance();

 Q_SIGNALS:
  void position_changed(int position);
  void phase_changed();  ///< each tick while playing: redraw what moves between steps
  void length_changed(int length);
  void playing_changed(bool playing);
  void speed_changed(double steps_per_second);
  void loop_changed(bool loop);

 private:
  void move_head(double head);
  void set_playing(bool playing);

  Clock clock_;
  QTimer timer_;
  int length_ = 0, position_ = 0;
  double head_ = 0;       // position + phase
  double head_time_ = 0;  // when the head was there
  double speed_ = 2;
  bool playing_ = false, loop_ = false, more_coming_ = false;
};

}  // namespace statescope
