// SPDX-License-Identifier: GPL-3.0-or-later
#include "cuda/scan_ladder.h"

#include "cuda/element.cuh"
#include "cuda/launch.cuh"
#include "scan_schedule.h"

namespace statescope::kernels::cuda {
namespace {

constexpr int ladder_threads = 128;

// ---- The linear scan. A thread does one task of a phase in one lane, so all of a launch runs side by side.

struct Pair {
  float a, b;  // h → a h + b
};

// The arrays of kernels/scan_algorithms.h, rows of W lanes. `work` and `other` hold all a, then all b.
struct Arrays {
  const float *a, *b;
  std::int64_t a_stride, b_stride;
  const float* h0;  // or null for 0
  float* h;
  std::int64_t h_stride;
  float *work, *other, *carry;
  std::int64_t pairs;  // in `work` and in `other`
  std::int64_t W;
};

// Executes the steps of one task in one lane. What the step before made is still in registers.
class Lane {
 public:
  __device__ Lane(const Arrays& arrays, std::int64_t lane) : arrays_(arrays), lane_(lane) {}

  __device__ void execute(const ScheduledStep& step) {
    const Pair left = step.left == made_at_ ? made_ : read(step.left), right = read(step.right);
    switch (step.operation) {
      case ScanOperation::copy:
        made_ = right;
        break;
      case ScanOperation::combine:
        made_ = combine(left, right);
        break;
      case ScanOperation::descend:
        made_ = combine(right, left);
        write(step.left, right);
        break;
    }
    write(step.into, made_);
    made_at_ = step.into;
  }

 private:
  static __device__ Pair combine(Pair earlier, Pair later) {
    return {earlier.a * later.a, fmaf(later.a, earlier.b, later.b)};
  }
  __device__ Pair read(ScanPlace place) const {
    const std::int64_t i = place.index, at = i * arrays_.W + lane_, b = arrays_.pairs * arrays_.W;
    switch (place.array) {
      case ScanArray::input:
        return {arrays_.a[i * arrays_.a_stride + lane_], arrays_.b[i * arrays_.b_stride + lane_]};
      case ScanArray::work:
        return {arrays_.work[at], arrays_.work[b + at]};
      case ScanArray::other:
        return {arrays_.other[at], arrays_.other[b + at]};
      case ScanArray::carry:
        return {0, arrays_.carry[at]};
      case ScanArray::state:
        if (i < 0) return {0, arrays_.h0 ? arrays_.h0[lane_] : 0.0f};
        return {0, arrays_.h[i * arrays_.h_stride + lane_]};
      case ScanArray::none:
        break;
    }
    return {1, 0};  // the identity
  }
  __device__ void write(ScanPlace place, Pair value) const {
    const std::int64_t i = place.index, at = i * arrays_.W + lane_, b = arrays_.pairs * arrays_.W;
    switch (place.array) {
      case ScanArray::work:
        arrays_.work[at] = value.a, arrays_.work[b + at] = value.b;
        break;
      case ScanArray::other:
        arrays_.other[at] = value.a, arrays_.other[b + at] = value.b;
        break;
      case ScanArray::carry:
        arrays_.carry[at] = value.b;
        break;
      case ScanArray::state:
        arrays_.h[i * arrays_.h_stride + lane_] = value.b;
        break;
      case ScanArray::input:  // no step writes there
      case ScanArray::none:
        break;
    }
  }

  const Arrays& arrays_;
  std::int64_t lane_;
  Pair made_{1, 0};
  ScanPlace made_at_;
};

// A launch has a block for every 128 lanes of every task (or token); a block's own are neighbours.
struct Place {
  std::int64_t row, lane;
};
__device__ Place place_of_thread(unsigned blocks_of_row) {
  return {blockIdx.x / blocks_of_row,
          static_cast<std::int64_t>(blockIdx.x % blocks_of_row) * ladder_threads + threadIdx.x};
}
template <class... Parameters, class... Arguments>
void launch_rows(const char* name, void (*kernel)(Parameters...), std::int64_t rows, std::int64_t lanes,
                 cudaStream_t stream, const Arguments&... arguments) {
  const unsigned blocks_of_row = blocks_for(lanes, ladder_threads);
  if (rows > INT32_MAX / static_cast<std::int64_t>(blocks_of_row))
    throw CudaError(std::string(name) + " was given more tokens and lanes than a CUDA device numbers; choose less");
  launch(name, kernel, dim3(static_cast<unsigned>(rows) * blocks_of_row), ladder_threads, 0, stream, false,
         blocks_of_row, arguments...);
}

/// The phase of that number, a task a thread and lane.
template <ScanAlgorithm algorithm>
__global__ void __launch_bounds__(ladder_threads)
    phase_kernel(unsigned blocks_of_row, Arrays arrays, std::int64_t T, std::int64_t chunk, int number) {
  const Place place = place_of_thread(blocks_of_row);
  if (place.lane >= arrays.W) return;
  Lane lane(arrays, place.lane);
  int phase = 0;
  schedule_scan(algorithm, T, chunk, [&](ScanPhase, std::int64_t, std::int64_t, const auto& body) {
    if (phase++ == number) body(place.row, [&](const ScheduledStep& step) { lane.execute(step); });
  });
}

template <ScanAlgorithm algorithm>
void run_phases(const Arrays& arrays, std::int64_t T, std::int64_t chunk, cudaStream_t stream) {
  int number = 0;
  schedule_scan(algorithm, T, chunk, [&](ScanPhase, std::int64_t tasks, std::int64_t, const auto&) {
    launch_rows("linear_scan", &phase_kernel<algorithm>, tasks, arrays.W, stream, arrays, T, chunk, number++);
  });
}

// Pairs in the array `work`, and in `other`.
std::int64_t work_pairs(ScanAlgorithm algorithm, std::int64_t T) {
  switch (algorithm) {
    case ScanAlgorithm::hillis_steele:
      return T > 1 ? T : 0;
    case ScanAlgorithm::blelloch:
      return leaf_count(T);
    case ScanAlgorithm::chunked:
      return T;
    default:
      return 0;
  }
}
std::int64_t other_pairs(ScanAlgorithm algorithm, std::int64_t T) {
  return algorithm == ScanAlgorithm::hillis_steele && T > 2 ? T : 0;
}

// ---- Around it: pairs from the inputs of a selective scan, and its outputs from the states.

template <class T>
__device__ float at(const Input& input, std::int64_t batch, std::int64_t t, std::int64_t column) {
  return to_float(static_cast<const T*>(input.data)[batch * input.batch + t * input.row + column]);
}

/// a = exp(Δ A), b = Δ B x in the lane (sequence · N + n) · E + e.
template <class T>
__global__ void __launch_bounds__(ladder_threads)
    form_kernel(unsigned blocks_of_row, ScanArgs args, float* a, float* b) {
  const auto [t, lane] = place_of_thread(blocks_of_row);
  const std::int64_t E = args.E, N = args.N, W = args.batch * N * E;
  if (lane >= W) return;
  const std::int64_t e = lane % E, n = lane / E % N, s = lane / E / N, group = e / (E / args.groups);
  float delta = at<T>(args.delta, s, t, e) + (args.delta_bias ? args.delta_bias[e] : 0.0f);
  if (args.softplus) delta = softplus(delta);
  a[t * W + lane] = expf(delta * args.A[n * E + e]);
  b[t * W + lane] = delta * at<T>(args.B, s, t, group * N + n) * at<T>(args.x, s, t, e);
}

/// y = (Σ_n C h + D x) ⊙ SiLU(z), and the states that are asked for, in the lane sequence · E + e.
template <class T>
__global__ void __launch_bounds__(ladder_threads)
    contract_kernel(unsigned blocks_of_row, ScanArgs args, const float* h) {
  const auto [t, lane] = place_of_thread(blocks_of_row);
  const std::int64_t E = args.E, N = args.N;
  if (lane >= args.batch * E) return;
  const std::int64_t e = lane % E, s = lane / E, group = e / (E / args.groups);
  const float* states = h + (t * args.batch + s) * N * E + e;  // E apart
  float y = args.D ? args.D[e] * at<T>(args.x, s, t, e) : 0.0f;
  for (std::int64_t n = 0; n < N; ++n) y = fmaf(at<T>(args.C, s, t, group * N + n), states[n * E], y);
  if (args.z.data) y *= silu(at<T>(args.z, s, t, e));
  static_cast<T*>(args.y.data)[s * args.y.batch + t * args.y.row + e] = from_float<T>(y);
  if (!args.h_all) return;
  const std::int64_t kept = args.channel_list ? args.channels : E;
  for (std::int64_t i = args.channel_list ? 0 : e; i < kept; i += args.channel_list ? 1 : kept) {
    if (args.channel_list && args.channel_list[i] != e) continue;
    for (std::int64_t n = 0; n < N; ++n) args.h_all[((s * args.T + t) * kept + i) * N + n] = states[n * E];
  }
}

}  // namespace

std::int64_t linear_scan_workspace(ScanAlgorithm algorithm, std::int64_t T, std::int64_t W, std::int64_t chunk) {
  const std::int64_t rows = 2 * (work_pairs(algorithm, T) + other_pairs(algorithm, T)) +
                            (algorithm == ScanAlgorithm::chunked ? chunk_count(T, chunk) : 0);
  return T > 0 ? rows * W * static_cast<std::int64_t>(sizeof(float)) : 0;
}

void linear_scan(const DeviceLinearScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk, cudaStream_t stream) {
  const std::int64_t T = args.a.rows, W = args.a.cols;
  if (T == 0 || W == 0) return;
  Arrays arrays{args.a.as<const float>(),
                args.b.as<const float>(),
                args.a.stride,
                args.b.stride,
                args.h0,
                args.h.as<float>(),
                args.h.stride,
                nullptr,
                nullptr,
                nullptr,
                work_pairs(algorithm, T),
                W};
  arrays.work = static_cast<float*>(args.workspace);
  arrays.other = arrays.carry = arrays.work + 2 * arrays.pairs * W;
  switch (algorithm) {
    case ScanAlgorithm::hillis_steele:
      return run_phases<ScanAlgorithm::hillis_steele>(arrays, T, chunk, stream);
    case ScanAlgorithm::blelloch:
      return run_phases<ScanAlgorithm::blelloch>(arrays, T, chunk, stream);
    case ScanAlgorithm::chunked:
      return run_phases<ScanAlgorithm::chunked>(arrays, T, chunk, stream);
    default:
      return run_phases<ScanAlgorithm::sequential>(arrays, T, chunk, stream);
  }
}

std::int64_t ladder_workspace(const ScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk) {
  const std::int64_t W = args.batch * args.N * args.E;
  return 2 * args.T * W * static_cast<std::int64_t>(sizeof(float)) + linear_scan_workspace(algorithm, args.T, W, chunk);
}

void ladder_scan(const ScanArgs& args, ScanAlgorithm algorithm, std::int64_t chunk, void* workspace,
                 cudaStream_t stream) {
  const std::int64_t T = args.T, W = args.batch * args.N * args.E;
  if (T == 0 || W == 0) return;
  auto* const a = static_cast<float*>(workspace);
  float *const b = a + T * W, *const rest = b + T * W;
  const auto rows = [&](float* data) { return DeviceMatrix{data, ElementType::f32, T, W, W}; };
  with_type(args.type, [&](auto zero) { launch_rows("form", &form_kernel<decltype(zero)>, T, W, stream, args, a, b); });
  linear_scan({rows(a), rows(b), args.h, rows(b), rest}, algorithm, chunk, stream);
  with_type(args.type, [&](auto zero) {
    launch_rows("contract", &contract_kernel<decltype(zero)>, T, args.batch * args.E, stream, args, b);
  });
  check(cudaMemcpyAsync(args.h, b + (T - 1) * W, static_cast<std::size_t>(W) * sizeof(float), cudaMemcpyDeviceToDevice,
                        stream),
        "copying the last state");
}

}  // namespace statescope::kernels::cuda
