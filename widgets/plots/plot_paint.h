// SPDX-License-Identifier: GPL-3.0-or-later
// Small things that the views share.
#pragma once

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <vector>

#include "widgets/theme.h"

namespace statescope {

/// Pixels the mouse may move between press and release for a click.
inline constexpr int drag_threshold = 4;

inline void draw_focus_ring(QPainter& painter, const QRectF& area) {
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(theme().accent, 2));
  painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 3, 3);
}

/// The smallest n × step that is not below `value`.
inline qint64 round_up(qint64 value, qint64 step) {
  return (value + step - 1) / step * step;
}

/// The smallest of 1, 2, 5, 10, 20 … for which ticks every so many cells of `size` pixels leave the room that
/// `needed(step)` asks for.
template <typename Needed>
qint64 tick_step(double size, const Needed& needed) {
  for (qint64 decade = 1; decade < (qint64{1} << 50); decade *= 10) {
    for (const qint64 step : {decade, 2 * decade, 5 * decade}) {
      if (static_cast<double>(step) * size >= needed(step)) return step;
    }
  }
  return qint64{1} << 50;
}

/// Round numbers (1, 2, 5 × 10^n apart) within [min, max], about `count` of them.
inline std::vector<double> round_ticks(double min, double max, int count) {
  const double rough = (max - min) / std::max(1, count);
  if (!(rough > 0) || !std::isfinite(rough)) return {};
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  const double factor = rough / decade;
  const double step = decade * (factor <= 1.5 ? 1 : factor <= 3.5 ? 2 : factor <= 7.5 ? 5 : 10);
  std::vector<double> ticks;
  for (double i = std::ceil(min / step - 1e-9); i * step <= max + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

inline double caption_height() {
  return std::ceil(QFontMetricsF(font(TextRole::caption)).height());
}

/// Room between the first and last point of an axis and the edges, so that neither a curve's end nor a label is cut.
inline double side_padding() {
  return scaled(14);
}

/// Ticks of a vertical axis of this many pixels.
inline std::vector<double> vertical_ticks(double height, double min, double max) {
  return round_ticks(min, max, std::clamp(static_cast<int>(height / (3 * caption_height())), 2, 6));
}

}  // namespace statescope
