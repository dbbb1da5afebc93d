// SPDX-License-Identifier: GPL-3.0-or-later
#include "formula_symbols.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace statescope {
namespace {

using enum AtomClass;

constexpr FormulaSymbol greek(std::string_view name, std::string_view text, bool italic = true) {
  return {name, text, ordinary, name, italic};
}

// Where several commands give one character, the first is the one that is read.
constexpr FormulaSymbol symbols[] = {
    greek("alpha", "α"),
    greek("beta", "β"),
    greek("gamma", "γ"),
    greek("delta", "δ"),
    {"epsilon", "ϵ", ordinary, "epsilon", true},
    {"varepsilon", "ε", ordinary, "epsilon", true},
    greek("zeta", "ζ"),
    greek("eta", "η"),
    greek("theta", "θ"),
    {"vartheta", "ϑ", ordinary, "theta", true},
    greek("iota", "ι"),
    greek("kappa", "κ"),
    greek("lambda", "λ"),
    greek("mu", "μ"),
    greek("nu", "ν"),
    greek("xi", "ξ"),
    greek("omicron", "ο"),
    greek("pi", "π"),
    greek("rho", "ρ"),
    greek("sigma", "σ"),
    {"varsigma", "ς", ordinary, "sigma", true},
    greek("tau", "τ"),
    greek("upsilon", "υ"),
    {"phi", "ϕ", ordinary, "phi", true},
    {"varphi", "φ", ordinary, "phi", true},
    greek("chi", "χ"),
    greek("psi", "ψ"),
    greek("omega", "ω"),
    {"Alpha", "Α", ordinary, "Alpha"},
    {"Beta", "Β", ordinary, "Beta"},
    greek("Gamma", "Γ", false),
    greek("Delta", "Δ", false),
    {"", "∆", ordinary, "Delta"},
    {"Epsilon", "Ε", ordinary, "Epsilon"},
    {"Zeta", "Ζ", ordinary, "Zeta"},
    {"Eta", "Η", ordinary, "Eta"},
    greek("Theta", "Θ", false),
    {"Iota", "Ι", ordinary, "Iota"},
    {"Kappa", "Κ", ordinary, "Kappa"},
    greek("Lambda", "Λ", false),
    {"Mu", "Μ", ordinary, "Mu"},
    {"Nu", "Ν", ordinary, "Nu"},
    greek("Xi", "Ξ", false),
    {"Omicron", "Ο", ordinary, "Omicron"},
    greek("Pi", "Π", false),
    {"Rho", "Ρ", ordinary, "Rho"},
    greek("Sigma", "Σ", false),
    {"Tau", "Τ", ordinary, "Tau"},
    greek("Upsilon", "Υ", false),
    greek("Phi", "Φ", false),
    {"Chi", "Χ", ordinary, "Chi"},
    greek("Psi", "Ψ", false),
    greek("Omega", "Ω", false),

    {"", "+", binary, "plus"},
    {"", "−", binary, "minus"},
    {"ast", "∗", binary, "star"},
    {"cdot", "⋅", binary, "times"},
    {"", "·", binary, "times"},
    {"times", "×", binary, "times"},
    {"div", "÷", binary, "divided by"},
    {"pm", "±", binary, "plus or minus"},
    {"mp", "∓", binary, "minus or plus"},
    {"odot", "⊙", binary, "elementwise times"},
    {"otimes", "⊗", binary, "tensor"},
    {"oplus", "⊕", binary, "direct sum"},
    {"ominus", "⊖", binary, "circled minus"},
    {"circ", "∘", binary, "composed with"},
    {"bullet", "∙", binary, "bullet"},
    {"star", "⋆", binary, "star"},
    {"cap", "∩", binary, "intersected with"},
    {"cup", "∪", binary, "union"},
    {"setminus", "∖", binary, "without"},
    {"wedge", "∧", binary, "and"},
    {"land", "∧", binary, "and"},
    {"vee", "∨", binary, "or"},
    {"lor", "∨", binary, "or"},
    {"dagger", "†", binary, "dagger"},

    {"", "=", relation, "equals"},
    {"", "<", relation, "is less than"},
    {"lt", "<", relation, "is less than"},
    {"", ">", relation, "is greater than"},
    {"gt", ">", relation, "is greater than"},
    {"", ":", relation, "colon"},
    {"colon", ":", punctuation, "colon"},
    {"le", "≤", relation, "is at most"},
    {"leq", "≤", relation, "is at most"},
    {"ge", "≥", relation, "is at least"},
    {"geq", "≥", relation, "is at least"},
    {"ne", "≠", relation, "is not equal to"},
    {"neq", "≠", relation, "is not equal to"},
    {"ll", "≪", relation, "is much less than"},
    {"gg", "≫", relation, "is much greater than"},
    {"approx", "≈", relation, "is about"},
    {"equiv", "≡", relation, "is identical to"},
    {"sim", "∼", relation, "is distributed as"},
    {"simeq", "≃", relation, "is asymptotically"},
    {"cong", "≅", relation, "is congruent to"},
    {"propto", "∝", relation, "is proportional to"},
    {"coloneqq", "≔", relation, "is defined as"},
    {"triangleq", "≜", relation, "is defined as"},
    {"in", "∈", relation, "in"},
    {"ni", "∋", relation, "contains"},
    {"notin", "∉", relation, "not in"},
    {"subset", "⊂", relation, "is a subset of"},
    {"subseteq", "⊆", relation, "is a subset of or equals"},
    {"supset", "⊃", relation, "is a superset of"},
    {"supseteq", "⊇", relation, "is a superset of or equals"},
    {"mid", "∣", relation, "given"},
    {"parallel", "∥", relation, "is parallel to"},
    {"perp", "⟂", relation, "is perpendicular to"},
    {"to", "→", relation, "to"},
    {"rightarrow", "→", relation, "to"},
    {"leftarrow", "←", relation, "is set to"},
    {"gets", "←", relation, "is set to"},
    {"leftrightarrow", "↔", relation, "corresponds to"},
    {"mapsto", "↦", relation, "maps to"},
    {"longrightarrow", "⟶", relation, "to"},
    {"longmapsto", "⟼", relation, "maps to"},
    {"Rightarrow", "⇒", relation, "implies"},
    {"implies", "⟹", relation, "implies"},
    {"Longrightarrow", "⟹", relation, "implies"},
    {"Leftarrow", "⇐", relation, "follows from"},
    {"Leftrightarrow", "⇔", relation, "is equivalent to"},
    {"iff", "⟺", relation, "is equivalent to"},
    {"Longleftrightarrow", "⟺", relation, "is equivalent to"},
    {"uparrow", "↑", relation, "up"},
    {"downarrow", "↓", relation, "down"},

    {"sum", "∑", large_operator, "the sum", false, true},
    {"prod", "∏", large_operator, "the product", false, true},
    {"int", "∫", large_operator, "the integral"},
    {"iint", "∬", large_operator, "the double integral"},
    {"oint", "∮", large_operator, "the contour integral"},
    {"bigoplus", "⨁", large_operator, "the direct sum", false, true},
    {"bigotimes", "⨂", large_operator, "the tensor product", false, true},
    {"bigodot", "⨀", large_operator, "the elementwise product", false, true},
    {"bigcup", "⋃", large_operator, "the union", false, true},
    {"bigcap", "⋂", large_operator, "the intersection", false, true},

    {"", "(", opening, "open paren"},
    {"", ")", closing, "close paren"},
    {"lbrack", "[", opening, "open bracket"},
    {"rbrack", "]", closing, "close bracket"},
    {"{", "{", opening, "open brace"},
    {"lbrace", "{", opening, "open brace"},
    {"}", "}", closing, "close brace"},
    {"rbrace", "}", closing, "close brace"},
    {"langle", "⟨", opening, "open angle"},
    {"rangle", "⟩", closing, "close angle"},
    {"lfloor", "⌊", opening, "floor of"},
    {"rfloor", "⌋", closing, "end floor"},
    {"lceil", "⌈", opening, "ceiling of"},
    {"rceil", "⌉", closing, "end ceiling"},
    {"vert", "|", ordinary, "bar"},
    {"lvert", "|", opening, "bar"},
    {"rvert", "|", closing, "bar"},
    {"|", "‖", ordinary, "double bar"},
    {"Vert", "‖", ordinary, "double bar"},
    {"lVert", "‖", opening, "double bar"},
    {"rVert", "‖", closing, "double bar"},

    {"", ",", punctuation, ","},
    {"", ";", punctuation, ";"},
    {"", "!", closing, "factorial"},
    {"", "?", closing, "question mark"},
    {"", ".", ordinary, "point"},
    {"", "/", ordinary, "over"},
    {"infty", "∞", ordinary, "infinity"},
    {"partial", "∂", ordinary, "partial"},
    {"nabla", "∇", ordinary, "nabla"},
    {"forall", "∀", ordinary, "for all"},
    {"exists", "∃", ordinary, "there is"},
    {"emptyset", "∅", ordinary, "the empty set"},
    {"varnothing", "∅", ordinary, "the empty set"},
    {"neg", "¬", ordinary, "not"},
    {"ell", "ℓ", ordinary, "ell"},
    {"hbar", "ℏ", ordinary, "h-bar"},
    {"Re", "ℜ", ordinary, "real part of"},
    {"Im", "ℑ", ordinary, "imaginary part of"},
    {"top", "⊤", ordinary, "transposed"},
    {"bot", "⊥", ordinary, "bottom"},
    {"angle", "∠", ordinary, "angle"},
    {"prime", "′", ordinary, "prime"},
    {"dots", "…", inner, "and so on"},
    {"ldots", "…", inner, "and so on"},
    {"cdots", "⋯", inner, "and so on"},
    {"vdots", "⋮", ordinary, "and so on"},
    {"ddots", "⋱", inner, "and so on"},
    {"%", "%", ordinary, "percent"},
    {"&", "&", ordinary, "and"},
    {"#", "#", ordinary, "number"},
    {"_", "_", ordinary, "underscore"},
    {"$", "$", ordinary, "dollar"},
};

constexpr FormulaFunction functions[] = {
    {"exp", "exp", "exp"},
    {"log", "log", "log"},
    {"ln", "ln", "natural log"},
    {"sin", "sin", "sine"},
    {"cos", "cos", "cosine"},
    {"tan", "tan", "tangent"},
    {"sinh", "sinh", "hyperbolic sine"},
    {"cosh", "cosh", "hyperbolic cosine"},
    {"tanh", "tanh", "tanh"},
    {"arctan", "arctan", "arc tangent"},
    {"arg", "arg", "argument"},
    {"det", "det", "determinant"},
    {"dim", "dim", "dimension"},
    {"ker", "ker", "kernel"},
    {"diag", "diag", "diag"},
    {"rank", "rank", "rank"},
    {"tr", "tr", "trace"},
    {"softplus", "softplus", "softplus"},
    {"softmax", "softmax", "softmax"},
    {"sigmoid", "sigmoid", "sigmoid"},
    {"silu", "SiLU", "SiLU"},
    {"lim", "lim", "the limit", true},
    {"max", "max", "the maximum", true},
    {"min", "min", "the minimum", true},
    {"sup", "sup", "the supremum", true},
    {"inf", "inf", "the infimum", true},
    {"argmax", "arg\u2009max", "the argument of the maximum", true},
    {"argmin", "arg\u2009min", "the argument of the minimum", true},
};

constexpr FormulaAccent accents[] = {
    {"bar", 0x304, "bar"},         {"hat", 0x302, "hat"},
    {"tilde", 0x303, "tilde"},     {"dot", 0x307, "dot"},
    {"ddot", 0x308, "double dot"}, {"vec", 0x20D7, "vector"},
    {"overline", 0x305, "bar"},    {"underline", 0x332, "underlined"},
    {"widehat", 0, "hat"},         {"widetilde", 0, "tilde"},
};

constexpr FormulaSpace spaces[] = {
    {"quad", 1.0}, {"qquad", 2.0}, {",", 3.0 / 18}, {":", 4.0 / 18}, {";", 5.0 / 18}, {"!", -3.0 / 18}, {" ", 1.0 / 4},
};

constexpr FormulaAlphabet alphabets[] = {
    {"mathrm", Alphabet::upright}, {"mathbf", Alphabet::bold},       {"boldsymbol", Alphabet::bold_italic},
    {"bm", Alphabet::bold_italic}, {"mathbb", Alphabet::blackboard}, {"mathcal", Alphabet::calligraphic},
    {"mathit", Alphabet::italic},
};

constexpr std::string_view structures[] = {"frac",         "dfrac",   "tfrac",    "sqrt",       "text",
                                           "operatorname", "overset", "underset", "underbrace", "overbrace",
                                           "left",         "right",   "begin",    "end"};

// Edits that turn one name into the other, for a suggestion.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] != b[j]);
      diagonal = std::exchange(row[j + 1], std::min({change, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::span<const FormulaSymbol> formula_symbols() {
  return symbols;
}
std::span<const FormulaFunction> formula_functions() {
  return functions;
}
std::span<const FormulaAccent> formula_accents() {
  return accents;
}
std::span<const FormulaSpace> formula_spaces() {
  return spaces;
}

std::span<const FormulaAlphabet> formula_alphabets() {
  return alphabets;
}

const FormulaSymbol* symbol_of_text(std::string_view text) {
  const auto* found = std::ranges::find(symbols, text, &FormulaSymbol::text);
  return found == std::end(symbols) ? nullptr : found;
}

std::string_view nearest_formula_command(std::string_view name) {
  std::string_view best;
  std::size_t least = name.size() < 4 ? 2 : 3;  // what is further away is something else
  const auto consider = [&](std::string_view known) {
    if (known.size() < 2) return;
    const std::size_t edits = distance(name, known);
    if (edits < least) {
      least = edits;
      best = known;
    }
  };
  for (const auto structure : structures) consider(structure);
  for (const auto& symbol : symbols) consider(symbol.command);
  for (const auto& function : functions) consider(function.command);
  for (const auto& accent : accents) consider(accent.command);
  for (const auto& space : spaces) consider(space.command);
  for (const auto& alphabet : alphabets) consider(alphabet.command);
  return best;
}

}  // namespace statescope
