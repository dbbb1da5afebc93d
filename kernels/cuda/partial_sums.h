// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace statescope::kernels::cuda {

/// sums[c] = Σ_r partials[r, c] over rising r: the last step of a sum that many blocks began, without atomics, so that
/// repeated runs give the same bits. Device memory.
void add_partials(const float* partials, std::int64_t rows, std::int64_t cols, float* sums, cudaStream_t stream);

/// Rows that one block adds up before it leaves a partial sum.
constexpr std::int64_t partial_rows = 64;
constexpr std::int64_t partials_of(std::int64_t rows) {
  return (rows + partial_rows - 1) / partial_rows;
}

/// sums[c] = Σ_r factor[r] a[r, c] b[r, c]; b and factor null mean 1. partials: [partials_of(rows), cols] floats of
/// room.
void column_dots(const float* a, const float* b, const float* factor, std::int64_t rows, std::int64_t cols,
                 float* partials, float* sums, cudaStream_t stream);

}  // namespace statescope::kernels::cuda
