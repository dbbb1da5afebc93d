// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPixmap>
#include <QPointF>
#include <QRectF>
#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/phase_view.h"
#include "widgets/theme.h"

namespace statescope {

/// Where two or three numbers lie on the screen.
struct PhaseFrame {
  QRectF body;
  std::array<double, 3> min{}, max{};
  bool space = false;
  double yaw = 0, pitch = 0, magnification = 1;
  bool operator==(const PhaseFrame&) const = default;

  /// Numbers to the cube of −1 … 1.
  double unit(std::size_t axis, double value) const { return 2 * (value - min[axis]) / (max[axis] - min[axis]) - 1; }
  QPointF project(double x, double y, double z) const {
    if (!space) return clamped(body.center() + QPointF(x * body.width(), -y * body.height()) / 2);
    constexpr double distance = 6;  // of the eye, in half edges of the cube: a perspective that stays calm
    const double right = x * std::cos(yaw) - y * std::sin(yaw), back = x * std::sin(yaw) + y * std::cos(yaw);
    const double up = z * std::cos(pitch) + back * std::sin(pitch);
    const double depth = back * std::cos(pitch) - z * std::sin(pitch);
    const double size = std::min(body.width(), body.height()) / 4.2 * magnification;
    return clamped(body.center() + QPointF(right, -up) * (size * distance / std::max(0.5, distance + depth)));
  }
  double depth_of(double x, double y) const { return x * std::sin(yaw) + y * std::cos(yaw); }
  QPointF to_numbers(const QPointF& place) const {
    const QPointF share((place.x() - body.left()) / body.width(), (body.bottom() - place.y()) / body.height());
    return {min[0] + share.x() * (max[0] - min[0]), min[1] + share.y() * (max[1] - min[1])};
  }

 private:
  /// The rasteriser counts in 26.6 fixed point.
  static QPointF clamped(const QPointF& place) {
    constexpr double far = 20000;
    return {std::clamp(place.x(), -far, far), std::clamp(place.y(), -far, far)};
  }
};

/// What stands still while a portrait is played, and what it was drawn for.
struct PhaseView::Layer {
  QPixmap pixmap;
  PhaseFrame frame;
  ThemeKind theme;
  double ratio;
  bool cursor;
};

}  // namespace statescope
