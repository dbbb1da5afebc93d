// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/transport.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr int tick_ms = 16;
constexpr double slowest = 0.01, fastest = 1e5;  // steps per second

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Transport::Transport(QObject* parent, Clock clock)
    : QObject(parent), clock_(clock ? std::move(clock) : Clock(steady_seconds)) {
  timer_.setTimerType(Qt::PreciseTimer);
  timer_.setInterval(tick_ms);
  connect(&timer_, &QTimer::timeout, this, &Transport::advance);
}

double Transport::phase() const {
  return motion() ? head_ - position_ : 0.0;
}

void Transport::set_length(int length) {
  length = std::max(0, length);
  if (length == length_) return;
  if (playing_) advance();
  length_ = length;
  Q_EMIT length_changed(length_);
  if (position_ >= length_) set_position(length_ - 1);
  if (length_ == 0) set_playing(false);
}

void Transport::set_position(int position) {
  head_time_ = clock_();
  move_head(std::clamp(position, 0, std::max(0, length_ - 1)));
}

void Transport::set_speed(double steps_per_second) {
  if (!std::isfinite(steps_per_second)) return;
  steps_per_second = std::clamp(steps_per_second, slowest, fastest);
  if (steps_per_second == speed_) return;
  if (playing_) advance();  // what has passed, passed at the old speed
  speed_ = steps_per_second;
  Q_EMIT speed_changed(speed_);
}

void Transport::set_loop(bool loop) {
  if (loop == loop_) return;
  loop_ = loop;
  Q_EMIT loop_changed(loop_);
}

void Transport::set_more_coming(bool more) {
  more_coming_ = more;
  if (playing_) advance();
}

void Transport::play() {
  if (playing_ || length_ < 2) return;
  const bool at_end = position_ == length_ - 1;
  head_time_ = clock_();
  if (at_end && !loop_ && !more_coming_) move_head(0);
  set_playing(true);
}

void Transport::pause() {
  if (!playing_) return;
  advance();
  head_ = position_;  // what is paused stands on a step
  set_playing(false);
}

void Transport::toggle() {
  playing_ ? pause() : play();
}

void Transport::step(int steps) {
  pause();
  const long long target = static_cast<long long>(position_) + steps;
  set_position(static_cast<int>(std::clamp<long long>(target, 0, std::max(0, length_ - 1))));
}

void Transport::advance() {
  if (!playing_) return;
  const double now = clock_();
  double head = head_ + (now - head_time_) * speed_;
  head_time_ = now;
  const double last = length_ - 1;
  bool ended = false;
  if (loop_ && !more_coming_) {
    head = std::fmod(head, length_);  // the last step lasts as long as every other before it starts over
  } else if (head >= last) {
    head = last;
    ended = !more_coming_;
  }
  move_head(head);
  Q_EMIT phase_changed();
  if (ended) set_playing(false);
}

void Transport::move_head(double head) {
  head_ = head;
  const int position = static_cast<int>(std::floor(head));
  if (position == position_) return;
  position_ = position;
  Q_EMIT position_changed(position_);
}

void Transport::set_playing(bool playing) {
  if (playing == playing_) return;
  playing_ = playing;
  playing_ ? timer_.start() : timer_.stop();
  Q_EMIT playing_changed(playing_);
}

}  // namespace statescope
