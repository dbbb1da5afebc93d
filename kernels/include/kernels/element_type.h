// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace statescope::kernels {

/// How one number is stored. i8 is for weights only, with scales beside them.
enum class ElementType { f32, bf16, f16, i8 };

constexpr std::int64_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::f32:
      return 4;
    case ElementType::bf16:
    case ElementType::f16:
      return 2;
    case ElementType::i8:
      return 1;
  }
  return 0;
}

}  // namespace statescope::kernels
