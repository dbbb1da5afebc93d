// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPainterPath>
#include <QRectF>
#include <optional>
#include <vector>

#include "engine/lesson/formula.h"
#include "widgets/formula.h"

namespace statescope {

/// A filled outline, magnified and moved. In a box the origin is on the baseline at the left; y points down.
struct FormulaInk {
  QPainterPath outline;
  double scale = 1;
  QPointF at;
  std::optional<Symbol> symbol;
};

/// A horizontal or vertical bar, which a screen draws on whole pixels.
struct FormulaRule {
  QRectF area;
  std::optional<Symbol> symbol;
};

/// Something set: its extent and what is drawn in it, in pixels.
struct FormulaBox {
  double width = 0, ascent = 0, descent = 0;
  double overhang = 0;  // how far a slanted letter leans out at the top right
  bool tall = false;    // in delimiters that have grown
  std::vector<FormulaInk> inks;
  std::vector<FormulaRule> rules;

  double height() const { return ascent + descent; }
  /// Puts `other` with its origin at `at` into this box. Only the ink: the extent is for the caller to decide.
  void take(FormulaBox&& other, QPointF at);
  /// As `take`, and grows ascent and descent to contain it.
  void take_inside(FormulaBox&& other, QPointF at);
};

FormulaBox typeset(const Formula& formula, double pixels, FormulaStyle style);

}  // namespace statescope
