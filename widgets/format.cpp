// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/format.h"

#include <charconv>
#include <cmath>

namespace statescope {
namespace {

const QChar minus_sign(0x2212);

QString special_number(double value) {
  if (std::isnan(value)) return QStringLiteral("NaN");
  return value > 0 ? QString(QChar(0x221E)) : QString(minus_sign) + QChar(0x221E);
}

template <typename Number>
QString shortest(Number value) {
  if (std::isnan(value)) return QStringLiteral("nan");
  if (std::isinf(value)) return value > 0 ? QStringLiteral("inf") : QStringLiteral("-inf");
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return QString::fromLatin1(buffer, end - buffer);
}

}  // namespace

QString format_number(double value, int digits) {
  if (!std::isfinite(value)) return special_number(value);
  if (value == 0.0) return QStringLiteral("0");
  // The exponent after rounding: 0.99996 becomes 1.000, not 1.0000.
  const QString scientific = QString::number(value, 'e', digits - 1);
  const qsizetype e = scientific.indexOf(QLatin1Char('e'));
  const int exponent = scientific.mid(e + 1).toInt();
  QString text;
  if (exponent < -4 || exponent >= 6) {
    text = scientific.left(e) + QLatin1Char('e') + QString::number(exponent);
  } else {
    text = QString::number(value, 'f', std::max(0, digits - 1 - exponent));
  }
  return text.replace(QLatin1Char('-'), minus_sign);
}

QString format_tick(double value, int digits) {
  QString text = format_number(value, digits);
  const qsizetype e = text.indexOf(QLatin1Char('e'));
  QString mantissa = e < 0 ? text : text.left(e);
  if (mantissa.contains(QLatin1Char('.'))) {
    while (mantissa.endsWith(QLatin1Char('0'))) mantissa.chop(1);
    if (mantissa.endsWith(QLatin1Char('.'))) mantissa.chop(1);
  }
  return e < 0 ? mantissa : mantissa + text.mid(e);
}

QString format_percent(double fraction, int decimals) {
  if (!std::isfinite(fraction)) return special_number(fraction);
  const double smallest = std::pow(10.0, -decimals);
  const double percent = fraction * 100.0;
  if (percent > 0.0 && percent < smallest / 2) {
    return QStringLiteral("<%1\u00A0%").arg(QString::number(smallest, 'f', decimals));
  }
  return QString::number(percent, 'f', decimals).replace(QLatin1Char('-'), minus_sign) + QStringLiteral("\u00A0%");
}

QString subscript(qint64 number) {
  QString text = QString::number(number);
  for (QChar& digit : text) digit = QChar(0x2080 + digit.digitValue());
  return text;
}

QString csv_number(double value) {
  return shortest(value);
}
QString csv_number(float value) {
  return shortest(value);
}

QString csv_field(const QString& text) {
  const bool plain = !text.contains(QLatin1Char(',')) && !text.contains(QLatin1Char('"')) &&
                     !text.contains(QLatin1Char('\n')) && !text.contains(QLatin1Char('\r'));
  if (plain) return text;
  QString escaped = text;
  return QLatin1Char('"') + escaped.replace(QLatin1Char('"'), QStringLiteral("\"\"")) + QLatin1Char('"');
}

QString visible_token(const QString& token) {
  if (token.isEmpty()) return QStringLiteral("∅");
  QString text = token;
  text.replace(QLatin1Char(' '), QChar(0x00B7));
  text.replace(QLatin1Char('\n'), QChar(0x21B5));
  text.replace(QLatin1Char('\r'), QChar(0x240D));
  text.replace(QLatin1Char('\t'), QChar(0x21E5));
  return text;
}

}  // namespace statescope
