// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>

class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace statescope {

/// How the next token is drawn from the model's distribution.
struct SamplingChoice {
  double temperature = 0;  ///< 0 is greedy
  int top_k = 0;           ///< 0 keeps all
  double top_p = 1;        ///< 1 keeps all
  quint64 seed = 1;
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
