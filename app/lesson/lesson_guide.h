// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFileSystemWatcher>
#include <QObject>
#include <QTimer>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "lesson/lesson_panel.h"
#include "lesson/player.h"
#include "lesson/progress.h"
#include "model/newest_answer.h"

class QKeyEvent;

namespace statescope {

class Workspace;

/// Plays a lesson in the real window: opens its scenes in the workspaces, asks the engine what is right, remembers how
/// far somebody came, and follows the file while a teacher writes it. Lives on the interface thread.
class LessonGuide : public QObject {
  Q_OBJECT
 public:
  /// `stage` brings the workspace that shows a scene to the front, and answers with it; null where none does.
  using Stage = std::function<Workspace*(const Scene&)>;
  /// `whose`: for pictures, with these numbers and nothing remembered.
  LessonGuide(std::filesystem::path assets, Stage stage, std::optional<LessonSeed> whose = {});

  LessonPanel& panel() { return *panel_; }
  LessonPlayer& player() { return player_; }
  LessonProgress& progress() { return progress_; }
  bool active() const { return player_.lesson() != nullptr; }
  /// True when the picture of the step is complete and nothing is under way.
  bool settled() const;
  /// How the transport bar of the step names a place of its cursor.
  QString place_name(int place) const;
  /// How many places it has, and how many seconds each is long; 0 where they are only counted.
  std::pair<int, double> extent() const;

  /// What stands in the way of the step; empty where nothing does.
  QString problem() const { return panel_->problem(); }

  /// Answers with `opened` or `failed`. Without a `step` it goes on where it was left.
  void open(const std::filesystem::path& folder, std::optional<int> step = {});
  void close();
  /// Gives the right answer to the step's question; for pictures.
  void reveal();
  /// Shows what the lesson shows, after somebody went their own way.
  void return_to_lesson();
  /// The window shows this workspace now.
  void shown(Workspace* workspace);

 Q_SIGNALS:
  void opened();
  void failed(const QString& sentence);
  void closed();
  void presentation_requested();
  void settled_changed();

 private:
  void take(const std::shared_ptr<const Lesson>& lesson);
  void show_step();
  void show_scene(const Scene& scene);
  void show_time();
  void workspace_opened();
  void look_whether_left();
  void answer(const std::optional<LessonAnswer>& given);
  void show_place();
  void watch();
  void reach(int step);
  LessonSeed seed() const { return whose_ ? *whose_ : progress_.seed(); }

  std::filesystem::path assets_;
  Stage stage_;
  std::optional<LessonSeed> whose_;
  LessonPlayer player_;
  LessonProgress progress_;
  LessonPanel* panel_;  // the window owns it
  std::map<int, LessonReply> replies_;
  std::optional<int> wanted_step_;
  Workspace* workspace_ = nullptr;  // that shows the step
  std::optional<Scene> scene_;      // that it was last asked to show
  bool opening_ = false, left_ = false, again_ = false, start_playing_ = false;
  bool cued_ = false;  // a cue's change is under way
  int undo_index_ = 0;
  QFileSystemWatcher files_;
  QTimer reload_;
  NewestAnswer<std::shared_ptr<const Lesson>> lessons_;
  NewestAnswer<std::optional<LessonReply>> replies_asked_;
};

}  // namespace statescope
