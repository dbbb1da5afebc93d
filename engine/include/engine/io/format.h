// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace statescope {

/// "0.25", "-1.5e-07": at most six significant digits, a decimal point in every locale. For sentences.
std::string short_number(double value);

/// How far two computations of the same numbers lie apart: "to the last bit", or "to 3e-16 of 1.2". One digit and two,
/// for a difference is known by its size.
std::string rounding_text(double difference, double scale);

}  // namespace statescope
