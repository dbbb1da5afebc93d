// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "model/dynamics_document.h"
#include "model/job_thread.h"
#include "workspace.h"

class QBoxLayout;
class QComboBox;
class QGridLayout;
class QLabel;
class QStackedWidget;
class QVBoxLayout;

namespace statescope {

class BodeView;
class ConvolutionView;
class CurvesView;
class DynamicsControls;
class FlowLayout;
class PhaseView;
class PolePlaneView;
class SegmentedControl;
class SignalView;

/// The Dynamics workspace: a linear system in every picture there is of it, all of which follow the hand. It arranges
/// views and passes what the user does on to the document.
class DynamicsWorkspace : public Workspace {
  Q_OBJECT
 public:
  explicit DynamicsWorkspace(std::filesystem::path assets);
  ~DynamicsWorkspace() override;

  DynamicsDocument& document() { return document_; }
  PolePlaneView& s_plane() { return *s_plane_; }

  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  bool play_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override { return document_.settled() && document_.result(); }
  QUndoStack& undo_stack() override { return document_.undo_stack(); }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;
  bool accepts(const QFileInfo& file) const override;
  void open_file(const QFileInfo& file) override;
  void set_for_export(bool for_export) override;

  void show_page(LtiView::Page page);
  void open_example(int index);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  static LtiScene at_home(const Scene& scene, const std::filesystem::path& base);
  void build();
  void build_tools();
  void set_lengths();
  std::vector<QWidget*> pictures() const;
  void place_planes();
  void connect_all();

  void show_scene();
  void show_result();
  void show_poles();
  void show_verdict();
  void show_cursor();
  void fit_transport();
  void choose_axes(int axis, int state);
  void move_start(const std::vector<double>& start, bool finished);
  void choose_file(SignalKind kind);
  LtiView::Page page() const { return document_.scene().view.page; }

  std::filesystem::path assets_;
  DynamicsDocument document_;
  JobThread files_;  // writes numbers

  SegmentedControl* pages_;
  QComboBox* examples_;
  QLabel* verdict_;
  QBoxLayout* said_;  // the verdict and what the portrait shows
  QComboBox* axes_[3];
  SegmentedControl* space_;
  QWidget* phase_box_;
  QStackedWidget* stack_;
  PolePlaneView *s_plane_, *z_plane_;
  PhaseView* phase_;
  CurvesView *states_, *output_, *kernel_, *step_;
  SignalView* input_;
  BodeView* bode_;
  ConvolutionView* convolution_;
  DynamicsControls* controls_;
  FlowLayout* tools_;
  QBoxLayout *planes_, *middle_;
  std::vector<QLayout*> grids_;
  QLayout* column_;
  QVBoxLayout* content_;
  int example_ = -1;  // chosen last, and what it runs: its sentence stands as long as that does
  LtiRun example_run_;
  QString shown_preset_;
  QString complaint_;  // why there is no newer result
  Complex held_;       // the eigenvalue in the hand, where it was taken
  bool holding_ = false;
  bool keep_notice_ = false;  // it says why the example came
  bool fitting_ = false;
  bool drawing_ = false;  // the view of the input shows the stroke itself
};

}  // namespace statescope
