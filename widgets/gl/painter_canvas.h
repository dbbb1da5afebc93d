// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPainter>

#include "widgets/canvas.h"

namespace statescope {

/// A canvas over any paint device: exports, and the screen where there is no OpenGL. Text stays text in SVG and PDF.
class PainterCanvas : public Canvas {
 public:
  explicit PainterCanvas(QPainter& painter);

  void fill(const QRectF& box, const QColor& color, double radius) override;
  void outline(const QRectF& box, const QColor& color, double radius, double width) override;
  void polyline(std::span<const QPointF> points, const QColor& color, double width) override;
  void polygon(std::span<const QPointF> corners, const QColor& color) override;
  void disc(QPointF center, double radius, const QColor& color) override;
  void ring(QPointF center, double radius, const QColor& color, double width) override;
  void text(QPointF top_left, TextRole role, const QColor& color, const QString& text) override;
  double text_width(TextRole role, const QString& text) const override;
  double line_height(TextRole role) const override;
  void push_clip(const QRectF& box) override;
  void pop_clip() override;

 private:
  QPainter& painter_;
};

}  // namespace statescope
