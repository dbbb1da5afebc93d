// SPDX-License-Identifier: GPL-3.0-or-later
// What the main window opens, saves and exports.
#include <QCoreApplication>
#include <QDropEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QMimeData>
#include <QPointer>
#include <algorithm>

#include "engine/error.h"
#include "lesson/lesson_guide.h"
#include "main_window.h"
#include "model/sentence.h"
#include "picture.h"
#include "widgets/notice.h"
#include "workspace.h"

namespace statescope {
namespace {

bool is_inside(const std::filesystem::path& file, const std::filesystem::path& folder) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(file, ignored);
  const auto outer = std::filesystem::weakly_canonical(folder, ignored);
  return std::mismatch(outer.begin(), outer.end(), whole.begin(), whole.end()).first == outer.end();
}

// Of a file that no workspace takes for its own.
Scene scene_in(const QFileInfo& file) {
  const std::string path = file.filePath().toStdString();
  try {
    return load_scene(path);
  } catch (const Error&) {
    if (file.suffix().toLower() == QLatin1String("json") || !file.isReadable()) throw;
    throw Error(path +
                " is nothing that can be opened; choose a checkpoint folder, a lesson, a scene (.json), a text "
                "(.txt), a WAV or a CSV file");
  }
}

}  // namespace

void MainWindow::open_path(const QString& path) {
  const QFileInfo file(path);
  try {
    if (!file.exists()) throw Error(path.toStdString() + " does not exist; check the path");
    if (file.fileName() == QLatin1String("lesson.md") || QFileInfo::exists(path + QStringLiteral("/lesson.md")))
      return lesson_->open((file.isDir() ? file.absoluteFilePath() : file.absolutePath()).toStdString());
    Place* place = place_for([&](const Workspace& workspace) { return workspace.accepts(file); });
    std::optional<Scene> scene;
    if (!place) {
      scene = scene_in(file);
      place = place_for([&](const Workspace& workspace) { return workspace.shows(*scene); });
      if (!place) throw Error(path.toStdString() + ": no workspace shows scenes of the kind " + scene_kind(*scene));
    }
    bring_forward(*place);
    place->opening = file.absoluteFilePath();
    if (scene)
      place->workspace->open_scene(*scene, file.absolutePath().toStdString());
    else
      place->workspace->open_file(file);
  } catch (const Error& error) {
    current().say_error(QString::fromUtf8(error.what()));
    current().enter();  // something is to be seen
  }
}

// Only what could be opened is listed as recent, and only then does Save write to it. What comes with Statescope stays
// as it is: saving that asks for a place.
void MainWindow::remember_opened(Place& place) {
  if (place.opening.isEmpty()) return;
  settings_.add_recent(place.opening);
  if (!place.workspace->accepts(QFileInfo(place.opening)))
    place.scene_path = is_inside(place.opening.toStdString(), assets_) ? QString() : place.opening;
  place.opening.clear();
}

// Dialogs belong to the workspace that is shown: it carries the style sheet (make_style_root), the window does not.
void MainWindow::choose_scene() {
  const QString path = QFileDialog::getOpenFileName(&current(), tr("Open a scene"), {}, tr("Scenes (*.json)"));
  if (!path.isEmpty()) open_path(path);
}

void MainWindow::choose_scene_to_save() {
  const QString path = QFileDialog::getSaveFileName(&current(), tr("Save the scene"), QStringLiteral("scene.json"),
                                                    tr("Scenes (*.json)"));
  if (!path.isEmpty()) save_scene_to(path);
}

void MainWindow::save_scene_to(const QString& path) {
  Place& place = current_place();
  try {
    save_scene(place.workspace->scene(QFileInfo(path).absolutePath().toStdString()), path.toStdString());
    place.scene_path = path;
    settings_.add_recent(path);
    place.workspace->notice().show_message(Notice::Kind::info, tr("Saved %1").arg(QFileInfo(path).fileName()));
  } catch (const Error& error) {
    place.workspace->say_error(QString::fromUtf8(error.what()));
  }
}

void MainWindow::export_picture() {
  const QString path = QFileDialog::getSaveFileName(
      &current(), tr("Export a picture"), QStringLiteral("statescope.png"), tr("Pictures (*.png *.svg *.pdf)"));
  if (path.isEmpty()) return;
  Workspace& shown = current();
  // Neither the last message nor the ring of the focus is part of a picture; both are there again afterwards.
  const bool told = shown.notice().isVisible();
  const QPointer<QWidget> focus = shown.window()->focusWidget();
  shown.notice().setHidden(true);
  shown.set_for_export(true);
  QCoreApplication::sendPostedEvents(nullptr, QEvent::LayoutRequest);
  try {
    const QString saved = tr("Saved %1").arg(QFileInfo(path).fileName());
    pictures_.start([&shown, saved, write = draw_workspace_picture(shown, path, 2.0)](std::stop_token) {
      QString problem;
      try {
        write();
      } catch (const std::exception& error) {
        problem = sentence_of(error);
      }
      QMetaObject::invokeMethod(
          &shown,
          [&shown, problem, saved] {
            problem.isEmpty() ? shown.notice().show_message(Notice::Kind::info, saved) : shown.say_error(problem);
          },
          Qt::QueuedConnection);
    });
  } catch (const Error& error) {
    shown.say_error(QString::fromUtf8(error.what()));
  }
  shown.set_for_export(false);
  shown.notice().setVisible(told);
  if (focus) focus->setFocus(Qt::OtherFocusReason);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() || event->mimeData()->hasText()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (!urls.isEmpty() && urls.first().isLocalFile()) {
    open_path(urls.first().toLocalFile());
  } else if (Place* place = place_for([](const Workspace& workspace) { return workspace.accepts_text(); });
             place && event->mimeData()->hasText()) {
    bring_forward(*place);
    place->workspace->open_text(event->mimeData()->text());
  }
  event->acceptProposedAction();
}

}  // namespace statescope
