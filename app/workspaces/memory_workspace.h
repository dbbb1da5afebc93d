// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>

#include "model/memory_document.h"
#include "workspace.h"

class QComboBox;
class QGridLayout;
class QHBoxLayout;
class QLabel;
class QStackedWidget;
class QVBoxLayout;

namespace statescope {

class BarsView;
class Button;
class ChainControls;
class CurvesView;
class FlowLayout;
class HeatMapView;
class MemoryControls;
class PolePlaneView;
class SegmentedControl;
class SignalFile;
class SignalView;

/// The Memory workspace: a signal is written into a few coefficients, and what they remember of it stands beside it,
/// for up to four methods; and the chain from a HiPPO matrix to S4's kernel. It arranges views and passes what the user
/// does on to the document.
class MemoryWorkspace : public Workspace {
  Q_OBJECT
 public:
  explicit MemoryWorkspace(std::filesystem::path assets);

  MemoryDocument& document() { return document_; }

  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  bool play_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override { return document_.set() && document_.settled(); }
  QUndoStack& undo_stack() override { return document_.undo_stack(); }
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;
  bool accepts(const QFileInfo& file) const override;
  void open_file(const QFileInfo& file) override;
  void set_for_export(bool for_export) override;

  /// One of the bundled examples, by its place in the list.
  void show_example(int index);
  void set_drawing(bool on);

 private:
  void build_controls();
  void build_memory_page();
  void build_chain_page();
  void build_inspector();
  void set_lengths();
  void place_panels();
  void connect_document();
  void connect_views();

  void show_state();
  void show_set();
  void show_frame();
  void show_card();
  void show_chain();
  void fit_transport();
  void show_explanation();
  bool example_untouched() const;
  void calm_down();

  std::size_t selected() const { return static_cast<std::size_t>(document_.state().memory.view.method); }
  void select(std::size_t method);
  void choose_signal(int index);
  void choose_file(SignalKind kind);
  void choose_column(const QString& column);
  void show_signal();
  void take_stroke(const std::vector<double>& values, bool finished);
  void add_method();
  void remove_method();
  void show_page(MemoryState::Page page);

  std::filesystem::path assets_;
  MemoryDocument document_;
  JobThread files_;  // reads dropped files, writes numbers

  SegmentedControl* pages_;
  QComboBox *examples_, *signals_;
  Button *draw_, *add_, *remove_;
  QLabel* explanation_;
  QWidget* memory_tools_;  // what belongs to the memory page only
  QStackedWidget* page_stack_;
  std::array<SignalView*, max_memory_methods> panels_;
  BarsView* coefficients_;
  CurvesView *error_ago_, *error_orders_, *weights_, *basis_;
  HeatMapView *matrix_, *chain_matrix_, *chain_normal_;
  PolePlaneView* chain_spectrum_;
  CurvesView* chain_kernel_;

  QVBoxLayout *column_, *content_, *memory_column_, *chain_column_, *inspector_columns_[2];
  FlowLayout* tools_;
  QHBoxLayout *below_, *links_;
  QGridLayout* panel_grid_;
  QStackedWidget* inspector_stack_;
  QLabel *signal_title_, *card_title_, *card_, *chain_facts_;
  SignalFile* signal_file_;
  MemoryControls* controls_;
  ChainControls* chain_controls_;

  std::int64_t chosen_coefficient_ = -1;
  std::size_t shown_method_ = 0;
  std::vector<double> stroke_;  // what the mouse draws, until there is a memory of it
  bool stroke_held_ = false;
  int example_ = -1;  // chosen last, and what it runs: its sentence stands as long as that does
  Scene example_scene_;
  QString complaint_;  // why there is no newer memory
  bool opening_ = false;
  bool fitting_ = false;           // the transport is made to fit, not moved
  const double* strip_ = nullptr;  // numbers the scrubber shows
};

}  // namespace statescope
