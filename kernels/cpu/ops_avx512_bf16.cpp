// SPDX-License-Identifier: GPL-3.0-or-later
#if defined(__x86_64__)
// This file is compiled with the flags of its instruction set (kernels/CMakeLists.txt). Nothing here may instantiate
// templates of the standard library: the linker could keep this copy for code that runs on older processors.
#define STATESCOPE_OPS avx512_bf16_ops
#define STATESCOPE_BF16_PAIRS   // products of bf16 weights by vdpbf16ps
#define STATESCOPE_LANES 16     // floats in a vector
#define STATESCOPE_TILE_ROWS 6  // rows × vectors of accumulators that fit the registers
#define STATESCOPE_TILE_VECTORS 4
#include "cpu/ops_impl.h"
#endif
