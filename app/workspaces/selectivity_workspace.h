// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>

#include "model/selectivity_document.h"
#include "workspace.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QStackedWidget;
class QVBoxLayout;

namespace statescope {

class Button;
class FlowLayout;
class GatedPage;
class HeatMapView;
class SegmentedControl;
class SelectivityControls;
class SequenceView;
class TrainingPage;

/// The Selectivity workspace: one sequence, two trained systems, and what each of them writes, keeps and answers; a
/// page that trains such systems; a page with the theorem that selection is a gate. It arranges views and passes what
/// the user does on to the documents.
class SelectivityWorkspace : public Workspace {
  Q_OBJECT
 public:
  enum class Page { compare, training, theorem };

  /// `users` is where networks that the user trained and kept lie.
  SelectivityWorkspace(std::filesystem::path assets, std::filesystem::path users);

  SelectivityDocument& document() { return document_; }
  TrainingPage& training() { return *training_; }
  GatedPage& theorem() { return *theorem_; }
  void show_page(Page page);

  void enter() override;
  bool shows(const Scene& scene) const override;
  void open_scene(const Scene& scene, const std::filesystem::path& base) override;
  Scene scene(const std::filesystem::path& folder) const override;
  bool settled() const override;
  QUndoStack& undo_stack() override;
  WorkspaceFacts facts() const override;
  std::vector<WorkspaceCommand> commands() override;
  void set_for_export(bool for_export) override;
  void set_presented(bool presented) override;

  /// One of the bundled examples, by its place in the list.
  void show_example(int index);
  void new_sequence();
  /// Puts another token there. False when the task has no such token.
  bool replace_token(qint64 place, const QString& text);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void build_views();
  void build_pages();
  void set_lengths();
  void place_systems();
  void connect_views();
  void connect_document();
  void connect_pages();

  void fit_transport();
  void show_state();
  void show_frame();
  void show_choices();
  void show_tools();
  void choose_model(std::size_t system, int index);
  void choose_token(qint64 place, const QPoint& screen);
  void export_numbers();

  std::filesystem::path assets_;
  SelectivityDocument document_;
  JobThread files_;  // writes numbers

  Page page_index_ = Page::compare;
  SegmentedControl* pages_;
  QStackedWidget *page_stack_, *inspector_stack_;
  TrainingPage* training_;
  GatedPage* theorem_;
  QComboBox* examples_;
  SegmentedControl* quantities_;
  Button* new_sequence_;
  QLabel* explanation_;
  QWidget* systems_;          // which two are compared
  QWidget *compare_, *page_;  // all of the page, and what waits for a reading
  SequenceView* input_;
  std::array<QComboBox*, 2> models_;
  std::array<SequenceView*, 2> strips_;
  std::array<HeatMapView*, 2> maps_;
  SelectivityControls* controls_;
  QVBoxLayout *column_, *compare_column_, *page_column_;
  QHBoxLayout* head_;
  FlowLayout* tools_;

  bool opening_ = false, for_export_ = false, presented_ = false;
  bool fitting_ = false;                             // the transport is made to fit, not moved
  std::shared_ptr<const SelectivityReading> shown_;  // whose tokens the strip and the scrubber show
};

}  // namespace statescope
