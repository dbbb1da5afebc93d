// SPDX-License-Identifier: GPL-3.0-or-later
// What measuring and painting the token strip share.
#pragma once

#include "paint.h"

namespace statescope {

// Lengths at 100 % text size and zoom 1.
inline constexpr double chip_height = 38, chip_padding = 10, chip_gap = 6;

inline double unit(double length) {
  return length * text_scale();
}

inline QFont chip_font() {
  QFont result = font(TextRole::body);
  result.setPixelSize(scaled(15));
  return result;
}

}  // namespace statescope
