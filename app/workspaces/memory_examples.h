// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

#include "engine/dynamics/signal.h"

namespace statescope {

/// A scene of assets/scenes that teaches one thing.
struct MemoryExample {
  QString file, title, sentence;
};
const std::vector<MemoryExample>& memory_examples();

/// A signal to remember, `seconds` long.
struct MemorySignal {
  QString name;
  Signal signal;
};
std::vector<MemorySignal> memory_signals(double seconds, std::int64_t length);

}  // namespace statescope
