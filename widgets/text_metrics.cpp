// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text_metrics.h"

#include <QFont>
#include <map>

namespace statescope {
namespace {

constexpr std::size_t most_fonts = 64;
constexpr qsizetype most_words = 2048;  // of a font

}  // namespace

TextMetrics::TextMetrics(const QFont& font) : QFontMetricsF(font) {
  thread_local std::map<QFont, std::shared_ptr<QHash<QString, double>>> known;
  if (known.size() > most_fonts) known.clear();
  std::shared_ptr<QHash<QString, double>>& widths = known[font];
  if (!widths) widths = std::make_shared<QHash<QString, double>>();
  widths_ = widths;
}

double TextMetrics::horizontalAdvance(const QString& text) const {
  if (const auto found = widths_->constFind(text); found != widths_->constEnd()) return *found;
  if (widths_->size() > most_words) widths_->clear();
  return *widths_->insert(text, QFontMetricsF::horizontalAdvance(text));
}

}  // namespace statescope
