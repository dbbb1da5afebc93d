// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <string>

#include "engine/models/model.h"
#include "engine/profile/profile.h"

namespace statescope {

/// Measures what a device can do at most, in less than a second; medians of repeated runs. `device` is "cpu", "cuda" or
/// "cuda:1"; `threads` 0 uses every core. Throws Error for a device that is not there, and Cancelled.
Ceilings measure_ceilings(const std::string& device, Precision precision = Precision::f32, int threads = 0,
                          std::stop_token stop = {});

/// "CPU, AVX-512, 2 threads", "NVIDIA H200"; throws like measure_ceilings.
std::string device_title(const std::string& device, int threads = 0);

}  // namespace statescope
