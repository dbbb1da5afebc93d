// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "widgets/curves_view.h"

namespace statescope {

/// A signal that the user may draw: while it is drawable, dragging draws the first curve, smoothly and with as many
/// samples as before, or as its resolution; Shift keeps dragging for the zoomed axis. Keys: left and right choose a
/// sample, up and down lift and lower the curve about it.
class SignalView : public CurvesView {
  Q_OBJECT
 public:
  explicit SignalView(QWidget* parent = nullptr);

  void set_drawable(bool drawable);
  bool drawable() const { return drawable_; }
  /// The most samples that are drawn, 2 or more: a curve of more is replaced by so many, evenly spread, when the user
  /// begins to draw. Without, all are kept.
  void set_resolution(qint64 points);

 Q_SIGNALS:
  /// All samples of the first curve, during the stroke and at its end.
  void drawn(const std::vector<double>& values, bool finished);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void take_up();
  void draw_to(const QPointF& place);
  void show_values(std::vector<double> values);
  std::vector<double> samples() const;

  bool drawable_ = false;
  qint64 resolution_ = std::numeric_limits<qint64>::max();
  std::vector<double> before_, stroke_;  // while drawing: the curve as it was, and with the raw stroke
  std::optional<std::pair<qint64, qint64>> touched_;
  QPointF last_place_;
};

/// `values` where the stroke is untouched, the stroke smoothed over `radius` samples where it is, and a soft passage
/// between both. All of one length; touched: first and last sample.
std::vector<double> smooth_stroke(const std::vector<double>& values, const std::vector<double>& stroke,
                                  std::pair<qint64, qint64> touched, qint64 radius);

}  // namespace statescope
