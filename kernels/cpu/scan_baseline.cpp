// SPDX-License-Identifier: GPL-3.0-or-later
// This file is compiled with the flags of its instruction set (kernels/CMakeLists.txt). Nothing here may instantiate
// templates of the standard library: the linker could keep this copy for code that runs on older processors.
#define STATESCOPE_SCAN_OPS baseline_scan_ops
#define STATESCOPE_LANES 4  // floats in a vector
#include "cpu/scan_impl.h"
