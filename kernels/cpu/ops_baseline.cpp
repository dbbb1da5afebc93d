// SPDX-License-Identifier: GPL-3.0-or-later
// This file is compiled with the flags of its instruction set (kernels/CMakeLists.txt). Nothing here may instantiate
// templates of the standard library: the linker could keep this copy for code that runs on older processors.
#define STATESCOPE_OPS baseline_ops
#define STATESCOPE_LANES 4      // floats in a vector
#define STATESCOPE_TILE_ROWS 4  // rows × vectors of accumulators that fit the registers
#define STATESCOPE_TILE_VECTORS 2
#include "cpu/ops_impl.h"
