// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "engine/error.h"

namespace statescope::test {

/// The sentence of the Error that `call` throws; "no Error" without one.
std::string message_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no Error";
}

}  // namespace statescope::test
