// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/colormap.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace statescope {
namespace {

struct Lab {
  double lightness, a, b;
};

double to_linear(double c) {
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double from_linear(double c) {
  return c <= 0.0031308 ? c * 12.92 : 1.055 * std::pow(c, 1.0 / 2.4) - 0.055;
}

// OKLab after Björn Ottosson, "A perceptual color space for image processing", 2020.
Lab to_lab(QRgb color) {
  const double r = to_linear(qRed(color) / 255.0), g = to_linear(qGreen(color) / 255.0),
               b = to_linear(qBlue(color) / 255.0);
  const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
}

std::array<double, 3> to_rgb(const Lab& lab) {
  const double l = std::pow(lab.lightness + 0.3963377774 * lab.a + 0.2158037573 * lab.b, 3);
  const double m = std::pow(lab.lightness - 0.1055613458 * lab.a - 0.0638541728 * lab.b, 3);
  const double s = std::pow(lab.lightness - 0.0894841775 * lab.a - 1.2914855480 * lab.b, 3);
  return {from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

// The colour of this lightness and hue whose chroma is `chroma`, or the largest the screen can show.
QRgb screen_color(double lightness, double chroma, double hue) {
  const auto inside = [](const std::array<double, 3>& rgb) {
    return std::all_of(rgb.begin(), rgb.end(), [](double c) { return c >= -1e-6 && c <= 1 + 1e-6; });
  };
  const auto at = [&](double c) { return to_rgb({lightness, c * std::cos(hue), c * std::sin(hue)}); };
  std::array<double, 3> rgb = at(chroma);
  if (!inside(rgb)) {
    double low = 0, high = chroma;
    for (int i = 0; i < 20; ++i) {
      const double middle = (low + high) / 2;
      (inside(at(middle)) ? low : high) = middle;
    }
    rgb = at(low);
  }
  const auto byte = [](double c) { return static_cast<int>(std::lround(std::clamp(c, 0.0, 1.0) * 255)); };
  return qRgb(byte(rgb[0]), byte(rgb[1]), byte(rgb[2]));
}

// A ramp of constant hue: lightness runs evenly from `from` to `to`, chroma is full at the lightness of `key` and falls
// to the given shares of it at the ends.
struct Ramp {
  Lab key;
  double from, to, chroma_from, chroma_to;

  QRgb color(double t) const {
    const double lightness = from + (to - from) * t;
    const double key_t = std::clamp((key.lightness - from) / (to - from), 0.1, 0.9);
    const double share =
        t < key_t ? chroma_from + (1 - chroma_from) * t / key_t : 1 + (chroma_to - 1) * (t - key_t) / (1 - key_t);
    return screen_color(lightness, std::hypot(key.a, key.b) * share, std::atan2(key.b, key.a));
  }
};

}  // namespace

ColorMap ColorMap::sequential(const Theme& theme, Symbol symbol) {
  const Lab key = to_lab(theme.symbol(symbol).rgb());
  const Ramp ramp = theme.dark() ? Ramp{key, 0.25, 0.95, 0.35, 0.35} : Ramp{key, 0.965, 0.33, 0.3, 0.8};
  ColorMap map;
  map.table_[nan_index] = theme.danger.rgb();
  for (int i = 1; i < 256; ++i) map.table_[static_cast<std::size_t>(i)] = ramp.color((i - 1) / 254.0);
  return map;
}

ColorMap ColorMap::diverging(const Theme& theme) {
  const double zero = theme.dark() ? 0.235 : 0.965, end = theme.dark() ? 0.86 : 0.36;
  const Ramp above{to_lab(positive_color(theme).rgb()), zero, end, 0.05, 0.6};
  const Ramp below{to_lab(negative_color(theme).rgb()), zero, end, 0.05, 0.6};
  ColorMap map;
  map.table_[nan_index] = theme.danger.rgb();
  for (int i = 0; i <= 127; ++i) {
    map.table_[static_cast<std::size_t>(128 + i)] = above.color(i / 127.0);
    if (i > 0) map.table_[static_cast<std::size_t>(128 - i)] = below.color(i / 127.0);
  }
  return map;
}

QColor positive_color(const Theme& theme) {
  return theme.symbol(Symbol::h);
}
QColor negative_color(const Theme& theme) {
  return theme.dark() ? QColor(0xE58A4A) : QColor(0xB4601A);
}

QColor family_color(const Theme& theme, Symbol symbol, int member, int count) {
  const Lab key = to_lab(theme.symbol(symbol).rgb());
  constexpr double turn = -1.5, rise = 0.26;  // radians and lightness from the first to the last
  const double share = count > 1 ? static_cast<double>(member) / (count - 1) : 0.4;
  return screen_color(key.lightness + rise * (share - 0.45), std::hypot(key.a, key.b),
                      std::atan2(key.b, key.a) + turn * (share - 0.4));
}

double oklab_lightness(QRgb color) {
  return to_lab(color).lightness;
}

std::uint8_t ValueRange::index(float value) const {
  if (std::isnan(value)) return ColorMap::nan_index;
  const float t = (std::clamp(value, min, max) - min) / (max - min);
  return static_cast<std::uint8_t>(1.5F + t * 254.0F);
}

ValueRange robust_range(const float* values, std::int64_t count, bool diverging) {
  // Percentiles of a sample are enough for a colour scale and keep this quick on millions of cells. A stride that is
  // not a power of two does not lock on to one column.
  constexpr std::int64_t sample_size = 1 << 16;
  std::int64_t stride = std::max<std::int64_t>(1, count / sample_size);
  if (stride > 1) stride |= 1;
  std::vector<float> sample;
  sample.reserve(static_cast<std::size_t>(count / stride + 1));
  for (std::int64_t i = 0; i < count; i += stride) {
    if (std::isfinite(values[i])) sample.push_back(diverging ? std::fabs(values[i]) : values[i]);
  }
  if (sample.empty()) return diverging ? ValueRange{-1, 1} : ValueRange{0, 1};

  const auto percentile = [&sample](double p) {
    const auto nth = sample.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(sample.size() - 1));
    std::nth_element(sample.begin(), nth, sample.end());
    return *nth;
  };
  float high = percentile(0.995);
  if (high == 0.0F) high = *std::max_element(sample.begin(), sample.end());
  if (diverging) {
    if (high == 0.0F) high = 1.0F;
    return {-high, high};
  }
  float low = percentile(0.005);
  if (low >= 0.0F && low < 0.5F * high) low = 0.0F;
  if (!(high > low)) {
    const float margin = low == 0.0F ? 1.0F : 0.5F * std::fabs(low);
    return {low - (low > 0.0F ? margin : 0.0F), low + margin};
  }
  return {low, high};
}

}  // namespace statescope
