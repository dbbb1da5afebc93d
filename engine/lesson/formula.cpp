// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/formula.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "formula_reader.h"
#include "formula_symbols.h"

namespace statescope {
namespace {

std::string utf8_of(char32_t point) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes.data());
  return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length)};
}

Formula node(FormulaKind kind, AtomClass atom, std::vector<Formula> parts, std::string text = {}) {
  Formula result;
  result.kind = kind;
  result.atom = atom;
  result.parts = std::move(parts);
  result.text = std::move(text);
  return result;
}

Formula fenced(std::string left, Formula inside, std::string right) {
  Formula result = node(FormulaKind::fenced, AtomClass::inner, {}, std::move(left));
  result.close = std::move(right);
  result.parts.push_back(std::move(inside));
  return result;
}

// An operator without an operand on each side is a sign (The TeXbook, appendix G, rules 5 and 6).
// A cell of aligned lines goes on where the one before it ended.
void settle_operators(std::vector<Formula>& parts, bool goes_on) {
  using enum AtomClass;
  AtomClass before = goes_on ? ordinary : opening;
  Formula* last = nullptr;
  const auto to_sign = [](Formula* operation) {
    if (operation && operation->atom == binary) operation->atom = ordinary;
  };
  for (Formula& part : parts) {
    if (part.kind == FormulaKind::space) continue;
    const bool has_left = before == ordinary || before == closing || before == inner;
    if (part.atom == binary && !has_left) part.atom = ordinary;
    if (part.atom == relation || part.atom == closing || part.atom == punctuation) to_sign(last);
    before = part.atom;
    last = &part;
  }
  to_sign(last);
}

struct Environment {
  std::string_view name, left, right;
};
constexpr Environment environments[] = {{"matrix", "", ""},    {"pmatrix", "(", ")"}, {"bmatrix", "[", "]"},
                                        {"Bmatrix", "{", "}"}, {"vmatrix", "|", "|"}, {"cases", "{", ""},
                                        {"aligned", "", ""}};

class Parser {
 public:
  explicit Parser(std::string_view tex) : in_(tex) {}

  Formula formula() {
    Formula result = row();
    if (in_.at_end()) return result;
    if (in_.front() == '}') in_.fail(in_.place(), "} at ", " closes nothing; write \\} for a brace that is seen");
    if (in_.front() == '&') in_.fail(in_.place(), "& at ", " stands outside a matrix; write \\& for the sign");
    if (in_.starts("\\\\"))
      in_.fail(in_.place(), "\\\\ at ", " stands outside a matrix; use \\begin{aligned} for several lines");
    if (in_.command() == "right") in_.fail(in_.place(), "\\right at ", " has no \\left before it");
    in_.fail(in_.place(), "\\end at ", " has no \\begin before it");
  }

 private:
  bool row_ends(bool in_brackets) const {
    if (in_.at_end() || in_.front() == '}' || in_.front() == '&' || (in_brackets && in_.front() == ']')) return true;
    const auto name = in_.command();
    return name == "\\" || name == "right" || name == "end";
  }

  Formula row(bool in_brackets = false, bool goes_on = false) {
    Formula result;
    for (in_.skip_spaces(); !row_ends(in_brackets); in_.skip_spaces()) result.parts.push_back(item());
    settle_operators(result.parts, goes_on);
    return result;
  }

  // A nucleus with its scripts.
  Formula item() {
    Formula base = nucleus();
    if (base.kind == FormulaKind::space) return base;
    Formula lower, upper, primes;
    for (in_.skip_spaces(); !in_.at_end(); in_.skip_spaces()) {
      const std::size_t start = in_.place();
      if (in_.front() == '_' || in_.front() == '^') {
        const bool is_lower = in_.front() == '_';
        Formula& script = is_lower ? lower : upper;
        if (!script.empty())
          in_.fail(start, std::string(1, in_.front()) + " at ",
                   " is the second on the same symbol; group the first with braces");
        in_.advance(1);
        script = argument(start, is_lower ? "_" : "^");
      } else if (in_.front() == '\'' || in_.starts("′")) {
        in_.advance(in_.front() == '\'' ? 1 : std::string_view("′").size());
        primes.parts.push_back(sign("′"));
      } else {
        break;
      }
    }
    if (!primes.empty() && !upper.empty()) primes.parts.push_back(std::exchange(upper, {}));
    if (!primes.empty()) upper = std::move(primes);
    if (lower.empty() && upper.empty()) return base;
    Formula result = node(FormulaKind::scripts, base.atom, {});
    result.limits = base.limits;
    result.parts.push_back(std::move(base));
    result.parts.push_back(std::move(lower));
    result.parts.push_back(std::move(upper));
    return result;
  }

  // What a command or script applies to: a group, or else one symbol.
  Formula argument(std::size_t owner, const std::string& name) {
    in_.skip_spaces();
    if (row_ends(false) || in_.front() == '^' || in_.front() == '_' || in_.front() == '\'')
      in_.fail(owner, name + " at ", " lacks what it applies to; write it in braces");
    return nucleus();
  }

  Formula group() {
    const std::size_t open = in_.place();
    in_.advance(1);
    Formula result = row();
    if (in_.at_end() || in_.front() != '}') in_.fail(open, "the { at ", " is never closed; add a }");
    in_.advance(1);
    return result;
  }

  Formula nucleus() {
    if (depth_ == max_formula_depth)
      in_.fail(in_.place(), "at ",
               " the formula is nested more than " + std::to_string(max_formula_depth) + " deep; simplify it");
    ++depth_;
    Formula result = nucleus_inside();
    --depth_;
    return result;
  }

  Formula nucleus_inside() {
    const char c = in_.front();
    if (c == '{') return group();
    if (c == '^' || c == '_' || c == '\'') return {};  // scripts without a base
    if (c == '\\') return command();
    if (c == '~') {
      in_.advance(1);
      return space(0.25);
    }
    if (c == '$' || c == '#' || c == '%' || c == '"' || c == '@' || c == '`')
      in_.fail(in_.place(), std::string(1, c) + " at ",
               std::string(" has no meaning in a formula; ") +
                   (c == '"' || c == '@' || c == '`' ? "put words into \\text{…}" : "write \\ before it for the sign"));
    return with_marks(written_character());
  }

  // Combining marks after a letter are accents: B̄.
  Formula with_marks(Formula base) {
    for (int marks = 0; !in_.at_end() && static_cast<unsigned char>(in_.front()) >= 0x80; ++marks) {
      const auto [point, length] = in_.code_point();
      const auto accents = formula_accents();
      const auto accent = std::ranges::find(accents, point, &FormulaAccent::combining);
      if (accent == accents.end()) break;
      if (marks == 2) in_.fail(in_.place(), "at ", " is the third accent on one letter; leave it out");
      in_.advance(length);
      base = accented(std::string(accent->command), std::move(base));
    }
    return base;
  }

  Formula written_character() {
    const auto [point, length] = in_.code_point();
    std::string text(in_.rest().substr(0, length));
    if (text == "-") text = "−";
    if (text == "*") text = "∗";
    if (text == "[" || text == "]" || text == "|" || symbol_of_text(text)) {
      in_.advance(length);
      return sign(text);
    }
    // A letter with a mark, such as Ā, is the letter under an accent.
    std::array<utf8proc_int32_t, 32> parts{};
    int boundary_class = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), parts.data(), parts.size(),
                                static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &boundary_class);
    const auto accents = formula_accents();
    const auto accent =
        std::ranges::find(accents, static_cast<char32_t>(count == 2 ? parts[1] : -1), &FormulaAccent::combining);
    const bool marked = accent != accents.end();
    const auto category = utf8proc_category(marked ? parts[0] : static_cast<utf8proc_int32_t>(point));
    const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
    if (!letter && category != UTF8PROC_CATEGORY_ND && category != UTF8PROC_CATEGORY_SM)
      in_.fail(in_.place(), in_quotes(text) + " at ",
               " is not a character that formulas know; put words into \\text{…}");
    in_.advance(length);
    Formula atom =
        node(FormulaKind::atom, AtomClass::ordinary, {}, marked ? utf8_of(static_cast<char32_t>(parts[0])) : text);
    atom.alphabet = letter ? alphabet_ : Alphabet::upright;
    if (category == UTF8PROC_CATEGORY_ND && alphabet_ != Alphabet::italic) atom.alphabet = alphabet_;
    return marked ? accented(std::string(accent->command), std::move(atom)) : atom;
  }

  Formula sign(std::string_view text) const {
    const FormulaSymbol* symbol = symbol_of_text(text);
    Formula atom = node(FormulaKind::atom, symbol->atom, {}, std::string(text));
    return styled(std::move(atom), *symbol);
  }

  Formula styled(Formula atom, const FormulaSymbol& symbol) const {
    const bool bold = alphabet_ == Alphabet::bold || alphabet_ == Alphabet::bold_italic;
    if (symbol.italic) atom.alphabet = Alphabet::italic;
    if (bold) atom.alphabet = symbol.italic ? Alphabet::bold_italic : Alphabet::bold;
    atom.limits = symbol.limits;
    return atom;
  }

  static Formula space(double width) {
    Formula result = node(FormulaKind::space, AtomClass::ordinary, {});
    result.width = width;
    return result;
  }

  static Formula accented(std::string name, Formula base) {
    Formula result = node(FormulaKind::accent, AtomClass::ordinary, {}, std::move(name));
    result.parts.push_back(std::move(base));
    return result;
  }

  Formula command() {
    const std::size_t start = in_.place();
    const std::string name(in_.command());
    if (name.empty()) in_.fail(start, "the \\ at ", " ends the formula; write the command after it");
    in_.advance(1 + name.size());

    for (const auto& symbol : formula_symbols()) {
      if (symbol.command != name) continue;
      return styled(node(FormulaKind::atom, symbol.atom, {}, std::string(symbol.text)), symbol);
    }
    for (const auto& function : formula_functions()) {
      if (function.command != name) continue;
      Formula words = node(FormulaKind::words, AtomClass::large_operator, {}, std::string(function.text));
      words.limits = function.limits;
      return words;
    }
    for (const auto& accent : formula_accents())
      if (accent.command == name) return accented(name, argument(start, "\\" + name));
    for (const auto& known : formula_spaces())
      if (known.command == name) return space(known.width);
    for (const auto& [command, alphabet] : formula_alphabets())
      if (command == name) return in_alphabet(start, name, alphabet);
    return structure(start, name);
  }

  Formula structure(std::size_t start, const std::string& name) {
    if (name == "frac" || name == "dfrac" || name == "tfrac") {
      std::vector<Formula> parts;
      for (int i = 0; i < 2; ++i) parts.push_back(argument(start, "\\" + name));
      return node(FormulaKind::fraction, AtomClass::ordinary, std::move(parts), name);
    }
    if (name == "sqrt") return root(start);
    if (name == "text") return node(FormulaKind::words, AtomClass::ordinary, {}, in_.braced_text(start, name));
    if (name == "operatorname") return operator_name(start);
    if (name == "overset" || name == "underset") return stacked(start, name);
    if (name == "underbrace" || name == "overbrace") {
      Formula brace = node(FormulaKind::brace, AtomClass::inner, {}, name);
      brace.limits = true;
      brace.parts.push_back(argument(start, "\\" + name));
      return brace;
    }
    if (name == "left") return left_right(start);
    if (name == "begin") return environment(start);
    const std::string nearest(nearest_formula_command(name));
    const std::string advice = nearest.empty() ? "write words as \\text{…}" : "did you mean \\" + nearest;
    const std::string shown = name.size() > 40 ? name.substr(0, 40) + "…" : name;
    in_.fail(start, "\\" + shown + " at ", " is not a command that lessons know; " + advice);
  }

  Formula in_alphabet(std::size_t start, const std::string& name, Alphabet alphabet) {
    in_.skip_spaces();
    // Words rather than a product: \mathrm{ZOH}.
    const auto end = in_.rest().find('}');
    if (alphabet == Alphabet::upright && end != std::string_view::npos && in_.front() == '{') {
      const auto inside = in_.rest().substr(1, end - 1);
      const auto in_words = [](char c) { return is_formula_letter(c) || (c >= '0' && c <= '9'); };
      if (!inside.empty() && std::ranges::all_of(inside, in_words)) {
        in_.advance(end + 1);
        return node(FormulaKind::words, AtomClass::ordinary, {}, std::string(inside));
      }
    }
    const Alphabet around = std::exchange(alphabet_, alphabet);
    Formula result = argument(start, "\\" + name);
    alphabet_ = around;
    return result;
  }

  Formula root(std::size_t start) {
    in_.skip_spaces();
    Formula degree;
    if (!in_.at_end() && in_.front() == '[') {
      const std::size_t open = in_.place();
      in_.advance(1);
      degree = row(true);
      if (in_.at_end() || in_.front() != ']') in_.fail(open, "the [ at ", " is never closed; add a ]");
      in_.advance(1);
    }
    Formula result = node(FormulaKind::root, AtomClass::ordinary, {});
    result.parts.push_back(argument(start, "\\sqrt"));
    result.parts.push_back(std::move(degree));
    return result;
  }

  Formula operator_name(std::size_t start) {
    const bool limits = in_.starts("*");
    if (limits) in_.advance(1);
    Formula words = node(FormulaKind::words, AtomClass::large_operator, {}, in_.braced_text(start, "operatorname"));
    words.limits = limits;
    return words;
  }

  Formula stacked(std::size_t start, const std::string& name) {
    Formula script = argument(start, "\\" + name);
    Formula base = argument(start, "\\" + name);
    const AtomClass atom = base.kind == FormulaKind::row && base.parts.size() == 1 ? base.parts[0].atom : base.atom;
    Formula brace = node(FormulaKind::brace, atom, {});  // without a brace, its scripts stand above and below
    brace.limits = true;
    brace.parts.push_back(std::move(base));
    Formula result = node(FormulaKind::scripts, atom, {});
    result.limits = true;
    result.parts.push_back(std::move(brace));
    result.parts.push_back(name == "underset" ? std::move(script) : Formula());
    result.parts.push_back(name == "overset" ? std::move(script) : Formula());
    return result;
  }

  Formula left_right(std::size_t start) {
    std::string left = in_.delimiter(start, "left");
    Formula inside = row();
    if (in_.command() != "right")
      in_.fail(start, "\\left at ", " has no \\right; write \\right. where nothing shall be seen");
    const std::size_t end = in_.place();
    in_.advance(std::string_view("\\right").size());
    return fenced(std::move(left), std::move(inside), in_.delimiter(end, "right"));
  }

  Formula environment(std::size_t start) {
    const std::string name = in_.braced_text(start, "begin");
    const auto known = std::ranges::find(environments, std::string_view(name), &Environment::name);
    if (known == std::end(environments))
      in_.fail(start, "\\begin{" + name.substr(0, 40) + "} at ",
               " is not an environment that lessons know; use matrix, pmatrix, bmatrix, cases or aligned");
    std::vector<std::vector<Formula>> rows(1);
    for (;;) {
      const bool goes_on = name == "aligned" && !rows.back().empty();
      rows.back().push_back(row(false, goes_on));
      if (rows.back().size() > static_cast<std::size_t>(max_formula_columns))
        in_.fail(start, "\\begin{" + name + "} at ",
                 " has more than " + std::to_string(max_formula_columns) + " columns; shorten it with \\cdots");
      if (in_.at_end() || in_.front() == '}')
        in_.fail(start, "\\begin{" + name + "} at ", " has no \\end{" + name + "}");
      if (in_.front() == '&') {
        in_.advance(1);
      } else if (in_.starts("\\\\")) {
        in_.advance(2);
        rows.emplace_back();
      } else {
        break;
      }
    }
    const std::size_t end = in_.place();
    if (in_.command() != "end") in_.fail(end, "\\right at ", " has no \\left before it");
    in_.advance(std::string_view("\\end").size());
    if (in_.braced_text(end, "end") != name)
      in_.fail(end, "\\end at ", " does not end \\begin{" + name + "} at " + in_.column(start));
    if (rows.size() > 1 && rows.back().size() == 1 && rows.back()[0].empty()) rows.pop_back();

    Formula table = node(FormulaKind::table, AtomClass::ordinary, {}, name);
    for (const auto& cells : rows) table.columns = std::max(table.columns, static_cast<int>(cells.size()));
    for (auto& cells : rows) {
      cells.resize(static_cast<std::size_t>(table.columns));
      std::ranges::move(cells, std::back_inserter(table.parts));
    }
    if (known->left.empty()) return table;
    return fenced(std::string(known->left), std::move(table), std::string(known->right));
  }

  FormulaReader in_;
  int depth_ = 0;
  Alphabet alphabet_ = Alphabet::italic;
};

}  // namespace

Formula parse_formula(std::string_view tex) {
  if (tex.size() > max_formula_bytes)
    throw Error("the formula has " + std::to_string(tex.size()) + " bytes; " + std::to_string(max_formula_bytes) +
                " are the most, so divide it");
  if (const auto invalid = first_invalid_utf8(tex))
    throw Error("byte " + std::to_string(*invalid + 1) + " of the formula is not valid UTF-8; save the file as UTF-8");
  return Parser(tex).formula();
}

}  // namespace statescope
