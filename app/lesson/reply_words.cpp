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

QString place_words(const LessonTruth& truth, std::int64_t place, const PlaceName& name) {
  const QString where = name(static_cast<int>(place));
  if (place < 0 || place >= static_cast<std::int64_t>(truth.tokens.size())) return where;
  const QString token = QString::fromStdString(truth.tokens[static_cast<std::size_t>(place)]);
  return tr("“%1” (%2)").arg(visible_token(token), where);
}

}  // namespace

QString truth_words(const LessonQuestion& question, const LessonTruth& truth, const PlaceName& name) {
  switch (question.kind) {
    case Kind::option:
      return QString::fromStdString(question.options[truth.option].text);
    case Kind::value:
      return number(question, truth.values.front());
    case Kind::token: {
      QStringList places;
      for (const double place : truth.values) places << place_words(truth, static_cast<std::int64_t>(place), name);
      return places.join(tr(" or "));
    }
    case Kind::curve:
      return tr("the curve");
  }
  return {};
}

QString answer_words(const LessonQuestion& question, const LessonTruth& truth, const LessonAnswer& answer,
                     const PlaceName& name) {
  if (const auto* option = std::get_if<std::size_t>(&answer))
    return QString::fromStdString(question.options[*option].text);
  if (const auto* value = std::get_if<double>(&answer)) return number(question, *value);
  if (const auto* place = std::get_if<std::int64_t>(&answer)) return place_words(truth, *place, name);
  return tr("a drawing");
}

}  // namespace statescope
