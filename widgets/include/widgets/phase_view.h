// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "widgets/series.h"
#include "widgets/view.h"

namespace statescope {

struct PhaseAxis {
  QString name, unit;  // "position", "m"
  Series values;       // [points]
};

/// A trajectory in the plane or in space. Immutable once handed to a view.
struct PhaseData {
  std::vector<PhaseAxis> axes;  // two or three, all of the same length
  /// The velocity (dx, dy) at a point of the plane, for the arrows; called while drawing, so it must be quick. Two
  /// axes.
  std::function<QPointF(QPointF)> field;
  std::vector<double> start;  // where the trajectory starts, a number for each axis; empty: not shown
  bool startable = false;     // another start can be chosen
  double step = 1;            // between two points, in `step_unit`, for the read-out
  QString step_unit;          // "s"; empty: points are counted
  RichText title;
  QString subtitle;
  Symbol symbol = Symbol::h;

  qint64 points() const { return axes.empty() ? 0 : axes.front().values.size(); }
  bool in_space() const { return axes.size() == 3; }
};

struct PhaseFrame;

/// A phase portrait: the past as a tail that fades, the future as a faint line, a dot at the cursor. In the plane a
/// click or drag chooses where to start (arrow keys move the start), dragging with Ctrl or the middle button pans; in
/// space dragging and arrow keys turn the picture, a click on the path moves the cursor and one beside it chooses where
/// to start, as do Shift and arrow keys. The wheel and + − 0 zoom. One code path draws all of it, by QPainter; what
/// does not move while it plays is kept as a picture.
class PhaseView : public View {
  Q_OBJECT
 public:
  explicit PhaseView(QWidget* parent = nullptr);

  /// Keeps zoom and turn while the axes' names stay. Throws `Error` when axes differ in length or number.
  void set_data(std::shared_ptr<const PhaseData> data);
  const std::shared_ptr<const PhaseData>& data() const { return data_; }

  /// −1: no cursor; `phase` 0…1 moves it towards the next point.
  void set_cursor(qint64 point, double phase = 0);
  /// How many points before the cursor the tail reaches.
  void set_tail(qint64 points);
  void reset_zoom();

  QPointF place_of(qint64 point) const;
  /// In the plane: the numbers at a place.
  QPointF number_at(const QPointF& place) const;
  /// Where a click at a place starts. In space what is under the mouse is a line; of it the point is taken that is as
  /// far away as the present start, so that a start moves in the plane through it that faces the eye.
  std::vector<double> start_at(const QPointF& place) const;
  std::optional<qint64> point_near(const QPointF& place) const;
  /// "t = 0.4 s · position = 0.2 m · velocity = −1 m/s"
  QString readout(qint64 point) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// Where the trajectory should start, a number for each axis.
  void start_moved(const std::vector<double>& start, bool finished);
  /// In space: a click near the trajectory.
  void point_clicked(qint64 point);

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
  struct Range {
    double min = -1, max = 1;
  };

  PhaseFrame frame(const QRectF& area) const;
  QString subtitle() const;
  std::vector<Range> extent() const;
  void fit(bool always);
  QString where_text(qint64 point) const;
  QPointF place_in(const PhaseFrame& frame, double point) const;
  void zoom(const QPointF& center, double factor);
  void draw_plane(QPainter& painter, const PhaseFrame& frame) const;
  void draw_axes(QPainter& painter, const PhaseFrame& frame) const;
  void draw_field(QPainter& painter, const PhaseFrame& frame) const;
  void draw_box(QPainter& painter, const PhaseFrame& frame) const;
  QRectF part_of(const PhaseFrame& frame, qint64 begin, qint64 end) const;
  std::vector<qint64> course(const PhaseFrame& frame) const;
  void draw_course(QPainter& painter, const PhaseFrame& frame) const;
  void draw_trajectory(QPainter& painter, const PhaseFrame& frame) const;
  void draw_plumb(QPainter& painter, const PhaseFrame& frame, qint64 point, const QPointF& end) const;
  double depth_at(const PhaseFrame& frame, qint64 point) const;

  std::shared_ptr<const PhaseData> data_;
  std::vector<Range> ranges_;  // of what is visible, one per axis
  double yaw_ = -0.6, pitch_ = 0.45, magnification_ = 1;
  qint64 cursor_ = -1, tail_ = 2048;
  double phase_ = 0;
  std::optional<qint64> hover_;
  std::optional<QPointF> hover_place_;
  QPointF press_point_;
  std::vector<Range> press_ranges_;
  double press_yaw_ = 0, press_pitch_ = 0;
  int path_ = 0;  // counts trajectories
  bool zoomed_ = false, pressed_ = false, panning_ = false, dragging_ = false;
};

}  // namespace statescope
