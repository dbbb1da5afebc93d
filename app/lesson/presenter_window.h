// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <QWidget>

class QLabel;

namespace statescope {

class LessonPlayer;
class MarkdownText;

/// What only the presenter sees: the notes of the step, what comes next, the clock and the time since the beginning.
class PresenterWindow : public QWidget {
  Q_OBJECT
 public:
  explicit PresenterWindow(LessonPlayer& player);

 private:
  void show_step();
  void show_time();

  LessonPlayer& player_;
  QLabel *place_, *title_, *next_, *clock_, *elapsed_;
  MarkdownText* notes_;
  QElapsedTimer since_;
  QTimer timer_;
};

}  // namespace statescope
