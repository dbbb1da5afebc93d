// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/player.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/error.h"
#include "engine/lesson/numbers.h"
#include "widgets/theme.h"

namespace statescope {

LessonPlayer::LessonPlayer() {
  using namespace std::chrono_literals;
  timer_.setInterval(16ms);
  timer_.setTimerType(Qt::PreciseTimer);
  connect(&timer_, &QTimer::timeout, this, &LessonPlayer::tick);
}

void LessonPlayer::open(std::shared_ptr<const Lesson> lesson, bool keep_place) {
  pause();
  lesson_ = std::move(lesson);
  Q_EMIT lesson_changed();
  go_to(keep_place ? step_ : 0);
}

void LessonPlayer::close() {
  pause();
  lesson_.reset();
  Q_EMIT lesson_changed();
}

void LessonPlayer::set_seed(const LessonSeed& seed) {
  seed_ = seed;
  if (lesson_) go_to(step_);
}

void LessonPlayer::go_to(int step) {
  pause();
  step_ = std::clamp(step, 0, steps() - 1);
  seconds_ = 0;
  read_words();
  Q_EMIT step_changed();
}

void LessonPlayer::read_words() {
  words_ = current();
  words_problem_.clear();
  try {
    words_ = with_numbers(words_, seed_);
  } catch (const Error& error) {
    words_problem_ = QString::fromUtf8(error.what());
  }
}

void LessonPlayer::play() {
  if (!lesson_ || playing()) return;
  if (seconds_ >= current().duration()) {
    if (current().duration() == 0) return;
    seconds_ = 0;
  }
  from_ = seconds_;
  stop_ = next_stop(current(), seconds_);
  if (!motion()) return scrub(stop_);
  clock_.start();
  timer_.start();
  Q_EMIT playing_changed();
}

void LessonPlayer::pause() {
  if (!playing()) return;
  timer_.stop();
  Q_EMIT playing_changed();
}

void LessonPlayer::scrub(double seconds) {
  pause();
  seconds_ = std::clamp(seconds, 0.0, current().duration());
  Q_EMIT time_changed();
}

bool LessonPlayer::forward() {
  if (!lesson_) return false;
  if (playing()) {  // impatience: what was under way is shown
    scrub(stop_);
    return true;
  }
  if (seconds_ < current().duration()) {
    play();
    return true;
  }
  if (step_ + 1 == steps()) return false;
  go_to(step_ + 1);
  return true;
}

bool LessonPlayer::back() {
  if (!lesson_) return false;
  if (seconds_ > 0) {
    go_to(step_);
    return true;
  }
  if (step_ == 0) return false;
  go_to(step_ - 1);
  return true;
}

void LessonPlayer::tick() {
  seconds_ = std::min(from_ + 1e-9 * static_cast<double>(clock_.nsecsElapsed()), stop_);
  if (seconds_ == stop_) pause();
  Q_EMIT time_changed();
}

}  // namespace statescope
