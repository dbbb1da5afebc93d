// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/elementwise_backward.h"

#include "cuda/launch.cuh"
#include "cuda/partial_sums.h"

namespace statescope::kernels::cuda {
namespace {

constexpr unsigned threads = 256;

__global__ void __launch_bounds__(threads)
    softplus_backward_kernel(const float* y, const float* dy, std::int64_t count, float* dx) {
  const std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i < count) dx[i] = dy[i] * -expm1f(-y[i]);
}

__global__ void __launch_bounds__(threads)
    gate_backward_kernel(const float* y, const float* z, const float* dout, std::int64_t count, float* dy, float* dz) {
  const std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= count) return;
  const float value = y[i], opening = 1.0f / (1.0f + expf(-z[i])), up = dout[i], before = z[i];
  dy[i] = up * before * opening;
  dz[i] = up * value * opening * (1.0f + before * (1.0f - opening));
}

}  // namespace

void softplus_backward(const float* y, const float* dy, std::int64_t T, std::int64_t E, float* dx, float* dbias,
                       float* workspace, cudaStream_t stream) {
  launch("softplus_backward", softplus_backward_kernel, dim3(blocks_for(T * E, threads)), threads, 0, stream, false, y,
         dy, T * E, dx);
  if (dbias) column_dots(dx, nullptr, nullptr, T, E, workspace, dbias, stream);
}

void gate_backward(const float* y, const float* z, const float* dout, std::int64_t T, std::int64_t E, float* dy,
                   float* dz, cudaStream_t stream) {
  launch("gate_backward", gate_backward_kernel, dim3(blocks_for(T * E, threads)), threads, 0, stream, false, y, z, dout,
         T * E, dy, dz);
}

}  // namespace statescope::kernels::cuda
