// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/quantised.h"

#include "cuda/launch.cuh"
#include "cuda/quantised.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int quantise_threads = 256;

// A warp rounds 32 inputs of an output: scale = largest / 127 rounded up to bf16, so that no integer passes 127.
__global__ void __launch_bounds__(quantise_threads)
    quantise_kernel(const float* from, std::int64_t from_stride, std::int64_t cols, std::int8_t* to,
                    std::int64_t to_stride, std::int64_t inputs, std::int64_t first) {
  const std::int64_t r = blockIdx.x;
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.y) * quantise_threads + threadIdx.x;
  const float weight = c < cols ? from[r * from_stride + c] : 0.0f;
  float largest = fabsf(weight);
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2)
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffffU, largest, offset));
  const unsigned bits = (__float_as_uint(largest / 127) + 0xFFFF) >> 16;
  const float scale = __uint_as_float(bits << 16);
  if (first + c >= inputs) return;
  std::int8_t* row = to + r * to_stride;
  row[first + c] = static_cast<std::int8_t>(__float2int_rn(weight / (bits == 0 ? 1.0f : scale)));
  if (c % scale_inputs == 0)
    reinterpret_cast<unsigned short*>(row + inputs)[(first + c) / scale_inputs] = static_cast<unsigned short>(bits);
}

template <class T>
__global__ void __launch_bounds__(256)
    dequantise_kernel(QuantisedWeights from, T* to, std::int64_t to_stride, std::int64_t cols) {
  const std::int64_t r = blockIdx.x, c = static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (c < cols) to[r * to_stride + c] = from_float<T>(from.at(r, c));
}

}  // namespace

void quantise(const DeviceMatrix& from, const DeviceMatrix& to, std::int64_t first, cudaStream_t stream) {
  launch("quantise", &quantise_kernel, dim3(static_cast<unsigned>(from.rows), blocks_for(from.cols, quantise_threads)),
         quantise_threads, 0, stream, false, from.as<const float>(), from.stride, from.cols, to.as<std::int8_t>(),
         to.stride, padded(to.cols), first);
}

void dequantise(const DeviceMatrix& from, const DeviceMatrix& to, cudaStream_t stream) {
  const QuantisedWeights weights{from.as<const std::int8_t>(), from.stride, padded(from.cols)};
  with_type(to.type, [&](auto zero) {
    using T = decltype(zero);
    launch("dequantise", &dequantise_kernel<T>, dim3(static_cast<unsigned>(from.rows), blocks_for(from.cols, 256)), 256,
           0, stream, false, weights, to.as<T>(), to.stride, from.cols);
  });
}

}  // namespace statescope::kernels::cuda
