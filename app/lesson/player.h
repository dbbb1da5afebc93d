// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <QTimer>
#include <memory>

#include "engine/lesson/lesson.h"

namespace statescope {

/// Where a lesson stands: a step and the seconds since it began to play. Knows no widgets; what is shown follows from
/// `scene`.
class LessonPlayer : public QObject {
  Q_OBJECT
 public:
  LessonPlayer();

  /// Replaces the lesson; the step stays as near as it can when `keep_place`.
  void open(std::shared_ptr<const Lesson> lesson, bool keep_place = false);
  void close();
  /// Null while there is none.
  const std::shared_ptr<const Lesson>& lesson() const { return lesson_; }
  void set_seed(const LessonSeed& seed);
  const LessonSeed& seed() const { return seed_; }

  int step() const { return step_; }  // from 0
  int steps() const { return static_cast<int>(lesson_->steps.size()); }
  const LessonStep& current() const { return lesson_->steps[static_cast<std::size_t>(step_)]; }
  /// The step as it is read, with the student's numbers in it, and what keeps one from standing there; empty: nothing.
  const LessonStep& words() const { return words_; }
  const QString& words_problem() const { return words_problem_; }
  double seconds() const { return seconds_; }
  bool playing() const { return timer_.isActive(); }
  /// What is to be shown now. Throws Error.
  Scene scene() const { return scene_at(current(), seconds_, seed_); }

  /// Begins a step at its second 0, at rest; outside the lesson the nearest.
  void go_to(int step);
  /// Moves on to the next pause, or the end, of the step. With reduced motion it is there at once.
  void play();
  void pause();
  void scrub(double seconds);
  /// The clicker: the next pause of this step, and after the last one the next step. False at the end of the lesson.
  bool forward();
  bool back();

 Q_SIGNALS:
  void lesson_changed();
  void step_changed();
  void time_changed();
  void playing_changed();

 private:
  void tick();
  void read_words();

  std::shared_ptr<const Lesson> lesson_;
  LessonSeed seed_;
  int step_ = 0;
  LessonStep words_;
  QString words_problem_;
  double seconds_ = 0, from_ = 0, stop_ = 0;  // playing goes from `from_` to `stop_`
  QElapsedTimer clock_;
  QTimer timer_;
};

}  // namespace statescope
