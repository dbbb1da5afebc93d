// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/model_ops.h"

#include "cuda/element.cuh"
#include "cuda/launch.cuh"
#include "cuda/quantised.cuh"

namespace statescope::kernels::cuda {
namespace {

constexpr int norm_threads = 256;

// Σ over the threads of a block, for all of them, in one order. Once in a kernel.
template <int Count>
__device__ inline void sum_over_block(float (&values)[Count]) {
  __shared__ float parts[Count][norm_threads / 32];
#pragma unroll
  for (int j = 0; j < Count; ++j) {
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) values[j] += __shfl_xor_sync(0xffffffffU, values[j], offset);
    if (threadIdx.x % 32 == 0) parts[j][threadIdx.x / 32] = values[j];
  }
  __syncthreads();
#pragma unroll
  for (int j = 0; j < Count; ++j) {
    values[j] = 0;
#pragma unroll
    for (int i = 0; i < norm_threads / 32; ++i) values[j] += parts[j][i];
  }
}

__device__ inline float mapped(float value, Mapping mapping) {
  switch (mapping) {
    case Mapping::softplus:
      return softplus(value);
    case Mapping::silu:
      return silu(value);
    case Mapping::identity:
      break;
  }
  return value;
}

template <class X, class Y>
__global__ void __launch_bounds__(norm_threads)
    rms_norm_kernel(const X* x, std::int64_t x_stride, const float* weight, float epsilon, Y* y, std::int64_t y_stride,
                    std::int64_t width) {
  const X* row = x + blockIdx.x * x_stride;
  float total[1] = {};
  for (std::int64_t d = threadIdx.x; d < width; d += norm_threads) {
    const float value = to_float(row[d]);
    total[0] = fmaf(value, value, total[0]);
  }
  sum_over_block(total);
  const float factor = 1.0f / sqrtf(total[0] / static_cast<float>(width) + epsilon);
  Y* out = y + blockIdx.x * y_stride;
  for (std::int64_t d = threadIdx.x; d < width; d += norm_threads)
    out[d] = from_float<Y>(to_float(row[d]) * factor * weight[d]);
}

template <class Y>
__global__ void __launch_bounds__(norm_threads)
    keeping_norm_kernel(const float* x, std::int64_t x_stride, const float* weight, float epsilon, Y* y,
                        std::int64_t y_stride, std::int64_t width, KeptRows kept) {
  const std::int64_t r = blockIdx.x;
  const float *row = x + r * x_stride, *before = kept.before ? kept.before + r * width : row;
  enum { squares, update, steps, states };
  float sums[4] = {};
  for (std::int64_t d = threadIdx.x; d < width; d += norm_threads) {
    const float value = row[d], change = value - before[d];
    kept.rows[r * width + d] = value;
    sums[squares] = fmaf(value, value, sums[squares]);
    sums[update] = fmaf(change, change, sums[update]);
  }
  for (std::int64_t i = threadIdx.x; i < kept.slots; i += norm_threads) {
    const float* slot = kept.scan_sums + (r / summed_tokens * kept.slots + i) * 2 * summed_tokens + r % summed_tokens;
    sums[steps] += slot[0];
    sums[states] += slot[summed_tokens];
  }
  sum_over_block(sums);
  if (threadIdx.x == 0) {
    if (kept.residual) kept.residual[r * kept.step] = sqrtf(sums[squares]);
    if (kept.update) kept.update[r * kept.step] = sqrtf(sums[update]);
    if (kept.delta) kept.delta[r * kept.step] = sums[steps] / static_cast<float>(kept.channels);
    if (kept.state) kept.state[r * kept.step] = sqrtf(sums[states]);
  }
  const float factor = 1.0f / sqrtf(sums[squares] / static_cast<float>(width) + epsilon);
  for (std::int64_t d = threadIdx.x; d < width; d += norm_threads)
    y[r * y_stride + d] = from_float<Y>(row[d] * factor * weight[d]);
}

template <class Table, class Y>
__global__ void __launch_bounds__(256)
    embedding_kernel(const std::int32_t* ids, Table table, Y* y, std::int64_t y_stride, std::int64_t width) {
  for (std::int64_t d = threadIdx.x; d < width; d += blockDim.x)
    y[blockIdx.x * y_stride + d] = from_float<Y>(table.at(ids[blockIdx.x], d));
}

constexpr int conv_threads = 128, conv_tokens = 16;

// A thread walks down conv_tokens tokens of one channel. Taps 0 means any number, read again for each token.
template <class T, int Taps>
__global__ void __launch_bounds__(conv_threads)
    conv_kernel(const T* x, std::int64_t x_stride, const float* weight, const float* bias, int taps, const T* history,
                T* next, std::int64_t history_stride, std::int64_t next_stride, T* y, std::int64_t y_stride,
                std::int64_t E, std::int64_t length, const PassedStates passed) {
  const std::int64_t e = static_cast<std::int64_t>(blockIdx.y) * conv_threads + threadIdx.x;
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * conv_tokens;  // x goes further than y, to 2^31
  if (e >= E) return;
  const int K = Taps > 0 ? Taps : taps;
  const std::int64_t end = begin + conv_tokens < length ? begin + conv_tokens : length;
  const auto input = [&](std::int64_t t) {
    return to_float(t >= 0 ? x[t * x_stride + e] : history[(t + K - 1) * history_stride + e]);
  };
  const float start = bias ? bias[e] : 0.0f;
  if constexpr (Taps > 0) {
    float w[Taps], window[Taps];
#pragma unroll
    for (int j = 0; j < Taps; ++j) w[j] = weight[j * E + e];
#pragma unroll
    for (int j = 1; j < Taps; ++j) window[j] = input(begin - Taps + j);
#pragma unroll 4
    for (std::int64_t t = begin; t < end; ++t) {
      float total = start;
#pragma unroll
      for (int j = 0; j + 1 < Taps; ++j) window[j] = window[j + 1];
      window[Taps - 1] = to_float(x[t * x_stride + e]);
#pragma unroll
      for (int j = 0; j < Taps; ++j) total = fmaf(w[j], window[j], total);
      y[t * y_stride + e] = from_float<T>(silu(total));
    }
  } else {
    for (std::int64_t t = begin; t < end; ++t) {
      float total = start;
      for (int j = 0; j < K; ++j) total = fmaf(weight[j * E + e], input(t - K + 1 + j), total);
      y[t * y_stride + e] = from_float<T>(silu(total));
    }
  }
  if (passed.count > 0) {
    for (std::int64_t i = begin / passed.interval; i < passed.count && (i + 1) * passed.interval <= end; ++i)
      for (int j = 0; j < K - 1; ++j)
        passed.to[i * passed.step + j * E + e] = input((i + 1) * passed.interval - K + 1 + j);
  }
  if (end == length) {
    for (int j = 0; j < K - 1; ++j) next[j * next_stride + e] = from_float<T>(input(length - K + 1 + j));
  }
}

template <class From, class To>
__global__ void __launch_bounds__(256)
    map_kernel(const From* from, std::int64_t from_stride, To* to, std::int64_t to_stride, std::int64_t cols,
               Mapping mapping, const float* bias) {
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x, r = blockIdx.x;
  if (c >= cols) return;
  float value = to_float(from[r * from_stride + c]);
  if (bias) value += bias[c];
  to[r * to_stride + c] = from_float<To>(mapped(value, mapping));
}

__global__ void __launch_bounds__(256)
    square_kernel(const float* h_all, std::int64_t N, float* out, std::int64_t stride, std::int64_t E) {
  const std::int64_t e = static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x, t = blockIdx.x;
  if (e >= E) return;
  const float* h = h_all + (t * E + e) * N;
  float total = 0;
  for (std::int64_t n = 0; n < N; ++n) total = fmaf(h[n], h[n], total);
  out[t * stride + e] = total;
}

constexpr int spin_rounds = 4096, spin_chains = 8;

__global__ void __launch_bounds__(spin_threads) exponentials_kernel(float* scratch) {
  float v[spin_chains];
  for (int i = 0; i < spin_chains; ++i) v[i] = -static_cast<float>(threadIdx.x + i);
  for (int round = 0; round < spin_rounds; ++round) {
#pragma unroll
    for (int i = 0; i < spin_chains; ++i) v[i] = exp2_unit(v[i]);
  }
  float total = 0;
  for (int i = 0; i < spin_chains; ++i) total += v[i];
  if (total == -1.0f) *scratch = total;  // never, but the compiler cannot know
}

__global__ void __launch_bounds__(spin_threads) multiply_adds_kernel(float* scratch) {
  float v[spin_chains];
  const float factor = 0.999f + static_cast<float>(threadIdx.x) * 1e-6f;
  for (int i = 0; i < spin_chains; ++i) v[i] = static_cast<float>(threadIdx.x + i);
  for (int round = 0; round < spin_rounds; ++round) {
#pragma unroll
    for (int i = 0; i < spin_chains; ++i) v[i] = fmaf(v[i], factor, 0.5f);
  }
  float total = 0;
  for (int i = 0; i < spin_chains; ++i) total += v[i];
  if (total == -1.0f) *scratch = total;
}

__global__ void __launch_bounds__(spin_threads) read_kernel(const uint4* data, std::int64_t count, float* scratch) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * spin_threads;
  std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * spin_threads + threadIdx.x;
  unsigned total = 0;
  for (; i + 3 * step < count; i += 4 * step) {
    uint4 v[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) v[j] = data[i + j * step];
#pragma unroll
    for (int j = 0; j < 4; ++j) total ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
  }
  for (; i < count; i += step) total ^= data[i].x ^ data[i].y ^ data[i].z ^ data[i].w;
  if (total == 0xdeadbeefU) *scratch = 1;  // the data is zeros
}

double spins(int blocks) {
  return static_cast<double>(blocks) * spin_threads * spin_rounds * spin_chains;
}

}  // namespace

void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y, cudaStream_t stream) {
  with_type(x.type, [&](auto x_zero) {
    with_type(y.type, [&](auto y_zero) {
      using X = decltype(x_zero);
      using Y = decltype(y_zero);
      launch("rms_norm", &rms_norm_kernel<X, Y>, dim3(static_cast<unsigned>(x.rows)), norm_threads, 0, stream, false,
             x.as<const X>(), x.stride, weight, epsilon, y.as<Y>(), y.stride, x.cols);
    });
  });
}

void rms_norm(const DeviceMatrix& x, const float* weight, float epsilon, const DeviceMatrix& y, const KeptRows& kept,
              cudaStream_t stream) {
  with_type(y.type, [&](auto zero) {
    using Y = decltype(zero);
    launch("rms_norm", &keeping_norm_kernel<Y>, dim3(static_cast<unsigned>(x.rows)), norm_threads, 0, stream, false,
           x.as<const float>(), x.stride, weight, epsilon, y.as<Y>(), y.stride, x.cols, kept);
  });
}

void embedding(const std::int32_t* ids, const DeviceMatrix& table, const DeviceMatrix& y, cudaStream_t stream) {
  with_weights(table, [&](auto, const auto& rows) {
    with_type(y.type, [&](auto zero) {
      using Y = decltype(zero);
      launch("embedding", &embedding_kernel<std::decay_t<decltype(rows)>, Y>, dim3(static_cast<unsigned>(y.rows)), 256,
             0, stream, false, ids, rows, y.as<Y>(), y.stride, y.cols);
    });
  });
}

void causal_conv(const DeviceConvArgs& args, cudaStream_t stream) {
  const DeviceMatrix& x = args.x;
  if (x.rows == 0) {
    if (args.taps > 1) map(args.history, args.next_history, Mapping::identity, nullptr, stream);
    return;
  }
  with_type(x.type, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&](auto kernel) {
      launch("causal_conv", kernel, dim3(blocks_for(x.rows, conv_tokens), blocks_for(x.cols, conv_threads)),
             conv_threads, 0, stream, false, x.as<const T>(), x.stride, args.weight, args.bias,
             static_cast<int>(args.taps), args.history.as<const T>(), args.next_history.as<T>(), args.history.stride,
             args.next_history.stride, args.y.as<T>(), args.y.stride, x.cols, x.rows, args.passed);
    };
    if (args.taps == 4)
      run(&conv_kernel<T, 4>);
    else
      run(&conv_kernel<T, 0>);
  });
}

void map(const DeviceMatrix& from, const DeviceMatrix& to, Mapping mapping, const float* bias, cudaStream_t stream) {
  with_type(from.type, [&](auto from_zero) {
    with_type(to.type, [&](auto to_zero) {
      using From = decltype(from_zero);
      using To = decltype(to_zero);
      launch("map", &map_kernel<From, To>, dim3(static_cast<unsigned>(from.rows), blocks_for(from.cols, 256)), 256, 0,
             stream, false, from.as<const From>(), from.stride, to.as<To>(), to.stride, from.cols, mapping, bias);
    });
  });
}

void square_states(const float* h_all, std::int64_t N, const DeviceMatrix& out, cudaStream_t stream) {
  launch("square_states", &square_kernel, dim3(static_cast<unsigned>(out.rows), blocks_for(out.cols, 256)), 256, 0,
         stream, false, h_all, N, out.as<float>(), out.stride, out.cols);
}

double spin_exponentials(float* scratch, int blocks, cudaStream_t stream) {
  exponentials_kernel<<<blocks, spin_threads, 0, stream>>>(scratch);
  check_launch("exponentials");
  return spins(blocks);
}
double spin_multiply_adds(float* scratch, int blocks, cudaStream_t stream) {
  multiply_adds_kernel<<<blocks, spin_threads, 0, stream>>>(scratch);
  check_launch("multiply_adds");
  return spins(blocks);
}
void read_all(const void* data, std::int64_t bytes, float* scratch, int blocks, cudaStream_t stream) {
  read_kernel<<<blocks, spin_threads, 0, stream>>>(static_cast<const uint4*>(data), bytes / 16, scratch);
  check_launch("read");
}

}  // namespace statescope::kernels::cuda
