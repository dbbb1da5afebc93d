// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "widgets/curves_data.h"
#include "widgets/view.h"

namespace statescope {

/// Curves, one of them chosen, and a cursor. Drawn by QCustomPlot, which this header does not need. However many points
/// there are, only those that show are drawn; read-outs and CSV are exact.
class CurvesView : public View {
  Q_OBJECT
 public:
  explicit CurvesView(QWidget* parent = nullptr);
  ~CurvesView() override;

  /// Throws `Error` when curves differ in length or x does not increase. Data over the same range keeps the zoom.
  void set_data(std::shared_ptr<const CurvesData> data);
  const std::shared_ptr<const CurvesData>& data() const { return data_; }

  /// The chosen curve, drawn on top and stronger; −1: all alike.
  void set_highlighted(int curve);
  int highlighted() const { return highlighted_; }
  /// A dashed line at a point's x with a dot on the chosen curve; −1 removes it.
  /// `phase` 0…1 moves the cursor between this point and the next one.
  void set_cursor(qint64 point, double phase = 0);
  qint64 cursor() const { return cursor_; }
  void reset_zoom();

  /// Curve and point nearest to a place in the widget, when one is near.
  std::optional<std::pair<int, qint64>> point_near(const QPointF& place) const;
  /// Where a point of a curve is drawn in the widget.
  QPointF place_of(int curve, qint64 point) const;
  /// The numbers (x, y) at a place.
  QPointF number_at(const QPointF& place) const;
  /// The ends of the vertical axis; of a logarithmic one their exponents of ten.
  std::pair<double, double> vertical_range() const { return {min_, max_}; }
  /// "token 7 “.” · state 6 · h = −0.0006"
  QString readout(int curve, qint64 point) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// A click on or near a curve, or an arrow key: up and down change the curve, left and right the point.
  void point_clicked(int curve, qint64 point);

 protected:
  std::function<QString()> long_csv() const override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Plot;

  void find_range();
  void find_decades();
  void zoom(double center_x, double factor);
  void set_window(double first, double last);
  QColor color_of(int curve) const;
  QRectF body_of(const QRectF& area) const;
  QPointF place_in(const QRectF& body, int curve, qint64 point) const;
  double x_of(const QRectF& body, double x) const;
  void prepare_plot(const QRectF& body) const;
  double level_of(double value) const;
  std::vector<double> level_ticks(double height) const;
  QString tick_text(double level) const;
  void draw_plot(QPainter& painter, const QRectF& body, bool for_export) const;
  void draw_band(QPainter& painter, const QRectF& body) const;
  void draw_band_name(QPainter& painter, const QRectF& body) const;
  void draw_legend(QPainter& painter, const QRectF& area, const QRectF& body) const;
  void draw_family(QPainter& painter, const QRectF& row) const;
  void draw_ticks(QPainter& painter, const QRectF& body) const;
  void draw_cursor(QPainter& painter, const QRectF& body) const;
  void draw_hover(QPainter& painter, const QRectF& area, const QRectF& body) const;

  std::shared_ptr<const CurvesData> data_;
  int highlighted_ = -1;
  qint64 cursor_ = -1;
  double phase_ = 0;
  double first_ = 0, last_ = 1;  // visible range of x
  double min_ = -1, max_ = 1;    // range of y
  std::optional<std::pair<int, qint64>> hover_;
  QPointF press_point_;
  double press_first_ = 0;
  bool pressed_ = false, dragging_ = false;
  std::unique_ptr<Plot> plot_;
};

}  // namespace statescope
