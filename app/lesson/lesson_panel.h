// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>
#include <optional>
#include <set>
#include <vector>

#include "lesson/question_card.h"

class QAction;
class QLabel;
class QMenu;
class QProgressBar;
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
  /// For pictures: without buttons.
  void set_for_export(bool for_export);
  /// As wide as its text wants, but no more than a share of the window's width.
  void fit_to(int window_width);
  /// What the export button offers.
  void set_export_actions(const std::vector<QAction*>& actions);
  /// What is being exported, with how much of it is there, or nothing.
  void show_export(const QString& sentence, double share = 0);
  /// The answer has come: bring it into sight.
  void show_answer();

 Q_SIGNALS:
  void export_cancelled();
  void close_requested();
  void return_requested();
  void presentation_requested();

 private:
  void build();
  void fit();
  void open_contents();
  void show_tools();

  LessonPlayer& player_;
  QLabel *lesson_, *count_, *title_, *problem_;
  Button *contents_, *export_, *present_, *close_, *play_, *back_, *next_, *return_, *cancel_;
  StepBar* steps_;
  QScrollArea* scroll_;
  MarkdownText* prose_;
  QuestionCard* question_;
  QWidget *left_, *exporting_;
  QLabel* export_words_;
  QProgressBar* export_share_;
  QMenu *menu_, *export_menu_;
  std::set<int> done_;
  int window_width_;
  bool presenting_ = false, for_export_ = false;
};

}  // namespace statescope
