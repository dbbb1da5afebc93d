// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/rich_text.h"
#include "widgets/text_metrics.h"

#include <QPainter>

namespace statescope {

QString plain_text(const RichText& text) {
  QString result;
  for (const auto& part : text) result += part.text;
  return result;
}

double text_width(const RichText& text, const QFont& font) {
  const TextMetrics metrics(font);
  double width = 0;
  for (const auto& part : text) width += metrics.horizontalAdvance(part.text);
  return width;
}

double draw_rich_text(QPainter& painter, const QRectF& area, const RichText& text, const QFont& font) {
  const TextMetrics metrics(font);
  const double baseline = area.center().y() + (metrics.ascent() - metrics.descent()) / 2;
  double x = area.left();
  painter.setFont(font);
  for (const auto& part : text) {
    const double room = area.right() - x;
    const double width = metrics.horizontalAdvance(part.text);
    const bool fits = width <= room + 0.5;
    const QString shown = fits ? part.text : metrics.elidedText(part.text, Qt::ElideRight, room);
    painter.setPen(part.symbol ? theme().symbol(*part.symbol) : theme().text);
    painter.drawText(QPointF(x, baseline), shown);
    x += fits ? width : metrics.horizontalAdvance(shown);
    if (!fits) break;
  }
  return x - area.left();
}

}  // namespace statescope
