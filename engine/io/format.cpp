// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/format.h"

#include <charconv>

namespace statescope {

std::string short_number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr;
  return {text, end};
}

}  // namespace statescope
