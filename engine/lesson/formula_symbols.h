// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

#include "engine/lesson/formula.h"

namespace statescope {

/// A sign that formulas know: its TeX command (empty when only the character itself is written), the character, its
/// class, and how it is read.
struct FormulaSymbol {
  std::string_view command;
  std::string_view text;
  AtomClass atom;
  std::string_view said;
  bool italic = false;
  bool limits = false;
};

/// The name of a function, set upright.
struct FormulaFunction {
  std::string_view command;
  std::string_view text;
  std::string_view said;
  bool limits = false;
};

/// An accent by its TeX command, the combining character that means the same (0 for none), and how it is read.
struct FormulaAccent {
  std::string_view command;
  char32_t combining;
  std::string_view said;
};

struct FormulaSpace {
  std::string_view command;
  double width;  // em
};

struct FormulaAlphabet {
  std::string_view command;
  Alphabet alphabet;
};

std::span<const FormulaSymbol> formula_symbols();
std::span<const FormulaFunction> formula_functions();
std::span<const FormulaAccent> formula_accents();
std::span<const FormulaSpace> formula_spaces();
std::span<const FormulaAlphabet> formula_alphabets();

/// The sign with this character, or none.
const FormulaSymbol* symbol_of_text(std::string_view text);

/// The command whose name is most like a wrong one; empty when none is.
std::string_view nearest_formula_command(std::string_view name);

}  // namespace statescope
