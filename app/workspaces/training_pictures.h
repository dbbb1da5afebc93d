// SPDX-License-Identifier: GPL-3.0-or-later
// What the training page shows, made from runs.
#pragma once

#include <QString>
#include <memory>
#include <vector>

#include "model/training_document.h"
#include "widgets/curves_data.h"

namespace statescope {

using TrainingRuns = std::vector<std::shared_ptr<const TrainingRun>>;

/// Curves of all runs, the last of which is under way.
std::shared_ptr<const CurvesData> loss_picture(const TrainingRuns& runs);
std::shared_ptr<const CurvesData> fresh_picture(const TrainingRuns& runs);
/// The one sentence that says how it goes.
QString training_sentence(const TrainingSnapshot& snapshot, std::int64_t layer);

}  // namespace statescope
