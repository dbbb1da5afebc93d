// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoStack>
#include <QWidget>

#include "model/training_document.h"

class QComboBox;
class QLabel;
class QVBoxLayout;
class QHBoxLayout;

namespace statescope {

class Button;
class CurvesView;
class FlowLayout;
class HeatMapView;
class SegmentedControl;
class SequenceView;
class ValueSlider;

/// Training that can be watched: a recipe on the right, the curves of this run and of earlier ones, and what the
/// network makes of one fixed sequence while it learns.
class TrainingPage : public QWidget {
  Q_OBJECT
 public:
  explicit TrainingPage(std::filesystem::path users);

  TrainingDocument& document() { return document_; }
  QWidget* inspector() const { return inspector_; }
  /// The recipe as the controls have it.
  const Recipe& recipe() const { return recipe_; }
  /// Another recipe, with which the history of changes begins anew.
  void set_recipe(const Recipe& recipe);
  QUndoStack& undo_stack() { return undo_stack_; }
  void set_for_export(bool for_export);
  /// Begins a run of it.
  void start();

 Q_SIGNALS:
  void kept(const QString& folder);
  void failed(const QString& sentence);
  void settled_changed();

 private:
  void build_tools();
  void build_views();
  void build_inspector();
  void set_lengths();
  void take_recipe(const QString& undo_text, bool finished);
  void change(const Recipe& next, const QString& undo_text, bool finished = true);
  void show_recipe(const Recipe& recipe);
  void show_task();
  void show_phase();
  void show_snapshot();

  TrainingDocument document_;
  QUndoStack undo_stack_;
  Recipe recipe_, committed_;  // committed_: without what is being dragged
  QWidget* inspector_;
  QComboBox *presets_, *tasks_, *blocks_, *inners_;
  Button *start_, *pause_, *step_, *keep_, *discard_, *forget_;
  ValueSlider *length_, *memorise_, *width_, *states_, *rate_, *steps_, *seed_;
  QLabel *sentence_, *facts_;
  CurvesView *loss_, *accuracy_;
  SequenceView* strip_;
  HeatMapView* map_;
  SegmentedControl* layers_;
  QVBoxLayout *column_, *inspector_column_;
  QHBoxLayout* curves_;
  FlowLayout* tools_;
  bool filling_ = false;  // the controls are made to fit the recipe
};

}  // namespace statescope
