// SPDX-License-Identifier: GPL-3.0-or-later
// What mouse and keyboard do in a phase portrait.
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <array>
#include <cmath>

#include "phase_frame.h"
#include "plane_keys.h"
#include "plot_paint.h"
#include "widgets/phase_view.h"

namespace statescope {

void PhaseView::mousePressEvent(QMouseEvent* event) {
  const bool left = event->button() == Qt::LeftButton, middle = event->button() == Qt::MiddleButton;
  if ((!left && !middle) || !data_) return View::mousePressEvent(event);
  pressed_ = true;
  dragging_ = false;
  panning_ = !data_->in_space() && (middle || event->modifiers().testFlag(Qt::ControlModifier) || !data_->startable);
  press_point_ = event->position();
  press_ranges_ = ranges_;
  press_yaw_ = yaw_;
  press_pitch_ = pitch_;
  hover_.reset();
  hover_place_.reset();
  if (!data_->in_space() && !panning_) Q_EMIT start_moved(start_at(event->position()), false);
}

void PhaseView::mouseMoveEvent(QMouseEvent* event) {
  if (!data_ || data_->points() == 0) return;
  const QPointF moved = event->position() - press_point_;
  if (pressed_ && moved.manhattanLength() > drag_threshold) dragging_ = true;
  if (pressed_ && data_->in_space()) {
    if (!dragging_) return;
    yaw_ = press_yaw_ - moved.x() * 0.01;
    pitch_ = std::clamp(press_pitch_ + moved.y() * 0.01, -0.2, 1.5);
    setCursor(Qt::ClosedHandCursor);
  } else if (pressed_ && panning_) {
    if (!dragging_) return;
    const QRectF body = frame(rect()).body;
    const double shares[] = {-moved.x() / body.width(), moved.y() / body.height()};
    for (std::size_t i = 0; i < 2; ++i) {
      const double shift = shares[i] * (press_ranges_[i].max - press_ranges_[i].min);
      ranges_[i] = {press_ranges_[i].min + shift, press_ranges_[i].max + shift};
    }
    zoomed_ = true;
    setCursor(Qt::ClosedHandCursor);
  } else if (pressed_) {
    Q_EMIT start_moved(start_at(event->position()), false);
  } else {
    hover_ = point_near(event->position());
    hover_place_.reset();
    if (frame(rect()).body.contains(event->position())) hover_place_ = event->position();
    setCursor(hover_ && data_->in_space()        ? Qt::PointingHandCursor
              : hover_place_ && data_->startable ? Qt::CrossCursor
              : data_->in_space()                ? Qt::OpenHandCursor
                                                 : Qt::ArrowCursor);
  }
  update();
}

void PhaseView::mouseReleaseEvent(QMouseEvent* event) {
  if (!pressed_) return;
  pressed_ = false;
  setCursor(Qt::ArrowCursor);
  if (!data_) return;
  if (data_->in_space()) {
    if (dragging_ || event->button() != Qt::LeftButton) return;
    if (const auto near = point_near(event->position()))
      Q_EMIT point_clicked(*near);
    else if (data_->startable && frame(rect()).body.contains(event->position()))
      Q_EMIT start_moved(start_at(event->position()), true);
  } else if (!panning_) {
    Q_EMIT start_moved(start_at(event->position()), true);
  }
  panning_ = dragging_ = false;
}

void PhaseView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (data_ && (data_->in_space() || !data_->startable)) return reset_zoom();
  mousePressEvent(event);
}

void PhaseView::zoom(const QPointF& center, double factor) {
  if (!data_) return;
  if (data_->in_space()) {
    magnification_ = std::clamp(magnification_ / factor, 0.4, 8.0);
    return update();
  }
  const QPointF fixed = number_at(center);
  const double at[] = {fixed.x(), fixed.y()};
  std::vector<Range> zoomed = ranges_;
  for (std::size_t i = 0; i < 2; ++i) {
    zoomed[i] = {at[i] - (at[i] - ranges_[i].min) * factor, at[i] + (ranges_[i].max - at[i]) * factor};
    const double span = zoomed[i].max - zoomed[i].min,
                 size = std::max(std::fabs(zoomed[i].min), std::fabs(zoomed[i].max));
    if (!(span > 1e-9 * size) || span > 1e12) return;  // beyond this the numbers have no digits left
  }
  ranges_ = std::move(zoomed);
  zoomed_ = true;
  update();
}

void PhaseView::wheelEvent(QWheelEvent* event) {
  const bool inside = data_ && frame(rect()).body.contains(event->position());
  if (inside) wheel_zoom(*event, [&](double factor) { zoom(event->position(), factor); });
  event->setAccepted(inside);
}

void PhaseView::keyPressEvent(QKeyEvent* event) {
  if (!data_ || data_->points() == 0) return View::keyPressEvent(event);
  const bool starts = data_->in_space() && data_->startable && event->modifiers().testFlag(Qt::ShiftModifier);
  const auto move = [this, starts](double right, double up) {
    if (starts) {  // in the plane that faces the eye, as a click does
      const PhaseFrame where = frame(rect());
      std::array<double, 3> at{};
      for (std::size_t i = 0; i < 3; ++i) at[i] = where.unit(i, data_->start.empty() ? 0 : data_->start[i]);
      Q_EMIT start_moved(start_at(where.project(at[0], at[1], at[2]) + QPointF(right, -up) * scaled(8)), true);
      return;
    }
    if (data_->in_space()) {
      yaw_ -= 0.1 * right;
      pitch_ = std::clamp(pitch_ + 0.1 * up, -0.2, 1.5);
      return update();
    }
    if (!data_->startable) return;
    constexpr double share = 0.02;  // of what is visible
    std::vector<double> start = data_->start;
    if (start.empty()) start = {data_->axes[0].values[0], data_->axes[1].values[0]};
    start[0] += share * right * (ranges_[0].max - ranges_[0].min);
    start[1] += share * up * (ranges_[1].max - ranges_[1].min);
    Q_EMIT start_moved(start, true);
  };
  const QPointF middle = frame(rect()).body.center();
  const bool known = plane_key(
      event->key(), move, [&](double factor) { zoom(middle, factor); }, [this] { reset_zoom(); });
  if (!known) View::keyPressEvent(event);
}

void PhaseView::leaveEvent(QEvent*) {
  hover_.reset();
  hover_place_.reset();
  update();
}

}  // namespace statescope
