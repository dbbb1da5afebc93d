// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/summary.h"

namespace statescope {

int ProfileSummary::find(std::optional<Stage> stage) const {
  int best = -1;
  for (int i = 0; i < static_cast<int>(stages.size()); ++i) {
    const StageStatistics& each = stages[static_cast<std::size_t>(i)];
    if (stage && each.stage != *stage) continue;
    if (best < 0 || each.total > stages[static_cast<std::size_t>(best)].total) best = i;
  }
  return best < 0 && stage ? find(std::nullopt) : best;
}

}  // namespace statescope
