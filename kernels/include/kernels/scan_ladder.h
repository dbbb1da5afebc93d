// SPDX-License-Identifier: GPL-3.0-or-later
// The ladder of scan algorithms: from the loop to the fused kernel, all computing the same recurrence, all run by
// CpuBackend and all judged by the same tests. For teaching and measuring: models use the fused scan.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// Rising cleverness. All but `fused` read a and b from memory and leave every h there.
enum class ScanAlgorithm {
  sequential,     // token after token; T rounds
  hillis_steele,  // Hillis & Steele 1986: every round combines each element with the one 2^r before it; T log T work
  blelloch,       // Blelloch 1990: up a binary tree and down again, padded to a power of two; about 2T combines
  chunked,        // three phases: each chunk alone, the carries from chunk to chunk, the carries into each chunk
  fused,          // selective scans only: a, b and h live in registers, token after token
};
constexpr ScanAlgorithm scan_algorithms[] = {ScanAlgorithm::sequential, ScanAlgorithm::hillis_steele,
                                             ScanAlgorithm::blelloch, ScanAlgorithm::chunked, ScanAlgorithm::fused};
std::string scan_algorithm_name(ScanAlgorithm algorithm);  // "sequential", "Hillis–Steele", …

constexpr std::int64_t default_scan_chunk = 64;  // tokens

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

enum class ScanPhase {
  sequential,  // state t from state t-1 and input t
  double_up,   // Hillis–Steele: round r combines with the element 2^r before
  load,        // Blelloch: inputs into the work array, the identity behind them
  up_sweep,    // Blelloch: each inner node becomes its left subtree ∘ its right
  root,        // Blelloch: the root gets the initial state
  down_sweep,  // Blelloch: left child gets the parent, right child parent ∘ left
  local,       // chunked: prefixes inside each chunk
  carry,       // chunked: the state before each chunk
  finish,      // work array to states
};
std::string scan_phase_name(ScanPhase phase);  // "up-sweep", …

/// Where a pair stands. `state` holds h, with -1 for the initial state; `carry` holds the states before each chunk.
/// Both hold states only, that is pairs with a = 0. `other` is the second buffer of Hillis–Steele.
enum class ScanArray { none, input, work, other, carry, state };
struct ScanPlace {
  ScanArray array = ScanArray::none;
  std::int64_t index = 0;  // token; node of the padded tree (inner nodes stand at their last token); or chunk
  friend bool operator==(const ScanPlace&, const ScanPlace&) = default;
};

enum class ScanOperation {
  copy,     // into ← right; the identity when right is none
  combine,  // into ← left ∘ right
  descend,  // left ← right, and into = right ← right ∘ left (the parent's value stands at the right child)
};

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
