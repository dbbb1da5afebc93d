// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of a lesson's text, read one at a time.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "engine/lesson/lesson.h"

namespace statescope {

inline constexpr std::size_t max_lesson_bytes = 1 << 20;

/// Without blanks at both ends; of `trimmed_text` without empty lines, too.
std::string_view trimmed(std::string_view text);
std::string trimmed_text(std::string_view text);
/// The first word, and what follows it.
std::pair<std::string_view, std::string_view> split_word(std::string_view text);

struct LessonLine {
  int number = 0;         // from 1
  std::string_view text;  // without the end of line
};
std::vector<LessonLine> lines_of(std::string_view text);

/// What LESSON.md says of one line. They throw Error.
double number_of(std::string_view text);
LessonCue cue_of(std::string_view line);
LessonVariation variation_of(std::string_view line);

}  // namespace statescope
