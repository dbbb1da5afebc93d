// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <memory>
#include <optional>
#include <vector>

#include "engine/lesson/question.h"

class QKeyEvent;
class QLabel;
class QVBoxLayout;

namespace statescope {

class Button;
class MarkdownText;
class OptionRow;
class SignalView;
class ValueSlider;

/// What a learner made of a question, kept while the lesson is open.
struct LessonReply {
  LessonAnswer answer;
  LessonTruth truth;
  LessonMark mark;
  QString right, said;  // the truth and the answer in words
};

/// A question, the means to answer it, and afterwards what is right. It computes nothing: whoever owns it asks the
/// engine for the truth.
class QuestionCard : public QWidget {
  Q_OBJECT
 public:
  explicit QuestionCard(QWidget* parent = nullptr);

  /// `reply` as it was given before, if it was.
  void show_question(const LessonQuestion& question, const std::optional<LessonReply>& reply);
  /// A token's question is answered by the cursor of the picture: what stands there now.
  void set_place(std::int64_t place, const QString& name);
  /// What a curve is drawn over: so many samples, each `step` seconds, or 0 where they are only counted.
  void set_extent(int samples, double step);
  void set_busy(bool busy);
  /// For pictures: without buttons.
  void set_for_export(bool for_export);
  void show_reply(const LessonReply& reply);
  /// A digit chooses the option of that number; the focus then is on what sends it off. False for other keys.
  bool take_key(const QKeyEvent& event);
  /// What can be sent off; nothing while nothing is chosen.
  std::optional<LessonAnswer> answer() const;
  const LessonQuestion& question() const { return question_; }

 Q_SIGNALS:
  void answered();
  void again();  // the learner wants to try once more

 private:
  void build_means();
  void offer();
  void choose(std::size_t option);
  void show_curves(const std::vector<double>& drawn, const std::vector<double>* truth);
  QString verdict(const LessonReply& reply) const;

  LessonQuestion question_;
  MarkdownText *ask_, *why_;
  QLabel* verdict_;
  Button *send_, *again_;
  QVBoxLayout* means_;  // what it is answered with
  std::vector<OptionRow*> options_;
  std::optional<std::size_t> chosen_;
  ValueSlider* value_ = nullptr;
  bool moved_ = false;  // the slider
  QLabel* place_ = nullptr;
  std::int64_t at_ = 0;
  QString at_name_;
  SignalView* curve_ = nullptr;
  std::vector<double> drawn_;
  int samples_ = 2;
  double step_ = 0;
  bool open_ = true;  // not answered yet
  bool for_export_ = false;
};

}  // namespace statescope
