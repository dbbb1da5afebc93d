// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMainWindow>
#include <filesystem>
#include <functional>

#include "frame_clock.h"
#include "model/job_thread.h"
#include "model/model_document.h"
#include "settings.h"

class QLabel;
class QMenu;
class QStackedWidget;

namespace statescope {

class CommandPalette;
class ModelWorkspace;
class NavigationRail;
class ProfileWorkspace;
class TopBar;
class TransportBar;

/// The frame: rail, top bar, workspace, inspector, transport and status. It assembles and connects; what happens inside
/// a workspace is the workspace's.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(std::filesystem::path assets);
  ~MainWindow() override;

  /// Opens what a user may drop or name: a checkpoint folder or a file in it, a scene, a text file.
  void open_path(const QString& path);
  /// What a first start shows: the bundled model reading a sample sentence.
  void open_sample();
  void save_scene_to(const QString& path);

  ModelDocument& document() { return document_; }
  ModelWorkspace& workspace() { return *workspace_; }
  ProfileWorkspace& profile() { return *profile_; }
  /// "model" or "profile", as the rail names them.
  void show_workspace(const QString& id);
  TransportBar& transport() { return *transport_; }
  FrameClock& frame_clock() { return frame_clock_; }

 protected:
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void build_frame();
  void build_actions();
  QAction* add_action(const QString& category, const QString& id, const QString& name, const QKeySequence& shortcut,
                      std::function<void()> run);
  void connect_document();
  void start_with_sample(const QString& problem);
  void show_model();
  void show_status();
  void fill_file_menu();
  void run_tool(const QString& id);

  void choose_model();
  void choose_scene();
  void choose_scene_to_save();
  void export_picture();
  void remember_opened();
  void show_conflicts();
  void toggle_theme();
  void change_text_scale(double factor);
  void fit_inspector();
  TransportBar& current_transport();
  void change_layer(int step);
  void say_error(const QString& sentence);

  Settings settings_;
  std::filesystem::path assets_;
  ModelDocument document_;
  FrameClock frame_clock_;

  NavigationRail* rail_;
  TopBar* top_bar_;
  TransportBar* transport_;
  ModelWorkspace* workspace_;
  TransportBar* profile_transport_;
  ProfileWorkspace* profile_;
  QStackedWidget *workspaces_, *inspectors_, *transports_;  // one page each per workspace, in the rail's order
  CommandPalette* palette_;
  QMenu* file_menu_;
  QLabel *status_, *device_;
  JobThread copies_;       // what goes to the clipboard and takes computing
  QString scene_path_;     // where Save writes
  QString opening_;        // what is being opened; remembered once it is there
  QString start_problem_;  // to be told once there is a picture
  bool sample_opened_ = false;
  std::vector<std::pair<QString, QAction*>> actions_;  // category, action
};

}  // namespace statescope
