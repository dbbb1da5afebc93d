// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "workspace.h"

namespace statescope {

class SegmentedControl;

/// A command for each page of a workspace, from anywhere: "Dynamics: Frequency" does what choosing Frequency in `pages`
/// does.
std::vector<WorkspaceCommand> page_commands(const Workspace& workspace, SegmentedControl& pages);

}  // namespace statescope
