// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "glyph_atlas.h"
#include "widgets/canvas.h"

struct ImDrawList;

namespace statescope {

/// A canvas that fills a draw list of Dear ImGui.
class ImGuiCanvas : public Canvas {
 public:
  ImGuiCanvas(ImDrawList& list, const GlyphAtlas& glyphs);

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
  ImDrawList& list_;
  const GlyphAtlas& glyphs_;
};

}  // namespace statescope
