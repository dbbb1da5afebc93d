// SPDX-License-Identifier: GPL-3.0-or-later
#include "markdown_check.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/lesson/formula.h"
#include "engine/lesson/numbers.h"
#include "markdown_scan.h"

namespace statescope {
namespace {

// The text with 1 in place of its numbers, each filled up to its length: places stay where they are.
std::string with_ones(std::string_view markdown) {
  std::string text(markdown);
  for (const EmbeddedNumber& each : find_numbers(markdown)) {
    const std::size_t length = each.end - each.begin;  // at least that of "{{"
    text.replace(each.begin, length, "{" + std::string(length - 2, '1') + "}");
  }
  return text;
}

bool begins_line(std::string_view text, std::size_t at) {
  const std::size_t before = text.substr(0, at).find_last_not_of(' ');
  return before == text.npos || text[before] == '\n';
}

// The row |---|---| below the head of a table.
bool is_table_rule(std::string_view text, std::size_t at) {
  const std::string_view rule = text.substr(at, text.find('\n', at) - at);
  return rule.find_first_not_of("|-: \t\r") == rule.npos && rule.find("--") != rule.npos && begins_line(text, at);
}

}  // namespace

std::vector<MarkdownMistake> markdown_mistakes(std::string_view markdown) {
  std::vector<MarkdownMistake> mistakes;
  const std::string text = with_ones(markdown);
  const auto formulas = find_formulas(text);
  auto formula = formulas.begin();
  scan_markdown(text, [&](std::size_t i) {
    if (formula != formulas.end() && formula->begin == i) {
      const std::string quoted = in_quotes(formula->tex, 60);
      try {
        if (parse_formula(formula->tex).empty()) mistakes.push_back({i, "this formula is empty"});
      } catch (const Error& error) {
        mistakes.push_back({i, "the formula " + quoted + ": " + error.what()});
      }
      return formula++->end;
    }
    if (text[i] == '$') {
      mistakes.push_back(
          {i, "this dollar begins or ends no formula; write \\$ for the sign, and no blanks inside $…$"});
      return std::min(text.find_first_not_of('$', i), text.size());
    }
    if (text.compare(i, 2, "![") == 0)
      mistakes.push_back({i, "images are not shown; the picture of a step is its scene"});
    if (text[i] == '|' && is_table_rule(text, i)) mistakes.push_back({i, "tables are not shown; write a list"});
    return i + 1;
  });
  return mistakes;
}

}  // namespace statescope
