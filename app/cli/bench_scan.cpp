// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "cli/bench.h"
#include "cli/interrupt.h"
#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/device.h"
#include "engine/profile/theatre.h"
#include "engine/profile/work.h"
#include "kernels/cuda_scan_run.h"

namespace statescope::cli {
namespace {

using nlohmann::ordered_json;

kernels::ElementType element_type(const std::string& dtype) {
  switch (parse_precision(dtype)) {
    case Precision::f32:
      return kernels::ElementType::f32;
    case Precision::bf16:
      return kernels::ElementType::bf16;
    case Precision::f16:
      return kernels::ElementType::f16;
    default:
      throw Error("--dtype " + dtype + ": the scan reads f32, bf16 or f16");
  }
}

// Least work of a scan: forward as stage_work counts it, with the gate on top; backward runs the recurrence again.
Work scan_work(const BenchOptions& options, bool gated) {
  ModelSizes sizes;
  sizes.d_inner = options.channels;
  sizes.d_state = options.states;
  const std::int64_t value = kernels::bytes_of(element_type(options.dtype));
  Work one = stage_work(Stage::scan, sizes, options.length, 0, value);
  const std::int64_t wide = options.length * options.channels, narrow = options.length * options.states;
  if (gated) one += {wide * value - wide * (4 - value), 3 * wide, 3 * wide};  // z in, y narrow; SiLU and softplus
  if (options.backward) {
    // Also dy in; dx, dΔ and dz out; dB and dC out in float32. Recomputing h and its gradient is twice the forward
    // arithmetic, and three products more per state.
    one += {wide * 3 * value + 2 * narrow * 4, one.operations + 6 * wide * options.states, 0};
  }
  return {one.bytes * options.batch, one.operations * options.batch, one.exponentials * options.batch};
}

ordered_json scan_parameters(const BenchOptions& options) {
  return {{"device", options.device},     {"dtype", options.dtype},  {"algorithm", options.algorithm},
          {"backward", options.backward}, {"batch", options.batch},  {"channels", options.channels},
          {"length", options.length},     {"states", options.states}};
}

std::vector<double> cuda_scan_seconds(int index, const BenchOptions& options, const std::stop_token& stop) {
  // So many runs in a row that the clock's step and the launch do not count.
  const auto run =
      kernels::CudaScanRun::create(index, {element_type(options.dtype), options.batch, options.length, options.channels,
                                           options.states, options.backward, parse_scan_algorithm(options.algorithm)});
  constexpr double long_enough = 2e-3;
  const double once = run->seconds(3);
  const int times = std::clamp(static_cast<int>(long_enough / std::max(once, 1e-7)), 1, 200);
  return repeated(options.repeat, stop, [&] { return run->seconds(times); });
}

// The gradients on the CPU, of the same fused scan as on a device.
std::vector<double> cpu_backward_seconds(const BenchOptions& options, const std::stop_token& stop) {
  const std::int64_t T = options.length, E = options.channels, N = options.states;
  require_memory(4 * (7 * T * E + 4 * T * N + 4 * N * E), "a backward scan of this size");
  std::vector<std::vector<float>> buffers;
  const auto matrix = [&](std::int64_t rows, std::int64_t cols, float low, float high) {
    std::vector<float>& values = buffers.emplace_back(static_cast<std::size_t>(rows * cols));
    for (std::size_t i = 0; i < values.size(); ++i)  // irregular, the same every time
      values[i] = low + (high - low) * static_cast<float>(i * 7919 % 10007) / 10007.0f;
    return kernels::MatrixView<float>(values.data(), rows, cols);
  };
  kernels::SelectiveScanBackwardArgs<float> args;
  kernels::SelectiveScanArgs<float>& scan = args.forward;
  scan.x = matrix(T, E, -1, 1);
  scan.delta = matrix(T, E, -2, 0);
  scan.A = matrix(N, E, -16, -1);
  scan.B = matrix(T, N, -1, 1);
  scan.C = matrix(T, N, -1, 1);
  scan.D = matrix(1, E, -1, 1).data;
  scan.h = matrix(N, E, 0, 0);
  scan.z = matrix(T, E, -1, 1);
  scan.delta_bias = matrix(1, E, -5, -3).data;
  scan.softplus = true;
  args.dy = matrix(T, E, -1, 1);
  args.dx = matrix(T, E, 0, 0);
  args.ddelta = matrix(T, E, 0, 0);
  args.dz = matrix(T, E, 0, 0);
  args.dA = matrix(N, E, 0, 0);
  args.dB = matrix(T, N, 0, 0);
  args.dC = matrix(T, N, 0, 0);
  args.dD = matrix(1, E, 0, 0).data;
  args.ddelta_bias = matrix(1, E, 0, 0).data;
  args.dh0 = matrix(N, E, 0, 0);
  const kernels::CpuBackend backend(options.threads);
  return repeated(options.repeat, stop, [&] { return timed([&] { backend.selective_scan_backward(args); }); });
}

std::vector<double> cpu_scan_seconds(const BenchOptions& options, const std::stop_token& stop) {
  if (options.dtype != "f32") throw Error("--dtype " + options.dtype + ": the CPU's scan reads f32");
  std::vector<double> seconds =
      options.backward ? cpu_backward_seconds(options, stop)
                       : one_point(options, parse_sweep_work(options.algorithm), options.length, stop).runs;
  for (double& taken : seconds) taken *= static_cast<double>(options.batch);  // one sequence after the other
  return seconds;
}

}  // namespace

void bench_scan(const BenchOptions& options) {
  if (options.backward && parse_scan_algorithm(options.algorithm) != kernels::ScanAlgorithm::fused)
    throw Error("--backward --algorithm " + options.algorithm + ": gradients are those of the fused scan");
  const std::optional<int> cuda = cuda_index(options.device);
  const std::stop_token stop = stop_on_interrupt();
  Measurement measurement{"scan",
                          scan_parameters(options),
                          {},
                          scan_work(options, cuda || options.backward),
                          options.batch * options.length,
                          {},
                          {},
                          {},
                          0};
  measurement.limits = measure_ceilings(options.device, parse_precision(options.dtype), options.threads, stop);
  measurement.seconds = cuda ? cuda_scan_seconds(*cuda, options, stop) : cpu_scan_seconds(options, stop);
  print_report(measurement, options.json);
}

}  // namespace statescope::cli
