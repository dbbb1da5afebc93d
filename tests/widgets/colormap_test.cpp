// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/colormap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace statescope {
namespace {

TEST(SequentialMap, LightnessRunsOneWayInEvenSteps) {
  for (const ThemeKind kind : {ThemeKind::light, ThemeKind::dark}) {
    for (int s = 0; s < symbol_count; ++s) {
      const ColorMap map = ColorMap::sequential(Theme::make(kind), static_cast<Symbol>(s));
      const double low = oklab_lightness(map.color(1)), high = oklab_lightness(map.color(255));
      for (int i = 1; i <= 255; ++i) {
        const double expected = low + (high - low) * (i - 1) / 254;
        // A step of one in a byte moves the lightness by up to about 0.004.
        EXPECT_NEAR(oklab_lightness(map.color(static_cast<std::uint8_t>(i))), expected, 0.006) << s << " at " << i;
      }
      EXPECT_GT(std::fabs(high - low), 0.55);
    }
  }
}

TEST(DivergingMap, IsNeutralAtZeroAndEquallyStrongOnBothSides) {
  for (const ThemeKind kind : {ThemeKind::light, ThemeKind::dark}) {
    const ColorMap map = ColorMap::diverging(Theme::make(kind));
    const QColor zero(map.color(128)), above(map.color(220)), below(map.color(36));
    EXPECT_LT(zero.red() > zero.blue() ? zero.red() - zero.blue() : zero.blue() - zero.red(), 16);
    EXPECT_GT(above.blue(), above.red());  // blue above zero
    EXPECT_GT(below.red(), below.blue());  // orange below
    for (int i = 1; i <= 127; ++i) {
      EXPECT_NEAR(oklab_lightness(map.color(static_cast<std::uint8_t>(128 + i))),
                  oklab_lightness(map.color(static_cast<std::uint8_t>(128 - i))), 0.01);
    }
  }
}

TEST(ColorMaps, ShowNaNInAColourOfItsOwn) {
  for (const ColorMap& map : {ColorMap::diverging(theme()), ColorMap::sequential(theme(), Symbol::delta)}) {
    for (int i = 1; i < 256; ++i) EXPECT_NE(map.color(ColorMap::nan_index), map.color(static_cast<std::uint8_t>(i)));
  }
}

TEST(ValueRange, PutsZeroOfASymmetricRangeInTheMiddleAndClampsTheRest) {
  const ValueRange range{-0.3F, 0.3F};
  EXPECT_EQ(range.index(0.0F), 128);
  EXPECT_EQ(range.index(-0.3F), 1);
  EXPECT_EQ(range.index(0.3F), 255);
  EXPECT_EQ(range.index(std::numeric_limits<float>::infinity()), 255);
  EXPECT_EQ(range.index(-7.0F), 1);
  EXPECT_EQ(range.index(std::numeric_limits<float>::quiet_NaN()), ColorMap::nan_index);
}

TEST(RobustRange, IgnoresAFewOutliersAndNaN) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<float>(i) / 1000.0F);
  values[500] = 1e6F;
  values[501] = std::numeric_limits<float>::quiet_NaN();
  const ValueRange magnitude = robust_range(values.data(), 1000, false);
  EXPECT_EQ(magnitude.min, 0.0F);
  EXPECT_NEAR(magnitude.max, 0.995F, 0.01F);
  for (float& value : values) value = -value;
  const ValueRange signed_range = robust_range(values.data(), 1000, true);
  EXPECT_EQ(signed_range.min, -signed_range.max);
  EXPECT_NEAR(signed_range.max, 0.995F, 0.01F);
}

TEST(RobustRange, IsNeverEmpty) {
  for (const float same : {0.0F, 2.5F, -2.5F, std::numeric_limits<float>::quiet_NaN()}) {
    const std::vector<float> values(10, same);
    for (const bool diverging : {false, true}) {
      const ValueRange range = robust_range(values.data(), 10, diverging);
      EXPECT_LT(range.min, range.max) << same;
    }
  }
}

}  // namespace
}  // namespace statescope
