// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cpu/ops.h"
#include "cpu/scan_ops.h"
#include "kernels/cpu_backend.h"
#include "kernels/large_pages.h"

namespace statescope::kernels {
namespace {

constexpr int repeats = 5;
constexpr std::int64_t rounds = 20'000;  // about 0.1 ms of multiply-adds
constexpr std::int64_t items_per_thread = 16;
constexpr std::int64_t block = std::int64_t{1} << 20;  // bytes that one thread reads or copies at a time
constexpr std::size_t page = std::size_t{2} << 20;

struct Free {
  void operator()(float* p) const { std::free(p); }
};

// Seconds of the median run. A first one is not counted: it wakes threads, clocks and pages.
template <class Run>
double median_seconds(const std::stop_token& stop, const Run& run) {
  std::vector<double> seconds;
  for (int i = 0; i <= repeats; ++i) {
    if (stop.stop_requested()) return 0;
    const auto start = std::chrono::steady_clock::now();
    run();
    if (i > 0) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + repeats / 2, seconds.end());
  return seconds[repeats / 2];
}

double rate(double amount, double seconds) {
  return seconds > 0 ? amount / seconds : 0;
}

}  // namespace

CpuCeilings CpuBackend::measure_ceilings(std::int64_t buffer_bytes, std::stop_token stop) const {
  const CeilingOps& ops = ops_->ceilings;
  const ScanOps& scan = scan_ops(set_);
  CpuCeilings ceilings;
  const std::int64_t items = items_per_thread * threads();
  const auto busy = [&](void (*loop)(float*, std::int64_t)) {
    return median_seconds(stop, [&] {
      pool_.for_ranges(items, [&](std::int64_t begin, std::int64_t end) {
        float values[CeilingOps::scratch] = {};
        for (std::int64_t item = begin; item < end; ++item) loop(values, rounds);
        // Somebody must look at the result, or the loop is left out.
        volatile float seen = values[0];
        static_cast<void>(seen);
      });
    });
  };
  const auto total = static_cast<double>(items * rounds);
  const auto multiply_adds = static_cast<double>(ops.multiply_adds_per_round);
  ceilings.multiply_add_rate = rate(2 * multiply_adds * total, busy(ops.multiply_adds));
  if (ops.pair_products) ceilings.bf16_pair_rate = rate(4 * multiply_adds * total, busy(ops.pair_products));
  ceilings.exponential_rate = rate(static_cast<double>(scan.exponentials_per_round) * total, busy(scan.exponentials));

  const std::int64_t blocks = std::max<std::int64_t>(buffer_bytes / block / 2 * 2, 2);
  const auto bytes = static_cast<std::size_t>(blocks * block);
  const std::unique_ptr<float, Free> buffer(
      static_cast<float*>(std::aligned_alloc(page, (bytes + page - 1) / page * page)));
  if (!buffer) return ceilings;
  ask_for_large_pages(buffer.get(), bytes);
  char* const start = reinterpret_cast<char*>(buffer.get());
  const auto each_block = [&](std::int64_t count, const auto& body) {
    pool_.for_ranges(count, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end && !stop.stop_requested(); ++i) body(i);
    });
  };
  each_block(blocks, [&](std::int64_t i) { std::memset(start + i * block, 0, block); });
  std::atomic<float> seen = 0;
  for (const auto read : ops.reading) {
    const double reading = median_seconds(stop, [&] {
      each_block(blocks, [&](std::int64_t i) {
        seen.store(read(reinterpret_cast<const float*>(start + i * block), block / 4), std::memory_order_relaxed);
      });
    });
    ceilings.read_bandwidth = std::max(ceilings.read_bandwidth, rate(static_cast<double>(bytes), reading));
  }
  const double copying = median_seconds(stop, [&] {
    each_block(blocks / 2,
               [&](std::int64_t i) { std::memcpy(start + (blocks / 2 + i) * block, start + i * block, block); });
  });
  ceilings.copy_bandwidth = rate(static_cast<double>(bytes), copying);
  return ceilings;
}

}  // namespace statescope::kernels
