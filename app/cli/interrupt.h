// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>

namespace statescope::cli {

/// From now on Ctrl+C and SIGTERM ask this token to stop instead of ending the program, so that unfinished output is
/// removed. A second signal ends it at once.
std::stop_token stop_on_interrupt();

}  // namespace statescope::cli
