// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/io/format.h"

#include <charconv>

namespace statescope {

namespace {

std::string with_digits(double value, int digits) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr;
  return {text, end};
}

}  // namespace

std::string short_number(double value) {
  return with_digits(value, 6);
}

std::string rounding_text(double difference, double scale) {
  if (difference == 0) return "to the last bit";
  return "to " + with_digits(difference, 1) + " of " + with_digits(scale, 2);
}

}  // namespace statescope
