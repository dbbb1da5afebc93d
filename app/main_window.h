// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMainWindow>
#include <QUndoGroup>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "frame_clock.h"
#include "model/job_thread.h"
#include "model/machine.h"
#include "paint_threads.h"
#include "settings.h"

class QLabel;
class QMenu;
class QStackedWidget;

namespace statescope {

class CommandPalette;
class LessonExport;
class LessonGuide;
class NavigationRail;
class Presentation;
class TopBar;
class Workspace;

/// The frame: rail, top bar, workspace, inspector, transport and status. It assembles and connects; what happens inside
/// a workspace is the workspace's.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(const std::filesystem::path& assets, const Machine& machine = this_machine());
  ~MainWindow() override;

  /// Opens what a user may drop or name: a scene, or a file that one of the workspaces takes.
  void open_path(const QString& path);
  /// What a start without a path shows: the workspace that was last in front, alive.
  void start();
  void save_scene_to(const QString& path);

  /// A lesson beside the workspaces that it drives.
  LessonGuide& lesson() { return *lesson_; }
  Presentation& presentation() { return *presentation_; }
  LessonExport& lesson_export() { return *lesson_export_; }

  /// By the id that the rail, the settings and scenes of its kinds know it by; null where there is none.
  Workspace* workspace(const QString& id) const;
  Workspace& current() const;
  void show_workspace(const QString& id);
  FrameClock& frame_clock() { return frame_clock_; }

 protected:
  bool event(QEvent* event) override;
  bool eventFilter(QObject* object, QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  // A workspace in the window.
  struct Place {
    Workspace* workspace;
    QString opening;                 // what is being opened; remembered once it is there
    QString scene_path;              // where Save writes
    std::vector<QAction*> commands;  // that only make sense while it is in front
  };

  void build_frame(const Machine& machine);
  void connect_workspace(Place& place);
  void build_actions();
  void build_lesson();
  void build_lesson_actions();
  void show_lesson(bool shown);
  QAction* add_action(const QString& category, const QString& id, const QString& name, const QKeySequence& shortcut,
                      std::function<void()> run);
  Place& current_place();
  void bring_forward(Place& place);
  void show_history();
  void show_facts();
  void fill_file_menu();
  void run_tool(const QString& id);

  Place* place_for(const std::function<bool(const Workspace&)>& takes);
  void choose_scene();
  void choose_scene_to_save();
  void export_picture();
  void remember_opened(Place& place);
  void toggle_theme();
  void change_text_scale(double factor);
  void fit_inspector();
  void fit_status();

  std::filesystem::path assets_;
  Settings settings_;
  FrameClock frame_clock_;
  PaintThreads paint_threads_;
  QUndoGroup undo_;
  std::vector<Place> places_;  // in the order of the rail; complete before anything points into it

  std::unique_ptr<LessonGuide> lesson_;
  std::unique_ptr<Presentation> presentation_;
  std::unique_ptr<LessonExport> lesson_export_;
  std::vector<QAction*> lesson_actions_;  // that only make sense while one is open
  bool controls_wanted_ = false;          // beside a lesson, where there is little room
  NavigationRail* rail_;
  TopBar* top_bar_;
  QStackedWidget *workspaces_, *inspectors_, *transports_;  // one page each per workspace, in the rail's order
  CommandPalette* palette_;
  QMenu* file_menu_;
  QLabel *status_, *device_;
  QString said_;                                       // all of what the status line says
  std::vector<std::pair<QString, QAction*>> actions_;  // category, action
  JobThread pictures_;                                 // writes them
};

}  // namespace statescope
