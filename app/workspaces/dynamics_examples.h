// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

namespace statescope {

/// A scene to begin with: a file of assets/scenes and what it shows.
struct DynamicsExample {
  QString file, title, sentence;
};
/// In the order of a lesson; the first is what the workspace opens with.
std::vector<DynamicsExample> dynamics_examples();

}  // namespace statescope
