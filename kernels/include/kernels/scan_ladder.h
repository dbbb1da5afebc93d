// SPDX-License-Identifier: GPL-3.0-or-later
// The ladder of scan algorithms: from the loop to the fused kernel, all computing the same recurrence, all run by
// CpuBackend and CudaBackend and all judged by the same tests. For teaching and measuring: models use the fused scan.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/matrix_view.h"
#include "kernels/scan_algorithms.h"

namespace statescope::kernels {

/// The map h → a h + b of one or more neighbouring tokens. A state h is the constant map (0, h), so that applying a map
/// to a state is a combination too.
struct ScanPair {
  double a = 1, b = 0;  // the identity
  friend bool operator==(const ScanPair&, const ScanPair&) = default;
};

/// earlier ∘ later: first `earlier`, then `later`. Associative, not commutative.
constexpr ScanPair combine(ScanPair earlier, ScanPair later) {
  return {earlier.a * later.a, later.a * earlier.b + later.b};
}

/// h_t = a_t h_{t-1} + b_t in each of W independent lanes.
template <class Real>
struct LinearScanArgs {
  MatrixView<const Real> a, b;  // [T, W]
  const Real* h0 = nullptr;     // [W], or null for 0
  MatrixView<Real> h;           // [T, W]; may be b itself
};

/// What an algorithm has to do on paper; the CPU's algorithms do exactly this. Bytes are of float32 elements that the
/// steps read and write, as if no cache kept anything between two steps of different tasks.
struct ScanWork {
  std::int64_t combines = 0;      // pairs combined, over all lanes: at most two multiplications and an addition each
  std::int64_t exponentials = 0;  // selective scans: exp(Δ A)
  std::int64_t depth = 0;         // rounds one after another, however many processors there are
  std::int64_t passes = 0;        // parallel phases, each of which sweeps memory
  std::int64_t bytes_read = 0, bytes_written = 0;
  std::int64_t workspace = 0;  // bytes beside the inputs and outputs

  std::int64_t bytes() const { return bytes_read + bytes_written; }
};
/// Of a linear scan over [T, W]; `fused` counts as `sequential`, which is what it does to a and b in registers.
ScanWork linear_scan_work(ScanAlgorithm algorithm, std::int64_t T, std::int64_t W,
                          std::int64_t chunk = default_scan_chunk);
/// Of a whole selective scan: x, delta, B, C, D to y, on [T, E] with N states. All but `fused` first write
/// a = exp(Δ A) and b = Δ B x to memory [T, N, E], scan them, and then read every h again to contract it with C.
ScanWork selective_scan_work(ScanAlgorithm algorithm, std::int64_t T, std::int64_t E, std::int64_t N,
                             std::int64_t chunk = default_scan_chunk);

/// Memory that scans in a row may share. Fresh memory costs more than most scans do, so whoever measures one gives it
/// the same workspace every time and leaves out the first.
class ScanWorkspace {
 public:
  /// At least `count` floats, whose contents are undefined; what `name` held before is gone when it has to grow.
  /// Throws std::bad_alloc.
  float* floats(const char* name, std::int64_t count);

 private:
  struct Buffer {
    std::unique_ptr<float[]> data;
    std::int64_t size = 0;
  };
  std::map<std::string, Buffer> buffers_;
};

// ---- The steps, for pictures. CpuBackend::linear_scan runs these very steps on rows of W lanes.

struct ScanStep {
  ScanPhase phase{};
  ScanOperation operation{};
  std::int64_t round = 0;  // from 0; steps of one round do not depend on one another
  std::int64_t task = 0;   // who does it: one thread's share inside the phase (a chunk, a tree node, …)
  ScanPlace left, right, into;
  ScanPair left_value, right_value;  // before the step
  ScanPair result;                   // at `into` after it
};

/// Every step of `algorithm` on one lane, in an order in which it may be executed: by phase, then task. Sorting them
/// stably by `round` gives the order of a machine with a processor for every task. `fused` makes the steps of
/// `sequential`. a and b have T elements each; `chunk` >= 1 is only read by `chunked`.
std::vector<ScanStep> scan_steps(ScanAlgorithm algorithm, std::span<const double> a, std::span<const double> b,
                                 double h0 = 0, std::int64_t chunk = default_scan_chunk);

namespace reference {
void linear_scan(const LinearScanArgs<double>& args);
}

}  // namespace statescope::kernels
