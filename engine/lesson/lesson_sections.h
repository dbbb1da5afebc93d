// SPDX-License-Identifier: GPL-3.0-or-later
// A lesson's text taken apart: its steps, their prose and their blocks, each with its line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lesson_text.h"

namespace statescope {

/// A fenced block that only Statescope reads.
struct LessonBlock {
  int line = 0;                 // of its first backticks
  std::string_view word, rest;  // after them: its name, and what follows that
  std::vector<LessonLine> lines;

  std::string text() const;
  /// The line of a byte of `text()`.
  int line_at(std::size_t byte) const;
};

/// A step as it is written.
struct LessonSection {
  int line = 0;
  std::string_view title;
  std::string prose;   // with listings; an empty line for each line of a block
  int prose_line = 0;  // of its first line
  std::vector<LessonBlock> blocks;

  const LessonBlock* block(std::string_view word) const;  // null: there is none
};

/// Whether a step begins here, as it should ("## Title") or nearly so.
bool is_title(std::string_view line);

/// The steps in the lines from `at` on. What is wrong is a finding, and read as it was meant.
std::vector<LessonSection> sections_of(const std::vector<LessonLine>& lines, std::size_t at, LessonFindings& findings);

}  // namespace statescope
