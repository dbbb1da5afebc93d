// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QImage>
#include <QRectF>
#include <cstdint>
#include <vector>

#include "widgets/colormap.h"
#include "widgets/heat_map_view.h"

namespace statescope {

/// Shades (indices into a ColorMap) of the visible cells, at most one per pixel. [rows, columns]
struct ShadeGrid {
  qint64 rows = 0, columns = 0;
  std::vector<std::uint8_t> shades;
};

/// The visible part of a matrix at a pixel size. Where several cells share a pixel the one of largest magnitude stands
/// for them, so that no peak disappears and nothing flickers while zooming; a NaN among them always shows.
/// `window` is in display cells (x: columns, y: rows).
ShadeGrid shade_cells(const HeatMapData& data, const ValueRange& range, const QRectF& window, QSize pixels);

/// Shades between two grids of the same size, `t` from 0 to 1. NaN does not blend.
ShadeGrid blend_shades(const ShadeGrid& from, const ShadeGrid& to, double t);

/// Paints the grid over `pixels`. Cells of at least `gap_from` pixels are separated by `gap` pixels of `gap_color`.
QImage paint_shades(const ShadeGrid& grid, const QRectF& window, QSize pixels, const ColorMap& map, int gap,
                    int gap_from, QRgb gap_color);

}  // namespace statescope
