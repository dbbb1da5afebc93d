// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/units.h"

#include <QRegularExpression>
#include <algorithm>
#include <cmath>
#include <iterator>

#include "widgets/format.h"

namespace statescope {
namespace {

struct Unit {
  double size;
  const char16_t* name;
};
constexpr Unit times[] = {{1e9, u"s"}, {1e6, u"ms"}, {1e3, u"µs"}, {1, u"ns"}};

QString with_unit(double value, const QString& unit, int digits = 3) {
  return format_number(value, value >= 100 && value < 1000 ? 3 : digits) + QChar(0x00A0) + unit;
}

// A value with the largest decimal prefix that leaves at least one before the point.
QString with_prefix(double value, const QString& unit) {
  static const char* const prefixes[] = {"", "k", "M", "G", "T", "P"};
  int prefix = 0;
  double shown = std::abs(value);
  while (shown >= 999.5 && prefix + 1 < static_cast<int>(std::size(prefixes))) {
    shown /= 1000;
    ++prefix;
  }
  const bool whole = prefix == 0 && shown == std::floor(shown);
  const QString number = whole ? QString::number(shown, 'f', 0) : format_number(shown, 3);
  const QString name = QLatin1String(prefixes[prefix]) + unit;
  const QString sign = value < 0 ? QString(QChar(0x2212)) : QString();
  return sign + (name.isEmpty() ? number : number + QChar(0x00A0) + name);
}

}  // namespace

QString without_zeros(QString text) {
  static const QRegularExpression zeros(QStringLiteral("\\.0+(?=\\D|$)"));
  return text.remove(zeros);
}

QString duration_text(double nanoseconds) {
  const double size = std::abs(nanoseconds);
  for (const Unit& unit : times)
    if (size >= unit.size * 0.9995 || unit.size == 1) {
      const double value = nanoseconds / unit.size;
      if (unit.size == 1) return QString::number(std::lround(value)) + QChar(0x00A0) + QStringLiteral("ns");
      return with_unit(value, QString::fromUtf16(unit.name));
    }
  return {};
}

QString bytes_text(double bytes) {
  return with_prefix(bytes, QStringLiteral("B"));
}

QString bandwidth_text(double bytes_per_second) {
  return with_prefix(bytes_per_second, QStringLiteral("B/s"));
}

QString rate_text(double operations_per_second) {
  return with_prefix(operations_per_second, QStringLiteral("FLOP/s"));
}

QString count_text(double count) {
  if (count < 1e4) return QStringLiteral("%L1").arg(count, 0, 'f', 0);
  return with_prefix(count, {});
}

QString as_sentence(const std::string& words) {
  QString text = QString::fromStdString(words);
  if (text.isEmpty()) return text;
  text[0] = text[0].toUpper();
  return text.endsWith(QLatin1Char('.')) ? text : text + QLatin1Char('.');
}

std::vector<Tick> time_ticks(double first, double last, int most, double zero) {
  std::vector<Tick> ticks;
  if (!(last > first) || most < 1) return ticks;
  const double least = std::max((last - first) / most, 1.0);
  const double decade = std::pow(10, std::floor(std::log10(least)));
  double step = 10 * decade;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * decade >= least * (1 - 1e-9)) {
      step = factor * decade;
      break;
    }
  // The unit of the step, unless the numbers would get too long to read.
  const double reach = std::max(std::abs(first - zero), std::abs(last - zero));
  const Unit* unit = std::find_if(std::begin(times), std::end(times), [step, reach](const Unit& u) {
    return u.size <= step * (1 + 1e-9) || reach / u.size >= 1e4;
  });
  if (unit == std::end(times)) unit = std::prev(std::end(times));
  const int decimals = std::max(0, static_cast<int>(std::ceil(std::log10(unit->size / step) - 1e-9)));
  for (double n = std::ceil((first - zero) / step); zero + n * step <= last; ++n) {
    QString text = QStringLiteral("%L1").arg(n * step / unit->size, 0, 'f', decimals);
    text.replace(QLatin1Char('-'), QChar(0x2212));
    ticks.push_back({zero + n * step, text + QChar(0x00A0) + QString::fromUtf16(unit->name)});
  }
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, QString (*text)(double)) {
  std::vector<Tick> ticks;
  if (!(low > 0) || !(high > low)) return ticks;
  const double decades = std::log10(high / low);
  const double every = decades > 9 ? 3 : decades > 6 ? 2 : 1;
  for (double exponent = std::floor(std::log10(low)); exponent <= std::ceil(std::log10(high)); ++exponent)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10, exponent);
      const bool major = factor == 1 && std::fmod(std::abs(exponent), every) == 0;
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9) || (!major && decades > 4)) continue;
      ticks.push_back({value, major ? without_zeros(text(value)) : QString(), major});
    }
  return ticks;
}

std::vector<Tick> octave_ticks(double low, double high, int most) {
  std::vector<Tick> ticks;
  if (!(low > 0) || !(high > low) || most < 1) return ticks;
  const int first = static_cast<int>(std::ceil(std::log2(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log2(high) + 1e-9));
  const int every = std::max(1, (last - first) / most + 1);
  for (int exponent = first; exponent <= last; exponent += every) {
    const double value = std::exp2(exponent);
    QString text = QString::number(value, 'f', 0);
    if (exponent >= 20)
      text = QStringLiteral("%1 M").arg(std::exp2(exponent - 20), 0, 'f', 0);
    else if (exponent >= 10)
      text = QStringLiteral("%1 k").arg(std::exp2(exponent - 10), 0, 'f', 0);
    ticks.push_back({value, text});
  }
  return ticks;
}

double log_position(double value, double low, double high) {
  return std::log(value / low) / std::log(high / low);
}

}  // namespace statescope
