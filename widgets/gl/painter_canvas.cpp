// SPDX-License-Identifier: GPL-3.0-or-later
#include "painter_canvas.h"

#include <QFontMetricsF>
#include <cmath>

namespace statescope {

PainterCanvas::PainterCanvas(QPainter& painter) : painter_(painter) {
  painter_.setRenderHint(QPainter::Antialiasing);
}

void PainterCanvas::fill(const QRectF& box, const QColor& color, double radius) {
  if (radius <= 0) return painter_.fillRect(box, color);
  painter_.setPen(Qt::NoPen);
  painter_.setBrush(color);
  painter_.drawRoundedRect(box, radius, radius);
}

void PainterCanvas::outline(const QRectF& box, const QColor& color, double radius, double width) {
  painter_.setPen(QPen(color, width));
  painter_.setBrush(Qt::NoBrush);
  const double inset = width / 2;
  painter_.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), radius, radius);
}

void PainterCanvas::polyline(std::span<const QPointF> points, const QColor& color, double width) {
  painter_.setPen(QPen(color, width, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin));
  painter_.setBrush(Qt::NoBrush);
  painter_.drawPolyline(points.data(), static_cast<int>(points.size()));
}

void PainterCanvas::polygon(std::span<const QPointF> corners, const QColor& color) {
  painter_.setPen(Qt::NoPen);
  painter_.setBrush(color);
  painter_.drawConvexPolygon(corners.data(), static_cast<int>(corners.size()));
}

void PainterCanvas::disc(QPointF center, double radius, const QColor& color) {
  painter_.setPen(Qt::NoPen);
  painter_.setBrush(color);
  painter_.drawEllipse(center, radius, radius);
}

void PainterCanvas::ring(QPointF center, double radius, const QColor& color, double width) {
  painter_.setPen(QPen(color, width));
  painter_.setBrush(Qt::NoBrush);
  painter_.drawEllipse(center, radius, radius);
}

void PainterCanvas::text(QPointF top_left, TextRole role, const QColor& color, const QString& text) {
  const QFont used = font(role);
  painter_.setFont(used);
  painter_.setPen(color);
  painter_.drawText(top_left + QPointF(0, QFontMetricsF(used).ascent()), text);
}

double PainterCanvas::text_width(TextRole role, const QString& text) const {
  return QFontMetricsF(font(role)).horizontalAdvance(text);
}

double PainterCanvas::line_height(TextRole role) const {
  return std::ceil(QFontMetricsF(font(role)).height());
}

void PainterCanvas::push_clip(const QRectF& box) {
  painter_.save();
  painter_.setClipRect(box, Qt::IntersectClip);
}

void PainterCanvas::pop_clip() {
  painter_.restore();
}

}  // namespace statescope
