// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/conv_backward.h"

#include <string>

#include "cuda/launch.cuh"
#include "cuda/partial_sums.h"
#include "kernels/cuda_error.h"

namespace statescope::kernels::cuda {
namespace {

constexpr unsigned threads = 128;
constexpr std::int64_t stretch = 64;  // inputs whose gradients one thread computes

std::int64_t stretches(const ConvBackwardArgs& args) {
  return (args.T + args.K - 1 + stretch - 1) / stretch;
}

__device__ float silu_slope(float v) {
  const float s = 1.0f / (1.0f + expf(-v));
  return s * (1.0f + v * (1.0f - s));
}

// One channel, one stretch of input times, which begin with the history's at -(K-1). Time runs backwards; the last K
// values of g = dy · SiLU'(v) and the K inputs of the current v move through registers.
template <int K>
__global__ void __launch_bounds__(threads) conv_backward_kernel(ConvBackwardArgs args) {
  const std::int64_t e = std::int64_t{blockIdx.y} * threads + threadIdx.x, E = args.E, T = args.T, b = blockIdx.z;
  if (e >= E) return;
  const float *x = args.x + b * T * E + e, *dy = args.dy + b * T * E + e;
  const float* history = args.history + b * (K - 1) * E + e;
  const auto input = [&](std::int64_t t) {
    if (t >= T || t < -(K - 1)) return 0.0f;
    return t >= 0 ? x[t * E] : history[(t + K - 1) * E];
  };
  float weight[K], dweight[K], g[K], inputs[K];
  for (int j = 0; j < K; ++j) {
    weight[j] = args.weight[j * E + e];
    dweight[j] = 0;
    g[j] = 0;
  }
  const float bias = args.bias ? args.bias[e] : 0;
  float dbias = 0;
  const std::int64_t first = std::int64_t{blockIdx.x} * stretch - (K - 1);
  const std::int64_t end = min(first + stretch, T);    // of the inputs of this stretch
  const std::int64_t begin = min(end + K - 1, T) - 1;  // the latest g that they need
#pragma unroll
  for (int j = 0; j < K; ++j) inputs[j] = input(begin - K + 2 + j);  // of v at begin + 1
  for (std::int64_t t = begin; t >= first; --t) {
#pragma unroll
    for (int j = K - 1; j > 0; --j) {
      inputs[j] = inputs[j - 1];
      g[j] = g[j - 1];
    }
    inputs[0] = input(t - K + 1);
    g[0] = 0;
    if (t >= 0) {
      float v = bias;
#pragma unroll
      for (int j = 0; j < K; ++j) v = fmaf(weight[j], inputs[j], v);
      g[0] = dy[t * E] * silu_slope(v);
    }
    if (t >= end) continue;  // the next stretch's; here only its g counts
    dbias += g[0];
    float dx = 0;
    const std::int64_t kept = t - (T - K + 1);  // row of the history left behind
    if (kept >= 0 && args.dhistory) dx = args.dhistory[(b * (K - 1) + kept) * E + e];
#pragma unroll
    for (int j = 0; j < K; ++j) {
      dweight[j] = fmaf(g[0], inputs[j], dweight[j]);
      dx = fmaf(weight[j], g[K - 1 - j], dx);
    }
    if (t >= 0)
      args.dx[(b * T + t) * E + e] = dx;
    else
      args.dhistory_before[(b * (K - 1) + t + K - 1) * E + e] = dx;
  }
  float* partial = args.workspace + (b * gridDim.x + blockIdx.x) * (K + 1) * E + e;
  for (int j = 0; j < K; ++j) partial[j * E] = dweight[j];
  partial[K * E] = dbias;
}

template <int K>
void run(const ConvBackwardArgs& args, cudaStream_t stream) {
  if (args.K != K) {
    if constexpr (K < 8) return run<K + 1>(args, stream);
    throw CudaError("the gradient of a causal convolution with " + std::to_string(args.K) +
                    " taps is not computed on a CUDA device; use 1 to 8 taps or the CPU");
  }
  const dim3 grid(static_cast<unsigned>(stretches(args)), blocks_for(args.E, threads),
                  static_cast<unsigned>(args.batch));
  launch("causal_conv_backward", conv_backward_kernel<K>, grid, threads, 0, stream, false, args);
}

std::int64_t partials(const ConvBackwardArgs& args) {
  return args.batch * stretches(args);
}

}  // namespace

std::int64_t conv_backward_workspace(const ConvBackwardArgs& args) {
  return (partials(args) + 1) * (args.K + 1) * args.E * static_cast<std::int64_t>(sizeof(float));
}

void causal_conv_backward(const ConvBackwardArgs& args, cudaStream_t stream) {
  run<1>(args, stream);
  const std::int64_t cols = (args.K + 1) * args.E;
  float* sums = args.workspace + partials(args) * cols;  // [K + 1, E]: dweight, dbias
  add_partials(args.workspace, partials(args), cols, sums, stream);
  const auto copy = [&](float* to, const float* from, std::int64_t count) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(count) * sizeof(float), cudaMemcpyDeviceToDevice, stream),
          "cudaMemcpyAsync");
  };
  copy(args.dweight, sums, args.K * args.E);
  if (args.dbias) copy(args.dbias, sums + args.K * args.E, args.E);
}

}  // namespace statescope::kernels::cuda
