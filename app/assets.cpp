// SPDX-License-Identifier: GPL-3.0-or-later
#include "assets.h"

namespace statescope {

std::filesystem::path assets_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path installed = program.parent_path().parent_path() / "share" / "statescope";
  if (!error && std::filesystem::is_directory(installed, error)) return installed;
  return STATESCOPE_SOURCE_ASSETS;
}

std::filesystem::path lessons_folder(const std::filesystem::path& assets) {
  std::error_code error;
  const std::filesystem::path installed = assets / "lessons";
  return std::filesystem::is_directory(installed, error) ? installed : assets.parent_path() / "lessons";
}

}  // namespace statescope
