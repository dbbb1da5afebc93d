// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/export_numbers.h"

#include <QFileDialog>

#include "engine/error.h"
#include "engine/experiments/compute.h"
#include "engine/io/file.h"
#include "model/job_thread.h"
#include "model/sentence.h"
#include "widgets/notice.h"
#include "workspace.h"

namespace statescope {

void export_numbers(Workspace& workspace, JobThread& thread, const std::filesystem::path& assets) {
  const QString path =
      QFileDialog::getSaveFileName(&workspace, Workspace::tr("Export the numbers"),
                                   workspace.id() + QStringLiteral(".json"), Workspace::tr("Numbers (*.json)"));
  if (path.isEmpty()) return;
  thread.start([&workspace, path = path.toStdString(), scene = workspace.scene({}), assets](std::stop_token stop) {
    QString problem;
    try {
      write_file(path, compute(scene, {}, assets, stop).dump() + "\n");
    } catch (const Cancelled&) {
      return;
    } catch (const std::exception& error) {
      problem = sentence_of(error);
    }
    QMetaObject::invokeMethod(
        &workspace,
        [&workspace, path, problem] {
          if (!problem.isEmpty()) return workspace.say_error(problem);
          workspace.notice().show_message(Notice::Kind::info,
                                          Workspace::tr("Saved %1").arg(QString::fromStdString(path)));
        },
        Qt::QueuedConnection);
  });
}

}  // namespace statescope
