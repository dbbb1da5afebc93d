// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/formula.h"

#include <QPaintEngine>
#include <QPainter>
#include <QTransform>
#include <algorithm>
#include <cmath>
#include <map>

#include "formula_box.h"

namespace statescope {
namespace {

constexpr double dimmed = 0.5;  // opacity of what is not highlighted

// Screens and images have pixels to be met, paper has not.
bool has_pixels(const QPainter& painter) {
  const QPaintEngine* engine = painter.paintEngine();
  const bool drawn = engine && (engine->type() == QPaintEngine::Raster || engine->type() == QPaintEngine::OpenGL2);
  return drawn && painter.deviceTransform().type() <= QTransform::TxScale;
}

}  // namespace

struct FormulaLayout::Picture {
  double width = 0, ascent = 0, descent = 0;
  std::map<std::optional<Symbol>, QPainterPath> outlines;
  std::vector<FormulaRule> rules;
};

FormulaLayout::FormulaLayout(const Formula& formula, double pixels, FormulaStyle style) {
  FormulaBox box = typeset(formula, pixels, style);
  auto picture = std::make_shared<Picture>();
  picture->width = box.width + box.overhang;
  picture->ascent = box.ascent;
  picture->descent = box.descent;
  for (const FormulaInk& ink : box.inks) {
    QPainterPath& path = picture->outlines[ink.symbol];
    path.setFillRule(Qt::WindingFill);
    path.addPath(QTransform(ink.scale, 0, 0, ink.scale, ink.at.x(), ink.at.y()).map(ink.outline));
  }
  picture->rules = std::move(box.rules);
  picture_ = std::move(picture);
}

QSizeF FormulaLayout::size() const {
  return {picture_->width, picture_->ascent + picture_->descent};
}

double FormulaLayout::baseline() const {
  return picture_->ascent;
}

void FormulaLayout::draw(QPainter& painter, QPointF top_left, std::optional<Symbol> highlighted) const {
  const auto color = [&](std::optional<Symbol> symbol) {
    QColor result = symbol ? theme().symbol(*symbol) : theme().text;
    if (highlighted && symbol != highlighted) result.setAlphaF(dimmed);
    return result;
  };
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.translate(top_left + QPointF(0, picture_->ascent));
  const bool snaps = has_pixels(painter);
  if (snaps) {  // letters stand on a row of pixels, bars fill rows of pixels
    const QTransform device = painter.deviceTransform();
    painter.translate(0, (std::round(device.dy()) - device.dy()) / device.m22());
  }
  for (const auto& [symbol, path] : picture_->outlines) painter.fillPath(path, color(symbol));
  const double pixel = snaps ? 1 / std::abs(painter.deviceTransform().m22()) : 0;
  for (const FormulaRule& rule : picture_->rules) {
    QRectF area = rule.area;
    if (snaps) {
      const double thickness = std::max(1.0, std::round(area.height() / pixel)) * pixel;
      area = QRectF(area.x(), std::round((area.center().y() - thickness / 2) / pixel) * pixel, area.width(), thickness);
    }
    painter.fillRect(area, color(rule.symbol));
  }
  painter.restore();
}

}  // namespace statescope
