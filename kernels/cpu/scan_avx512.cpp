// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
// This file is compiled with the flags of its instruction set (kernels/CMakeLists.txt). Nothing here may instantiate
// templates of the standard library: the linker could keep this copy for code that runs on older processors.
#define STATESCOPE_SCAN_OPS avx512_scan_ops
#define STATESCOPE_LANES 16  // floats in a vector
#include "cpu/scan_impl.h"
#endif
