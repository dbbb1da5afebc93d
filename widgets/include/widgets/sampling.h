// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>

#include "engine/run/sampling.h"

class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace statescope {

/// How the next tokens are drawn, and how many.
struct SamplingChoice : Sampling {
  int tokens = 48;  ///< to generate

  bool operator==(const SamplingChoice&) const = default;
};

/// What a choice means, in one sentence for a student.
QString describe(const SamplingChoice& choice);

/// The form behind the prompt bar's "Sampling" button.
class SamplingForm : public QWidget {
  Q_OBJECT
 public:
  explicit SamplingForm(QWidget* parent = nullptr);

  /// Values outside the ranges are clamped. Does not emit.
  void set_choice(const SamplingChoice& choice);
  const SamplingChoice& choice() const { return choice_; }

 Q_SIGNALS:
  void changed(const SamplingChoice& choice);

 private:
  void show_choice();
  void edited();

  SamplingChoice choice_;
  QDoubleSpinBox *temperature_, *top_p_;
  QSpinBox *top_k_, *tokens_;
  QLineEdit* seed_;
  QLabel* meaning_;
  bool quiet_ = false;  // while the controls are being set from a choice
};

}  // namespace statescope
