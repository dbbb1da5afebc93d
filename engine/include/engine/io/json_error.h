// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

#include "engine/error.h"

namespace statescope {

/// What `parse_json` throws: for a caller that has words of its own for a text that somebody typed.
class JsonError : public Error {
 public:
  JsonError(const std::string& in, const std::string& what, std::size_t at)
      : Error(in + ": " + what + " at byte " + std::to_string(at) + "; get an undamaged copy of the file"),
        where(in),
        problem(what),
        byte(at) {}
  std::string where, problem;  // a file's name; "is not valid JSON (unexpected '}')"
  std::size_t byte;            // that was read last, from 0
};

}  // namespace statescope
