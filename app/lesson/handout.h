// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <filesystem>

namespace statescope {

class LessonStage;

/// The whole lesson as a PDF on A4: each step with its picture and words, room to answer, and the answers on a page of
/// their own, computed now. Throws Error.
void write_handout(LessonStage& stage, const QString& path, const std::filesystem::path& assets);

}  // namespace statescope
