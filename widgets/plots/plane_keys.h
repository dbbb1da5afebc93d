// SPDX-License-Identifier: GPL-3.0-or-later
// Arrows, + − 0 and the wheel, alike in every plane.
#pragma once

#include <QWheelEvent>
#include <cmath>

namespace statescope {

inline constexpr double zoom_step = 1.2;

/// Calls move(right, up) with steps of one, zoom(factor of what is visible) or reset(); false for every other key.
template <class Move, class Zoom, class Reset>
bool plane_key(int key, const Move& move, const Zoom& zoom, const Reset& reset) {
  switch (key) {
    case Qt::Key_Left:
      return move(-1, 0), true;
    case Qt::Key_Right:
      return move(1, 0), true;
    case Qt::Key_Up:
      return move(0, 1), true;
    case Qt::Key_Down:
      return move(0, -1), true;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      return zoom(1 / zoom_step), true;
    case Qt::Key_Minus:
      return zoom(zoom_step), true;
    case Qt::Key_0:
      return reset(), true;
    default:
      return false;
  }
}

template <class Zoom>
void wheel_zoom(const QWheelEvent& event, const Zoom& zoom) {
  const double steps = (event.angleDelta().y() + event.angleDelta().x()) / 120.0;
  if (steps != 0) zoom(std::pow(zoom_step, -steps));
}

}  // namespace statescope
