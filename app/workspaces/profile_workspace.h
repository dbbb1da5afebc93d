// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoStack>
#include <array>

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
class QLabel;
class QHBoxLayout;
class QVBoxLayout;

namespace statescope {

class Button;
class DeviceChoice;
class ImGuiView;
class ModelDocument;
class ModelWorkspace;
class ProfileInspector;
class SegmentedControl;

/// The Profile workspace: where the time of a run goes, and why a scan is fast. It arranges pages and passes what the
/// user does on to the document. The model and the text are those of a scene that was opened here, until the Model
/// workspace reads something else.
class ProfileWorkspace : public Workspace {
  Q_OBJECT
 public:
  enum Tab { timeline, stages, roofline, memory, compare, theatre, sweep };

  ProfileWorkspace(ModelWorkspace& model, const std::filesystem::path& assets, const Machine& machine = this_machine());
  ~ProfileWorkspace() override;

  ProfileDocument& document() { return document_; }
  TimelinePage& timeline_page() { return timeline_; }

  /// The first look begins a run at once. Later looks keep what is there.
  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override { return !opening_ && complete(); }
  QUndoStack& undo_stack() override { return undo_stack_; }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;
  bool accepts(const QFileInfo& file) const override;
  void open_file(const QFileInfo& file) override;
  void set_for_export(bool for_export) override;
  void set_in_motion() override;
  Tab tab() const;
  void show_tab(Tab tab);
  void run();
  void export_data();

 protected:
  void hideEvent(QHideEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  class Change;
  // All that undo brings back.
  struct Look {
    Tab tab = timeline;
    std::optional<Stage> stage;
    TimeWindow window, compared;
    Recording recording, kept;
    TheatreRun theatre;  // as the controls say
    std::optional<ModelText> text;
    int position = 0;
  };
  Look look() const;
  void bring_back(const Look& look);

  void build_controls();
  void show_controls();
  void set_lengths();
  void connect_all();
  QWidget* labelled(const QString& text, QWidget* control);

  ModelText text() const;
  ProfileRun wanted_run() const;
  void start(const ProfileRun& run);
  void show_run(const ProfileRun& run);
  TheatreRun wanted_theatre() const;
  void show_theatre_run(const TheatreRun& run);
  void change_theatre();
  void begin_opening(std::int64_t cursor, TimeWindow window);
  void end_opening();
  bool complete() const;
  void offer_cpu(const QString& sentence, const ProfileRun& run);
  void choose_profile();
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

  ModelWorkspace& model_workspace_;
  ModelDocument& model_;
  QUndoStack undo_stack_;
  std::optional<ModelText> scene_text_;  // of the scene that was opened here
  TheatreRun theatre_wish_;              // what the theatre's controls say, with the scene's pairs and place
  // A scene that is being opened: what was shown before, and what is still to be set once it is there.
  struct Opening {
    Look before;
    std::int64_t cursor = 0;
    TimeWindow window;
  };
  std::shared_ptr<const Opening> opening_;
  std::optional<int> next_step_;  // of the theatre, once it is there
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
  std::array<QWidget*, 3> controls_;  // of recordings, of the theatre, of a sweep
  QComboBox *prompt_, *generate_, *precision_, *threads_, *theatre_length_, *theatre_chunk_, *sweep_range_;
  SegmentedControl* algorithm_;
  DeviceChoice* device_;
  Button *run_, *keep_, *save_, *open_, *measure_;
  QLabel* progress_;
  ImGuiView* view_;
  QVBoxLayout *column_, *notice_row_;
  QHBoxLayout* tab_row_;
  ProfileInspector* inspector_;
  std::pair<std::shared_ptr<ZoneLanes>, std::shared_ptr<const ProfileSummary>> summed_;  // what the words are about
  bool entered_ = false, for_export_ = false;
};

}  // namespace statescope
