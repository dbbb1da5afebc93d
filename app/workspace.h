// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QKeySequence>
#include <QWidget>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "engine/scene/scene.h"
#include "model/machine.h"
#include "widgets/top_bar.h"

class QFileInfo;
class QUndoStack;

namespace statescope {

class Notice;
class TransportBar;

/// Something a workspace can do, offered by the command palette and by its shortcut.
struct WorkspaceCommand {
  QString category;  // "File", "Edit", "Run" or "View"
  QString id, name;
  QKeySequence shortcut;
  std::function<void()> run;
  bool anywhere = false;  // brings its workspace to the front first; else only while that is shown
};

/// What the frame says about a workspace.
struct WorkspaceFacts {
  QString title;  // of what is open; empty: of the workspace
  std::vector<TopBarChip> chips;
  QString speed, speed_hint;  // "412 tokens/s", and of what
  QString status;             // a line at the bottom
  QString device;             // what computes, in the corner
};

/// One entry of the rail: what stands in the middle of the window, with its inspector on the right and its transport
/// below. The window, `render` and the pictures know workspaces by this class alone. Lives on the interface thread and
/// computes nothing there.
class Workspace : public QWidget {
  Q_OBJECT
 public:
  static constexpr int inspector_width = 320;  // at 100 % text size

  /// `id` names it in settings and shortcuts ("dynamics"), `title` in the rail, `icon` as in widgets/icons.h.
  Workspace(const QString& id, const QString& title, const QString& icon);

  const QString& id() const { return id_; }
  const QString& title() const { return title_; }
  const QString& icon() const { return icon_; }
  /// Children of the workspace, hidden, until somebody places them elsewhere.
  QWidget* inspector() const { return inspector_; }
  TransportBar& transport_bar() const { return *transport_; }
  /// To be placed by the workspace, on top of its column.
  Notice& notice() const { return *notice_; }
  void say_error(const QString& sentence);

  /// It comes to the front. Whatever it starts with when nobody has asked for anything has to be under way now: a
  /// workspace never stays empty.
  virtual void enter() = 0;

  virtual bool shows(const Scene& scene) const = 0;
  /// Opens a scene that it `shows`; relative paths start from `base`. Nothing changes when that fails. Answers with
  /// `opened` or `failed`, at once or later.
  virtual void open_scene(const Scene& scene, const std::filesystem::path& base) = 0;
  /// A lesson plays: shows a scene that it `shows` and that differs in some numbers from the one shown, often, and not
  /// to be undone. False while it is too busy; the caller asks again when it has settled.
  virtual bool play_scene(const Scene& scene, const std::filesystem::path& base);
  /// What is shown. Files under `folder`, where the scene is to be saved, are named from there, so that both can travel
  /// together. Throws Error while there is nothing to save.
  virtual Scene scene(const std::filesystem::path& folder) const = 0;
  /// True when all of the scene is on the screen and nothing is under way.
  virtual bool settled() const = 0;
  /// Of what is in front: pages may have histories of their own.
  virtual QUndoStack& undo_stack() = 0;
  /// Whether what it shows has a time to move in.
  virtual bool has_transport() const { return true; }
  virtual WorkspaceFacts facts() const = 0;
  virtual std::vector<WorkspaceCommand> commands() { return {}; }

  /// Files, other than scenes, and texts it takes when they are dropped or opened. It answers as `open_scene` does.
  virtual bool accepts(const QFileInfo& /*file*/) const { return false; }
  virtual void open_file(const QFileInfo& /*file*/) {}
  virtual bool accepts_text() const { return false; }
  virtual void open_text(const QString& /*text*/) {}

  /// The user clicked a fact that warns.
  virtual void explain(const QString& /*chip*/) {}
  /// For pictures: leaves out what only makes sense live.
  virtual void set_for_export(bool /*for_export*/) {}
  /// A class looks at it: leaves out what chooses what is shown, for a lesson does that and the picture needs the room.
  virtual void set_presented(bool /*presented*/) {}
  /// For measuring frames: whatever moves here by itself begins to.
  virtual void set_in_motion();

 Q_SIGNALS:
  /// What was last to be opened is there.
  void opened();
  void failed(const QString& sentence);
  /// The user chose a file here: the window is to open it as if it had been dropped.
  void open_requested(const QString& path);
  void facts_changed();
  /// `undo_stack` is another one now.
  void history_changed();
  /// `settled` may say something else now.
  void settled_changed();

 protected:
  /// Once, while the workspace is built.
  void set_inspector(QWidget* inspector);

 private:
  QString id_, title_, icon_;
  QWidget* inspector_ = nullptr;
  TransportBar* transport_;
  Notice* notice_;
};

/// Every finished workspace, in the order of the rail. What one of them needs of another it is given here.
std::vector<std::unique_ptr<Workspace>> make_workspaces(const std::filesystem::path& assets,
                                                        const Machine& machine = this_machine());

/// `path` as a scene in `folder` names it: from there when it lies under it, else as it is.
std::string path_from(const std::filesystem::path& folder, const std::string& path);

}  // namespace statescope
