// SPDX-License-Identifier: GPL-3.0-or-later
// What mouse and keyboard do in a plot of curves.
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "plot_paint.h"
#include "widgets/curves_view.h"

namespace statescope {

void CurvesView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !data_) return View::mousePressEvent(event);
  pressed_ = true;
  dragging_ = false;
  press_point_ = event->position();
  press_first_ = first_;
}

void CurvesView::mouseMoveEvent(QMouseEvent* event) {
  if (!data_ || data_->points() == 0) return;
  if (pressed_ && (event->position() - press_point_).manhattanLength() > drag_threshold) dragging_ = true;
  if (dragging_) {
    const double pixels = place_of(-1, data_->points() - 1).x() - place_of(-1, 0).x();
    const double span = data_->x_at(data_->points() - 1) - data_->x_at(0);
    const double moved = pixels > 0 ? (event->position().x() - press_point_.x()) * span / pixels : 0;
    set_window(press_first_ - moved, press_first_ - moved + last_ - first_);
    hover_.reset();
    setCursor(Qt::ClosedHandCursor);
    return;
  }
  hover_ = point_near(event->position());
  setCursor(hover_ ? Qt::CrossCursor : Qt::ArrowCursor);
  update();
}

void CurvesView::mouseReleaseEvent(QMouseEvent* event) {
  const bool click = pressed_ && !dragging_ && event->button() == Qt::LeftButton;
  pressed_ = dragging_ = false;
  setCursor(Qt::ArrowCursor);
  if (!click) return;
  if (const auto near = point_near(event->position())) Q_EMIT point_clicked(near->first, near->second);
}

void CurvesView::mouseDoubleClickEvent(QMouseEvent*) {
  reset_zoom();
}

void CurvesView::wheelEvent(QWheelEvent* event) {
  const double steps = (event->angleDelta().y() + event->angleDelta().x()) / 120.0;
  const double first = first_, last = last_;
  if (data_ && data_->points() > 1) {
    const double left = place_of(-1, 0).x(), right = place_of(-1, data_->points() - 1).x();
    const double begin = data_->x_at(0), end = data_->x_at(data_->points() - 1);
    zoom(begin + (event->position().x() - left) / (right - left) * (end - begin), std::pow(1.2, -steps));
    hover_ = point_near(event->position());
  }
  event->setAccepted(first != first_ || last != last_);
}

void CurvesView::keyPressEvent(QKeyEvent* event) {
  if (!data_ || data_->points() == 0) return View::keyPressEvent(event);
  const auto move = [this](int curves, qint64 points) {
    const int last_curve = static_cast<int>(data_->curves.size()) - 1;
    set_highlighted(std::clamp(highlighted_ + curves, 0, last_curve));
    set_cursor(std::clamp<qint64>(cursor_ + points, 0, data_->points() - 1));
    Q_EMIT point_clicked(highlighted_, cursor_);
  };
  switch (event->key()) {
    case Qt::Key_Left:
      return move(0, -1);
    case Qt::Key_Right:
      return move(0, 1);
    case Qt::Key_Up:
      return move(-1, 0);
    case Qt::Key_Down:
      return move(1, 0);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      return zoom((first_ + last_) / 2, 1 / 1.2);
    case Qt::Key_Minus:
      return zoom((first_ + last_) / 2, 1.2);
    case Qt::Key_0:
      return reset_zoom();
    default:
      View::keyPressEvent(event);
  }
}

void CurvesView::leaveEvent(QEvent*) {
  hover_.reset();
  update();
}

}  // namespace statescope
