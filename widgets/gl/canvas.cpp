// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/canvas.h"

#include <QStringList>
#include <algorithm>
#include <array>
#include <cmath>

namespace statescope {

void Canvas::line(QPointF from, QPointF to, const QColor& color, double width) {
  const std::array points{from, to};
  polyline(points, color, width);
}

void Canvas::dashed_line(QPointF from, QPointF to, const QColor& color, double width, double dash) {
  const QPointF way = to - from;
  const double length = std::hypot(way.x(), way.y());
  if (length <= 0) return;
  for (double at = 0; at < length; at += 2 * dash)
    line(from + way * (at / length), from + way * (std::min(at + dash, length) / length), color, width);
}

QString Canvas::elided(TextRole role, const QString& text, double width) const {
  // Half a pixel of slack, so that a text in a box of its own width stays whole.
  if (text_width(role, text) <= width + 0.5) return text;
  const QString dots = QStringLiteral("…");
  qsizetype low = 0, high = text.size();
  while (low < high) {
    const qsizetype middle = (low + high + 1) / 2;
    if (text_width(role, text.left(middle) + dots) <= width)
      low = middle;
    else
      high = middle - 1;
  }
  return low == 0 ? QString() : text.left(low).trimmed() + dots;
}

void Canvas::text_in(const QRectF& box, Qt::Alignment alignment, TextRole role, const QColor& color,
                     const QString& text_to_fit) {
  const QString shown = elided(role, text_to_fit, box.width());
  if (shown.isEmpty()) return;
  const double width = text_width(role, shown), height = line_height(role);
  double x = box.left(), y = box.center().y() - height / 2;
  if (alignment & Qt::AlignRight) x = box.right() - width;
  if (alignment & Qt::AlignHCenter) x = box.center().x() - width / 2;
  if (alignment & Qt::AlignTop) y = box.top();
  if (alignment & Qt::AlignBottom) y = box.bottom() - height;
  text({x, y}, role, color, shown);
}

double Canvas::paragraph(const QRectF& box, TextRole role, const QColor& color, const QString& words, bool drawn) {
  const double spacing = std::round(line_height(role) * 1.25);
  double y = box.top();
  QString line_text;
  const auto flush = [&] {
    if (line_text.isEmpty()) return;
    if (drawn) text({box.left(), y}, role, color, line_text);
    y += spacing;
    line_text.clear();
  };
  for (const QString& word : words.split(QLatin1Char(' '))) {
    const QString longer = line_text.isEmpty() ? word : line_text + QLatin1Char(' ') + word;
    if (!line_text.isEmpty() && text_width(role, longer) > box.width()) {
      flush();
      line_text = word;
    } else {
      line_text = longer;
    }
  }
  flush();
  return y - box.top();
}

void Page::interact(const QRectF&, const Pointer&) {}

bool Page::key(int) {
  return false;
}

double Page::least_height() const {
  return scaled(340);
}

}  // namespace statescope
