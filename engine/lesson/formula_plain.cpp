// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <utility>

#include "engine/io/utf8.h"
#include "engine/lesson/formula.h"
#include "formula_symbols.h"

namespace statescope {
namespace {

// Every character of `text` by a table "aᵃbᵇ…", or nothing when one is missing there.
std::string translated(std::string_view text, std::string_view table) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += first_code_point_length(text.substr(i))) {
    const auto wanted = text.substr(i, first_code_point_length(text.substr(i)));
    std::size_t j = 0;
    for (bool found = false; j < table.size() && !found;) {
      const auto from = table.substr(j, first_code_point_length(table.substr(j)));
      j += from.size();
      const auto to = table.substr(j, first_code_point_length(table.substr(j)));
      j += to.size();
      found = from == wanted;
      if (found) result += to;
      if (!found && j == table.size()) return {};
    }
  }
  return result;
}

constexpr std::string_view subscripts = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨχᵪ";
constexpr std::string_view superscripts =
    "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻=⁼(⁽)⁾aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻAᴬBᴮDᴰTᵀ⊤ᵀ∗*′′";

constexpr std::string_view blackboard_letters = "CℂHℍNℕPℙQℚRℝZℤ";
constexpr std::string_view calligraphic_letters = "BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ";

// The letter in a run of Unicode's mathematical letters, A to Z then a to z.
std::string mathematical(char letter, char32_t first) {
  const char32_t point = first + static_cast<char32_t>(letter <= 'Z' ? letter - 'A' : letter - 'a' + 26);
  std::string text(4, '\0');
  text[0] = static_cast<char>(0xF0 | (point >> 18));
  for (int i = 1; i < 4; ++i)
    text[static_cast<std::size_t>(i)] = static_cast<char>(0x80 | ((point >> (18 - 6 * i)) & 0x3F));
  return text;
}

class Writer {
 public:
  std::string text;

  void write(const Formula& formula) {
    switch (formula.kind) {
      case FormulaKind::row:
        for (const Formula& part : formula.parts) write_spaced(part);
        break;
      case FormulaKind::atom:
        text += character(formula);
        break;
      case FormulaKind::words:
        text += formula.text;
        break;
      case FormulaKind::space:
        if (formula.width > 0.2 && !text.ends_with(' ')) text += ' ';
        break;
      case FormulaKind::fraction:
        write_grouped(formula.parts[0]);
        text += '/';
        write_grouped(formula.parts[1]);
        break;
      case FormulaKind::root:
        text += translated(of(formula.parts[1]), superscripts) + "√";
        write_grouped(formula.parts[0]);
        break;
      case FormulaKind::scripts:
        write(formula.parts[0]);
        write_script(formula.parts[1], subscripts, "_");
        write_script(formula.parts[2], superscripts, "^");
        break;
      case FormulaKind::accent:
        write_accent(formula);
        break;
      case FormulaKind::brace:
        write(formula.parts[0]);
        break;
      case FormulaKind::fenced:
        text += formula.text;
        write(formula.parts[0]);
        text += formula.close;
        break;
      case FormulaKind::table:
        for (std::size_t i = 0; i < formula.parts.size(); ++i) {
          const bool starts_row = i % static_cast<std::size_t>(formula.columns) == 0;
          if (i > 0) text += starts_row ? "; " : formula.text == "aligned" ? " " : ", ";
          write(formula.parts[i]);
        }
        break;
    }
  }

 private:
  static std::string of(const Formula& formula) {
    Writer writer;
    writer.write(formula);
    return writer.text;
  }

  void write_spaced(const Formula& part) {
    const bool spaced = part.atom == AtomClass::binary || part.atom == AtomClass::relation;
    const bool function = part.atom == AtomClass::large_operator;
    const auto gap = [this] {
      if (!text.empty() && text.back() != ' ' && text.back() != '(') text += ' ';
    };
    if (spaced || function) gap();
    write(part);
    const bool ends_word = function && part.kind == FormulaKind::scripts;
    if (spaced || ends_word || part.atom == AtomClass::punctuation) text += ' ';
  }

  // In parentheses unless one symbol, number or word.
  void write_grouped(const Formula& formula) {
    const std::string inside = of(formula);
    const bool alone = std::ranges::none_of(inside, [](char c) { return c == ' ' || c == '/'; });
    text += alone ? inside : "(" + inside + ")";
  }

  void write_script(const Formula& script, std::string_view table, std::string_view mark) {
    if (script.empty()) return;
    std::string inside = of(script);
    std::erase(inside, ' ');
    if (const std::string small = translated(inside, table); !small.empty()) {
      text += small;
    } else {
      const bool alone = first_code_point_length(inside) == inside.size();
      text.append(mark).append(alone ? inside : "(" + inside + ")");
    }
  }

  void write_accent(const Formula& formula) {
    constexpr std::pair<std::string_view, std::string_view> marks[] = {
        {"bar", "\u0304"},   {"overline", "\u0304"},  {"hat", "\u0302"}, {"widehat", "\u0302"},
        {"tilde", "\u0303"}, {"widetilde", "\u0303"}, {"dot", "\u0307"}, {"ddot", "\u0308"},
        {"vec", "\u20D7"},   {"underline", "\u0332"}};
    write_grouped(formula.parts[0]);
    for (const auto& [accent, mark] : marks)
      if (accent == formula.text) text += mark;
  }
};

}  // namespace

std::string character(const Formula& atom) {
  const bool letter = atom.text.size() == 1 &&
                      ((atom.text[0] >= 'A' && atom.text[0] <= 'Z') || (atom.text[0] >= 'a' && atom.text[0] <= 'z'));
  if (!letter || (atom.alphabet != Alphabet::blackboard && atom.alphabet != Alphabet::calligraphic)) return atom.text;
  const bool blackboard = atom.alphabet == Alphabet::blackboard;
  const std::string old = translated(atom.text, blackboard ? blackboard_letters : calligraphic_letters);
  return old.empty() ? mathematical(atom.text[0], blackboard ? 0x1D538 : 0x1D49C) : old;
}

std::string plain(const Formula& formula) {
  Writer writer;
  writer.write(formula);
  const auto last = writer.text.find_last_not_of(' ');
  return to_nfc(writer.text.substr(0, last == std::string::npos ? 0 : last + 1));
}

}  // namespace statescope
