// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLabel;
class QLineEdit;
class QSlider;

namespace statescope {

/// A number that can be dragged or typed: name and field in a line, a slider below. Over more than three factors of ten
/// from a positive minimum the slider is logarithmic. Typing may leave the slider's range but not the limits.
class ValueSlider : public QWidget {
  Q_OBJECT
 public:
  struct Range {
    double least = 0, most = 1;                       // limits
    double slider_least = least, slider_most = most;  // what the slider spans
    bool whole = false;                               // integers
    QString unit = {};
  };

  ValueSlider(const QString& name, const Range& range, QWidget* parent = nullptr);

  QString name() const;
  double value() const { return value_; }
  /// Clamped to the limits. Does not emit.
  void set_value(double value);
  void set_range(const Range& range);
  const Range& range() const { return range_; }

 Q_SIGNALS:
  /// `finished` is false while the slider is dragged.
  void value_changed(double value, bool finished);

 private:
  double at(int step) const;
  int step_of(double value) const;
  bool logarithmic() const;
  QString number(double value, int digits) const;
  QString text() const;
  void show_value();
  void say_limits() const;
  void take_text();

  Range range_;
  double value_ = 0;
  QLabel* name_;
  QLineEdit* field_;
  QSlider* slider_;
};

}  // namespace statescope
