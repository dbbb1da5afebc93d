// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <functional>

#include "model/memory_document.h"

class QComboBox;
class QLabel;

namespace statescope {

class ValueSlider;

/// What can be chosen about the selected method, and Δ. N and θ act on all methods while these agree in them.
class MemoryControls : public QWidget {
  Q_OBJECT
 public:
  explicit MemoryControls(MemoryDocument& document, QWidget* parent = nullptr);
  void show_state();

 private:
  void change(const QString& text, bool finished, const std::function<void(MemoryMethod&)>& edit, bool all = false);
  void change_delta(double delta, bool finished);
  bool same_order() const;
  bool same_theta() const;

  MemoryDocument& document_;
  QComboBox *family_, *rule_, *window_, *start_;
  QLabel *window_label_, *start_label_;
  ValueSlider *order_, *theta_, *delta_;
  double duration_ = 0;        // seconds of the signal, which Δ samples …
  std::int64_t sampled_ = -1;  // … so often
};

/// What can be chosen about the chain to a kernel.
class ChainControls : public QWidget {
  Q_OBJECT
 public:
  explicit ChainControls(MemoryDocument& document, QWidget* parent = nullptr);
  void show_state();

 private:
  void change(const QString& text, bool finished, const std::function<void(S4Run&)>& edit);

  MemoryDocument& document_;
  QComboBox *form_, *rule_;
  ValueSlider *order_, *theta_, *delta_, *read_;
};

}  // namespace statescope
