// SPDX-License-Identifier: GPL-3.0-or-later
#include "markdown_scan.h"

#include <cctype>
#include <utility>
#include <vector>

namespace statescope {
namespace {

std::size_t run_length(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(text[at], at), text.size()) - at;
}

// The backticks or tildes that open or close fenced code in this line; none: empty.
std::string_view fence_of(std::string_view line) {
  const std::size_t mark = line.find_first_not_of(' ');
  if (mark == line.npos || mark > 3 || (line[mark] != '`' && line[mark] != '~')) return {};
  const std::size_t length = run_length(line, mark);
  return length < 3 ? std::string_view() : line.substr(mark, length);
}

// "- ", "* ", "+ ", "12. " or "12) " behind up to three spaces.
bool begins_item(std::string_view line) {
  std::size_t at = line.find_first_not_of(' ');
  if (at == line.npos || at > 3) return false;
  const std::size_t digits = at;
  while (at < line.size() && std::isdigit(static_cast<unsigned char>(line[at]))) ++at;
  const bool mark = at < line.size() && (at > digits ? line[at] == '.' || line[at] == ')'
                                                     : line[at] == '-' || line[at] == '*' || line[at] == '+');
  return mark && (at + 1 == line.size() || line[at + 1] == ' ' || line[at + 1] == '\t');
}

// Fenced and indented code as [begin, end), whole lines.
std::vector<std::pair<std::size_t, std::size_t>> code_blocks(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> blocks;
  std::string_view fence;  // that is open
  bool in_list = false;    // what is indented then belongs to an item
  bool begins = true;      // a paragraph may begin: code that is indented does not interrupt one
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size() - 1) + 1;
    const std::string_view words = text.substr(line, end - line);
    const std::size_t first = words.find_first_not_of(" \t\r\n");
    const std::string_view mark = fence_of(words);
    const bool indented = words[0] == '\t' || words.substr(0, 4) == "    ";
    if (!fence.empty()) {
      blocks.back().second = end;
      if (!mark.empty() && mark[0] == fence[0] && mark.size() >= fence.size()) fence = {};
      begins = true;
    } else if (!mark.empty()) {
      fence = mark;
      blocks.emplace_back(line, end);
    } else if (first == words.npos) {
      begins = true;
    } else if (indented && begins && !in_list) {
      blocks.emplace_back(line, end);
    } else {
      if (begins_item(words))
        in_list = true;
      else if (begins && !indented)
        in_list = words[0] == ' ' && in_list;
      begins = false;
    }
    line = end;
  }
  return blocks;
}

// The end of the code span that a run of ` at `at` opens in text that ends with its paragraph; where it opens none, the
// end of the run.
std::size_t code_span_end(std::string_view paragraph, std::size_t at) {
  const std::size_t length = run_length(paragraph, at);
  for (std::size_t i = paragraph.find('`', at + length); i != paragraph.npos;) {
    const std::size_t found = run_length(paragraph, i);
    if (found == length) return i + length;
    i = paragraph.find('`', i + found);
  }
  return at + length;
}

}  // namespace

std::size_t paragraph_end(std::string_view text, std::size_t at) {
  for (std::size_t line = text.find('\n', at); line != text.npos; line = text.find('\n', line + 1)) {
    const std::size_t next = text.find_first_not_of(" \t\r", line + 1);
    if (next == text.npos || text[next] == '\n') return line;
  }
  return text.size();
}

void scan_markdown(std::string_view text, const std::function<std::size_t(std::size_t)>& at) {
  const auto blocks = code_blocks(text);
  auto block = blocks.begin();
  std::size_t paragraph = 0;  // its end, once known
  for (std::size_t i = 0; i < text.size();) {
    while (block != blocks.end() && block->second <= i) ++block;
    if (block != blocks.end() && block->first <= i)
      i = block->second;
    else if (text[i] == '\\')
      i += 2;
    else if (text[i] != '`')
      i = at(i);
    else {
      if (paragraph <= i) paragraph = paragraph_end(text, i);
      i = code_span_end(text.substr(0, paragraph), i);
    }
  }
}

}  // namespace statescope
