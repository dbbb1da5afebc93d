// SPDX-License-Identifier: GPL-3.0-or-later
// Where files are written that take the place of others.
#pragma once

#include <filesystem>

namespace statescope {

/// Something that is there and is no file that could be replaced: a terminal, a pipe, /dev/null.
bool is_device_or_pipe(const std::filesystem::path& path);
/// What writing to `path` replaces: the file that a link leads to, so that the link stays.
std::filesystem::path file_behind(const std::filesystem::path& path);

}  // namespace statescope
