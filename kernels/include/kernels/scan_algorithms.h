// SPDX-License-Identifier: GPL-3.0-or-later
// The names of the ladder's algorithms (kernels/scan_ladder.h), of their phases and of the places their steps read and
// write. In C++17, which the CUDA compiler reads too.
#pragma once

#include <cstdint>
#include <string>

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
  friend constexpr bool operator==(const ScanPlace& one, const ScanPlace& two) {
    return one.array == two.array && one.index == two.index;
  }
};

enum class ScanOperation {
  copy,     // into ← right; the identity when right is none
  combine,  // into ← left ∘ right
  descend,  // left ← right, and into = right ← right ∘ left (the parent's value stands at the right child)
};

}  // namespace statescope::kernels
