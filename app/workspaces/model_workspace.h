// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>
#include <QWidget>
#include <optional>

#include "model/model_document.h"
#include "widgets/sampling.h"

class QBoxLayout;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QVBoxLayout;

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
  void say_error(const QString& sentence);
  /// For pictures: leaves out what only makes sense live.
  void set_for_export(bool for_export);

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
  void show_summary();
  void show_prompt();
  void show_scene();
  const Focus* current_focus() const;
  void show_focus();
  void show_cursor();
  void show_states();
  void show_activity();
  void show_progress(double share, const QString& text);
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
  QLabel* explanation_;
  HeatMapView *layer_map_, *state_map_, *overview_;
  CurvesView* channel_;

  QVBoxLayout *column_, *top_, *views_, *inspector_column_;
  QBoxLayout* controls_;
  QHBoxLayout *switches_, *maps_, *below_;

  QWidget* inspector_;
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
};

}  // namespace statescope
