// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QString>

#include "engine/profile/profile.h"
#include "widgets/theme.h"

namespace statescope {

/// The colour a stage has in every profile view. A stage that makes one of the model's symbols has that symbol's
/// colour:
///   in-projection x · x-projection B (and C) · dt-projection Δ · scan h · gate z · out-projection y
/// The convolution, which only reshapes x, has a darker x. What belongs to no symbol is grey: embedding, norm, head,
/// sampling; copies between host and device stand out in the colour of D, which nothing else here uses.
QColor stage_color(Stage stage, const Theme& theme);

/// The colour of text on a box filled with `fill`.
QColor ink_on(const QColor& fill);

QString stage_label(Stage stage);  // "in-projection"

}  // namespace statescope
