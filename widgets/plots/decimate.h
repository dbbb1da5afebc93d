// SPDX-License-Identifier: GPL-3.0-or-later
// Which of many points show.
#pragma once

#include <QPointF>
#include <functional>
#include <vector>

#include "widgets/series.h"

namespace statescope {

/// Where the pixel columns of a plot begin: point starts[c] is the first one at or after the left edge of column c, the
/// last entry is the first point behind the last column. `x_at` increases; columns are equally wide in [first, last].
std::vector<qint64> column_starts(qint64 points, const std::function<double(qint64)>& x_at, double first, double last,
                                  int columns);

/// The points that a line needs to cover the same pixels as a line through all of them: of every column the first, the
/// lowest, the highest and the last, in their order, and one neighbour beyond either end. A run of numbers that are not
/// finite leaves one such point, the gap. Where points are fewer than that, all of them.
std::vector<qint64> visible_points(const Series& values, const std::vector<qint64>& starts);

/// Leaves out points that lie within `tolerance` of the line through their kept neighbours. A point whose y is not
/// finite stays.
std::vector<QPointF> without_straight_points(const std::vector<QPointF>& points, double tolerance);

}  // namespace statescope
