// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPointF>
#include <span>

class QPainter;

namespace statescope {

/// QPainter::drawPolyline through `points`, whose x increase, with a gap where one is not finite. The pixels are the
/// same, in a fraction of the time where the pen is broad: QPainter outlines a broad line as a whole and sorts every
/// crossing of the outline with a row of pixels, so its time grows with the square of the crossings; here it sees one
/// strip of columns at a time. Vector pictures get whole lines.
void draw_line(QPainter& painter, std::span<const QPointF> points);

}  // namespace statescope
