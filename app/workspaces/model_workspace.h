// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>
#include <optional>

#include "model/job_thread.h"
#include "model/model_document.h"
#include "widgets/sampling.h"
#include "workspace.h"

class QBoxLayout;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QVBoxLayout;

namespace statescope {

class BarsView;
class CurvesView;
class DeviceChoice;
class EquationView;
class FlowLayout;
class HeatMapView;
class PromptBar;
class SegmentedControl;
class TokenStrip;

/// The Model workspace: a checkpoint reads a text, and its state is visible at every token. It arranges views and
/// passes what the user does on to the document; the numbers come from the document's focus.
class ModelWorkspace : public Workspace {
  Q_OBJECT
 public:
  explicit ModelWorkspace(std::filesystem::path assets, const Machine& machine = this_machine());

  ModelDocument& document() { return document_; }

  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override { return document_.settled(); }
  QUndoStack& undo_stack() override { return document_.undo_stack(); }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;
  bool accepts(const QFileInfo& file) const override;
  void open_file(const QFileInfo& file) override;
  bool accepts_text() const override { return true; }
  void open_text(const QString& text) override;
  void explain(const QString& chip) override;
  void set_for_export(bool for_export) override;

  /// The bundled model reads a sample sentence.
  void open_sample();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void build_center();
  void build_inspector();
  void set_lengths();
  void place_explanation();
  void connect_document();
  void connect_views();

  void show_run();
  void show_kind(const ModelInfo& info);
  void show_summary();
  void show_prompt();
  void show_scene();
  const Focus* current_focus() const;
  void show_focus();
  void show_cursor();
  void show_states();
  void show_activity();
  void show_progress(double share, const QString& text);
  void choose_folder();
  void copy_tokens();
  void change_layer(int step);
  void select(std::int64_t layer, std::int64_t channel, std::int64_t state, const QString& undo_text);
  void move_cursor(std::int64_t token);

  ModelDocument document_;
  double speed_ = 0;  // tokens a second, of the last reading or generating
  bool entered_ = false;
  bool keep_notice_ = false;  // it says why the sample came
  bool for_export_ = false;

  PromptBar* prompt_;
  TokenStrip* tokens_;
  SegmentedControl* map_switch_;
  SegmentedControl* order_switch_;
  QComboBox* overview_switch_;
  DeviceChoice* device_;
  QLabel* explanation_;
  HeatMapView *layer_map_, *state_map_, *overview_;
  CurvesView* channel_;

  QVBoxLayout *column_, *top_, *views_, *inspector_column_;
  QBoxLayout* controls_;
  FlowLayout* switches_;
  QHBoxLayout *maps_, *below_;

  EquationView* equation_;
  BarsView *candidates_, *half_lives_, *writes_;

  // What the views show, so that only what is new is drawn again.
  struct SummaryPlace {
    RunPointer run;
    Summary summary{};
    std::int64_t layer = 0;
    bool operator==(const SummaryPlace&) const = default;
  };
  RunPointer shown_run_;
  SummaryPlace shown_summary_;
  Values shown_map_, shown_channel_;
  ChannelOrder shown_order_{};
  QString shown_prompt_;

  QTimer progress_delay_;
  std::optional<double> progress_share_;
  QString progress_text_;
  JobThread copies_;  // what goes to the clipboard and takes computing
};

}  // namespace statescope
