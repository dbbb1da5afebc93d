// SPDX-License-Identifier: GPL-3.0-or-later
#include "formula_box.h"

#include <algorithm>
#include <iterator>

namespace statescope {

void FormulaBox::take(FormulaBox&& other, QPointF at) {
  for (FormulaInk& ink : other.inks) ink.at += at;
  for (FormulaRule& rule : other.rules) rule.area.translate(at);
  std::move(other.inks.begin(), other.inks.end(), std::back_inserter(inks));
  std::move(other.rules.begin(), other.rules.end(), std::back_inserter(rules));
}

void FormulaBox::take_inside(FormulaBox&& other, QPointF at) {
  ascent = std::max(ascent, other.ascent - at.y());
  descent = std::max(descent, other.descent + at.y());
  take(std::move(other), at);
}

}  // namespace statescope
