// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/partial_sums.h"

#include "cuda/launch.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr unsigned threads = 128;

__global__ void add_partials_kernel(const float* partials, std::int64_t rows, std::int64_t cols, float* sums) {
  const std::int64_t c = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (c >= cols) return;
  float total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += partials[r * cols + c];
  sums[c] = total;
}

__global__ void column_dots_kernel(const float* a, const float* b, const float* factor, std::int64_t rows,
                                   std::int64_t cols, float* partials) {
  const std::int64_t c = std::int64_t{blockIdx.y} * threads + threadIdx.x;
  if (c >= cols) return;
  const std::int64_t first = std::int64_t{blockIdx.x} * partial_rows, last = min(first + partial_rows, rows);
  float total = 0;
  for (std::int64_t r = first; r < last; ++r)
    total += a[r * cols + c] * (b ? b[r * cols + c] : 1.0f) * (factor ? factor[r] : 1.0f);
  partials[blockIdx.x * cols + c] = total;
}

}  // namespace

void add_partials(const float* partials, std::int64_t rows, std::int64_t cols, float* sums, cudaStream_t stream) {
  launch("add_partials", add_partials_kernel, dim3(blocks_for(cols, threads)), threads, 0, stream, false, partials,
         rows, cols, sums);
}

void column_dots(const float* a, const float* b, const float* factor, std::int64_t rows, std::int64_t cols,
                 float* partials, float* sums, cudaStream_t stream) {
  const std::int64_t parts = partials_of(rows);
  launch("column_dots", column_dots_kernel, dim3(static_cast<unsigned>(parts), blocks_for(cols, threads)), threads, 0,
         stream, false, a, b, factor, rows, cols, partials);
  add_partials(partials, parts, cols, sums, stream);
}

}  // namespace statescope::kernels::cuda
