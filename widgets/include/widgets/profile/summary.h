// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <vector>

#include "engine/profile/profile.h"
#include "engine/profile/statistics.h"

namespace statescope {

/// What the pages say about a recording, worked out once. Immutable.
struct ProfileSummary {
  QString title;  // "mamba-lab · 512 tokens read, 48 generated"
  QString device, precision;
  std::int64_t tokens = 0, generated = 0;
  std::vector<StageStatistics> stages;
  std::vector<Histogram> histograms;  // one per stage
  std::vector<RooflinePoint> roof;    // one or two per stage, in their order
  Ceilings ceilings;
  MemoryUse memory;

  /// Index of a stage, the device's where both lanes have it; the one with most time without a stage, -1 when empty.
  int find(std::optional<Stage> stage) const;
};

}  // namespace statescope
