// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/lesson/expression.h"
#include "engine/lesson/lesson.h"

namespace statescope {

/// A number in a Markdown text, `{{EXPRESSION}}`: `text.substr(begin, end - begin)` with its braces.
struct EmbeddedNumber {
  std::size_t begin, end;
  std::string_view expression;
};

/// The numbers of a Markdown text, in order; none in code. One that does not end in its line is all the rest of it.
std::vector<EmbeddedNumber> find_numbers(std::string_view markdown);

/// How a number stands in a text: whole ones whole, others with three digits that count, such as "12.5"; very large and
/// small ones as "2.5 × 10⁻⁶", in TeX where they stand `in_formula`.
std::string number_text(double value, bool in_formula);

/// The text with its numbers. Throws Error for the first that is not one finite number.
std::string with_numbers(std::string_view markdown, const ExpressionNames& names);

/// The step with the numbers of its scene at second 0 in prose, alt, notes, question and options; its `why` says
/// numbers of the answer and stays (`LessonTruth::why`). Throws Error.
LessonStep with_numbers(LessonStep step, const LessonSeed& whose = {});

}  // namespace statescope
