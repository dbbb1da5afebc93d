// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoStack>
#include <filesystem>
#include <memory>
#include <vector>

#include "engine/lesson/lesson.h"
#include "lesson/progress.h"
#include "model/newest_answer.h"
#include "workspace.h"

class QGridLayout;
class QLabel;
class QLineEdit;
class QVBoxLayout;

namespace statescope {

class LessonCard;

/// The shelf of lessons: what there is, how far one has come, and whose numbers are used. It shows no scenes; a click
/// asks the window to play a lesson.
class LearnWorkspace : public Workspace {
  Q_OBJECT
 public:
  /// `lessons` holds one folder for each.
  explicit LearnWorkspace(std::filesystem::path lessons);

  void enter() override;
  bool shows(const Scene&) const override { return false; }
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override { return !shelf_.under_way(); }
  QUndoStack& undo_stack() override { return undo_stack_; }
  bool has_transport() const override { return false; }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  /// A lesson, or why it cannot be played.
  struct Entry {
    std::shared_ptr<const Lesson> lesson;
    QString folder, problem;
  };
  using Shelf = std::vector<Entry>;

  void build();
  void set_lengths();
  void read();
  void show_shelf(const Shelf& shelf);
  void arrange();
  void take_seed();
  void export_answers();

  std::filesystem::path lessons_;
  LessonProgress progress_;
  QUndoStack undo_stack_;  // stays empty: nothing here can be undone
  QVBoxLayout *column_, *side_;
  QGridLayout* grid_;
  QLabel* score_;
  QLineEdit *seed_, *name_;
  std::vector<LessonCard*> cards_;
  int columns_ = 0;
  NewestAnswer<Shelf> shelf_;
};

}  // namespace statescope
