// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

/// Where the source tree lies. Only paths.cpp is compiled with it, so that a second checkout shares every other object.
namespace statescope::test {

extern const char* const assets;                 ///< the folder assets/
std::string asset(const std::string& name);      ///< assets/NAME
std::string test_data(const std::string& name);  ///< tests/data/NAME

}  // namespace statescope::test
