// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/page_commands.h"

#include <QCoreApplication>

#include "widgets/segmented_control.h"

namespace statescope {

std::vector<WorkspaceCommand> page_commands(const Workspace& workspace, SegmentedControl& pages) {
  const QString view = QCoreApplication::translate("PageCommands", "View");
  std::vector<WorkspaceCommand> commands;
  for (int page = 0; page < pages.count(); ++page)
    commands.push_back({view,
                        QStringLiteral("%1_%2").arg(pages.objectName()).arg(page),
                        QStringLiteral("%1: %2").arg(workspace.title(), pages.text(page)),
                        {},
                        [&pages, page] { pages.choose(page); },
                        true});
  return commands;
}

}  // namespace statescope
