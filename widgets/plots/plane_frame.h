// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPointF>
#include <QRectF>
#include <complex>

namespace statescope {

/// The complex plane on the screen: the same scale both ways, the imaginary axis pointing up.
struct PlaneFrame {
  QRectF body;
  std::complex<double> center;  // in the middle of the body
  double scale;                 // pixels per unit
  bool operator==(const PlaneFrame&) const = default;

  QPointF to_screen(const std::complex<double>& number) const {
    return body.center() + QPointF(number.real() - center.real(), center.imag() - number.imag()) * scale;
  }
  std::complex<double> to_number(const QPointF& place) const {
    const QPointF offset = (place - body.center()) / scale;
    return center + std::complex<double>(offset.x(), -offset.y());
  }
  double left() const { return to_number(body.topLeft()).real(); }
  double right() const { return to_number(body.bottomRight()).real(); }
  double bottom() const { return to_number(body.bottomRight()).imag(); }
  double top() const { return to_number(body.topLeft()).imag(); }
};

}  // namespace statescope
