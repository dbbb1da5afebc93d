// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace statescope::test {

struct Outcome {
  int status = -1;  // of the exit; 128 + n after signal n, 124 when it had to be stopped after a minute
  std::string out, err;
};

/// Runs statescope-cli with these arguments and nothing on its standard input. `out_file` takes its standard output in
/// place of `out`. Interrupts it once `interrupt_when` holds.
Outcome command(const std::vector<std::string>& arguments, const std::string& out_file = "",
                const std::function<bool()>& interrupt_when = {});

}  // namespace statescope::test
