// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdio>
#include <filesystem>

#include "assets.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "engine/lesson/check.h"

namespace statescope::cli {

bool check_lesson(const std::string& folder) {
  const std::vector<LessonFinding> findings = statescope::check_lesson(folder, assets_folder(), stop_on_interrupt());
  const std::string file = (std::filesystem::path(folder) / "lesson.md").string();
  for (const LessonFinding& each : findings) std::printf("%s:%d: %s\n", file.c_str(), each.line, each.sentence.c_str());
  if (findings.empty()) std::printf("%s: no mistakes\n", file.c_str());
  return findings.empty();
}

void new_lesson(const std::string& folder) {
  write_lesson_template(folder);
  std::printf("%s: play it with statescope %s\n", folder.c_str(), folder.c_str());
}

}  // namespace statescope::cli
