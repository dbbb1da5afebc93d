// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRgb>
#include <array>
#include <cstdint>

#include "widgets/theme.h"

namespace statescope {

/// 255 colours from low to high plus one for "not a number". Built in OKLab with evenly spaced lightness, so that equal
/// steps of the value look like equal steps.
class ColorMap {
 public:
  /// Index 0 of the table: NaN. The values use 1 (low) to 255 (high).
  static constexpr std::uint8_t nan_index = 0;

  /// Magnitudes: from near the background, through the symbol's colour, to near white (dark) or near black (light).
  static ColorMap sequential(const Theme& theme, Symbol symbol);
  /// Signed values: neutral at index 128 (zero), blue above, orange below, equally strong on both sides.
  static ColorMap diverging(const Theme& theme);

  QRgb color(std::uint8_t index) const { return table_[index]; }
  const std::array<QRgb, 256>& table() const { return table_; }

 private:
  std::array<QRgb, 256> table_{};
};

/// Blue and orange for positive and negative bars, of the diverging map's hues.
QColor positive_color(const Theme& theme);
QColor negative_color(const Theme& theme);

/// The colour of one of `count` things of the same symbol: in their order hue and lightness pass through the symbol's.
QColor family_color(const Theme& theme, Symbol symbol, int member, int count);

/// OKLab lightness (0 black, 1 white) of a colour.
double oklab_lightness(QRgb color);

/// The range of values that a map's ends stand for.
struct ValueRange {
  float min, max;

  /// 1 at (and below) `min`, 255 at (and above) `max`, linear in between; `ColorMap::nan_index` for NaN.
  std::uint8_t index(float value) const;
};

/// A range for `count` values that a few outliers do not stretch: 0.5th to 99.5th percentile. Magnitudes that reach
/// down near zero start at zero; with `diverging` the range is symmetric about zero. Never empty.
ValueRange robust_range(const float* values, std::int64_t count, bool diverging);

}  // namespace statescope
