// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoStack>

#include "model/profile_document.h"
#include "widgets/profile/compare_page.h"
#include "widgets/profile/memory_page.h"
#include "widgets/profile/roofline_page.h"
#include "widgets/profile/stages_page.h"
#include "widgets/profile/sweep_page.h"
#include "widgets/profile/theatre_page.h"
#include "widgets/profile/timeline_page.h"
#include "workspace.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QStackedWidget;
class QVBoxLayout;

namespace statescope {

class Button;
class ImGuiView;
class ModelDocument;
class ModelWorkspace;
class SegmentedControl;

/// The Profile workspace: where the time of a run goes, and why a scan is fast. It arranges pages and passes what the
/// user does on to the document; the model and the text are those of the Model workspace.
class ProfileWorkspace : public Workspace {
  Q_OBJECT
 public:
  enum Tab { timeline, stages, roofline, memory, compare, theatre, sweep };

  explicit ProfileWorkspace(ModelWorkspace& model);
  ~ProfileWorkspace() override;

  ProfileDocument& document() { return document_; }
  ImGuiView& view() const { return *view_; }
  TimelinePage& timeline_page() { return timeline_; }

  /// The first look begins a run at once. Later looks keep what is there.
  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override;
  QUndoStack& undo_stack() override { return undo_stack_; }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;

  Tab tab() const;
  void show_tab(Tab tab);
  void run();
  void export_data();
  void open_profile();

 protected:
  void hideEvent(QHideEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  void build_controls();
  void build_inspector();
  void set_lengths();
  void connect_all();
  QWidget* labelled(const QString& text, QWidget* control);

  void show_recording();
  void show_kept();
  void show_theatre();
  void show_step();
  void show_sweep();
  void show_work();
  void show_selection();
  void fit_transport();
  void play_theatre();
  void start_sweep();
  bool living() const;

  ModelWorkspace& model_workspace_;  // whose model and text are run
  ModelDocument& model_;
  QUndoStack undo_stack_;
  ProfileDocument document_;
  ProfileSelection selection_;
  TimelinePage timeline_{selection_};
  StagesPage stages_{selection_};
  RooflinePage roofline_{selection_};
  MemoryPage memory_;
  ComparePage compare_{selection_};
  TheatrePage theatre_;
  SweepPage sweep_;

  SegmentedControl* tabs_;
  QStackedWidget* controls_;
  QComboBox *prompt_, *generate_, *precision_, *threads_, *theatre_length_, *theatre_chunk_, *sweep_range_;
  SegmentedControl* algorithm_;
  Button *run_, *keep_, *save_, *open_, *measure_;
  QLabel* progress_;
  ImGuiView* view_;
  QVBoxLayout *column_, *inspector_column_;
  QLabel *facts_title_, *facts_, *shares_title_, *shares_, *bound_title_, *bound_;
  bool entered_ = false;
};

}  // namespace statescope
