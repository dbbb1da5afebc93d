// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <functional>

#include "model/selectivity_document.h"

class QCheckBox;
class QComboBox;
class QLabel;

namespace statescope {

class Button;
class CurvesView;
class SegmentedControl;
class ValueSlider;

/// What is looked at, the knobs of one of the two systems, and what they do to its answers.
class SelectivityControls : public QWidget {
  Q_OBJECT
 public:
  explicit SelectivityControls(SelectivityDocument& document, QWidget* parent = nullptr);
  void show_state();
  void show_frame();
  void show_fresh();

 private:
  void build_view_choices();
  void build_knobs();
  void build_answers();
  void set_lengths();
  void change_view(const QString& text, const std::function<void(SelectivityView&)>& edit);
  void change_knobs(const QString& text, bool finished, const std::function<void(Knobs&)>& edit);
  std::size_t system() const { return static_cast<std::size_t>(document_.state().view.system); }

  SelectivityDocument& document_;
  SegmentedControl *layers_, *kept_, *systems_, *by_;
  Button* all_channels_;
  QCheckBox* freezes_[3];
  ValueSlider* scale_;
  QComboBox* input_;
  Button* as_trained_;
  QLabel *title_, *channels_, *fresh_;
  CurvesView* answers_;
  int shown_layers_ = 0;
};

}  // namespace statescope
