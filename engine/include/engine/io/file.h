// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string_view>

namespace statescope {

/// Writes beside the target and renames, so that a failure leaves what was there. Throws Error naming file and reason.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace statescope
