// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace statescope {

/// The folder with the bundled models and scenes: share/statescope beside an installed program, else the source tree.
std::filesystem::path assets_folder();
/// The folder with the lessons: in the assets of an installed program, beside them in the source tree.
std::filesystem::path lessons_folder(const std::filesystem::path& assets);

}  // namespace statescope
