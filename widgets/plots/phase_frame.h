// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPointF>
#include <QRectF>
#include <algorithm>
#include <array>
#include <cmath>

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
  double number(std::size_t axis, double unit) const { return min[axis] + (unit + 1) / 2 * (max[axis] - min[axis]); }
  QPointF project(double x, double y, double z) const {
    if (!space) return clamped(body.center() + QPointF(x * body.width(), -y * body.height()) / 2);
    const double right = x * std::cos(yaw) - y * std::sin(yaw), back = back_of(x, y);
    const double up = z * std::cos(pitch) + back * std::sin(pitch);
    return clamped(middle() + QPointF(right, -up) * scale_at(depth_of(x, y, z)));
  }
  /// In space: the point of the cube at this depth that is seen at a place.
  std::array<double, 3> unproject(const QPointF& place, double depth) const {
    const QPointF seen = (place - middle()) / scale_at(depth);
    const double right = seen.x(), up = -seen.y();
    const double back = up * std::sin(pitch) + depth * std::cos(pitch);
    return {right * std::cos(yaw) + back * std::sin(yaw), back * std::cos(yaw) - right * std::sin(yaw),
            up * std::cos(pitch) - depth * std::sin(pitch)};
  }
  /// How far behind the middle: along the floor, and along the line of sight.
  double back_of(double x, double y) const { return x * std::sin(yaw) + y * std::cos(yaw); }
  double depth_of(double x, double y, double z) const { return back_of(x, y) * std::cos(pitch) - z * std::sin(pitch); }
  QPointF to_numbers(const QPointF& place) const {
    const QPointF share((place.x() - body.left()) / body.width(), (body.bottom() - place.y()) / body.height());
    return {min[0] + share.x() * (max[0] - min[0]), min[1] + share.y() * (max[1] - min[1])};
  }

 private:
  /// Of the cube on the screen, with room for the names below its floor.
  QPointF middle() const { return body.center() - QPointF(0, 0.06 * body.height()); }
  /// Pixels per half edge of the cube at a depth.
  double scale_at(double depth) const {
    constexpr double distance = 6;  // of the eye, in half edges of the cube: a perspective that stays calm
    const double size = std::min(body.width(), body.height()) / 3.9 * magnification;
    return size * distance / std::max(0.5, distance + depth);
  }
  /// The rasteriser counts in 26.6 fixed point.
  static QPointF clamped(const QPointF& place) {
    constexpr double far = 20000;
    return {std::clamp(place.x(), -far, far), std::clamp(place.y(), -far, far)};
  }
};

}  // namespace statescope
