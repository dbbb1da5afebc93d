// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson_sections.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "engine/io/utf8.h"

namespace statescope {
namespace {

constexpr std::size_t max_steps = 200, max_lines_of_block = 1000;
constexpr std::string_view listings[] = {"text", "python", "cpp", "json"};
constexpr std::string_view blocks[] = {"scene", "alt", "cues", "vary", "question", "notes"};

bool is_listing(std::string_view word) {
  return std::find(std::begin(listings), std::end(listings), word) != std::end(listings);
}

// Three or more backticks or tildes, which begin or end a block.
struct Fence {
  std::string_view marks, rest;
  bool in_first_column;
};
std::optional<Fence> fence_of(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty() || (text[0] != '`' && text[0] != '~')) return {};
  const std::size_t length = std::min(text.find_first_not_of(text[0]), text.size());
  if (length < 3) return {};
  const std::string_view rest = trimmed(text.substr(length));
  if (text[0] == '`' && rest.find('`') != rest.npos) return {};  // code in a line
  return Fence{text.substr(0, length), rest, line[0] == text[0]};
}

class Splitter {
 public:
  Splitter(const std::vector<LessonLine>& lines, LessonFindings& findings) : lines_(lines), findings_(findings) {}

  std::vector<LessonSection> split(std::size_t at) {
    bool lost = false;  // text in front of the first step was found
    for (; at < lines_.size(); ++at) {
      const auto& [number, line] = lines_[at];
      if (is_title(line)) {
        if (sections_.size() == max_steps) {
          findings_.add(number, "a lesson has at most 200 steps");
          break;
        }
        begin(lines_[at]);
      } else if (!sections_.empty()) {
        if (const auto fence = fence_of(line))
          at = read_block(at, *fence);
        else
          add_prose(line);
      } else if (!trimmed(line).empty() && !std::exchange(lost, true)) {
        findings_.add(number, "this stands before the first step; a step begins with \"## \" and its title");
      }
    }
    if (sections_.empty()) findings_.add(1, "the lesson has no steps; a step begins with \"## \" and its title");
    return std::move(sections_);
  }

 private:
  void begin(const LessonLine& line) {
    LessonSection& section = sections_.emplace_back();
    section.line = line.number;
    section.prose_line = line.number + 1;
    section.title = trimmed(trimmed(line.text).substr(2));
    if (line.text.rfind("##", 0) != 0 || (line.text.size() > 2 && line.text[2] != ' '))
      findings_.add(line.number, "a step begins with \"## \", a blank after the signs and none before them");
    if (section.title.empty()) findings_.add(line.number, "the step has no title");
  }

  void add_prose(std::string_view line) { sections_.back().prose += std::string(line) + "\n"; }

  // Answers with the place of the block's last line.
  std::size_t read_block(std::size_t at, const Fence& fence) {
    LessonBlock block;
    block.line = lines_[at].number;
    std::tie(block.word, block.rest) = split_word(fence.rest);
    if (fence.marks != "```" || !fence.in_first_column)
      findings_.add(block.line, "a block begins in the first column with three backticks");
    const bool listing = is_listing(block.word);
    std::size_t end = at + 1;
    bool ended = false;
    for (; end < lines_.size(); ++end) {
      const std::string_view line = lines_[end].text;
      const auto other = fence_of(line);
      const bool same = other && other->marks[0] == fence.marks[0];
      ended = same && other->rest.empty() && other->marks.size() >= fence.marks.size();
      if (ended) break;
      if ((same && !other->rest.empty()) || (!listing && is_title(line))) {
        findings_.add(block.line, "this block has no end before line " + std::to_string(lines_[end].number) +
                                      "; it ends with three backticks");
        break;
      }
      block.lines.push_back(lines_[end]);
    }
    if (end == lines_.size() && !block.word.empty())
      findings_.add(block.line, "this block does not end; it ends with three backticks");
    add_prose(listing ? "```" : "");
    for (const LessonLine& each : block.lines) add_prose(listing ? each.text : "");
    if (ended || listing) add_prose(listing ? "```" : "");
    if (!listing) keep(std::move(block));
    return ended ? end : end - 1;
  }

  void keep(LessonBlock block) {
    LessonSection& section = sections_.back();
    const std::string name = in_quotes(block.word);
    if (block.word.empty()) {
      findings_.add(block.line, "this block has no name; what is shown as it is, is text, python, cpp or json");
    } else if (std::find(std::begin(blocks), std::end(blocks), block.word) == std::end(blocks)) {
      findings_.add(block.line, "there is no block " + name +
                                    "; there are scene, alt, cues, vary, question and notes, and text, python, cpp "
                                    "and json for what is shown as it is");
    } else if (block.lines.size() > max_lines_of_block) {
      findings_.add(block.line, "a block has at most 1,000 lines");
    } else if (section.block(block.word)) {
      findings_.add(block.line, "a step has one block " + name + " at most");
    } else {
      if (block.word != "scene" && !block.rest.empty())
        findings_.add(block.line, "nothing follows the name " + name + "; what the block says begins in the next line");
      section.blocks.push_back(std::move(block));
    }
  }

  const std::vector<LessonLine>& lines_;
  LessonFindings& findings_;
  std::vector<LessonSection> sections_;
};

}  // namespace

std::string LessonBlock::text() const {
  std::string all;
  for (const LessonLine& each : lines) all += std::string(each.text) + "\n";
  return all;
}

int LessonBlock::line_at(std::size_t byte) const {
  std::size_t end = 0;
  for (const LessonLine& each : lines)
    if (end += each.text.size() + 1; byte < end) return each.number;
  return lines.empty() ? line : lines.back().number;
}

const LessonBlock* LessonSection::block(std::string_view word) const {
  const auto found = std::find_if(blocks.begin(), blocks.end(), [&](const auto& each) { return each.word == word; });
  return found == blocks.end() ? nullptr : &*found;
}

bool is_title(std::string_view line) {
  const std::string_view text = trimmed(line);
  return line.find_first_not_of(' ') <= 3 && text.rfind("##", 0) == 0 && (text.size() == 2 || text[2] != '#');
}

std::vector<LessonSection> sections_of(const std::vector<LessonLine>& lines, std::size_t at, LessonFindings& findings) {
  return Splitter(lines, findings).split(at);
}

}  // namespace statescope
