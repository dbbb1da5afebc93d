// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/lesson/formula.h"

namespace statescope {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t run_length(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(text[at], at), text.size()) - at;
}

// Where the paragraph that contains `at` ends: at a line of nothing but spaces.
std::size_t paragraph_end(std::string_view text, std::size_t at) {
  for (std::size_t line = text.find('\n', at); line != text.npos; line = text.find('\n', line + 1)) {
    const std::size_t next = text.find_first_not_of(" \t\r", line + 1);
    if (next == text.npos || text[next] == '\n') return line;
  }
  return text.size();
}

// Only up to three spaces stand before `at` in its line.
bool starts_line(std::string_view text, std::size_t at) {
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return at - line <= 3 && text.substr(line, at - line).find_first_not_of(' ') == text.npos;
}

// The end of the fenced code that a run of ` or ~ at `at` opens: after a line with a run as long, or the text's end.
std::size_t fence_end(std::string_view text, std::size_t at) {
  const std::size_t length = run_length(text, at);
  for (std::size_t line = text.find('\n', at); line != text.npos; line = text.find('\n', line + 1)) {
    const std::size_t mark = text.find_first_not_of(' ', line + 1);
    if (mark == text.npos || text[mark] != text[at] || mark - line > 4) continue;
    if (run_length(text, mark) >= length) return mark + run_length(text, mark);
  }
  return text.size();
}

// The end of the code span that a run of ` at `at` opens; where it opens none, the end of the run.
std::size_t code_span_end(std::string_view text, std::size_t at) {
  const std::size_t length = run_length(text, at);
  const std::string_view paragraph = text.substr(0, paragraph_end(text, at));
  for (std::size_t i = paragraph.find('`', at + length); i != text.npos;) {
    const std::size_t found = run_length(paragraph, i);
    if (found == length) return i + length;
    i = paragraph.find('`', i + found);
  }
  return at + length;
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
  for (std::size_t i = 0; i < markdown.size();) {
    const char c = markdown[i];
    if (c == '\\') {
      i += 2;
      continue;
    }
    if ((c == '`' || c == '~') && run_length(markdown, i) >= 3 && starts_line(markdown, i)) {
      i = fence_end(markdown, i);
      continue;
    }
    if (c == '`') {
      i = code_span_end(markdown, i);
      continue;
    }
    if (c != '$') {
      ++i;
      continue;
    }
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
    if (closes) {
      const std::size_t end = close + (display ? 2 : 1);
      found.push_back({i, end, markdown.substr(begin, close - begin), display});
      i = end;
    } else {
      i = begin;
    }
  }
  return found;
}

}  // namespace statescope
