// SPDX-License-Identifier: GPL-3.0-or-later
// The rules are those of The TeXbook, appendix G; the proportions suit the STIX fonts.
#include <algorithm>

#include "formula_glyphs.h"
#include "formula_typeset.h"

namespace statescope {
namespace {

// \left( … \right) is spaced as plain parentheses are while it is no taller than they.
bool is_parenthesised(const Formula& part, const FormulaBox& box) {
  return part.kind == FormulaKind::fenced && !part.text.empty() && !part.close.empty() && !box.tall;
}
AtomClass left_class(const Formula& part, const FormulaBox& box) {
  const Formula& base = part.kind == FormulaKind::scripts ? part.parts[0] : part;
  return is_parenthesised(base, box) ? AtomClass::opening : part.atom;
}
AtomClass right_class(const Formula& part, const FormulaBox& box) {
  return is_parenthesised(part, box) ? AtomClass::closing : part.atom;
}

// Between two classes, in em (The TeXbook, page 170). What stands in parentheses there is left out in scripts.
double space_between(AtomClass left, AtomClass right, bool in_script) {
  // Lower case: also in scripts. t thin, m medium, k thick.
  constexpr const char* table[] = {
      ".tMK...T",  // ordinary
      "tt.K...T",  // large operator
      "MM..M..M",  // binary
      "KK..K..K",  // relation
      "........",  // opening
      ".tMK...T",  // closing
      "TT.TTTTT",  // punctuation
      "TtMKT.TT",  // inner
  };
  const char kind = table[static_cast<int>(left)][static_cast<int>(right)];
  if (in_script && kind != 't') return 0;
  return kind == 't' || kind == 'T' ? 3.0 / 18 : kind == 'M' ? 4.0 / 18 : kind == 'K' ? 5.0 / 18 : 0;
}

FormulaBox typeset_atom(const Formula& atom, const FormulaSetting& setting) {
  const GlyphFace face = atom.alphabet == Alphabet::italic        ? GlyphFace::italic
                         : atom.alphabet == Alphabet::bold        ? GlyphFace::bold
                         : atom.alphabet == Alphabet::bold_italic ? GlyphFace::bold_italic
                                                                  : GlyphFace::upright;
  const QString text = QString::fromStdString(character(atom));
  FormulaBox box;
  if (atom.text == "′" && setting.level > 0) {
    // The font's prime is small and high; as a superscript it is a large one that stands on the line.
    const Glyph prime = glyph(text, GlyphFace::upright);
    box = glyph_box(text, GlyphFace::upright, setting, 0.85 * setting.base_em / setting.em);
    const double down = -prime.ink.bottom() * 0.85 * setting.base_em - 0.08 * setting.em;
    for (FormulaInk& ink : box.inks) ink.at.ry() += down;
    box.ascent -= down;
  } else if (atom.atom == AtomClass::large_operator && setting.display) {
    // A height of 1.4 em, whatever the font offers.
    const Glyph large = glyph(text, GlyphFace::large);
    const double wanted = atom.limits ? 1.38 : 2.1;
    box = glyph_box(text, GlyphFace::large, setting, wanted / std::max(0.1, large.ink.height()));
  } else {
    box = glyph_box(text, face, setting);
  }
  if (atom.atom == AtomClass::large_operator) {
    const double down = (box.ascent - box.descent) / 2 - setting.axis();  // centred on the axis
    for (FormulaInk& ink : box.inks) ink.at.ry() += down;
    box.ascent -= down;
    box.descent += down;
  }
  const auto symbol = symbol_of(atom);
  paint(box, symbol ? symbol : setting.owner);
  return box;
}

// Scripts at the right of their base.
FormulaBox typeset_beside(const Formula& formula, FormulaBox base, const FormulaSetting& setting) {
  const double em = setting.em;
  const auto owner = symbol_of(formula.parts[0]);
  const Formula* character = single_character(formula.parts[0]);
  const bool is_character = character && character->atom != AtomClass::large_operator;
  FormulaBox lower = typeset_in(formula.parts[1], setting.script().owned_by(owner));
  // An index is part of the name, an exponent is not; a prime is.
  const auto& exponent = formula.parts[2].parts;
  const bool prime = !exponent.empty() && exponent[0].text == "′";
  FormulaBox upper = typeset_in(formula.parts[2], setting.script().owned_by(prime ? owner : std::nullopt));
  const bool has_lower = !formula.parts[1].empty(), has_upper = !formula.parts[2].empty();

  double rise = is_character ? 0 : base.ascent - 0.36 * em;
  double drop = is_character ? 0 : base.descent + 0.10 * em;
  rise = std::max({rise,
                   (setting.display     ? 0.41
                    : setting.level > 0 ? 0.33
                                        : 0.38) *
                       em,
                   upper.descent + setting.x_height() / 4});
  drop = std::max({drop, (has_upper ? 0.23 : 0.17) * em, has_upper ? 0 : lower.ascent - 0.8 * setting.x_height()});
  if (has_lower && has_upper) {
    const double gap = 3 * setting.rule();
    drop = std::max(drop, gap - rise + upper.descent + lower.ascent);
    const double short_of = 0.8 * setting.x_height() - (rise - upper.descent);
    if (short_of > 0) {
      rise += short_of;
      drop -= short_of;
    }
  }
  FormulaBox box;
  box.tall = base.tall;
  const double width = base.width, lean = base.overhang;
  // The index of an integral slips under its slope.
  const bool integral = character && character->atom == AtomClass::large_operator;
  const double tuck = integral ? 0.25 * lean : 0;
  box.take_inside(std::move(base), {});
  const double upper_at = width + lean + 0.02 * em, lower_at = width - tuck;
  box.width = width + lean;
  if (has_upper) box.width = std::max(box.width, upper_at + upper.width + upper.overhang);
  if (has_lower) box.width = std::max(box.width, lower_at + lower.width + lower.overhang);
  if (has_upper || has_lower) box.width += 0.05 * em;
  if (has_upper) box.take_inside(std::move(upper), {upper_at, -rise});
  if (has_lower) box.take_inside(std::move(lower), {lower_at, drop});
  return box;
}

// Scripts below and above their base, as of sums.
FormulaBox typeset_limits(const Formula& formula, FormulaBox base, const FormulaSetting& setting) {
  FormulaBox lower = typeset_in(formula.parts[1], setting.script());
  FormulaBox upper = typeset_in(formula.parts[2], setting.script());
  const double em = setting.em;
  const double base_width = base.width, above = base.ascent, below = base.descent;
  FormulaBox box;
  box.width = std::max({base_width, lower.width, upper.width});
  const auto left = [&](double width) { return (box.width - width) / 2; };
  box.take_inside(std::move(base), {left(base_width), 0});
  if (!formula.parts[2].empty()) {
    const double rise = above + std::max(0.11 * em, 0.2 * em - upper.descent) + upper.descent;
    const double width = upper.width;
    box.take_inside(std::move(upper), {left(width), -rise});
  }
  if (!formula.parts[1].empty()) {
    const double drop = below + std::max(0.15 * em, 0.58 * em - lower.ascent) + lower.ascent;
    const double width = lower.width;
    box.take_inside(std::move(lower), {left(width), drop});
  }
  return box;
}

FormulaBox typeset_scripts(const Formula& formula, const FormulaSetting& setting) {
  const Formula& base = formula.parts[0];
  FormulaBox box = typeset_in(base, setting);
  const bool stacked = formula.limits && (setting.display || base.kind == FormulaKind::brace);
  return stacked ? typeset_limits(formula, std::move(box), setting) : typeset_beside(formula, std::move(box), setting);
}

}  // namespace

std::optional<Symbol> symbol_of(const Formula& formula) {
  switch (formula.kind) {
    case FormulaKind::atom: {
      const bool letter = formula.alphabet == Alphabet::italic || formula.alphabet == Alphabet::bold ||
                          formula.alphabet == Alphabet::bold_italic;
      const QString text = QString::fromStdString(formula.text);
      if (text == QStringLiteral("Δ") || text == QStringLiteral("∆")) return Symbol::delta;
      for (int i = 0; letter && i < symbol_count; ++i)
        if (symbol_text(static_cast<Symbol>(i)) == text) return static_cast<Symbol>(i);
      return {};
    }
    case FormulaKind::accent:
    case FormulaKind::scripts:
      return symbol_of(formula.parts[0]);
    case FormulaKind::row:
      return formula.parts.size() == 1 ? symbol_of(formula.parts[0]) : std::nullopt;
    default:
      return {};
  }
}

const Formula* single_character(const Formula& formula) {
  if (formula.kind == FormulaKind::atom) return &formula;
  const bool passes = formula.kind == FormulaKind::accent || formula.kind == FormulaKind::row;
  return passes && formula.parts.size() == 1 ? single_character(formula.parts[0]) : nullptr;
}

FormulaBox glyph_box(const QString& text, GlyphFace face, const FormulaSetting& setting, double magnified) {
  const Glyph used = glyph(text, face);
  const double em = setting.em * magnified;
  FormulaBox box;
  box.width = used.advance * em;
  box.ascent = std::max(0.0, -used.ink.top() * em);
  box.descent = std::max(0.0, used.ink.bottom() * em);
  box.overhang = std::max(0.0, (used.ink.right() - used.advance) * em);
  if (!used.outline.isEmpty()) box.inks.push_back({used.outline, em, {}, {}});
  return box;
}

void paint(FormulaBox& box, std::optional<Symbol> symbol) {
  for (FormulaInk& ink : box.inks) ink.symbol = symbol;
  for (FormulaRule& rule : box.rules) rule.symbol = symbol;
}

FormulaBox shape_box(const QPainterPath& outline, double width, double ascent, double descent) {
  FormulaBox box;
  box.width = width;
  box.ascent = ascent;
  box.descent = descent;
  box.inks.push_back({outline, 1, {0, -ascent}, {}});
  return box;
}

FormulaBox typeset_row(const std::vector<Formula>& parts, const FormulaSetting& setting,
                       std::optional<AtomClass> before) {
  FormulaBox row;
  double space = 0;  // asked for by the author
  for (const Formula& part : parts) {
    if (part.kind == FormulaKind::space) {
      space += part.width * setting.em;
      continue;
    }
    FormulaBox box = typeset_in(part, setting);
    const AtomClass left = left_class(part, box), right = right_class(part, box);
    // Authors take back, with \!, the space that TeX leaves before any \left(; then there is none to take.
    const bool nothing_to_take = part.atom == AtomClass::inner && left == AtomClass::opening;
    row.width += nothing_to_take ? std::max(0.0, space) : space;
    space = 0;
    if (before) row.width += space_between(*before, left, setting.level > 0) * setting.em;
    const bool last = &part == &parts.back();
    const double advance = box.width + (last ? 0 : box.overhang);
    row.overhang = last ? box.overhang : 0;
    row.take_inside(std::move(box), {row.width, 0});
    row.width += advance;
    before = right;
  }
  row.width += space;
  return row;
}

FormulaBox typeset_in(const Formula& formula, const FormulaSetting& setting) {
  switch (formula.kind) {
    case FormulaKind::row:
      return typeset_row(formula.parts, setting);
    case FormulaKind::atom:
      return typeset_atom(formula, setting);
    case FormulaKind::words: {
      FormulaBox box = glyph_box(QString::fromStdString(formula.text), GlyphFace::upright, setting);
      paint(box, setting.owner);
      return box;
    }
    case FormulaKind::space: {
      FormulaBox box;
      box.width = formula.width * setting.em;
      return box;
    }
    case FormulaKind::fraction:
      return typeset_fraction(formula, setting);
    case FormulaKind::root:
      return typeset_root(formula, setting);
    case FormulaKind::scripts:
      return typeset_scripts(formula, setting);
    case FormulaKind::accent:
      return typeset_accent(formula, setting);
    case FormulaKind::brace:
      return typeset_brace(formula, setting);
    case FormulaKind::fenced:
      return typeset_fenced(formula, setting);
    case FormulaKind::table:
      return typeset_table(formula, setting);
  }
  return {};
}

FormulaBox typeset(const Formula& formula, double pixels, FormulaStyle style) {
  return typeset_in(formula, {pixels, pixels, style == FormulaStyle::display, 0, {}});
}

}  // namespace statescope
