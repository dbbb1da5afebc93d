// SPDX-License-Identifier: GPL-3.0-or-later
#include "paths.h"

namespace statescope::test {

const char* const assets = STATESCOPE_SOURCE "/assets";

std::string asset(const std::string& name) {
  return std::string(STATESCOPE_SOURCE "/assets/") + name;
}
std::string test_data(const std::string& name) {
  return std::string(STATESCOPE_SOURCE "/tests/data/") + name;
}

}  // namespace statescope::test
