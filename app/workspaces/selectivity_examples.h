// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

namespace statescope {

/// A scene of assets/scenes that teaches one thing.
struct SelectivityExample {
  QString file, title, sentence;
};
const std::vector<SelectivityExample>& selectivity_examples();

}  // namespace statescope
