// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace statescope {

class JobThread;
class Workspace;

/// Asks for a file and writes what `compute` gives for the scene of the workspace into it, on `thread`; the workspace
/// says when it is there, or why not.
void export_numbers(Workspace& workspace, JobThread& thread, const std::filesystem::path& assets);

}  // namespace statescope
