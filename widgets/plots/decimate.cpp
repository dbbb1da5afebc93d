// SPDX-License-Identifier: GPL-3.0-or-later
#include "decimate.h"

#include <algorithm>
#include <cmath>

namespace statescope {

std::vector<qint64> column_starts(qint64 points, const std::function<double(qint64)>& x_at, double first, double last,
                                  int columns) {
  std::vector<qint64> starts;
  starts.reserve(static_cast<std::size_t>(columns) + 1);
  qint64 from = 0;
  for (int column = 0; column <= columns; ++column) {
    const double edge = first + (last - first) * column / columns;
    qint64 low = from, high = points;  // the first point at or after the edge lies in [low, high]
    while (low < high) {
      const qint64 middle = low + (high - low) / 2;
      if (x_at(middle) < edge) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    starts.push_back(from = low);
  }
  return starts;
}

std::vector<qint64> visible_points(const Series& values, const std::vector<qint64>& starts) {
  std::vector<qint64> points;
  const qint64 begin = std::max<qint64>(0, starts.front() - 1), end = std::min(values.size(), starts.back() + 1);
  const auto columns = static_cast<qint64>(starts.size()) - 1;
  if (end - begin <= 4 * columns) {
    for (qint64 i = begin; i < end; ++i) points.push_back(i);
    return points;
  }
  const auto finite = [&](qint64 i) { return std::isfinite(values[i]); };
  const auto add = [&](qint64 i) {
    const bool gap_again = !points.empty() && !finite(i) && !finite(points.back());
    if ((points.empty() || i > points.back()) && !gap_again) points.push_back(i);
  };
  add(begin);
  for (std::size_t column = 0; column + 1 < starts.size(); ++column) {
    if (starts[column] == starts[column + 1]) continue;
    const Extremes found = values.extremes(starts[column], starts[column + 1]);
    add(starts[column]);
    if (found.first >= 0) {
      for (const qint64 i :
           {found.first, std::min(found.lowest, found.highest), std::max(found.lowest, found.highest), found.last}) {
        add(i);
      }
    }
    add(starts[column + 1] - 1);
  }
  add(end - 1);
  return points;
}

std::vector<QPointF> without_straight_points(const std::vector<QPointF>& points, double tolerance) {
  std::vector<QPointF> kept;
  kept.reserve(points.size());
  // From the last kept point, the slopes of the lines that pass every point since within the tolerance.
  double low = 0, high = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool finite = std::isfinite(points[i].y());
    if (!finite && !kept.empty() && !std::isfinite(kept.back().y())) continue;  // one gap is enough
    const bool extends = finite && !kept.empty() && std::isfinite(kept.back().y()) && i > 0 &&
                         std::isfinite(points[i - 1].y()) && points[i].x() > kept.back().x();
    if (!extends) {
      if (i > 0 && !kept.empty() && kept.back() != points[i - 1] && std::isfinite(points[i - 1].y())) {
        kept.push_back(points[i - 1]);
      }
      kept.push_back(points[i]);
      low = -HUGE_VAL;
      high = HUGE_VAL;
      continue;
    }
    const auto slope = [&](double shift) {
      return (points[i].y() + shift - kept.back().y()) / (points[i].x() - kept.back().x());
    };
    if (slope(0) < low || slope(0) > high) {  // the point before is the last that this line reaches
      if (kept.back() != points[i - 1]) kept.push_back(points[i - 1]);
      low = -HUGE_VAL;
      high = HUGE_VAL;
      if (points[i].x() <= kept.back().x()) {
        kept.push_back(points[i]);
        continue;
      }
    }
    low = std::max(low, slope(-tolerance));
    high = std::min(high, slope(tolerance));
  }
  if (!points.empty() && kept.back() != points.back() && std::isfinite(points.back().y()))
    kept.push_back(points.back());
  return kept;
}

}  // namespace statescope
