// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <vector>

#include "engine/scene/lti_scene.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QVBoxLayout;

namespace statescope {

class DynamicsDocument;
class MatrixEditor;
class NumberTable;
class SignalFile;
class ValueSlider;
class Words;

/// The inspector of the Dynamics workspace: the system and its parameters, how it is stepped, its input, its matrices,
/// and what the numbers say in words.
class DynamicsControls : public QWidget {
  Q_OBJECT
 public:
  explicit DynamicsControls(DynamicsDocument& document);

 Q_SIGNALS:
  /// The user chose a kind of input that is read from a file.
  void file_requested(SignalKind kind);

 private:
  void build();
  QLabel* add_heading(const QString& text);
  QComboBox* add_choice(const char* object_name, const QString& name);
  QLabel* add_words(const char* object_name);
  ValueSlider* add_slider(QVBoxLayout* column, const QString& name, const char* key);
  QWidget* add_parameter(const PresetParameter& parameter, std::size_t index);
  void set_lengths();

  void show_scene();
  void show_system();
  void show_matrices();
  void show_rule();
  void show_input();
  void show_length();
  void show_result();

  void choose_system(int index);
  void set_parameter_value(std::size_t index, double value, bool finished);
  void choose_kind(int index);
  void set_delta(double delta, bool finished);
  void change(const LtiRun& run, const QString& undo_text, bool finished);

  DynamicsDocument& document_;
  QVBoxLayout* column_;
  QComboBox *system_, *method_, *kind_;
  QLabel *about_, *formula_, *drawing_;
  SignalFile* file_;
  Words* said_;
  NumberTable* modes_;
  QVBoxLayout *system_column_, *input_column_;
  std::vector<QWidget*> parameters_;  // of a preset, in their order: sliders, and boxes to check
  ValueSlider* states_;
  MatrixEditor* matrices_;
  ValueSlider *delta_, *alpha_, *balance_;
  std::vector<ValueSlider*> input_sliders_;  // one for each number of a Signal that has one, in their order
  ValueSlider *seed_, *length_;
  QString shown_preset_;       // whose parameters there are
  double duration_ = 0;        // seconds of the input, which Δ samples …
  std::int64_t sampled_ = -1;  // … so often
};

}  // namespace statescope
