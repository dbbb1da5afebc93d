// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <sstream>

#include "assets.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "engine/lesson/check.h"

namespace statescope::cli {

bool check_lesson(const std::string& folder) {
  const std::filesystem::path named = folder;
  const std::filesystem::path whole = named.filename() == "lesson.md" ? named.parent_path() : named;
  const std::vector<LessonFinding> findings = statescope::check_lesson(whole, assets_folder(), stop_on_interrupt());
  const std::string file = (whole / "lesson.md").string();
  for (const LessonFinding& each : findings)
    std::printf("%s:%d: %s%s\n", file.c_str(), each.line, each.note ? "note: " : "", each.sentence.c_str());
  const bool sound = std::all_of(findings.begin(), findings.end(), [](const LessonFinding& each) { return each.note; });
  if (sound) std::printf("%s: no mistakes\n", file.c_str());
  return sound;
}

void new_lesson(const std::string& folder) {
  write_lesson_template(folder);
  const bool plain = folder.find_first_of(" \t'\"\\$&;|<>()*?") == std::string::npos;
  const std::string path = plain ? folder : (std::ostringstream() << std::quoted(folder)).str();
  std::printf("%s: play it with statescope %s\n", folder.c_str(), path.c_str());
}

}  // namespace statescope::cli
