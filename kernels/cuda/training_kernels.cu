// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/launch.cuh"
#include "cuda/training_kernels.h"
#include "kernels/dropout.h"

namespace statescope::kernels::cuda {
namespace {

constexpr unsigned threads = 256;

// One thread for an element of the matrices, whose rows may be apart.
template <class Body>
__global__ void __launch_bounds__(threads) elements_kernel(std::int64_t count, std::int64_t cols, Body body) {
  const std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i < count) body(i / cols, i % cols);
}
template <class Body>
void for_elements(const char* name, std::int64_t rows, std::int64_t cols, cudaStream_t stream, const Body& body) {
  launch(name, elements_kernel<Body>, dim3(blocks_for(rows * cols, threads)), threads, 0, stream, false, rows * cols,
         cols, body);
}

struct Fill {
  float* x;
  std::int64_t stride;
  float value;
  __device__ void operator()(std::int64_t r, std::int64_t c) const { x[r * stride + c] = value; }
};

struct Gate {
  const float *y, *z;
  float* out;
  std::int64_t y_row, z_row, out_row;
  __device__ void operator()(std::int64_t r, std::int64_t c) const {
    const float v = z[r * z_row + c];
    out[r * out_row + c] = y[r * y_row + c] * v / (1.0f + expf(-v));
  }
};

struct Multiply {
  const float *x, *y;
  float* out;
  std::int64_t x_row, y_row, out_row;
  __device__ void operator()(std::int64_t r, std::int64_t c) const {
    out[r * out_row + c] = x[r * x_row + c] * y[r * y_row + c];
  }
};

struct Drop {
  const float* x;
  float* y;
  std::int64_t x_row, y_row, cols;
  std::uint64_t key;
  std::uint32_t threshold;
  float scale;
  __device__ void operator()(std::int64_t r, std::int64_t c) const {
    y[r * y_row + c] = stays(key, r * cols + c, threshold) ? x[r * x_row + c] * scale : 0.0f;
  }
};

// Angles in double: of a late token a float keeps too few digits.
struct Rotate {
  float* x;
  std::int64_t stride, length, first, pairs;  // pairs in a head
  double log_ratio, sign;
  __device__ void operator()(std::int64_t r, std::int64_t pair) const {
    const double frequency = exp(log_ratio * static_cast<double>(pair % pairs));
    const double angle = sign * static_cast<double>(first + r % length) * frequency;
    double sine, cosine;
    sincos(angle, &sine, &cosine);
    float* const at = x + r * stride + 2 * pair;
    const float a = at[0], b = at[1], c = static_cast<float>(cosine), s = static_cast<float>(sine);
    at[0] = a * c - b * s;
    at[1] = a * s + b * c;
  }
};

struct Convolve {
  const float *x, *weight, *bias;
  float* y;
  std::int64_t x_row, y_row, E, length;
  int taps;
  __device__ void operator()(std::int64_t r, std::int64_t e) const {
    const std::int64_t t = r % length;
    float total = bias ? bias[e] : 0.0f;
    for (int j = t < taps - 1 ? taps - 1 - static_cast<int>(t) : 0; j < taps; ++j)
      total = fmaf(weight[j * E + e], x[(r - taps + 1 + j) * x_row + e], total);
    y[r * y_row + e] = total / (1.0f + expf(-total));
  }
};

enum class Change { add, negative_exp };
template <Change change>
struct Changed {
  const float* x;
  float* to;
  std::int64_t x_row, to_row;
  __device__ void operator()(std::int64_t r, std::int64_t c) const {
    const float from = x[r * x_row + c];
    float& value = to[r * to_row + c];
    if constexpr (change == Change::add) value += from;
    if constexpr (change == Change::negative_exp) value = -expf(from);
  }
};
template <Change change>
void apply(const char* name, const DeviceMatrix& x, const DeviceMatrix& to, cudaStream_t stream) {
  for_elements(name, to.rows, to.cols, stream,
               Changed<change>{x.as<const float>(), to.as<float>(), x.stride, to.stride});
}

__global__ void __launch_bounds__(threads) adamw_kernel(AdamW args) {
  const std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= args.count) return;
  const float g = args.gradient_scale * args.gradient[i];
  const float first = args.first[i] = args.beta1 * args.first[i] + (1 - args.beta1) * g;
  const float second = args.second[i] = args.beta2 * args.second[i] + (1 - args.beta2) * g * g;
  args.value[i] =
      args.kept * args.value[i] - args.first_rate * first / (sqrtf(second * args.second_scale) + args.epsilon);
}

// A warp for a row.
__global__ void __launch_bounds__(threads)
    likeliest_kernel(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, std::int32_t* columns) {
  const std::int64_t row = (std::int64_t{blockIdx.x} * threads + threadIdx.x) / 32;
  if (row >= rows) return;
  float best = -INFINITY;
  auto column = static_cast<std::int32_t>(cols);
  for (auto c = static_cast<std::int32_t>(threadIdx.x % 32); c < cols; c += 32) {
    const float value = x[row * stride + c];
    if (value > best || column == cols) {
      best = value;
      column = c;
    }
  }
  for (int other = 16; other > 0; other /= 2) {
    const float value = __shfl_xor_sync(~0u, best, other);
    const std::int32_t c = __shfl_xor_sync(~0u, column, other);
    if (c < cols && (column == cols || value > best || (value == best && c < column))) {
      best = value;
      column = c;
    }
  }
  if (threadIdx.x % 32 == 0) columns[row] = column;
}

// The sum of what the threads of a block hold, in the first of them.
__device__ double sum_of_block(double value) {
  __shared__ double sums[threads];
  sums[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  return sums[0];
}

__global__ void __launch_bounds__(threads)
    squared_norm_kernel(const float* values, std::int64_t count, double* partials) {
  double sum = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < count;
       i += std::int64_t{squared_norm_partials} * threads)
    sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  sum = sum_of_block(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(threads) sum_kernel(const double* partials, double* sum) {
  static_assert(squared_norm_partials == threads, "a partial sum for each thread");
  const double total = sum_of_block(partials[threadIdx.x]);
  if (threadIdx.x == 0) sum[0] = total;
}

}  // namespace

void fill(const DeviceMatrix& x, float value, cudaStream_t stream) {
  for_elements("fill", x.rows, x.cols, stream, Fill{x.as<float>(), x.stride, value});
}
void add(const DeviceMatrix& x, const DeviceMatrix& to, cudaStream_t stream) {
  apply<Change::add>("add", x, to, stream);
}
void multiply(const DeviceMatrix& x, const DeviceMatrix& y, const DeviceMatrix& out, cudaStream_t stream) {
  for_elements("multiply", out.rows, out.cols, stream,
               Multiply{x.as<const float>(), y.as<const float>(), out.as<float>(), x.stride, y.stride, out.stride});
}
void negative_exp(const DeviceMatrix& x, const DeviceMatrix& to, cudaStream_t stream) {
  apply<Change::negative_exp>("negative_exp", x, to, stream);
}

void gate(const DeviceMatrix& y, const DeviceMatrix& z, const DeviceMatrix& out, cudaStream_t stream) {
  for_elements("gate", out.rows, out.cols, stream,
               Gate{y.as<const float>(), z.as<const float>(), out.as<float>(), y.stride, z.stride, out.stride});
}

void dropout(const DeviceMatrix& x, double rate, std::uint64_t key, const DeviceMatrix& y, cudaStream_t stream) {
  for_elements("dropout", x.rows, x.cols, stream,
               Drop{x.as<const float>(), y.as<float>(), x.stride, y.stride, x.cols, key, dropout_threshold(rate),
                    static_cast<float>(1 / (1 - rate))});
}

void rotary(const Rotary& args, cudaStream_t stream) {
  for_elements("rotary", args.x.rows, args.x.cols / 2, stream,
               Rotate{args.x.as<float>(), args.x.stride, args.length, args.first, args.pairs, args.log_ratio,
                      args.back ? -1.0 : 1.0});
}

void causal_conv(const DeviceConvArgs& args, std::int64_t length, cudaStream_t stream) {
  for_elements("causal_conv", args.x.rows, args.x.cols, stream,
               Convolve{args.x.as<const float>(), args.weight, args.bias, args.y.as<float>(), args.x.stride,
                        args.y.stride, args.x.cols, length, static_cast<int>(args.taps)});
}

void likeliest(const DeviceMatrix& x, std::int32_t* columns, cudaStream_t stream) {
  launch("likeliest", likeliest_kernel, dim3(blocks_for(x.rows * 32, threads)), threads, 0, stream, false,
         x.as<const float>(), x.stride, x.rows, x.cols, columns);
}

void adamw(const AdamW& args, cudaStream_t stream) {
  launch("adamw", adamw_kernel, dim3(blocks_for(args.count, threads)), threads, 0, stream, false, args);
}

void squared_norm(const float* values, std::int64_t count, double* partials, double* sum, cudaStream_t stream) {
  launch("squared_norm", squared_norm_kernel, dim3(squared_norm_partials), threads, 0, stream, false, values, count,
         partials);
  launch("squared_norm", sum_kernel, dim3(1), threads, 0, stream, false, partials, sum);
}

}  // namespace statescope::kernels::cuda
