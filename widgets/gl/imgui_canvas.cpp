// SPDX-License-Identifier: GPL-3.0-or-later
#include "imgui_canvas.h"

#include <imgui.h>

#include <algorithm>
#include <cmath>

namespace statescope {
namespace {

ImVec2 vec(const QPointF& point) {
  return {static_cast<float>(point.x()), static_cast<float>(point.y())};
}
ImU32 packed(const QColor& color) {
  return IM_COL32(color.red(), color.green(), color.blue(), color.alpha());
}

}  // namespace

ImGuiCanvas::ImGuiCanvas(ImDrawList& list, const GlyphAtlas& glyphs) : list_(list), glyphs_(glyphs) {}

void ImGuiCanvas::fill(const QRectF& box, const QColor& color, double radius) {
  list_.AddRectFilled(vec(box.topLeft()), vec(box.bottomRight()), packed(color), static_cast<float>(radius));
}

void ImGuiCanvas::outline(const QRectF& box, const QColor& color, double radius, double width) {
  // ImGui itself moves the outline half a pixel in; thicker ones stay inside the box as well.
  const double inset = (width - 1) / 2;
  const QRectF inner = box.adjusted(inset, inset, -inset, -inset);
  list_.AddRect(vec(inner.topLeft()), vec(inner.bottomRight()), packed(color), static_cast<float>(radius), 0,
                static_cast<float>(width));
}

void ImGuiCanvas::polyline(std::span<const QPointF> points, const QColor& color, double width) {
  if (points.size() < 2) return;
  if (points.size() == 2 && (points[0].x() == points[1].x() || points[0].y() == points[1].y())) {
    // A line along the pixel grid is sharp as a rectangle.
    const double half = width / 2;
    const bool upright = points[0].x() == points[1].x();
    const QPointF side = upright ? QPointF(half, 0) : QPointF(0, half);
    const QPointF low(std::min(points[0].x(), points[1].x()), std::min(points[0].y(), points[1].y()));
    const QPointF high(std::max(points[0].x(), points[1].x()), std::max(points[0].y(), points[1].y()));
    list_.AddRectFilled(vec(low - side), vec(high + side), packed(color));
    return;
  }
  for (const QPointF& point : points) list_.PathLineTo(vec(point));
  list_.PathStroke(packed(color), 0, static_cast<float>(width));
}

void ImGuiCanvas::polygon(std::span<const QPointF> corners, const QColor& color) {
  // ImGui smooths the edges of polygons that go round clockwise.
  double area = 0;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const QPointF &a = corners[i], &b = corners[(i + 1) % corners.size()];
    area += a.x() * b.y() - b.x() * a.y();
  }
  if (area >= 0)
    for (const QPointF& corner : corners) list_.PathLineTo(vec(corner));
  else
    for (auto corner = corners.rbegin(); corner != corners.rend(); ++corner) list_.PathLineTo(vec(*corner));
  list_.PathFillConvex(packed(color));
}

void ImGuiCanvas::disc(QPointF center, double radius, const QColor& color) {
  list_.AddCircleFilled(vec(center), static_cast<float>(radius), packed(color));
}

void ImGuiCanvas::ring(QPointF center, double radius, const QColor& color, double width) {
  list_.AddCircle(vec(center), static_cast<float>(radius), packed(color), 0, static_cast<float>(width));
}

void ImGuiCanvas::text(QPointF top_left, TextRole role, const QColor& color, const QString& text) {
  const ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  const double ratio = glyphs_.ratio();
  const ImU32 ink = packed(color);
  double pen = top_left.x() * ratio;  // device pixels
  const double top = std::round(top_left.y() * ratio);
  for (const char32_t letter : text.toUcs4()) {
    const GlyphAtlas::Glyph* glyph = glyphs_.glyph(role, letter);
    if (glyph && glyph->width > 0) {
      // To the nearest of the positions a letter was drawn at.
      const double steps = std::round(pen * GlyphAtlas::positions);
      const double whole = std::floor(steps / GlyphAtlas::positions);
      const int position = static_cast<int>(steps - whole * GlyphAtlas::positions);
      const ImFontAtlasCustomRect& rect = atlas.CustomRects[glyph->rects[position]];
      ImVec2 uv_low, uv_high;
      atlas.CalcCustomRectUV(&rect, &uv_low, &uv_high);
      const QPointF low((whole + glyph->left) / ratio, (top + glyph->top) / ratio);
      const QPointF high = low + QPointF(glyph->width, glyph->height) / ratio;
      list_.PrimReserve(6, 4);
      list_.PrimRectUV(vec(low), vec(high), uv_low, uv_high, ink);
    }
    pen += glyphs_.advance(role, letter) * ratio;
  }
}

double ImGuiCanvas::text_width(TextRole role, const QString& text) const {
  double width = 0;
  for (const char32_t letter : text.toUcs4()) width += glyphs_.advance(role, letter);
  return width;
}

double ImGuiCanvas::line_height(TextRole role) const {
  return glyphs_.line_height(role);
}

void ImGuiCanvas::push_clip(const QRectF& box) {
  list_.PushClipRect(vec(box.topLeft()), vec(box.bottomRight()), true);
}

void ImGuiCanvas::pop_clip() {
  list_.PopClipRect();
}

}  // namespace statescope
