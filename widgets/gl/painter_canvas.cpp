// SPDX-License-Identifier: GPL-3.0-or-later
#include "painter_canvas.h"

#include <QCache>
#include <QFontMetricsF>
#include <cmath>

namespace statescope {
namespace {

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 1e-3;
}

// Shaping a text takes longer than drawing the box around it, and most texts stand in the frame before.
double measured_width(TextRole role, const QString& text) {
  thread_local QCache<std::pair<int, QString>, double> widths(4096);
  const QFont used = font(role);
  const std::pair key(static_cast<int>(role) << 16 | used.pixelSize(), text);
  if (const double* known = widths.object(key)) return *known;
  const double width = QFontMetricsF(used).horizontalAdvance(text);
  widths.insert(key, new double(width));
  return width;
}

}  // namespace

PainterCanvas::PainterCanvas(QPainter& painter) : painter_(painter) {
  painter_.setRenderHint(QPainter::Antialiasing);
}

void PainterCanvas::fill(const QRectF& box, const QColor& color, double radius) {
  if (radius <= 0) {
    // Boxes on the pixel grid need no smooth edges, which cost several times the filling.
    const QTransform& place = painter_.transform();
    const bool sharp = place.type() <= QTransform::TxTranslate && is_whole(box.left() + place.dx()) &&
                       is_whole(box.top() + place.dy()) && is_whole(box.width()) && is_whole(box.height());
    painter_.setRenderHint(QPainter::Antialiasing, !sharp);
    painter_.fillRect(box, color);
    return painter_.setRenderHint(QPainter::Antialiasing, true);
  }
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
  return measured_width(role, text);
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
