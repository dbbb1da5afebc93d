// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace statescope {

/// Vigna's splitmix64: any seed does, and a sequence can begin anywhere. The same numbers on every machine, which the
/// distributions of the standard library do not promise.
class Uniform {
 public:
  explicit Uniform(std::uint64_t seed) : state_(seed) {}
  double operator()() {  // [0, 1)
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  /// Standard normal, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-(*this)()));
    return radius * std::cos(2 * std::numbers::pi * (*this)());
  }

 private:
  std::uint64_t state_;
};

}  // namespace statescope
