// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace statescope {

/// What a node of a formula is, and what its parts are.
enum class FormulaKind {
  row,       ///< parts side by side; without parts it is nothing at all
  atom,      ///< one letter, digit or sign: `text`, in `alphabet`
  words,     ///< upright text: \text{if }, or the name of a function such as exp
  space,     ///< `width` em of nothing
  fraction,  ///< numerator, denominator; `text` is "dfrac" or "tfrac" where its size does not follow from its place
  root,      ///< what is under it, the degree (an empty row for a square root)
  scripts,   ///< base, subscript, superscript (empty rows where there is none)
  accent,    ///< what is under (underline: over) the accent `text`: "bar", "hat", "vec", "overline" …
  brace,     ///< what is over an "underbrace" or under an "overbrace"; its label is in the scripts around it
  fenced,    ///< what stands between the growing delimiters `text` and `close`, empty for none
  table      ///< cells row by row, in `columns` columns, as the environment `text` sets them
};

/// TeX's classes, which decide the space between neighbours (The TeXbook, chapter 18). A sign such as a leading minus
/// has the class ordinary, as it has no left operand.
enum class AtomClass { ordinary, large_operator, binary, relation, opening, closing, punctuation, inner };

enum class Alphabet { italic, upright, bold, bold_italic, blackboard, calligraphic };

/// One node of a formula with what is in it.
struct Formula {
  FormulaKind kind = FormulaKind::row;
  AtomClass atom = AtomClass::ordinary;
  Alphabet alphabet = Alphabet::upright;
  bool limits = false;  ///< scripts stand below and above: of \sum and \lim where there is room, of a brace always
  int columns = 0;
  double width = 0;
  std::string text;
  std::string close;
  std::vector<Formula> parts;

  bool empty() const { return kind == FormulaKind::row && parts.empty(); }
};

/// Bytes of TeX, groups in groups and columns of a matrix that a formula may have.
inline constexpr std::size_t max_formula_bytes = 4096;
inline constexpr int max_formula_depth = 64;
inline constexpr int max_formula_columns = 32;

/// Reads the TeX that lessons know: letters and signs (also as Unicode), groups, scripts, \frac, \sqrt, accents, Greek,
/// large operators, functions, alphabets, \left … \right, matrices, cases and aligned; no macros. Throws Error with the
/// column (in characters, from 1) of what it does not understand.
Formula parse_formula(std::string_view tex);

/// How a screen reader says it: "h t equals A bar h sub t minus 1 end sub plus B bar x t".
std::string spoken(const Formula& formula);

/// One line of Unicode for where nothing can be drawn: "hₜ = Āhₜ₋₁ + B̄xₜ".
std::string plain(const Formula& formula);

/// The atom's character in its alphabet: "ℝ" for the blackboard R; bold and italic are left to the font.
std::string character(const Formula& atom);

/// A formula in a Markdown text: `text.substr(begin, end - begin)` with its dollars, `tex` without.
struct EmbeddedFormula {
  std::size_t begin, end;
  std::string_view tex;
  bool display;
};

/// The formulas $…$ and $$…$$ of a Markdown text, in order. As in Pandoc, an inline formula has no space inside its
/// dollars, no digit after them and no blank line in it; \$ and dollars in code are dollars.
std::vector<EmbeddedFormula> find_formulas(std::string_view markdown);

}  // namespace statescope
