// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace statescope {

class LessonStage;
struct LessonRenderOptions;

/// The whole lesson as a PDF on A4: each step with its picture and words, room to answer, and the answers on a page of
/// their own, computed now, for the numbers of `options.whose`. Throws Error.
void write_handout(LessonStage& stage, const LessonRenderOptions& options, const std::filesystem::path& assets);

}  // namespace statescope
