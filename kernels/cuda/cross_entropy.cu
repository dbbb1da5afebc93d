// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/cross_entropy.h"

#include "cuda/launch.cuh"
#include "cuda/partial_sums.h"

namespace statescope::kernels::cuda {
namespace {

constexpr unsigned threads = 256;
constexpr std::int32_t ignored = -1;

struct Add {
  template <class Real>
  __device__ Real operator()(Real a, Real b) const {
    return a + b;
  }
};
struct Larger {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// The values of all threads of the block as one, in the order of a tree. Every thread gets it.
template <class Real, class Combine>
__device__ Real of_block(Real value, Combine combine) {
  __shared__ Real values[threads];
  __syncthreads();  // what a call before left is read
  values[threadIdx.x] = value;
  for (unsigned width = threads / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) values[threadIdx.x] = combine(values[threadIdx.x], values[threadIdx.x + width]);
  }
  __syncthreads();
  return values[0];
}

struct RowSums {
  float largest, total;  // total = Σ e^(x − largest)
};

__device__ RowSums sums_of(const float* x, std::int64_t V) {
  float largest = -INFINITY;
  for (std::int64_t v = threadIdx.x; v < V; v += threads) largest = fmaxf(largest, x[v]);
  largest = of_block(largest, Larger{});
  float total = 0;
  for (std::int64_t v = threadIdx.x; v < V; v += threads) total += expf(x[v] - largest);
  return {largest, of_block(total, Add{})};
}

__global__ void __launch_bounds__(threads) softmax_kernel(const float* x, std::int64_t V, bool log, float* y) {
  x += blockIdx.x * V;
  y += blockIdx.x * V;
  const RowSums sums = sums_of(x, V);
  const float log_total = logf(sums.total);
  for (std::int64_t v = threadIdx.x; v < V; v += threads) {
    const float shifted = x[v] - sums.largest;
    y[v] = log ? shifted - log_total : expf(shifted) / sums.total;
  }
}

__global__ void __launch_bounds__(threads)
    softmax_backward_kernel(const float* y, const float* dy, std::int64_t V, bool log, float* dx) {
  const std::int64_t row = blockIdx.x * V;
  float total = 0;
  for (std::int64_t v = row + threadIdx.x; v < row + V; v += threads) total += log ? dy[v] : dy[v] * y[v];
  total = of_block(total, Add{});
  for (std::int64_t v = row + threadIdx.x; v < row + V; v += threads)
    dx[v] = log ? dy[v] - expf(y[v]) * total : y[v] * (dy[v] - total);
}

__global__ void __launch_bounds__(threads) count_targets(const std::int32_t* targets, std::int64_t T, float* count) {
  double mine = 0;
  for (std::int64_t t = threadIdx.x; t < T; t += threads) mine += targets[t] != ignored;
  mine = of_block(mine, Add{});
  if (threadIdx.x == 0) *count = static_cast<float>(mine);
}

__global__ void __launch_bounds__(threads) cross_entropy_kernel(CrossEntropyArgs args) {
  const std::int64_t t = blockIdx.x, V = args.V;
  const float* x = args.logits + t * V;
  float* dx = args.dlogits ? args.dlogits + t * V : nullptr;
  const std::int32_t target = args.targets[t];
  if (target == ignored) {
    if (threadIdx.x == 0) args.losses[t] = 0;
    for (std::int64_t v = threadIdx.x; dx && v < V; v += threads) dx[v] = 0;
    return;
  }
  const float target_logit = x[target];
  const RowSums sums = sums_of(x, V);  // has waited for every thread to read the target's logit
  const float loss = logf(sums.total) + (sums.largest - target_logit), scale = args.dloss / *args.count;
  if (threadIdx.x == 0) args.losses[t] = loss;
  for (std::int64_t v = threadIdx.x; dx && v < V; v += threads)
    dx[v] = scale * (v == target ? expm1f(-loss) : expf(x[v] - sums.largest) / sums.total);
}

__global__ void __launch_bounds__(threads)
    mean_loss(const float* losses, std::int64_t T, const float* count, float* loss) {
  double mine = 0;
  for (std::int64_t t = threadIdx.x; t < T; t += threads) mine += losses[t];
  mine = of_block(mine, Add{});
  if (threadIdx.x == 0) *loss = *count > 0 ? static_cast<float>(mine / *count) : 0.0f;
}

// One block per token: that of the first token with an id adds up all tokens with the same id, in order; the others
// end.
__global__ void __launch_bounds__(threads) embedding_backward_kernel(const std::int32_t* tokens, const float* dy,
                                                                     std::int64_t T, std::int64_t D, float* dtable) {
  __shared__ bool same[threads];
  const std::int64_t t = blockIdx.x;
  const std::int32_t id = tokens[t];
  int earlier = 0;
  for (std::int64_t i = threadIdx.x; i < t; i += threads) earlier |= tokens[i] == id;
  if (__syncthreads_or(earlier)) return;
  float* row = dtable + id * D;
  for (std::int64_t begin = t; begin < T; begin += threads) {
    const std::int64_t mine = begin + threadIdx.x;
    same[threadIdx.x] = mine < T && tokens[mine] == id;
    if (!__syncthreads_or(same[threadIdx.x])) continue;
    for (std::int64_t d = threadIdx.x; d < D; d += threads) {
      float total = row[d];
      for (unsigned i = 0; i < threads; ++i)
        if (same[i]) total += dy[(begin + i) * D + d];
      row[d] = total;
    }
    __syncthreads();
  }
}

__global__ void __launch_bounds__(threads) norm_backward_kernel(NormBackwardArgs args, float* scales) {
  const std::int64_t D = args.D, row = blockIdx.x * D;
  float squares = 0, products = 0;
  for (std::int64_t d = threadIdx.x; d < D; d += threads) {
    const float s = args.s[row + d];
    squares += s * s;
    products += s * args.dy[row + d] * args.weight[d];
  }
  squares = of_block(squares, Add{});
  products = of_block(products, Add{});
  const float scale = 1.0f / sqrtf(squares / static_cast<float>(D) + args.epsilon);
  const float mean = products * scale / static_cast<float>(D);
  for (std::int64_t d = threadIdx.x; d < D; d += threads) {
    const float ds = (args.dy[row + d] * args.weight[d] - args.s[row + d] * scale * mean) * scale;
    args.ds[row + d] = args.dsum ? args.dsum[row + d] + ds : ds;
  }
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
}

dim3 block_per_row(std::int64_t T) {
  return dim3(static_cast<unsigned>(T));
}

}  // namespace

void softmax(const float* x, std::int64_t T, std::int64_t V, bool log, float* y, cudaStream_t stream) {
  launch("softmax", softmax_kernel, block_per_row(T), threads, 0, stream, false, x, V, log, y);
}

void softmax_backward(const float* y, const float* dy, std::int64_t T, std::int64_t V, bool log, float* dx,
                      cudaStream_t stream) {
  launch("softmax_backward", softmax_backward_kernel, block_per_row(T), threads, 0, stream, false, y, dy, V, log, dx);
}

void cross_entropy(const CrossEntropyArgs& args, cudaStream_t stream) {
  launch("count_targets", count_targets, dim3(1), threads, 0, stream, false, args.targets, args.T, args.count);
  launch("cross_entropy", cross_entropy_kernel, block_per_row(args.T), threads, 0, stream, false, args);
  launch("mean_loss", mean_loss, dim3(1), threads, 0, stream, false, args.losses, args.T, args.count, args.loss);
}

void embedding_backward(const std::int32_t* tokens, const float* dy, std::int64_t T, std::int64_t D, float* dtable,
                        cudaStream_t stream) {
  launch("embedding_backward", embedding_backward_kernel, block_per_row(T), threads, 0, stream, false, tokens, dy, T, D,
         dtable);
}

std::int64_t norm_backward_workspace(std::int64_t T, std::int64_t D) {
  return (T + partials_of(T) * D) * static_cast<std::int64_t>(sizeof(float));
}

void rms_norm_backward(const NormBackwardArgs& args, cudaStream_t stream) {
  float *scales = args.workspace, *partials = scales + args.T;
  launch("rms_norm_backward", norm_backward_kernel, block_per_row(args.T), threads, 0, stream, false, args, scales);
  column_dots(args.dy, args.s, scales, args.T, args.D, partials, args.dweight, stream);
}

}  // namespace statescope::kernels::cuda
