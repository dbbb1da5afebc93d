// SPDX-License-Identifier: GPL-3.0-or-later
// What the pages of the profiler draw alike.
#pragma once

#include <QString>
#include <vector>

#include "widgets/canvas.h"
#include "widgets/profile/units.h"

namespace statescope {

/// Title on the left, subtitle muted on the right (left out where it does not fit); returns what is left below.
QRectF draw_page_header(Canvas& canvas, const QRectF& area, const QString& title, const QString& subtitle);
double page_header_height(const Canvas& canvas);

/// A small card with a title and lines of name and number, beside `anchor` and inside `area`.
struct CardLine {
  QString name, value;
};
void draw_card(Canvas& canvas, const QRectF& area, QPointF anchor, const QString& title, const QColor& mark,
               const std::vector<CardLine>& lines);

/// The sentence shown in the middle of an empty page.
void draw_empty(Canvas& canvas, const QRectF& area, const QString& sentence);

/// A plot with two logarithmic axes.
struct LogPlot {
  QRectF box;
  double x_low = 1, x_high = 10, y_low = 1, y_high = 10;

  double x_of(double value) const { return box.left() + box.width() * log_position(value, x_low, x_high); }
  double y_of(double value) const { return box.bottom() - box.height() * log_position(value, y_low, y_high); }
  double x_at(double pixel) const;
};
/// Grid lines, tick texts and axis titles around the box. The title of y stands above the axis, that of x below.
void draw_axes(Canvas& canvas, const LogPlot& plot, const std::vector<Tick>& x, const std::vector<Tick>& y,
               const QString& x_title, const QString& y_title);

/// Texts that name things in a plot, moved up or down so that none covers another.
struct PlotLabel {
  QPointF place;  // left end of the text, at its middle
  QString text;
  QColor color;
  double width = 0;
};
void spread_labels(std::vector<PlotLabel>& labels, double line_height, double top, double bottom);

/// The name of a dot, as near to it as there is room: it covers no dot, no other name and nothing that is `taken`, and
/// stays `inside`. The first ones choose first; where there is no room within reach the box stays empty.
struct DotName {
  QPointF dot;
  double radius = 0;
  QString text;
  QColor color;
  QRectF box;
};
void place_names(std::vector<DotName>& names, const Canvas& canvas, const QRectF& inside, std::vector<QRectF> taken);
/// With a thin line to its dot where it stands apart.
void draw_name(Canvas& canvas, const DotName& name);

}  // namespace statescope
