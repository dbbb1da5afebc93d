// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include "widgets/curves_data.h"

namespace statescope {

/// What stands behind the title: the axes, and what the data says of itself.
QString subtitle_of(const CurvesData& data);

}  // namespace statescope
