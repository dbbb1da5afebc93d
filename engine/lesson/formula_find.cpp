// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/lesson/formula.h"
#include "markdown_scan.h"

namespace statescope {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The first dollar from `at` on that no backslash stands before, up to `end`.
std::size_t next_dollar(std::string_view text, std::size_t at, std::size_t end) {
  for (; at < end; ++at) {
    if (text[at] == '$') return at;
    if (text[at] == '\\') ++at;
  }
  return text.npos;
}

}  // namespace

std::vector<EmbeddedFormula> find_formulas(std::string_view markdown) {
  std::vector<EmbeddedFormula> found;
  std::size_t paragraph = 0;  // its end, once known
  scan_markdown(markdown, [&](std::size_t i) {
    if (markdown[i] != '$') return i + 1;
    if (paragraph <= i) paragraph = paragraph_end(markdown, i);
    const bool display = i + 1 < markdown.size() && markdown[i + 1] == '$';
    const std::size_t begin = i + (display ? 2 : 1);
    const std::size_t close = next_dollar(markdown, begin, paragraph);
    bool closes = close != markdown.npos && close > begin;
    if (closes && display) closes = close + 1 < markdown.size() && markdown[close + 1] == '$';
    if (closes && !display) {
      const bool digit_after = close + 1 < markdown.size() && markdown[close + 1] >= '0' && markdown[close + 1] <= '9';
      closes = !is_space(markdown[begin]) && !is_space(markdown[close - 1]) && !digit_after;
    }
    if (!closes) return begin;
    const std::size_t end = close + (display ? 2 : 1);
    found.push_back({i, end, markdown.substr(begin, close - begin), display});
    return end;
  });
  return found;
}

}  // namespace statescope
