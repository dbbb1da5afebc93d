// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFontMetricsF>
#include <QHash>
#include <QString>
#include <memory>

namespace statescope {

/// Measures of a font that remember how wide words are: shaping a word takes as long as drawing it, and frame after
/// frame asks for the same ones. Every thread remembers its own.
class TextMetrics : public QFontMetricsF {
 public:
  explicit TextMetrics(const QFont& font);
  double horizontalAdvance(const QString& text) const;

 private:
  std::shared_ptr<QHash<QString, double>> widths_;
};

}  // namespace statescope
