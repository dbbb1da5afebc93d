// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "engine/models/model.h"

namespace statescope {

/// Rounds to the nearest value of the precision, ties to even; f32 and f64 leave the values alone. Beyond the largest
/// float16, 65504, values become infinite, as on hardware.
void round_to(Precision precision, std::span<float> values);
void round_to(Precision precision, MatrixView<float> values);

}  // namespace statescope
