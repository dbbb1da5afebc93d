// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace statescope {

/// The folder with the bundled models and scenes: share/statescope beside an installed program, else the source tree.
std::filesystem::path assets_folder();

}  // namespace statescope
