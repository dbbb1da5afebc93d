// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "engine/lesson/formula.h"
#include "formula_symbols.h"

namespace statescope {
namespace {

// A row of one part is that part.
const Formula& core(const Formula& formula) {
  const Formula* inner = &formula;
  while (inner->kind == FormulaKind::row && inner->parts.size() == 1) inner = &inner->parts[0];
  return *inner;
}

bool is_digit(const Formula& part) {
  return part.kind == FormulaKind::atom && part.text.size() == 1 && part.text[0] >= '0' && part.text[0] <= '9';
}

const Formula& base_of(const Formula& part) {
  return part.kind == FormulaKind::scripts ? part.parts[0] : part;
}

// Said so shortly that its end needs no word.
bool is_short(const Formula& formula) {
  const Formula& inner = core(formula);
  switch (inner.kind) {
    case FormulaKind::atom:
    case FormulaKind::words:
      return true;
    case FormulaKind::accent:
      return is_short(inner.parts[0]);
    case FormulaKind::row:
      return std::ranges::all_of(inner.parts, is_digit);
    default:
      return false;
  }
}

bool is_sign(const Formula& formula, std::string_view text) {
  const Formula& inner = core(formula);
  return inner.kind == FormulaKind::atom && inner.text == text;
}

class Speaker {
 public:
  std::string text;

  void say(const Formula& formula) {
    switch (formula.kind) {
      case FormulaKind::row:
        say_row(formula.parts);
        break;
      case FormulaKind::atom:
        if (const FormulaSymbol* symbol = symbol_of_text(formula.text)) {
          word(symbol->said);
        } else {
          word(formula.text);
        }
        break;
      case FormulaKind::words:
        say_words(formula);
        break;
      case FormulaKind::space:
        break;
      case FormulaKind::fraction:
        say_fraction(formula);
        break;
      case FormulaKind::root:
        say_root(formula);
        break;
      case FormulaKind::scripts:
        say_scripts(formula);
        break;
      case FormulaKind::accent: {
        say(formula.parts[0]);
        const auto accents = formula_accents();
        const auto accent = std::ranges::find(accents, std::string_view(formula.text), &FormulaAccent::command);
        if (accent != accents.end()) word(accent->said);
        break;
      }
      case FormulaKind::brace:
        say(formula.parts[0]);
        break;
      case FormulaKind::fenced:
        say_fenced(formula);
        break;
      case FormulaKind::table:
        say_table(formula, formula.text == "cases" || formula.text == "aligned" ? "line " : "row ");
        break;
    }
  }

 private:
  void word(std::string_view added) {
    const bool joined = added.empty() || added == "," || added == ";" || std::exchange(joins_, false);
    if (!text.empty() && !joined) text += ' ';
    text += added;
  }

  void say_row(const std::vector<Formula>& parts) {
    bool in_number = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool point = in_number && is_sign(parts[i], ".") && i + 1 < parts.size() && is_digit(base_of(parts[i + 1]));
      if (point) {
        text += '.';
      } else {
        joins_ = in_number && is_digit(base_of(parts[i]));  // the digits of one number are one word
        say(parts[i]);
        joins_ = false;
      }
      in_number = is_digit(parts[i]) || point;
    }
  }

  void say_words(const Formula& formula) {
    const auto functions = formula_functions();
    const auto function = std::ranges::find(functions, std::string_view(formula.text), &FormulaFunction::text);
    if (formula.atom == AtomClass::large_operator && function != functions.end()) {
      word(function->said);
    } else if (const auto first = formula.text.find_first_not_of(' '); first != std::string::npos) {
      word(std::string_view(formula.text).substr(first, formula.text.find_last_not_of(' ') + 1 - first));
    }
  }

  void say_fraction(const Formula& formula) {
    const bool brief = is_short(formula.parts[0]) && is_short(formula.parts[1]);
    if (!brief) word("the fraction");
    say(formula.parts[0]);
    word("over");
    say(formula.parts[1]);
    if (!brief) word("end fraction");
  }

  void say_root(const Formula& formula) {
    if (formula.parts[1].empty()) {
      word("the square root of");
    } else if (is_sign(formula.parts[1], "3")) {
      word("the cube root of");
    } else {
      word("the root of degree");
      say(formula.parts[1]);
      word("of");
    }
    say(formula.parts[0]);
    if (!is_short(formula.parts[0])) word("end root");
  }

  void say_scripts(const Formula& formula) {
    const Formula& base = formula.parts[0];
    const Formula& lower = formula.parts[1];
    const Formula& upper = formula.parts[2];
    say(base);
    const Formula& owner = core(base);
    if (owner.atom == AtomClass::large_operator && !lower.empty()) return say_range(owner, lower, upper);
    if (owner.kind == FormulaKind::brace) {
      for (const Formula* label : {&lower, &upper}) {
        if (label->empty()) continue;
        word(label == &lower ? "with below it" : "with above it");
        say(*label);
        word(",");
      }
      return;
    }
    if (!lower.empty() && !is_short(lower)) word("sub");
    say(lower);
    if (!lower.empty() && !is_short(lower)) word("end sub");
    if (!upper.empty()) say_power(upper);
  }

  // What a sum, an integral, a limit or a maximum runs over.
  void say_range(const Formula& owner, const Formula& lower, const Formula& upper) {
    const bool runs = owner.kind == FormulaKind::atom;
    word(runs && !upper.empty() ? "from" : owner.text == "lim" ? "as" : "over");
    say(lower);
    if (!upper.empty()) {
      word("to");
      say(upper);
    }
    word("of");
  }

  void say_power(const Formula& upper) {
    const Formula& inner = core(upper);
    const auto all_primes = [](const Formula& f) {
      return f.kind == FormulaKind::row && std::ranges::all_of(f.parts, [](const auto& p) { return is_sign(p, "′"); });
    };
    if (is_sign(upper, "2")) {
      word("squared");
    } else if (is_sign(upper, "3")) {
      word("cubed");
    } else if (is_sign(upper, "T") || is_sign(upper, "⊤")) {
      word("transposed");
    } else if (is_sign(upper, "∗") || is_sign(upper, "′") || is_sign(upper, "†") || all_primes(inner)) {
      say(upper);
    } else if (inner.kind == FormulaKind::row && is_sign(inner.parts.front(), "(") &&
               is_sign(inner.parts.back(), ")")) {
      word("superscript");
      say_row({inner.parts.begin() + 1, inner.parts.end() - 1});
      word(",");
    } else {
      word("to the power");
      say(upper);
      if (!is_short(upper)) word("end power");
    }
  }

  void say_fenced(const Formula& formula) {
    const Formula& inner = core(formula.parts[0]);
    if (inner.kind == FormulaKind::table && inner.text == "cases") return say_table(inner, "case ");
    if (inner.kind == FormulaKind::table) {
      const auto rows = inner.parts.size() / static_cast<std::size_t>(inner.columns);
      word("the " + std::to_string(rows) + " by " + std::to_string(inner.columns) + " matrix,");
      return say_table(inner, "row ");
    }
    if (formula.text == formula.close && (formula.text == "|" || formula.text == "‖")) {
      const std::string name = formula.text == "|" ? "absolute value" : "norm";
      word("the " + name + " of");
      say(formula.parts[0]);
      word("end " + name);
      return;
    }
    const auto say_delimiter = [this](const std::string& delimiter) {
      if (const FormulaSymbol* symbol = symbol_of_text(delimiter)) word(symbol->said);
    };
    say_delimiter(formula.text);
    say(formula.parts[0]);
    say_delimiter(formula.close);
  }

  void say_table(const Formula& table, const std::string& row) {
    const auto columns = static_cast<std::size_t>(table.columns);
    for (std::size_t i = 0; i < table.parts.size(); ++i) {
      if (i % columns == 0) {
        word(row + std::to_string(i / columns + 1) + ":");
      } else if (table.text != "aligned" && !table.parts[i].empty()) {
        word(",");  // the columns of aligned lines are one expression cut for the eye
      }
      say(table.parts[i]);
      if (i % columns + 1 == columns) word(";");
    }
    word(table.text == "aligned" ? "end of lines" : table.text == "cases" ? "end of cases" : "end matrix");
  }

  bool joins_ = false;  // the next word stands without a space before it
};

}  // namespace

std::string spoken(const Formula& formula) {
  Speaker speaker;
  speaker.say(formula);
  return speaker.text;
}

}  // namespace statescope
