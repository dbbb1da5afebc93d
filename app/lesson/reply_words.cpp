// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/reply_words.h"

#include <QCoreApplication>
#include <QStringList>

#include "widgets/format.h"

namespace statescope {
namespace {

using Kind = LessonQuestion::Kind;

QString tr(const char* text) {
  return QCoreApplication::translate("Lesson", text);
}

QString number(const LessonQuestion& question, double value) {
  const QString digits = format_tick(value, 4);
  return question.unit.empty() ? digits : QStringLiteral("%1 %2").arg(digits, QString::fromStdString(question.unit));
}

}  // namespace

QString truth_words(const LessonQuestion& question, const LessonTruth& truth) {
  switch (question.kind) {
    case Kind::option:
      return QString::fromStdString(question.options[truth.option].text);
    case Kind::value:
      return number(question, truth.values.front());
    case Kind::token: {
      QStringList places;
      for (const double place : truth.values) places << QString::number(static_cast<qint64>(place) + 1);
      return places.join(tr(" or "));
    }
    case Kind::curve:
      return tr("the curve");
  }
  return {};
}

QString answer_words(const LessonQuestion& question, const LessonAnswer& answer) {
  if (const auto* option = std::get_if<std::size_t>(&answer))
    return QString::fromStdString(question.options[*option].text);
  if (const auto* value = std::get_if<double>(&answer)) return number(question, *value);
  if (const auto* place = std::get_if<std::int64_t>(&answer)) return QString::number(*place + 1);
  return tr("a drawing");
}

}  // namespace statescope
