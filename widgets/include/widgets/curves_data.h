// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "widgets/rich_text.h"
#include "widgets/series.h"

namespace statescope {

struct Curve {
  QString name;                       // for the read-out, the legend and the CSV header, e.g. "state 6"
  Series values;                      // [points]; a gap where not finite
  std::optional<Symbol> symbol = {};  // its own colour; without: the colour of all curves
  bool quiet = false;                 // a thin grey line behind the others: what they are compared with
};

/// A weight over the axis (a measure), shaded behind the curves: the heavier, the stronger.
struct WeightBand {
  QString name;    // written behind the title: "what the state remembers"
  Series weights;  // [points], ≥ 0; nothing is shaded where it is 0 or not finite
  QString unit;
  Symbol symbol = Symbol::h;
};

/// Curves over one common axis. Immutable once handed to a view.
struct CurvesData {
  std::vector<Curve> curves;  // all of the same length
  std::vector<double> x;      // strictly increasing; empty: x_first + point × x_step
  double x_first = 0;
  double x_step = 0;  // 0: points are counted, 0, 1, 2 …
  std::optional<WeightBand> band;
  RichText title;
  QString subtitle;
  QString x_axis, x_unit, y_axis, y_unit;  // "tokens", "", "h", ""
  QString x_noun;                          // "token": one point of the axis, for the read-out
  std::function<QString(qint64)> x_label;  // names of points (tokens); without it the axis shows numbers
  qint64 first_point = 0;                  // the number that the read-out gives the first point
  Symbol symbol = Symbol::h;               // colour of the curves
  bool family = false;                     // in their order they take colours of a family about it
  bool legend = false;                     // a row of names in their colours
  bool y_logarithmic = false;              // of decades; a value that is not positive is a gap
  QString cursor_label;                    // beside the cursor: "now"
  bool faint_future = false;               // what lies after the cursor is faint
  // Ends of the vertical axis; NaN: from the values, with zero. Fixed ends keep an animation still.
  double y_min = std::numeric_limits<double>::quiet_NaN();
  double y_max = std::numeric_limits<double>::quiet_NaN();

  bool counted() const { return x.empty() && x_step <= 0; }
  double x_at(qint64 point) const {
    if (!x.empty()) return x[static_cast<std::size_t>(point)];
    return counted() ? static_cast<double>(point) : x_first + static_cast<double>(point) * x_step;
  }
  qint64 points() const { return curves.empty() ? 0 : curves.front().values.size(); }
};

}  // namespace statescope
