// SPDX-License-Identifier: GPL-3.0-or-later
// The operations at the shapes of mamba-130m, for one token and for a prompt of 512, on every instruction set with one
// and two threads; and beside them what the machine can do at best: the bandwidth of a copy and the peak of fused
// multiply-adds. Weights rotate through more memory than the caches hold, as they do when 24 layers take turns.
//
//   kernels_bench --benchmark_filter='AVX2.*T:1/'
#include <benchmark/benchmark.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu_backend.h"

namespace statescope::kernels {
namespace {

constexpr std::int64_t D = 768, E = 1536, N = 16, R = 48, K = 4, vocabulary = 50280;
constexpr std::int64_t beyond_caches = std::int64_t{128} << 20;  // bytes

std::vector<float> random_floats(std::int64_t count, float low, float high) {
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& v : values) v = distribution(generator);
  return values;
}

// A matrix with memory of its own.
struct Array {
  Array(std::int64_t rows_, std::int64_t cols_, float low = -1, float high = 1)
      : values(random_floats(rows_ * cols_, low, high)), rows(rows_), cols(cols_) {}
  MatrixView<float> view() { return {values.data(), rows, cols}; }
  float* data() { return values.data(); }

  std::vector<float> values;
  std::int64_t rows, cols;
};

// Work of one call. `bytes` counts each operand once, as if nothing were read twice.
void report(benchmark::State& state, std::int64_t flops, std::int64_t bytes) {
  const auto calls = static_cast<double>(state.iterations());
  if (flops > 0)
    state.counters["flop/s"] = benchmark::Counter(calls * static_cast<double>(flops), benchmark::Counter::kIsRate,
                                                  benchmark::Counter::kIs1000);
  state.counters["B/s"] =
      benchmark::Counter(calls * static_cast<double>(bytes), benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

// ---- ceilings

// Twelve independent sums hide the latency of the multiply-add and fit the registers of every instruction set.
#define STATESCOPE_PEAK(function, isa, lanes)                                          \
  isa float function(std::int64_t steps, float factor) {                               \
    using Vec = float __attribute__((vector_size(lanes * 4)));                         \
    Vec sums[12] = {};                                                                 \
    const Vec a = Vec{} + factor, b = Vec{} + 0.5f;                                    \
    for (std::int64_t i = 0; i < steps; ++i) {                                         \
      _Pragma("GCC unroll 12") for (int s = 0; s < 12; ++s) sums[s] = sums[s] * a + b; \
    }                                                                                  \
    float total = 0;                                                                   \
    for (const Vec& sum : sums) total += sum[0];                                       \
    return total;                                                                      \
  }
STATESCOPE_PEAK(peak_baseline, , 4)
#if defined(__x86_64__)
STATESCOPE_PEAK(peak_avx2, __attribute__((target("avx2,fma"))), 8)
STATESCOPE_PEAK(peak_avx512, __attribute__((target("avx512f"))), 16)
#endif

struct Peak {
  float (*run)(std::int64_t steps, float factor);
  std::int64_t lanes;
};

Peak peak_of(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512 || set == InstructionSet::avx512_bf16) return {peak_avx512, 16};
  if (set == InstructionSet::avx2) return {peak_avx2, 8};
#endif
  (void)set;
  return {peak_baseline, 4};
}

void multiply_add_peak(benchmark::State& state, InstructionSet set, int threads) {
  ThreadPool pool(threads);
  const Peak peak = peak_of(set);
  const std::int64_t steps = 1'000'000;
  for (auto _ : state) {
    pool.for_ranges(threads, [&](std::int64_t begin, std::int64_t end) {
      if (begin < end) benchmark::DoNotOptimize(peak.run(steps, 0.5f));
    });
  }
  report(state, steps * 12 * peak.lanes * 2 * threads, 0);
}

void copy(benchmark::State& state, int threads) {
  ThreadPool pool(threads);
  const std::int64_t half = beyond_caches / 2;
  std::vector<char> from(static_cast<std::size_t>(half), 1), to(static_cast<std::size_t>(half), 2);
  for (auto _ : state) {
    pool.for_ranges(half, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(to.data() + begin, from.data() + begin, static_cast<std::size_t>(end - begin));
    });
    benchmark::ClobberMemory();
  }
  report(state, 0, 2 * half);
}

// Decoding reads far more than it writes, so this one is its real ceiling.
void read(benchmark::State& state, int threads) {
  ThreadPool pool(threads);
  const Array source(beyond_caches / 4096, 1024);
  for (auto _ : state) {
    pool.for_ranges(source.rows, [&](std::int64_t begin, std::int64_t end) {
      using Vec = float __attribute__((vector_size(16)));
      Vec sums[8] = {};
      for (const float* p = source.values.data() + begin * 1024; p < source.values.data() + end * 1024; p += 32) {
        for (int s = 0; s < 8; ++s) {
          Vec v;
          std::memcpy(&v, p + s * 4, sizeof v);
          sums[s] += v;
        }
      }
      benchmark::DoNotOptimize(sums);
    });
  }
  report(state, 0, beyond_caches);
}

// ---- operations

void linear(benchmark::State& state, const CpuBackend& backend, std::int64_t T, std::int64_t M, std::int64_t inputs,
            ElementType storage) {
  Array x(T, inputs), y(T, M);
  const Array weights(M, inputs);
  std::vector<PackedMatrix> layers;
  do {
    layers.push_back(PackedMatrix::pack(weights.values.data(), M, inputs, storage));
  } while (T == 1 && static_cast<std::int64_t>(layers.size()) * layers[0].bytes() < beyond_caches);
  std::size_t layer = 0;
  for (auto _ : state) {
    LinearArgs args;
    args.x = x.view();
    args.W = &layers[layer++ % layers.size()];
    args.y = y.view();
    backend.linear(args);
  }
  report(state, 2 * T * M * inputs, layers[0].bytes() + 4 * T * (inputs + M));
}

void rms_norm(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  Array x(T, D), weight(1, D), y(T, D);
  for (auto _ : state) backend.rms_norm({x.view(), weight.data(), 1e-5f, y.view()});
  report(state, 0, 4 * (2 * T * D + D));
}

void causal_conv(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  Array x(T, E), weight(K, E), bias(1, E), history(K - 1, E), y(T, E);
  for (auto _ : state) backend.causal_conv({x.view(), weight.view(), bias.data(), history.view(), y.view()});
  report(state, 0, 4 * E * (2 * T + K + 1 + 2 * (K - 1)));
}

void softplus(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  Array x(T, E);
  for (auto _ : state) backend.softplus({x.view(), nullptr});
  report(state, 0, 4 * 2 * T * E);
}

void gate(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  Array y(T, E), z(T, E), out(T, E);
  for (auto _ : state) backend.gate({y.view(), z.view(), {}, out.view()});
  report(state, 0, 4 * 3 * T * E);
}

struct ScanArrays {
  explicit ScanArrays(std::int64_t T)
      : x(T, E), delta(T, E, 0.001f, 0.1f), z(T, E), y(T, E), A(N, E, -16, -1), B(T, N), C(T, N), skip(1, E), h(N, E) {}
  SelectiveScanArgs<float> args() {
    return {x.view(), delta.view(), A.view(), B.view(), C.view(), skip.data(), h.view(), y.view()};
  }
  Array x, delta, z, y, A, B, C, skip, h;
};

// Counts an exp as 13 operations (kernels/cpu/scan_impl.h), so that the peak is a ceiling for it.
void selective_scan(benchmark::State& state, const CpuBackend& backend, std::int64_t T, bool keep_states) {
  ScanArrays arrays(T);
  const std::size_t floats = static_cast<std::size_t>(keep_states ? T * E * N : 0), line = 16;
  std::vector<float> states(floats + line);  // h_all at the start of a cache line
  SelectiveScanArgs<float> args = arrays.args();
  if (keep_states) args.h_all = states.data() + (64 - reinterpret_cast<std::uintptr_t>(states.data()) % 64) % 64 / 4;
  for (auto _ : state) backend.selective_scan(args);
  report(state, T * E * N * (13 + 5), 4 * (3 * T * E + 3 * N * E + 2 * T * N + E + static_cast<std::int64_t>(floats)));
}

// With Δ's bias and softplus and the gate inside.
void fused_scan(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  ScanArrays arrays(T);
  SelectiveScanArgs<float> args = arrays.args();
  args.delta_bias = arrays.skip.data();
  args.softplus = true;
  args.z = arrays.z.view();
  for (auto _ : state) backend.selective_scan(args);
  report(state, T * E * N * (13 + 5), 4 * (4 * T * E + 3 * N * E + 2 * T * N + 2 * E));
}

void scan_backward(benchmark::State& state, const CpuBackend& backend, std::int64_t T) {
  ScanArrays in(T), out(T);
  SelectiveScanBackwardArgs<float> args;
  args.forward = in.args();
  args.dy = in.z.view();
  args.dx = out.x.view(), args.ddelta = out.delta.view(), args.dA = out.A.view();
  args.dB = out.B.view(), args.dC = out.C.view(), args.dD = out.skip.data();
  for (auto _ : state) backend.selective_scan_backward(args);
  report(state, 0, 4 * (5 * T * E + 3 * N * E + 4 * T * N + 2 * E));
}

void scan_rung(benchmark::State& state, const CpuBackend& backend, std::int64_t T, ScanAlgorithm algorithm) {
  ScanArrays arrays(T);
  ScanWorkspace workspace;
  for (auto _ : state) backend.selective_scan(arrays.args(), algorithm, default_scan_chunk, &workspace);
  report(state, 0, selective_scan_work(algorithm, T, E, N).bytes());
}

void add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->UseRealTime()
      ->MinTime(0.05)
      ->Repetitions(5)
      ->ReportAggregatesOnly()
      ->Unit(benchmark::kMicrosecond);
}

void add_operations(InstructionSet set, int threads, std::int64_t T) {
  const auto add_one = [&](const std::string& name, auto operation) {
    add(instruction_set_name(set) + "/threads:" + std::to_string(threads) + "/T:" + std::to_string(T) + "/" + name,
        [=](benchmark::State& state) { operation(state, CpuBackend(set, threads)); });
  };
  const auto add_linear = [&](const std::string& name, std::int64_t M, std::int64_t inputs) {
    const std::pair<const char*, ElementType> storages[] = {
        {"", ElementType::f32}, {"/bf16", ElementType::bf16}, {"/f16", ElementType::f16}, {"/i8", ElementType::i8}};
    for (const auto& [suffix, storage] : storages)
      add_one(name + suffix, [=, storage = storage](auto& state, const CpuBackend& backend) {
        linear(state, backend, T, M, inputs, storage);
      });
  };
  add_linear("in_proj", 2 * E, D);
  add_linear("x_proj", R + 2 * N, E);
  add_linear("dt_proj", E, R);
  add_linear("out_proj", D, E);
  if (T == 1) add_linear("lm_head", vocabulary, D);
  add_one("rms_norm", [=](auto& state, const CpuBackend& backend) { rms_norm(state, backend, T); });
  add_one("causal_conv", [=](auto& state, const CpuBackend& backend) { causal_conv(state, backend, T); });
  add_one("softplus", [=](auto& state, const CpuBackend& backend) { softplus(state, backend, T); });
  add_one("gate", [=](auto& state, const CpuBackend& backend) { gate(state, backend, T); });
  add_one("scan", [=](auto& state, const CpuBackend& backend) { selective_scan(state, backend, T, false); });
  add_one("scan_states", [=](auto& state, const CpuBackend& backend) { selective_scan(state, backend, T, true); });
  add_one("scan_fused", [=](auto& state, const CpuBackend& backend) { fused_scan(state, backend, T); });
  if (T == 1) return;
  add_one("scan_backward", [=](auto& state, const CpuBackend& backend) { scan_backward(state, backend, T); });
  for (const ScanAlgorithm algorithm : scan_algorithms)
    add_one("scan_rung/" + scan_algorithm_name(algorithm),
            [=](auto& state, const CpuBackend& backend) { scan_rung(state, backend, T, algorithm); });
}

}  // namespace

void add_benchmarks() {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    add("ceiling/copy" + suffix, [=](benchmark::State& state) { copy(state, threads); });
    add("ceiling/read" + suffix, [=](benchmark::State& state) { read(state, threads); });
    for (const InstructionSet set : supported_instruction_sets())
      add("ceiling/multiply_add/" + instruction_set_name(set) + suffix,
          [=](benchmark::State& state) { multiply_add_peak(state, set, threads); });
  }
  for (const InstructionSet set : supported_instruction_sets()) {
    for (const int threads : {1, 2}) {
      for (const std::int64_t T : {1, 512}) add_operations(set, threads, T);
    }
  }
}

}  // namespace statescope::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  statescope::kernels::add_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
