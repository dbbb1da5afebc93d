// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "model/model_document.h"
#include "widgets/sampling.h"

class QAction;
class QComboBox;

namespace statescope {

class BarsView;
class CurvesView;
class EquationView;
class HeatMapView;
class Notice;
class PromptBar;
class SegmentedControl;
class TokenStrip;
class TransportBar;

/// The Model workspace: a checkpoint reads a text, and its state is visible at every token. It arranges views and
/// passes what the user does on to the document; the numbers come from the document's focus.
class ModelWorkspace : public QWidget {
  Q_OBJECT
 public:
  static constexpr int inspector_width = 320;  // at 100 % text size

  ModelWorkspace(ModelDocument& document, TransportBar& transport, QWidget* parent = nullptr);

  /// The column on the right: one state's update, the next token, memory.
  QWidget* inspector() const { return inspector_; }
  Notice& notice() const { return *notice_; }

  void focus_prompt();
  /// For pictures: leaves out what only makes sense live.
  void set_for_export(bool for_export);

 private:
  void build_center();
  void build_inspector();
  void connect_document();
  void connect_views();

  void show_run();
  void show_prompt();
  void show_scene();
  const Focus* current_focus() const;
  void show_focus();
  void show_cursor();
  void show_states();
  void show_activity();
  void select(std::int64_t layer, std::int64_t channel, std::int64_t state, const QString& undo_text);
  void move_cursor(std::int64_t token);

  ModelDocument& document_;
  TransportBar& transport_;

  Notice* notice_;
  PromptBar* prompt_;
  TokenStrip* tokens_;
  SegmentedControl* map_switch_;
  SegmentedControl* order_switch_;
  QComboBox* overview_switch_;
  HeatMapView *layer_map_, *state_map_, *overview_;
  CurvesView* channel_;

  QWidget* inspector_;
  EquationView* equation_;
  BarsView *candidates_, *half_lives_, *writes_;

  QString shown_prompt_;
};

}  // namespace statescope
