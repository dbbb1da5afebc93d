// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace statescope {

/// "0.25", "-1.5e-07": at most six significant digits, a decimal point in every locale. For sentences.
std::string short_number(double value);

}  // namespace statescope
