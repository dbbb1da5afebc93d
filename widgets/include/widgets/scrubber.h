// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QImage>
#include <QWidget>
#include <functional>
#include <vector>

namespace statescope {

/// The whole sequence as a strip: one bar per step (or a curve for a signal), the past full, the future dimmed, and a
/// playhead to drag. With more steps than pixels each pixel column shows the extremes of its steps, so no spike is
/// lost.
class Scrubber : public QWidget {
  Q_OBJECT
 public:
  enum class Shape { bars, curve };
  /// A colour for a value 0…1.
  using ColorMap = std::function<QColor(float)>;

  explicit Scrubber(QWidget* parent = nullptr);

  void set_length(int steps);
  /// One value per step, 0…1; bars stand on 0, a curve runs between. Missing or non-finite values draw as a thin line.
  void set_values(std::vector<float> values, Shape shape = Shape::bars);
  /// Without one, bars are tinted from muted to the colour of Δ and a curve is plain text colour.
  void set_color_map(ColorMap map);
  /// `phase` 0…1 moves the playhead between steps. Does not emit.
  void set_position(int position, double phase = 0);

  int length() const { return length_; }
  /// The step under a horizontal pixel, and the pixel at the middle of a step.
  int step_at(double x) const;
  double x_of(double step) const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void scrubbed(int step);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  struct Column {
    float low, high;
  };
  QRectF strip() const;
  QColor color(float value) const;
  void aggregate();
  void draw_steps(QPainter& painter) const;
  void draw_columns(QPainter& painter) const;
  static QColor curve_ink();
  const QImage& band(double ratio) const;
  void draw_curve(QPainter& painter) const;

  int length_ = 0, position_ = 0, hovered_ = -1;
  double phase_ = 0;
  std::vector<float> values_;
  Shape shape_ = Shape::bars;
  ColorMap map_;
  std::vector<Column> columns_;  // filled only when there are more steps than room for separate bars
  mutable QImage band_;          // the curve of the columns, as last drawn
};

}  // namespace statescope
