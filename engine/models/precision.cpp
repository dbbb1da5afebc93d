// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/precision.h"

#include <bit>
#include <cmath>
#include <limits>

#include "engine/error.h"

namespace statescope {
namespace {

float round_bf16(float x) {
  if (!std::isfinite(x)) return x;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000u);
}

float round_f16(float x) {
  if (!std::isfinite(x) || x == 0) return x;
  const int exponent = std::max(std::ilogb(x), -14);  // below 2^-14 the spacing stays that of subnormals
  const float rounded = std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
  return std::abs(rounded) > 65504 ? std::copysign(std::numeric_limits<float>::infinity(), x) : rounded;
}

}  // namespace

Precision parse_precision(const std::string& text) {
  for (const Precision p : {Precision::f64, Precision::f32, Precision::bf16, Precision::f16})
    if (precision_name(p) == text) return p;
  throw Error("unknown dtype \"" + text + "\"; use f32, bf16, f16 or f64");
}

std::string precision_name(Precision precision) {
  switch (precision) {
    case Precision::f64:
      return "f64";
    case Precision::f32:
      return "f32";
    case Precision::bf16:
      return "bf16";
    case Precision::f16:
      break;
  }
  return "f16";
}

void round_to(Precision precision, std::span<float> values) {
  if (precision == Precision::bf16)
    for (float& x : values) x = round_bf16(x);
  else if (precision == Precision::f16)
    for (float& x : values) x = round_f16(x);
}

void round_to(Precision precision, MatrixView<float> values) {
  for (std::int64_t t = 0; t < values.rows; ++t)
    round_to(precision, std::span(values.row(t), static_cast<std::size_t>(values.cols)));
}

}  // namespace statescope
