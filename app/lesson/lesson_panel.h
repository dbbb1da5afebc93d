// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>
#include <optional>
#include <set>

#include "lesson/question_card.h"

class QLabel;
class QMenu;
class QScrollArea;

namespace statescope {

class Button;
class LessonPlayer;
class MarkdownText;
class StepBar;

/// The column beside the living picture: where the lesson stands, what the step says, its question, and the way on. It
/// shows the player and asks it to move; it computes nothing.
class LessonPanel : public QFrame {
  Q_OBJECT
 public:
  explicit LessonPanel(LessonPlayer& player);

  QuestionCard& question() { return *question_; }
  /// `reply` to the step's question as it was given before; `done`: steps that have been gone through.
  void show_step(const std::optional<LessonReply>& reply, const std::set<int>& done);
  void show_time();
  /// The picture is no longer the lesson's.
  void show_left(bool left);
  /// A sentence about the lesson's file; empty hides it.
  void show_problem(const QString& sentence);
  QString problem() const;
  /// Large and without what only a reader needs.
  void set_presenting(bool presenting);
  /// The answer has come: bring it into sight.
  void show_answer();

 Q_SIGNALS:
  void close_requested();
  void return_requested();
  void presentation_requested();

 private:
  void build();
  void fit();
  void open_contents();

  LessonPlayer& player_;
  QLabel *lesson_, *count_, *title_, *problem_;
  Button *contents_, *present_, *close_, *play_, *back_, *next_, *return_;
  StepBar* steps_;
  QScrollArea* scroll_;
  MarkdownText* prose_;
  QuestionCard* question_;
  QWidget* left_;
  QMenu* menu_;
  std::set<int> done_;
  bool presenting_ = false;
};

}  // namespace statescope
