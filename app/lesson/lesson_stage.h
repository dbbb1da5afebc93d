// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <filesystem>
#include <memory>
#include <vector>

#include "lesson/lesson_guide.h"
#include "workspace.h"

class QHBoxLayout;

namespace statescope {

/// A lesson in a window nobody sees, for pictures: the same guide and workspaces, with nothing that moves by itself.
class LessonStage {
 public:
  /// With the numbers of `whose`. Throws Error when the lesson cannot be read.
  LessonStage(const std::filesystem::path& lesson, QSize size, bool picture_only, const std::filesystem::path& assets,
              const LessonSeed& whose);
  ~LessonStage();

  const Lesson& lesson() { return *guide_.player().lesson(); }
  const LessonGuide& guide() const { return guide_; }
  LessonPlayer& player() { return guide_.player(); }
  /// Shows a step (from 0) at a second, completely. Throws Error when its scene cannot be shown.
  void show(int step, double seconds);
  /// Then shows the answer to its question, if it has one.
  void answer();
  /// Column of words and picture, as they lie beside each other.
  std::vector<QWidget*> parts();

 private:
  void wait();

  QWidget window_;  // before the workspaces, which are gone when it deletes its children
  QHBoxLayout* row_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;
  Workspace* shown_ = nullptr;
  bool picture_only_;
  QString problem_;
  LessonGuide guide_;
};

}  // namespace statescope
