// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>

#include "engine/models/model.h"

namespace statescope {

/// Rounds to the nearest value of the precision, ties to even; f32, f64 and i8 leave the values alone. Beyond the
/// largest float16, 65504, values become infinite, as on hardware.
void round_to(Precision precision, std::span<float> values);

/// How weight matrices are stored and what activations are rounded to. f64 counts as f32.
kernels::ElementType weight_storage(Precision precision);
kernels::ElementType activation_type(Precision precision);

}  // namespace statescope
