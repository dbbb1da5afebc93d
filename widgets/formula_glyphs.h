// SPDX-License-Identifier: GPL-3.0-or-later
// What formulas are drawn from: glyphs of the mathematical font, and the shapes that grow with what they enclose.
#pragma once

#include <QPainterPath>
#include <QRectF>
#include <QString>

namespace statescope {

enum class GlyphFace { upright, italic, bold, bold_italic, large };

/// The outline of some characters at a font size of 1, from the baseline's left end, y down.
struct Glyph {
  QPainterPath outline;
  double advance = 0;
  QRectF ink;
};
Glyph glyph(const QString& text, GlyphFace face);

/// Proportions of the font at size 1.
struct FormulaMetrics {
  double axis;  ///< the height of fraction bars and of the middle of signs
  double rule;  ///< thickness of bars
  double x_height;
};
const FormulaMetrics& formula_metrics();

/// Delimiters of one kind at a height, from (0, 0) down; sizes in pixels. `em` is the font size.
struct Delimiter {
  QPainterPath outline;
  double width;
};
Delimiter tall_delimiter(const QString& text, double height, double em);

/// A brace that lies over `width`, its point down, in (0, 0) to (width, returned height).
QPainterPath lying_brace(double width, double em);
double lying_brace_height(double em);

/// The sign of a root without its bar: from the tick at the left to the point where the bar begins at its top right.
/// From y = 0 (top of the bar) to `height`.
Delimiter surd(double height, double em);

}  // namespace statescope
