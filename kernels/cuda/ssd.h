// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/element_type.h"

namespace statescope::kernels::cuda {

/// The chunked scan of Mamba-2 (kernels/ssd.h) on `batch` sequences, in device memory. Strides count elements; tokens
/// and sequences may lie apart, columns are neighbours. State, Δ and decays are float32, as are all sums.
struct SsdArgs {
  ElementType type = ElementType::f32;  // of x, B, C and y: f32, bf16 or f16
  std::int64_t batch = 1, T = 0;
  std::int64_t H = 0, P = 0, N = 0, groups = 1;  // groups divides H
  struct Rows {
    std::int64_t row = 0, batch = 0;
  };
  const void *x = nullptr, *B = nullptr, *C = nullptr;  // [batch, T, H·P], [batch, T, groups·N] twice
  Rows x_rows, B_rows, C_rows;
  const float* delta = nullptr;  // [batch, T, H] after softplus
  Rows delta_rows;
  const float* A = nullptr;  // [H]
  const float* D = nullptr;  // [H], or [H·P] with D_per_channel, or null
  bool D_per_channel = false;
  float* h = nullptr;  // [batch, H, P, N] in and out
  void* y = nullptr;   // [batch, T, H·P]; must not overlap x
  Rows y_rows;
  std::int64_t chunk = 128;   // 1 to 256 tokens
  void* workspace = nullptr;  // ssd_workspace(args) bytes
};
std::int64_t ssd_workspace(const SsdArgs& args);
/// Enqueues the scan. Deterministic. Throws CudaError for sizes that do not fit.
void ssd(const SsdArgs& args, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
