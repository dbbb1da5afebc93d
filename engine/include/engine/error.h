// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace statescope {

/// What every layer throws when an input cannot be used. The message is one sentence for the user: what is wrong,
/// where (file, tensor, byte offset, key), and what to do about it. It ends without a full stop or newline.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown by long work when its std::stop_token asks it to stop. Not an error for the user.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace statescope
