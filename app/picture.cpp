// SPDX-License-Identifier: GPL-3.0-or-later
#include "picture.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QEventLoop>
#include <QHBoxLayout>
#include <QImage>
#include <QPainter>
#include <algorithm>

#include "engine/error.h"
#include "engine/io/file.h"
#include "engine/scene/scene.h"
#include "widgets/pdf.h"
#include "widgets/svg.h"
#include "workspace.h"

namespace statescope {
namespace {

constexpr qint64 most_pixels = 1 << 28;  // 1 GiB

// Widgets beside each other, as the window shows them.
struct Sheet {
  std::vector<QWidget*> parts;
  QSize size() const {
    QSize all(0, 0);
    for (const QWidget* part : parts) all = {all.width() + part->width(), std::max(all.height(), part->height())};
    return all;
  }
  void draw(QPainter& painter) const {
    painter.fillRect(QRect(QPoint(0, 0), size()), theme().background);
    int left = 0;
    for (QWidget* part : parts) {
      // Columns at the sides stand out; the picture lies on the ground.
      if (!qobject_cast<Workspace*>(part))
        painter.fillRect(QRect(left, 0, part->width(), size().height()), theme().surface);
      part->render(&painter, QPoint(left, 0), {}, QWidget::DrawChildren);
      left += part->width();
    }
  }
};

// Below its own size a picture is drawn whole and made smaller: widgets do not draw on less than a pixel for a pixel.
QImage pixels_of(const Sheet& sheet, double scale) {
  if (scale < 1)
    return pixels_of(sheet, 1).scaled(sheet.size() * scale, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
  const QSize pixels = sheet.size() * scale;
  QImage image;
  if (static_cast<qint64>(pixels.width()) * pixels.height() <= most_pixels)
    image = QImage(pixels, QImage::Format_RGB32);
  if (image.isNull()) throw Error("a picture of that size does not fit into memory; choose a smaller size or scale");
  image.setDevicePixelRatio(scale);
  QPainter painter(&image);
  sheet.draw(painter);
  return image;
}

QByteArray png(const QImage& image) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  image.save(&buffer, "PNG");
  return bytes;
}

std::function<void()> draw(const Sheet& sheet, const QString& path, double scale) {
  const auto write = [path = path.toStdString()](const QByteArray& bytes) {
    write_file(path, {bytes.constData(), static_cast<std::size_t>(bytes.size())});
  };
  if (path.endsWith(QLatin1String(".png"), Qt::CaseInsensitive))
    return [image = pixels_of(sheet, scale), write] { write(png(image)); };
  if (path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive))
    return [bytes = svg_of(sheet.size(), {}, [&](QPainter& painter) { sheet.draw(painter); }), write] { write(bytes); };
  if (path.endsWith(QLatin1String(".pdf"), Qt::CaseInsensitive))
    return [bytes = pdf_of(sheet.size(), {}, [&](QPainter& painter) { sheet.draw(painter); }), write] { write(bytes); };
  throw Error(path.toStdString() + ": the ending must be .png, .svg or .pdf");
}

}  // namespace

std::function<void()> draw_workspace_picture(Workspace& workspace, const QString& path, double scale) {
  if (QWidget* focus = workspace.window()->focusWidget()) focus->clearFocus();  // its ring is no part of the picture
  return draw(Sheet{{&workspace, workspace.inspector()}}, path, scale);
}

void save_workspace_picture(Workspace& workspace, const QString& path, double scale) {
  draw_workspace_picture(workspace, path, scale)();
}

void save_picture_of(const std::vector<QWidget*>& parts, const QString& path, double scale) {
  draw(Sheet{parts}, path, scale)();
}

QImage image_of(const std::vector<QWidget*>& parts, double scale) {
  return pixels_of(Sheet{parts}, scale);
}

void render(const RenderOptions& options, const std::filesystem::path& assets) {
  const Scene scene = load_scene(options.scene.toStdString());
  set_motion(false);
  QWidget stage;  // before the workspaces, which are gone when the stage deletes its children
  const auto workspaces = make_workspaces(assets);
  const auto found = std::find_if(workspaces.begin(), workspaces.end(),
                                  [&](const auto& workspace) { return workspace->shows(scene); });
  if (found == workspaces.end())
    throw Error(options.scene.toStdString() + ": no workspace shows scenes of the kind " + scene_kind(scene));
  Workspace& workspace = **found;
  workspace.set_for_export(true);
  auto* row = new QHBoxLayout(&stage);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  row->addWidget(&workspace, 1);
  row->addWidget(workspace.inspector());
  workspace.inspector()->setFixedWidth(scaled(Workspace::inspector_width));
  workspace.inspector()->show();
  stage.resize(options.size);
  stage.show();

  QEventLoop waiting;
  QString problem;
  const auto check = [&] {
    if (workspace.settled()) waiting.quit();
  };
  QObject::connect(&workspace, &Workspace::settled_changed, &waiting, check, Qt::QueuedConnection);
  QObject::connect(&workspace, &Workspace::failed, &waiting, [&](const QString& sentence) {
    problem = sentence;
    waiting.quit();
  });
  workspace.open_scene(scene, std::filesystem::absolute(options.scene.toStdString()).parent_path());
  QMetaObject::invokeMethod(&waiting, check, Qt::QueuedConnection);
  if (problem.isEmpty()) waiting.exec();
  if (!problem.isEmpty()) throw Error(problem.toStdString());
  QCoreApplication::processEvents();  // what came last finds its place
  save_workspace_picture(workspace, options.out, options.scale);
}

}  // namespace statescope
