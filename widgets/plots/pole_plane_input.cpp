// SPDX-License-Identifier: GPL-3.0-or-later
// What mouse and keyboard do in the complex plane.
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "engine/dynamics/edit.h"
#include "plane_frame.h"
#include "plane_keys.h"
#include "plot_paint.h"
#include "widgets/pole_plane_view.h"

namespace statescope {
namespace {

constexpr int snap_pixels = 7;
constexpr std::size_t trail_length = 80;

}  // namespace

// Shift keeps the natural frequency |s|, Ctrl the damping, the direction of s. A z-pole obeys as its s = ln z does.
Complex PolePlaneView::held(Complex place, Qt::KeyboardModifiers keys) const {
  const bool frequency = keys.testFlag(Qt::ShiftModifier), damping = keys.testFlag(Qt::ControlModifier);
  if (frequency == damping) return place;
  const bool in_z = data_->plane == PolePlaneData::Plane::z;
  if (in_z && (std::abs(place) == 0 || std::abs(press_number_) == 0)) return place;
  const Complex from = in_z ? std::log(press_number_) : press_number_, to = in_z ? std::log(place) : place;
  const Complex kept = frequency ? at_same_frequency(from, to) : at_same_damping(from, to);
  return in_z ? std::exp(kept) : kept;
}

void PolePlaneView::drag_to(Complex place, Qt::KeyboardModifiers keys, bool finished) {
  const auto pole = static_cast<std::size_t>(selected_);
  poles_ = with_pole_at(poles_, pole, held(place, keys), scaled(snap_pixels) / frame(rect()).scale);
  if (trail_.empty() || trail_.back() != poles_[pole]) trail_.push_back(poles_[pole]);
  if (trail_.size() > trail_length) trail_.erase(trail_.begin());
  update();
  Q_EMIT pole_moved(selected_, poles_[pole], finished);
}

void PolePlaneView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !data_) return View::mousePressEvent(event);
  pressed_ = true;
  dragging_ = panning_ = by_keys_ = false;
  press_point_ = event->position();
  press_center_ = center_;
  const auto near = pole_near(event->position());
  panning_ = !near;
  if (!near) return;
  press_number_ = poles_[static_cast<std::size_t>(*near)];
  grab_offset_ = press_number_ - number_at(press_point_);
  trail_.clear();
  if (*near != selected_) {
    set_selected(*near);
    Q_EMIT pole_selected(selected_);
  }
}

void PolePlaneView::mouseMoveEvent(QMouseEvent* event) {
  if (!data_) return;
  const QPointF moved = event->position() - press_point_;
  if (pressed_ && panning_) {
    zoomed_ = true;
    center_ = press_center_ - Complex(moved.x(), -moved.y()) / frame(rect()).scale;
    setCursor(Qt::ClosedHandCursor);
    return update();
  }
  if (pressed_ && data_->draggable && moved.manhattanLength() > drag_threshold) dragging_ = true;
  if (dragging_) {
    setCursor(Qt::ClosedHandCursor);
    return drag_to(number_at(event->position()) + grab_offset_, event->modifiers(), false);
  }
  hover_ = pole_near(event->position());
  setCursor(!hover_ ? Qt::ArrowCursor : data_->draggable ? Qt::OpenHandCursor : Qt::PointingHandCursor);
  update();
}

void PolePlaneView::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !pressed_) return;
  pressed_ = panning_ = false;
  setCursor(Qt::ArrowCursor);
  if (!dragging_) return;
  const Complex place = number_at(event->position()) + grab_offset_;
  drag_to(place, event->modifiers(), true);
  dragging_ = false;
}

void PolePlaneView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (!pole_near(event->position())) reset_zoom();
}

void PolePlaneView::zoom(const QPointF& center, double factor) {
  constexpr double smallest = 1e-9, largest = 1e9;  // beyond this, sums with the centre lose every digit
  const double height = std::clamp(half_height_ * factor, smallest, largest);
  factor = height / half_height_;
  const Complex fixed = number_at(center);  // what is under the mouse stays there
  half_width_ *= factor;
  half_height_ = height;
  center_ += fixed - number_at(center);
  zoomed_ = true;
  update();
}

void PolePlaneView::wheelEvent(QWheelEvent* event) {
  const bool inside = data_ && frame(rect()).body.contains(event->position());
  if (inside) wheel_zoom(*event, [&](double factor) { zoom(event->position(), factor); });
  event->setAccepted(inside);
}

void PolePlaneView::keyPressEvent(QKeyEvent* event) {
  if (!data_ || (event->modifiers() & Qt::ControlModifier && event->key() == Qt::Key_C)) {
    return View::keyPressEvent(event);
  }
  const auto choose = [this](int step) {
    if (poles_.empty()) return;
    const int count = static_cast<int>(poles_.size());
    set_selected(selected_ < 0 ? 0 : (selected_ + step + count) % count);
    Q_EMIT pole_selected(selected_);
    update();
  };
  by_keys_ = true;
  const auto move = [this, event, choose](double right, double up) {
    if (selected_ < 0) return choose(1);
    if (!data_->draggable) return;
    const double step = scaled(snap_pixels) / frame(rect()).scale;  // one step off the axis splits two real poles
    press_number_ = poles_[static_cast<std::size_t>(selected_)];
    drag_to(press_number_ + step * Complex(right, up), event->modifiers(), true);
  };
  const QPointF middle = frame(rect()).body.center();
  if (event->key() == Qt::Key_PageDown) return choose(1);
  if (event->key() == Qt::Key_PageUp) return choose(-1);
  const bool known = plane_key(
      event->key(), move, [&](double factor) { zoom(middle, factor); }, [this] { reset_zoom(); });
  if (!known) View::keyPressEvent(event);
}

void PolePlaneView::leaveEvent(QEvent*) {
  hover_.reset();
  update();
}

}  // namespace statescope
