// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <set>

namespace statescope {

/// The steps of a lesson as a row of segments: done, present, to come. A click goes to one, so do the
/// arrow keys, Home and End.
class StepBar : public QWidget {
  Q_OBJECT
 public:
  explicit StepBar(QWidget* parent = nullptr);

  void set_steps(int steps, int current, const std::set<int>& done);

 Q_SIGNALS:
  void chosen(int step);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  QRectF segment(int step) const;

  int steps_ = 0, current_ = 0;
  std::set<int> done_;
};

}  // namespace statescope
