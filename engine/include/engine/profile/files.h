// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/profile/profile.h"

namespace statescope {

/// Saved profiles as PROFILE.md specifies them. The text is JSON with a final newline.
std::string to_text(const Profile& profile);
/// Its parts, by the names that PROFILE.md gives; results of the kind `profile` hold the same.
nlohmann::ordered_json to_json(const Ceilings& ceilings);
nlohmann::ordered_json to_json(const MemoryUse& memory);
/// Throws Error naming `where` and the key for anything that is not a profile of this version.
Profile parse_profile(std::string_view text, const std::string& where);
Profile load_profile(const std::filesystem::path& path);

/// Trace-event JSON for Perfetto and chrome://tracing: one complete event per zone, a thread per lane.
std::string to_trace_events(const Profile& profile);
/// One line per zone under a line of column names.
std::string to_csv(const Profile& profile);

/// Writes what the name's ending says: .trace.json trace events, .json a saved profile, .csv a table. Throws Error for
/// another ending and when the file cannot be written; the file then stays as it was.
void save_profile(const Profile& profile, const std::filesystem::path& path);
/// Throws the Error that save_profile would throw for this ending, before anything is run.
void check_profile_name(const std::filesystem::path& path);

}  // namespace statescope
