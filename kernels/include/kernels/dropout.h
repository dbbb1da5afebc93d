// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

// Which elements dropout keeps, on the host and on a device.
namespace statescope::kernels {

/// splitmix64's mixing of its state (Vigna 2015): every bit of the result depends on every bit of z.
constexpr std::uint64_t mixed(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Below this of 2³² an element falls out.
constexpr std::uint32_t dropout_threshold(double rate) {
  return static_cast<std::uint32_t>(rate * 0x1p32);
}
constexpr bool stays(std::uint64_t key, std::int64_t element, std::uint32_t threshold) {
  return static_cast<std::uint32_t>(mixed(key + static_cast<std::uint64_t>(element)) >> 32) >= threshold;
}

}  // namespace statescope::kernels
