// SPDX-License-Identifier: GPL-3.0-or-later
// What reads the parts of a lesson. Mistakes become findings.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "lesson_sections.h"

namespace statescope {

/// Answers with the place of the first line behind the front matter.
std::size_t read_front(const std::vector<LessonLine>& lines, Lesson& lesson, LessonFindings& findings);

/// Nothing when there was a finding. Changes to scenes name nothing outside `folder`.
std::optional<LessonQuestion> read_question(const LessonBlock& block, const std::filesystem::path& folder,
                                            LessonFindings& findings);

}  // namespace statescope
