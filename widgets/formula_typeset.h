// SPDX-License-Identifier: GPL-3.0-or-later
// Setting formulas. The rules are those of The TeXbook, appendix G; the proportions suit the STIX fonts.
#pragma once

#include <QString>
#include <algorithm>
#include <optional>
#include <vector>

#include "formula_box.h"
#include "formula_glyphs.h"

namespace statescope {

/// Where something is set: the size of its font, how deep in scripts, and the symbol that an index belongs to.
struct FormulaSetting {
  double em;
  double base_em;
  bool display;
  int level;
  std::optional<Symbol> owner;

  double axis() const { return formula_metrics().axis * em; }
  double rule() const { return formula_metrics().rule * em; }
  double x_height() const { return formula_metrics().x_height * em; }

  FormulaSetting text() const { return {em, base_em, false, level, owner}; }
  FormulaSetting displayed() const { return {em, base_em, true, level, owner}; }
  FormulaSetting script() const {
    const int deeper = std::min(level + 1, 2);
    // Small scripts stay readable where the formula itself is small.
    const double smallest = std::min(base_em, deeper == 1 ? 9.0 : 8.0);
    return {std::max(base_em * (deeper == 1 ? 0.72 : 0.58), smallest), base_em, false, deeper, owner};
  }
  FormulaSetting owned_by(std::optional<Symbol> symbol) const { return {em, base_em, display, level, symbol}; }
};

/// The symbol of the model that this is, maybe with an accent or an index.
std::optional<Symbol> symbol_of(const Formula& formula);
/// The character, maybe under an accent, on which scripts are placed without regard to its height; null for more.
const Formula* single_character(const Formula& formula);

FormulaBox typeset_in(const Formula& formula, const FormulaSetting& setting);
/// `before` is the class of what stands before the row.
FormulaBox typeset_row(const std::vector<Formula>& parts, const FormulaSetting& setting,
                       std::optional<AtomClass> before = {});

FormulaBox typeset_fraction(const Formula& formula, const FormulaSetting& around);
FormulaBox typeset_root(const Formula& formula, const FormulaSetting& setting);
FormulaBox typeset_accent(const Formula& formula, const FormulaSetting& setting);
FormulaBox typeset_brace(const Formula& formula, const FormulaSetting& setting);
FormulaBox typeset_fenced(const Formula& formula, const FormulaSetting& setting);
FormulaBox typeset_table(const Formula& formula, const FormulaSetting& setting);

FormulaBox glyph_box(const QString& text, GlyphFace face, const FormulaSetting& setting, double magnified = 1);
/// An outline whose top left is (0, 0), standing on the baseline with its ascent.
FormulaBox shape_box(const QPainterPath& outline, double width, double ascent, double descent);
/// Gives everything in the box this colour.
void paint(FormulaBox& box, std::optional<Symbol> symbol);

}  // namespace statescope
