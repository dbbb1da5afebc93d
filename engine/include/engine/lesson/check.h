// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "engine/lesson/lesson.h"

namespace statescope {

/// Every mistake of the lesson in a folder, by line: what `read_lesson` finds, formulas that do not parse, scenes that
/// are refused or cannot be computed at a step's beginning, middle and end (a training or a profile is not run), truths
/// that do not fit their question. Throws Error when there is no lesson.md to read; Cancelled.
std::vector<LessonFinding> check_lesson(const std::filesystem::path& folder, const std::filesystem::path& assets,
                                        std::stop_token stop = {});

/// Writes a lesson to start from. Throws Error when the folder exists and is not empty, or cannot be written.
void write_lesson_template(const std::filesystem::path& folder);

}  // namespace statescope
