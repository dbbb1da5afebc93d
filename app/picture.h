// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QImage>
#include <QSize>
#include <QString>
#include <filesystem>
#include <functional>
#include <vector>

#include "widgets/theme.h"

namespace statescope {

class Workspace;

/// Draws what the workspace and its inspector show for a file; PNG, SVG or PDF by its ending. `scale` multiplies the
/// pixels of a PNG. Throws Error for another ending. The file is written by the job that comes back, which may run on
/// any thread, for compressing takes longer than drawing; it throws Error when the file cannot be written.
std::function<void()> draw_workspace_picture(Workspace& workspace, const QString& path, double scale);
/// Both at once.
void save_workspace_picture(Workspace& workspace, const QString& path, double scale);
/// The same of any widgets that lie beside each other.
void save_picture_of(const std::vector<QWidget*>& parts, const QString& path, double scale);
QImage image_of(const std::vector<QWidget*>& parts, double scale);

struct RenderOptions {
  QString scene, out;
  QSize size{1600, 1000};  // logical pixels
  double scale = 1;
};

/// `statescope render`: opens the scene in a window nobody sees, waits until it is complete, draws it in the present
/// theme. Throws Error.
void render(const RenderOptions& options, const std::filesystem::path& assets);

}  // namespace statescope
