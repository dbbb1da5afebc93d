// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cstdint>

namespace statescope::kernels {

// The two 16-bit floating-point formats. To float they are exact; from float they round to nearest, ties to even, and a
// NaN stays one. Written without branches on the value, so that compilers turn loops of them into vectors.

/// bfloat16: the upper half of a float.
inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
  return static_cast<std::uint16_t>((nan ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

/// IEEE 754 binary16: 5 bits of exponent, subnormals below 2^-14; beyond 65504 it rounds to infinity.
inline float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16, magnitude = bits & 0x7FFFu;
  // Exponent and fraction in their places of a float, whose bias is 112 larger; scaling by 2^112 is exact and brings
  // subnormals along. What had the largest exponent is infinite or NaN.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  const std::uint32_t special = magnitude >= 0x7C00u ? 0x7F800000u : 0;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special | sign);
}
inline std::uint16_t to_f16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  // Adding 0.5, whose last bit is worth 2^-24, rounds a number below 2^-14 to the spacing of subnormals.
  const std::uint32_t small = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000u;
  const std::uint32_t normal = (magnitude - 0x38000000u + 0xFFFu + (magnitude >> 13 & 1)) >> 13;
  const std::uint32_t finite = magnitude < 0x38800000u ? small : normal;
  const std::uint32_t rounded = magnitude >= 0x477FF000u ? 0x7C00u : finite;  // from 65520 on
  return static_cast<std::uint16_t>(sign | (magnitude > 0x7F800000u ? 0x7E00u : rounded));
}

}  // namespace statescope::kernels
