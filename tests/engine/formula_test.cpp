// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/formula.h"

#include <gtest/gtest.h>

#include "message_of.h"

namespace statescope {
namespace {

std::string message(const std::string& tex) {
  return test::message_of([&] { parse_formula(tex); });
}
std::string written(const std::string& tex) {
  return plain(parse_formula(tex));
}
std::string said(const std::string& tex) {
  return spoken(parse_formula(tex));
}

TEST(Formula, WritesTheFieldsEquationsInOneLine) {
  EXPECT_EQ(written("h_t = \\bar A h_{t-1} + \\bar{B} x_t"), "hₜ = Āhₜ₋₁ + B̄xₜ");
  EXPECT_EQ(written("\\bar{A} = \\exp(\\Delta A)"), "Ā = exp(ΔA)");
  EXPECT_EQ(written("\\Delta = \\softplus(w^\\top x + b)"), "Δ = softplus(wᵀx + b)");
  EXPECT_EQ(written("\\bar A = \\left(I - \\frac{\\Delta}{2}A\\right)^{-1}\\left(I + \\tfrac\\Delta2 A\\right)"),
            "Ā = (I − Δ/2A)⁻¹(I + Δ/2A)");
  EXPECT_EQ(written("(a,b)\\circ(a',b') = (a'a,\\; a'b + b')"), "(a, b) ∘ (a′, b′) = (a′a, a′b + b′)");
  EXPECT_EQ(written("y = \\sum_{n=0}^{N-1} C_n h_n"), "y = ∑ₙ₌₀^(N−1) Cₙhₙ");
  EXPECT_EQ(written("x \\in \\mathbb R^{N\\times N}"), "x ∈ ℝ^(N×N)");
  EXPECT_EQ(written("\\sqrt[3]{x+1} \\le \\frac{a+b}{c}"), "³√(x + 1) ≤ (a + b)/c");
  EXPECT_EQ(written("\\begin{pmatrix}1 & 0\\\\ -k & -d\\end{pmatrix}"), "(1, 0; −k, −d)");
}

TEST(Formula, UnicodeMeansTheSameAsCommands) {
  EXPECT_EQ(written("Ā = e^{ΔA}"), written("\\bar A = e^{\\Delta A}"));
  EXPECT_EQ(written("B̄ x ⊙ y → ∞"), written("\\bar B x \\odot y \\to \\infty"));
  const Formula marked = parse_formula("Ā");
  ASSERT_EQ(marked.parts.size(), 1U);
  EXPECT_EQ(marked.parts[0].kind, FormulaKind::accent);
  EXPECT_EQ(marked.parts[0].parts[0].text, "A");
  EXPECT_EQ(marked.parts[0].parts[0].alphabet, Alphabet::italic);
}

TEST(Formula, ReadsAsAPersonWouldSayIt) {
  EXPECT_EQ(said("h_t = \\bar A h_{t-1} + \\bar B x_t"), "h t equals A bar h sub t minus 1 end sub plus B bar x t");
  EXPECT_EQ(said("\\frac{dx}{dt}"), "the fraction d x over d t end fraction");
  EXPECT_EQ(said("\\tfrac12"), "1 over 2");
  EXPECT_EQ(said("x^2 + A^\\top + e^{\\Delta A}"), "x squared plus A transposed plus e to the power Delta A end power");
  EXPECT_EQ(said("\\sum_{n=0}^{\\infty} 0.25^n"), "the sum from n equals 0 to infinity of 0.25 to the power n");
  EXPECT_EQ(said("\\max_i |x_i|"), "the maximum over i of bar x i bar");
  EXPECT_EQ(said("\\left|z\\right| < 1"), "the absolute value of z end absolute value is less than 1");
  EXPECT_EQ(said("\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}"),
            "the 2 by 2 matrix, row 1: 1, 2; row 2: 3, 4; end matrix");
  EXPECT_EQ(said("f = \\begin{cases}1 & \\text{if } n > 0\\\\0\\end{cases}"),
            "f equals case 1: 1, if n is greater than 0; case 2: 0; end of cases");
}

TEST(Formula, KnowsWhereAMinusIsASign) {
  const auto minus_is_binary = [](const char* tex, std::size_t at) {
    return parse_formula(tex).parts.at(at).atom == AtomClass::binary;
  };
  EXPECT_TRUE(minus_is_binary("a-b", 1));
  EXPECT_FALSE(minus_is_binary("-b", 0));
  EXPECT_FALSE(minus_is_binary("a=-b", 2));
  EXPECT_FALSE(minus_is_binary("(-b)", 1));
  EXPECT_FALSE(minus_is_binary("\\exp -b", 1));
  EXPECT_FALSE(minus_is_binary("a+", 1));
  const Formula lines = parse_formula("\\begin{aligned}a &- b\\\\ -c &+ d\\end{aligned}");
  EXPECT_EQ(lines.parts[0].parts[1].parts[0].atom, AtomClass::binary) << "the cell goes on";
  EXPECT_EQ(lines.parts[0].parts[2].parts[0].atom, AtomClass::ordinary);
}

TEST(Formula, NestsScriptsOnTheRightBase) {
  const Formula formula = parse_formula("\\bar{A}_{t}^{2}h'_t");
  ASSERT_EQ(formula.parts.size(), 2U);
  const Formula& power = formula.parts[0];
  EXPECT_EQ(power.kind, FormulaKind::scripts);
  EXPECT_EQ(power.parts[0].kind, FormulaKind::accent);
  EXPECT_EQ(power.parts[1].parts[0].text, "t");
  EXPECT_EQ(power.parts[2].parts[0].text, "2");
  EXPECT_EQ(formula.parts[1].parts[2].parts[0].text, "′");
}

TEST(Formula, TellsWordsFromProducts) {
  const Formula words = parse_formula("\\mathrm{ZOH}\\text{ if }\\operatorname{rank}");
  ASSERT_EQ(words.parts.size(), 3U);
  for (const Formula& part : words.parts) EXPECT_EQ(part.kind, FormulaKind::words);
  EXPECT_EQ(words.parts[1].text, " if ");
  EXPECT_EQ(words.parts[2].atom, AtomClass::large_operator);
  EXPECT_EQ(parse_formula("\\mathbf{h}").parts[0].parts[0].alphabet, Alphabet::bold);
  EXPECT_EQ(character(parse_formula("\\mathcal O").parts[0]), "𝒪");
}

TEST(Formula, FillsShortRowsOfATable) {
  const Formula formula = parse_formula("\\begin{aligned}a &= b\\\\ c\\\\\\end{aligned}");
  const Formula& table = formula.parts.at(0);
  EXPECT_EQ(table.columns, 2);
  ASSERT_EQ(table.parts.size(), 4U);
  EXPECT_TRUE(table.parts[3].empty());
}

TEST(Formula, ErrorsNameColumnAndRemedy) {
  EXPECT_EQ(message("h_t = \\fraq{1}{2}"),
            "\\fraq at column 7 is not a command that lessons know; did you mean \\frac");
  EXPECT_EQ(message("\\whatever"),
            "\\whatever at column 1 is not a command that lessons know; write words as \\text{…}");
  EXPECT_EQ(message("Δ\\foo").find("\\foo at column 2"), 0U) << "columns count characters";
  EXPECT_EQ(message("a_b_c"), "_ at column 4 is the second on the same symbol; group the first with braces");
  EXPECT_EQ(message("x^"), "^ at column 2 lacks what it applies to; write it in braces");
  EXPECT_EQ(message("\\frac{1}"), "\\frac at column 1 lacks what it applies to; write it in braces");
  EXPECT_EQ(message("e^{x"), "the { at column 3 is never closed; add a }");
  EXPECT_EQ(message("x}"), "} at column 2 closes nothing; write \\} for a brace that is seen");
  EXPECT_EQ(message("\\left( x"), "\\left at column 1 has no \\right; write \\right. where nothing shall be seen");
  EXPECT_EQ(message("x \\right)"), "\\right at column 3 has no \\left before it");
  EXPECT_EQ(message("\\left x\\right)"),
            "\\left at column 1 needs a delimiter after it: ( ) [ ] \\{ \\} | or . for none");
  EXPECT_EQ(message("a & b"), "& at column 3 stands outside a matrix; write \\& for the sign");
  EXPECT_EQ(message("a \\\\ b"), "\\\\ at column 3 stands outside a matrix; use \\begin{aligned} for several lines");
  EXPECT_EQ(
      message("\\begin{align}x\\end{align}"),
      "\\begin{align} at column 1 is not an environment that lessons know; use matrix, pmatrix, bmatrix, cases or "
      "aligned");
  EXPECT_EQ(message("\\begin{cases}x"), "\\begin{cases} at column 1 has no \\end{cases}");
  EXPECT_EQ(message("\\begin{cases}x\\end{matrix}"), "\\end at column 15 does not end \\begin{cases} at column 1");
  EXPECT_EQ(message("\\text{a\\foo}"), "\\ at column 8 cannot stand in words; end \\text{…} before it");
  EXPECT_EQ(message("5 % done"), "% at column 3 has no meaning in a formula; write \\ before it for the sign");
  EXPECT_EQ(message("x \\"), "the \\ at column 3 ends the formula; write the command after it");
  EXPECT_EQ(message("☃"), "\"☃\" at column 1 is not a character that formulas know; put words into \\text{…}");
  EXPECT_EQ(message("a\xFF"), "byte 2 of the formula is not valid UTF-8; save the file as UTF-8");
}

TEST(Formula, RefusesWhatIsTooLongOrTooDeep) {
  const auto braces = [](int depth) {
    const auto count = static_cast<std::size_t>(depth);
    return std::string(count, '{') + std::string(count, '}');
  };
  EXPECT_EQ(message(braces(max_formula_depth)), "no Error");
  EXPECT_EQ(message(braces(max_formula_depth + 1)),
            "at column 65 the formula is nested more than 64 deep; simplify it");
  EXPECT_EQ(message(std::string(max_formula_bytes, 'x')), "no Error");
  EXPECT_EQ(message(std::string(max_formula_bytes + 1, 'x')),
            "the formula has 4097 bytes; 4096 are the most, so divide it");
  EXPECT_EQ(message("\\begin{matrix}" + std::string(32, '&') + "\\end{matrix}"),
            "\\begin{matrix} at column 1 has more than 32 columns; shorten it with \\cdots");
}

std::vector<std::string> formulas_in(std::string_view markdown) {
  std::vector<std::string> found;
  for (const auto& formula : find_formulas(markdown))
    found.push_back((formula.display ? "display " : "inline ") + std::string(formula.tex));
  return found;
}

TEST(Formula, IsFoundInMarkdown) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(formulas_in("The state $h_t$ and\n\n$$\ny = Ch\n$$\n"), (Found{"inline h_t", "display \ny = Ch\n"}));
  EXPECT_EQ(formulas_in("costs $5 and $10, or \\$x"), Found{});
  EXPECT_EQ(formulas_in("`$a$` $b$ ``$`c$`` ` $d$"), (Found{"inline b", "inline d"}));
  EXPECT_EQ(formulas_in("```\n$a$\n```\n$b$\n~~~\n$c$"), Found{"inline b"});
  EXPECT_EQ(formulas_in("In code:\n\n    $a$\n\n    $b$\nand $c$"), Found{"inline c"});
  EXPECT_EQ(formulas_in("a line\n    that goes on: $a$\n\n- item\n\n    of it: $b$\n\nend\n\n\t$c$"),
            (Found{"inline a", "inline b"}))
      << "indented, but only the last is code";
  EXPECT_EQ(formulas_in("$a\n\nb$ $c$"), Found{"inline c"}) << "no blank line in a formula";
  EXPECT_EQ(formulas_in("$a \\$ b$"), Found{"inline a \\$ b"});
  EXPECT_EQ(formulas_in("$$ unclosed"), Found{});
  const std::string_view text = "ab $x$ c";
  const auto found = find_formulas(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text.substr(found[0].begin, found[0].end - found[0].begin), "$x$");
}

}  // namespace
}  // namespace statescope
