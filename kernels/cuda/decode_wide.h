// SPDX-License-Identifier: GPL-3.0-or-later
// Steps of kernels/cuda_decode.h for many sequences, in 16 bits on tensor cores. Each says whether it does the work;
// where it does not, the kernels for any shape do.
#pragma once

#include "cuda/decode.h"

namespace statescope::kernels::cuda {

bool decodes_together(const DecodeShape& shape, const DecodeLaunch& how);
/// The same of the state update alone.
bool state_takes_parts(const DecodeShape& shape, const DecodeLaunch& how);

bool decode_in_wide(const DecodeInArgs& args, const DecodeLaunch& how);
bool decode_state_wide(const DecodeStateArgs& args, const DecodeLaunch& how);
bool decode_out_wide(const DecodeOutArgs& args, const DecodeLaunch& how);

}  // namespace statescope::kernels::cuda
