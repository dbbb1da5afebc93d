// SPDX-License-Identifier: GPL-3.0-or-later
#include "cell_raster.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace statescope {
namespace {

// One axis of the grid: entry i stands for cells [starts[i], starts[i + 1]).
std::vector<qint64> grid_starts(double first, double count, qint64 total, int pixels) {
  std::vector<qint64> starts;
  const auto begin = static_cast<qint64>(std::floor(first));
  const qint64 end = std::min(total, static_cast<qint64>(std::ceil(first + count)));
  if (count <= pixels) {
    for (qint64 cell = begin; cell <= end; ++cell) starts.push_back(cell);
  } else {
    for (int p = 0; p < pixels; ++p) starts.push_back(static_cast<qint64>(first + p * count / pixels));
    starts.push_back(end);
  }
  return starts;
}

// Grid entry of every pixel along one axis, or −1 for a pixel of the gap between two cells.
std::vector<qint64> pixel_entries(double first, double count, qint64 entries, int pixels, int gap, int gap_from) {
  std::vector<qint64> result(static_cast<std::size_t>(pixels));
  const double begin = std::floor(first), size = pixels / count;
  const auto entry_of = [&](int p) {
    const double cell = count <= pixels ? first + (p + 0.5) / size - begin : p;
    return std::clamp<qint64>(static_cast<qint64>(cell), 0, entries - 1);
  };
  const bool gaps = gap > 0 && size >= gap_from;
  for (int p = 0; p < pixels; ++p) {
    const qint64 entry = entry_of(p);
    result[static_cast<std::size_t>(p)] = gaps && p + gap < pixels && entry_of(p + gap) != entry ? -1 : entry;
  }
  return result;
}

}  // namespace

namespace {

// The value of larger magnitude; NaN wins over all. Without branches, so that loops over it become vector code.
inline float stronger(float best, float value) {
  const bool replace = !(std::fabs(value) <= std::fabs(best)) & (best == best);
  return replace ? value : best;
}

}  // namespace

ShadeGrid shade_cells(const HeatMapData& data, const ValueRange& range, const QRectF& window, QSize pixels) {
  const auto row_starts = grid_starts(window.y(), window.height(), data.rows, pixels.height());
  const auto column_starts = grid_starts(window.x(), window.width(), data.columns, pixels.width());
  ShadeGrid grid{static_cast<qint64>(row_starts.size()) - 1, static_cast<qint64>(column_starts.size()) - 1, {}};
  grid.shades.reserve(static_cast<std::size_t>(grid.rows * grid.columns));

  std::vector<float> largest(static_cast<std::size_t>(grid.columns));
  const bool column_each = column_starts.back() - column_starts.front() == grid.columns;
  for (std::size_t r = 0; r + 1 < row_starts.size(); ++r) {
    std::fill(largest.begin(), largest.end(), 0.0F);
    for (qint64 display_row = row_starts[r]; display_row < row_starts[r + 1]; ++display_row) {
      const qint64 row = data.row_order.empty() ? display_row : data.row_order[static_cast<std::size_t>(display_row)];
      const float* values = data.values->data() + row * data.columns;
      if (column_each) {
        const float* first = values + column_starts.front();
        for (std::size_t c = 0; c < largest.size(); ++c) largest[c] = stronger(largest[c], first[c]);
        continue;
      }
      for (std::size_t c = 0; c + 1 < column_starts.size(); ++c) {
        float best = largest[c];
        for (qint64 column = column_starts[c]; column < column_starts[c + 1]; ++column) {
          best = stronger(best, values[column]);
        }
        largest[c] = best;
      }
    }
    for (const float value : largest) grid.shades.push_back(range.index(value));
  }
  return grid;
}

ShadeGrid blend_shades(const ShadeGrid& from, const ShadeGrid& to, double t) {
  ShadeGrid result = to;
  const int weight = static_cast<int>(std::lround(std::clamp(t, 0.0, 1.0) * 256));
  for (std::size_t i = 0; i < to.shades.size(); ++i) {
    const int a = from.shades[i], b = to.shades[i];
    if (a != ColorMap::nan_index && b != ColorMap::nan_index) {
      result.shades[i] = static_cast<std::uint8_t>((a * (256 - weight) + b * weight + 128) >> 8);
    }
  }
  return result;
}

QImage paint_shades(const ShadeGrid& grid, const QRectF& window, QSize pixels, const ColorMap& map, int gap,
                    int gap_from, QRgb gap_color) {
  const auto rows = pixel_entries(window.y(), window.height(), grid.rows, pixels.height(), gap, gap_from);
  const auto columns = pixel_entries(window.x(), window.width(), grid.columns, pixels.width(), gap, gap_from);
  QImage image(pixels, QImage::Format_RGB32);
  const auto line_bytes = static_cast<std::size_t>(pixels.width()) * sizeof(QRgb);
  for (int y = 0; y < pixels.height(); ++y) {
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
    const qint64 row = rows[static_cast<std::size_t>(y)];
    if (row < 0) {
      std::fill_n(line, pixels.width(), gap_color);
    } else if (y > 0 && rows[static_cast<std::size_t>(y - 1)] == row) {
      std::memcpy(line, image.constScanLine(y - 1), line_bytes);
    } else {
      const std::uint8_t* shades = grid.shades.data() + row * grid.columns;
      for (int x = 0; x < pixels.width(); ++x) {
        const qint64 column = columns[static_cast<std::size_t>(x)];
        line[x] = column < 0 ? gap_color : map.color(shades[column]);
      }
    }
  }
  return image;
}

}  // namespace statescope
