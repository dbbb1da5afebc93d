// SPDX-License-Identifier: GPL-3.0-or-later
#include "formula_glyphs.h"

#include <QFontDatabase>
#include <QFontMetricsF>
#include <QHash>
#include <QPainterPathStroker>
#include <QTransform>
#include <algorithm>
#include <utility>

#include "widgets/theme.h"

namespace statescope {
namespace {

// Glyphs are measured where rounding does not matter.
constexpr int measured_pixels = 1000;

QFont face_font(GlyphFace face) {
  QFont result = font(TextRole::math);
  QStringList families = result.families();
  // Signs that the text font lacks, and sums and integrals drawn for displays.
  families += {QStringLiteral("STIX Two Math"), QStringLiteral("STIX Math"), QStringLiteral("STIXGeneral")};
  if (face == GlyphFace::large)
    families = QStringList{QStringLiteral("STIXIntegralsD"), QStringLiteral("STIXSizeOneSym")} + families;
  families.removeIf([](const QString& family) { return !QFontDatabase::hasFamily(family); });
  result.setFamilies(families);
  result.setItalic(face == GlyphFace::italic || face == GlyphFace::bold_italic);
  result.setBold(face == GlyphFace::bold || face == GlyphFace::bold_italic);
  result.setPixelSize(measured_pixels);
  return result;
}

Glyph measured(const QString& text, GlyphFace face) {
  const QFont used = face_font(face);
  Glyph result;
  result.outline.addText(0, 0, used, text);
  const double scale = 1.0 / measured_pixels;
  result.outline = QTransform::fromScale(scale, scale).map(result.outline);
  result.outline.setFillRule(Qt::WindingFill);
  result.advance = QFontMetricsF(used).horizontalAdvance(text) * scale;
  result.ink = result.outline.boundingRect();
  return result;
}

QPainterPath mirrored(const QPainterPath& outline, double width) {
  return QTransform(-1, 0, 0, 1, width, 0).map(outline);
}

// (: a bow, heavy in the middle and thin at its ends; what is very tall runs straight between two bows.
Delimiter parenthesis(double height, double em) {
  const double width = em * std::clamp(0.24 + 0.075 * height / em, 0.30, 0.56);
  const double stem = em * std::clamp(0.052 + 0.014 * height / em, 0.07, 0.10);
  const double tip = 0.035 * em;
  const double bow = std::min(height / 2, 1.7 * em);
  QPainterPath path(QPointF(width, 0));
  path.cubicTo(0.38 * width, 0.26 * bow, 0, 0.62 * bow, 0, bow);
  path.lineTo(0, height - bow);
  path.cubicTo(0, height - 0.62 * bow, 0.38 * width, height - 0.26 * bow, width, height);
  path.lineTo(width, height - tip);
  path.cubicTo(0.38 * width + 0.9 * stem, height - 0.34 * bow, stem, height - 0.66 * bow, stem, height - bow);
  path.lineTo(stem, bow);
  path.cubicTo(stem, 0.66 * bow, 0.38 * width + 0.9 * stem, 0.34 * bow, width, tip);
  path.closeSubpath();
  return {path, width};
}

// [ with its feet, or ⌊ and ⌈ with one of them.
Delimiter bracket(double height, double em, bool top, bool bottom) {
  const double width = 0.26 * em, stem = 0.07 * em, foot = 0.05 * em;
  QPainterPath path;
  path.setFillRule(Qt::WindingFill);
  path.addRect(0, 0, stem, height);
  if (top) path.addRect(0, 0, width, foot);
  if (bottom) path.addRect(0, height - foot, width, foot);
  return {path, width};
}

// { in (0, 0) to (width, height), its point at the left.
QPainterPath brace(double width, double height, double em) {
  const double stem = std::min(0.075 * em, height / 8), tip = 0.035 * em;
  const double bend = std::min(height / 4, 0.42 * em);
  const double middle = height / 2, left = width / 2 - stem / 2, right = width / 2 + stem / 2;
  QPainterPath upper(QPointF(width, 0));
  upper.cubicTo(left + 0.42 * (width - left), 0.04 * bend, left, 0.36 * bend, left, bend);
  upper.lineTo(left, middle - bend);
  upper.cubicTo(left, middle - 0.42 * bend, 0.62 * left, middle - 0.16 * bend, 0, middle - tip / 2);
  upper.lineTo(0, middle + tip / 2);
  upper.lineTo(0.5 * left, middle);
  upper.cubicTo(0.9 * left, middle - 0.14 * bend, right, middle - 0.34 * bend, right, middle - bend);
  upper.lineTo(right, bend);
  upper.cubicTo(right, 0.5 * bend, right + 0.3 * (width - right), 0.16 * bend, width, tip);
  upper.closeSubpath();
  QPainterPath path = upper;
  path.addPath(QTransform(1, 0, 0, -1, 0, height).map(upper));
  path.setFillRule(Qt::WindingFill);
  return path;
}

// A line of even thickness through some points.
QPainterPath stroke(const QPolygonF& points, double thickness, Qt::PenJoinStyle join = Qt::MiterJoin) {
  QPainterPath line;
  line.addPolygon(points);
  QPainterPathStroker stroker;
  stroker.setWidth(thickness);
  stroker.setJoinStyle(join);
  stroker.setCapStyle(Qt::FlatCap);
  return stroker.createStroke(line);
}

}  // namespace

Glyph glyph(const QString& text, GlyphFace face) {
  thread_local QHash<std::pair<int, QString>, Glyph> known;
  const std::pair<int, QString> key(static_cast<int>(face), text);
  if (const auto found = known.constFind(key); found != known.constEnd()) return *found;
  if (known.size() > 2000) known.clear();
  return *known.insert(key, measured(text, face));
}

const FormulaMetrics& formula_metrics() {
  static const FormulaMetrics metrics = [] {
    const QRectF minus = glyph(QStringLiteral("−"), GlyphFace::upright).ink;
    const QRectF x = glyph(QStringLiteral("x"), GlyphFace::upright).ink;
    return FormulaMetrics{-minus.center().y(), minus.height(), -x.top()};
  }();
  return metrics;
}

Delimiter tall_delimiter(const QString& text, double height, double em) {
  const QChar sign = text.isEmpty() ? QChar() : text[0];
  const auto flipped = [](Delimiter left) { return Delimiter{mirrored(left.outline, left.width), left.width}; };
  switch (sign.unicode()) {
    case u'(':
      return parenthesis(height, em);
    case u')':
      return flipped(parenthesis(height, em));
    case u'[':
      return bracket(height, em, true, true);
    case u']':
      return flipped(bracket(height, em, true, true));
    case u'⌊':
      return bracket(height, em, false, true);
    case u'⌋':
      return flipped(bracket(height, em, false, true));
    case u'⌈':
      return bracket(height, em, true, false);
    case u'⌉':
      return flipped(bracket(height, em, true, false));
    case u'{':
    case u'}': {
      const double width = em * std::clamp(0.36 + 0.035 * height / em, 0.4, 0.52);
      const Delimiter left{brace(width, height, em), width};
      return sign == u'{' ? left : flipped(left);
    }
    case u'⟨':
    case u'⟩': {
      const double width = em * std::clamp(0.2 + 0.08 * height / em, 0.3, 0.5), half = formula_metrics().rule * em / 2;
      const QPolygonF points{{width - half, 0}, {half, height / 2}, {width - half, height}};
      const Delimiter left{stroke(points, 2 * half), width};
      return sign == u'⟨' ? left : flipped(left);
    }
    case u'/':
      return {stroke({{0.3 * height, 0}, {0, height}}, formula_metrics().rule * em), 0.3 * height};
    default: {  // one bar or two
      const double stem = 0.06 * em, gap = 0.15 * em;
      QPainterPath path;
      path.addRect(0, 0, stem, height);
      if (sign == u'‖') path.addRect(stem + gap, 0, stem, height);
      return {path, sign == u'‖' ? 2 * stem + gap : stem};
    }
  }
}

QPainterPath lying_brace(double width, double em) {
  const double height = lying_brace_height(em);
  // A quarter turn that takes the point from the left to below.
  return QTransform(0, -1, 1, 0, 0, height).map(brace(height, width, em));
}

double lying_brace_height(double em) {
  return 0.34 * em;
}

Delimiter surd(double height, double em) {
  const double width = 0.78 * em * std::clamp(0.75 + 0.12 * height / em, 0.85, 1.15);
  const double rule = formula_metrics().rule * em * 0.75, heavy = 0.085 * em;
  const double tick = height - std::min(0.52 * height, 0.66 * em);
  const double foot = 0.42 * width;
  QPainterPath path(QPointF(0, tick + 0.11 * em));
  path.lineTo(0.215 * width, tick);
  path.lineTo(foot + 0.015 * em, height - 0.3 * (height - tick));
  path.lineTo(width - rule * 0.6, 0);
  path.lineTo(width + 0.01 * em, 0);
  path.lineTo(width + 0.01 * em, rule);
  path.lineTo(width + rule * 0.2, rule);
  path.lineTo(foot + 0.03 * em, height);
  path.lineTo(foot - 0.035 * em, height);
  path.lineTo(0.215 * width - heavy * 0.75, tick + 0.075 * em);
  path.lineTo(0.02 * em, tick + 0.145 * em);
  path.closeSubpath();
  path.setFillRule(Qt::WindingFill);
  return {path, width};
}

}  // namespace statescope
