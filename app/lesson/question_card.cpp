// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/question_card.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "lesson/option_row.h"
#include "widgets/button.h"
#include "widgets/format.h"
#include "widgets/markdown_text.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "widgets/value_slider.h"

namespace statescope {
namespace {

using Kind = LessonQuestion::Kind;

constexpr std::size_t curve_points = 200;  // that a learner draws

}  // namespace

QuestionCard::QuestionCard(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("question"));
  setAccessibleName(tr("Question"));
  setProperty("surface", QStringLiteral("card"));
  setAttribute(Qt::WA_StyledBackground);
  ask_ = new MarkdownText;
  ask_->setObjectName(QStringLiteral("question_ask"));
  ask_->set_strong(true);
  why_ = new MarkdownText;
  why_->setObjectName(QStringLiteral("question_why"));
  verdict_ = new QLabel;
  verdict_->setObjectName(QStringLiteral("question_verdict"));
  verdict_->setWordWrap(true);
  verdict_->setProperty("role", QStringLiteral("strong"));
  send_ = new Button(Button::Look::primary, {}, tr("Answer"));
  send_->setObjectName(QStringLiteral("question_send"));
  again_ = new Button(Button::Look::raised, {}, tr("Try again"));
  again_->setObjectName(QStringLiteral("question_again"));
  auto* means = new QWidget;
  means_ = new QVBoxLayout(means);
  means_->setContentsMargins(0, 0, 0, 0);
  means_->setSpacing(scaled(6));
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(send_);
  buttons->addWidget(again_);
  buttons->addStretch();
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(scaled(16), scaled(14), scaled(16), scaled(14));
  column->setSpacing(scaled(10));
  column->addWidget(ask_);
  column->addWidget(means);
  column->addWidget(verdict_);
  column->addWidget(why_);
  column->addLayout(buttons);
  connect(send_, &QAbstractButton::clicked, this, &QuestionCard::answered);
  connect(again_, &QAbstractButton::clicked, this, [this] {
    show_question(LessonQuestion(question_), {});
    Q_EMIT again();
  });
}

void QuestionCard::show_question(const LessonQuestion& question, const std::optional<LessonReply>& reply) {
  question_ = question;
  open_ = true;
  ask_->set_text(QString::fromStdString(question.ask));
  build_means();
  verdict_->hide();
  why_->hide();
  again_->hide();
  send_->setVisible(!for_export_);
  offer();
  if (reply) show_reply(*reply);
}

void QuestionCard::build_means() {
  while (QLayoutItem* item = means_->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  options_.clear();
  chosen_.reset();
  value_ = nullptr;
  place_ = nullptr;
  curve_ = nullptr;
  moved_ = false;
  drawn_.clear();
  switch (question_.kind) {
    case Kind::option:
      for (std::size_t i = 0; i < question_.options.size(); ++i) {
        auto* row = new OptionRow(static_cast<int>(i) + 1, QString::fromStdString(question_.options[i].text));
        row->setObjectName(QStringLiteral("question_option_%1").arg(i));
        connect(row, &QAbstractButton::clicked, this, [this, i] { choose(i); });
        means_->addWidget(row);
        options_.push_back(row);
      }
      break;
    case Kind::value:
      value_ = new ValueSlider(tr("Your answer"), {.least = question_.from,
                                                   .most = question_.to,
                                                   .slider_least = question_.from,
                                                   .slider_most = question_.to,
                                                   .unit = QString::fromStdString(question_.unit)});
      value_->setObjectName(QStringLiteral("question_value"));
      value_->set_value((question_.from + question_.to) / 2);
      connect(value_, &ValueSlider::value_changed, this, [this] {
        moved_ = true;
        offer();
      });
      means_->addWidget(value_);
      break;
    case Kind::token:
      place_ = new QLabel;
      place_->setObjectName(QStringLiteral("question_place"));
      place_->setWordWrap(true);
      place_->setTextFormat(Qt::PlainText);
      means_->addWidget(place_);
      set_place(at_, at_name_);
      break;
    case Kind::curve:
      curve_ = new SignalView;
      curve_->setObjectName(QStringLiteral("question_curve"));
      curve_->setAccessibleName(tr("Draw your answer"));
      curve_->setAccessibleDescription(
          tr("Left and right choose a point, up and down lift and lower the curve there."));
      curve_->setFixedHeight(scaled(180));
      curve_->set_drawable(true);
      connect(curve_, &SignalView::drawn, this, [this](const std::vector<double>& values, bool) {
        drawn_ = values;
        show_curves(values, nullptr);
        offer();
      });
      show_curves(std::vector<double>(curve_points, (question_.from + question_.to) / 2), nullptr);
      means_->addWidget(curve_);
      break;
  }
}

void QuestionCard::show_curves(const std::vector<double>& drawn, const std::vector<double>* truth) {
  auto shown = std::make_shared<CurvesData>();
  const std::size_t points = truth ? std::max(drawn.size(), truth->size()) : drawn.size();
  if (truth) {
    // Both over as many points as the finer of the two; between its points a curve is a line.
    const auto spread = [points](const std::vector<double>& from) {
      std::vector<double> values(points, from.front());
      for (std::size_t i = 0; i < points; ++i) {
        const double at = static_cast<double>(i * (from.size() - 1)) / static_cast<double>(points - 1);
        const std::size_t before = std::min(static_cast<std::size_t>(at), from.size() - 1);
        const std::size_t behind = std::min(before + 1, from.size() - 1);
        values[i] = std::lerp(from[before], from[behind], at - static_cast<double>(before));
      }
      return values;
    };
    shown->curves.push_back({.name = tr("yours"), .values = Series(spread(drawn)), .quiet = true});
    shown->curves.push_back({.name = tr("the answer"), .values = Series(spread(*truth)), .symbol = Symbol::y});
    shown->legend = true;
  } else {
    shown->curves.push_back({.name = tr("yours"), .values = Series(drawn)});
  }
  shown->title = {{truth ? tr("Yours and the answer") : tr("Draw your answer"), {}}};
  shown->y_min = question_.from;
  shown->y_max = question_.to;
  const double length = (samples_ - 1) * (step_ > 0 ? step_ : 1);
  shown->x_step = length / static_cast<double>(points - 1);
  shown->x_axis = step_ > 0 ? tr("t") : tr("sample");
  if (step_ > 0) shown->x_unit = tr("s");
  curve_->set_data(std::move(shown));
}

void QuestionCard::choose(std::size_t option) {
  chosen_ = option;
  offer();
}

bool QuestionCard::take_key(const QKeyEvent& event) {
  const int option = event.key() - Qt::Key_1;
  if (event.modifiers() != Qt::NoModifier || !open_ || !isVisible()) return false;
  if (option < 0 || option >= static_cast<int>(options_.size())) return false;
  options_[static_cast<std::size_t>(option)]->click();
  send_->setFocus(Qt::ShortcutFocusReason);
  return true;
}

void QuestionCard::offer() {
  send_->setEnabled(answer().has_value());
}

void QuestionCard::set_place(std::int64_t place, const QString& name) {
  at_ = place;
  at_name_ = name;
  if (!place_ || !open_) return;
  place_->setText(
      tr("Move the cursor to your answer. It stands at %1.").arg(name.isEmpty() ? QString::number(place) : name));
}

void QuestionCard::set_for_export(bool for_export) {
  for_export_ = for_export;
  if (for_export) send_->hide();
}

void QuestionCard::set_extent(int samples, double step) {
  samples_ = std::max(samples, 2);
  step_ = step;
  if (curve_ && open_ && drawn_.empty())
    show_curves(std::vector<double>(curve_points, (question_.from + question_.to) / 2), nullptr);
}

void QuestionCard::set_busy(bool busy) {
  send_->setEnabled(!busy && answer().has_value());
  send_->setText(busy ? tr("Computing…") : tr("Answer"));
}

std::optional<LessonAnswer> QuestionCard::answer() const {
  switch (question_.kind) {
    case Kind::option:
      if (chosen_) return *chosen_;
      return {};
    case Kind::value:
      if (moved_) return value_->value();
      return {};
    case Kind::token:
      return at_;
    case Kind::curve:
      if (!drawn_.empty()) return drawn_;
      return {};
  }
  return {};
}

QString QuestionCard::verdict(const LessonReply& reply) const {
  if (for_export_) return tr("The answer: %1").arg(reply.right);
  const QString result = reply.mark.right ? tr("Right.") : tr("Not quite.");
  switch (question_.kind) {
    case Kind::option:
      return result;
    case Kind::value:
    case Kind::token:
      return tr("%1 It is %2; you said %3.").arg(result, reply.right, reply.said);
    case Kind::curve:
      return tr("%1 Yours is %2 off in the mean.").arg(result, format_tick(reply.mark.distance, 3));
  }
  return result;
}

void QuestionCard::show_reply(const LessonReply& reply) {
  open_ = false;
  set_busy(false);
  for (std::size_t i = 0; i < options_.size(); ++i) {
    const bool chosen = std::get<std::size_t>(reply.answer) == i;
    options_[i]->setChecked(chosen);
    options_[i]->set_verdict(i == reply.truth.option ? OptionRow::Verdict::right
                             : chosen                ? OptionRow::Verdict::wrong
                                                     : OptionRow::Verdict::none);
    options_[i]->setEnabled(false);
  }
  if (value_) {
    value_->set_value(std::get<double>(reply.answer));
    value_->setEnabled(false);
  }
  if (place_) place_->hide();
  if (curve_) {
    curve_->set_drawable(false);
    for_export_ ? show_curves(reply.truth.values, nullptr)
                : show_curves(std::get<std::vector<double>>(reply.answer), &reply.truth.values);
  }
  verdict_->setText(verdict(reply));
  verdict_->setProperty("role", reply.mark.right ? QStringLiteral("strong") : QStringLiteral("danger"));
  verdict_->show();
  why_->setVisible(!reply.truth.why.empty());
  why_->set_text(QString::fromStdString(reply.truth.why));
  send_->hide();
  again_->setVisible(!for_export_);
}

}  // namespace statescope
