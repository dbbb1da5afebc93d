// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>
#include <optional>
#include <set>

#include "engine/lesson/lesson.h"

namespace statescope {

/// How a lesson is known where answers and progress are kept: "folder: title", for folders of one name are common.
QString lesson_id(const Lesson& lesson);

/// What a learner has done, kept in the user's settings file.
class LessonProgress {
 public:
  int last_step(const QString& lesson) const;
  std::set<int> done(const QString& lesson) const;
  void reach(const QString& lesson, int step);

  /// One answer; a later one to the same question replaces it.
  struct Answer {
    QString lesson, step, answer, truth;
    bool right = false;
  };
  void record(const Answer& answer);
  std::vector<Answer> answers() const;
  /// lesson, step, answer, truth, right, class seed, name; with a header row.
  QString csv() const;

  LessonSeed seed() const;
  void set_seed(const LessonSeed& seed);
};

}  // namespace statescope
