// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_decode.h"

namespace statescope::kernels::cuda {

/// Where and how a step of kernels/cuda_decode.h is enqueued.
struct DecodeLaunch {
  cudaStream_t stream = nullptr;
  bool overlap = false;           // with the kernel before, which must be one of these, too
  bool has_tensor_cores = false;  // for bf16 and f16 products: compute capability 8.0 and later
  int multiprocessors = 1;
  int shared_bytes = 0;  // that a block may have
};

void decode_embed(const DecodeEmbedArgs& args, const DecodeLaunch& how);
void decode_in(const DecodeInArgs& args, const DecodeLaunch& how);
void decode_project(const DecodeProjectArgs& args, const DecodeLaunch& how);
void decode_state(const DecodeStateArgs& args, const DecodeLaunch& how);
void decode_out(const DecodeOutArgs& args, const DecodeLaunch& how);
/// Head and bests of few sequences.
void decode_head(const DecodeHeadArgs& args, const DecodeLaunch& how);
/// The bests of logits that are there.
void best_logits(const DecodeHeadArgs& args, const DecodeLaunch& how);
void decode_choose(const DecodeChooseArgs& args, const DecodeLaunch& how);

/// y = x Wᵀ (+ y) (+ bias) for few rows; y in the type of x or float32.
void skinny_product(const DeviceMatrix& x, const DeviceMatrix& W, const float* bias, const DeviceMatrix& y,
                    bool accumulate, const DecodeLaunch& how);
/// From how many rows on a general matrix product is the better choice.
constexpr std::int64_t few_rows = 8;

}  // namespace statescope::kernels::cuda
