// SPDX-License-Identifier: GPL-3.0-or-later
#include "line_paint.h"

#include <QPaintEngine>
#include <QPainter>
#include <algorithm>
#include <cmath>

namespace statescope {
namespace {

constexpr double strip = 32;  // logical pixels: whole device pixels at the usual scales, so that strips do not overlap

void draw_stretch(QPainter& painter, std::span<const QPointF> points) {
  const int count = static_cast<int>(points.size());
  const double width = painter.pen().widthF();
  const bool to_pixels = painter.paintEngine()->type() == QPaintEngine::Raster;
  if (!to_pixels || width <= 1 || count < 3) {  // one device pixel needs no outline
    painter.drawPolyline(points.data(), count);
    return;
  }
  const double reach = 2 * width + 2;  // of a line and its joints beyond its points
  const double right = points.back().x() + reach;
  std::size_t first = 0;
  for (double x = strip * std::floor((points.front().x() - reach) / strip); x < right; x += strip) {
    while (first + 1 < points.size() && points[first + 1].x() < x - reach) ++first;
    std::size_t end = first;
    while (end < points.size() && points[end].x() <= x + strip + reach) ++end;
    end = std::min(end + 1, points.size());
    const auto [low, high] = std::minmax_element(points.begin() + static_cast<std::ptrdiff_t>(first),
                                                 points.begin() + static_cast<std::ptrdiff_t>(end),
                                                 [](const QPointF& a, const QPointF& b) { return a.y() < b.y(); });
    painter.save();
    painter.setClipRect(QRectF(QPointF(x, std::floor(low->y() - reach)), QPointF(x + strip, high->y() + reach)),
                        Qt::IntersectClip);
    painter.drawPolyline(points.data() + first, static_cast<int>(end - first));
    painter.restore();
  }
}

}  // namespace

void draw_line(QPainter& painter, std::span<const QPointF> points) {
  const auto finite = [](const QPointF& point) { return std::isfinite(point.x()) && std::isfinite(point.y()); };
  for (auto from = points.begin(); from != points.end();) {
    from = std::find_if(from, points.end(), finite);
    const auto to = std::find_if_not(from, points.end(), finite);
    if (from != to) draw_stretch(painter, {from, to});
    from = to;
  }
}

}  // namespace statescope
