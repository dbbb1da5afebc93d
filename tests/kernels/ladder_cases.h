// SPDX-License-Identifier: GPL-3.0-or-later
// Linear scans that every rung of the ladder has to get right, on every device.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "harness.h"
#include "kernels/scan_ladder.h"

namespace statescope::kernels::testing {

constexpr ScanAlgorithm rungs[] = {ScanAlgorithm::sequential, ScanAlgorithm::hillis_steele, ScanAlgorithm::blelloch,
                                   ScanAlgorithm::chunked};

struct LinearCase {
  std::int64_t T, W, chunk;
  friend std::ostream& operator<<(std::ostream& out, const LinearCase& c) {
    return out << "T " << c.T << ", W " << c.W << ", chunk " << c.chunk;
  }
};
// Lengths around powers of two and chunks, lanes around a vector and a block, chunks around the length.
inline std::vector<LinearCase> linear_cases() {
  std::vector<LinearCase> cases;
  for (const std::int64_t T : {0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 127, 128, 129})
    for (const std::int64_t W : {1, 5, 33}) cases.push_back({T, W, 8});
  for (const std::int64_t chunk : {1, 2, 29, 30, 31, 1000}) cases.push_back({30, 600, chunk});
  cases.push_back({std::int64_t{1} << 17, 2, default_scan_chunk});
  return cases;
}

struct LinearInputs {
  LinearInputs(std::int64_t T, std::int64_t W) {
    Random random("ladder " + std::to_string(T) + " " + std::to_string(W));
    a = random.uniform(T, W, -0.2, 1);
    b = random.uniform(T, W, -1, 1);
    h0 = random.uniform(1, W, -1, 1);
  }
  Matrix expected() const {
    Matrix h(a.rows, a.cols);
    reference::linear_scan({a.view(), b.view(), h0.data(), h.view()});
    return h;
  }
  Matrix a, b, h0;
};

/// Every h is a sum of products that a tree combines in at most 2 log2 T + 2 levels (the sequential one in T, but there
/// each step forgets a part of the error of the last one: |a| < 1 and mostly well below), two roundings each, on the
/// scan of magnitudes; with |a| < 1 and mean 0.5 those stay below 8 times the largest h.
inline double linear_tolerance(std::int64_t T) {
  return 16 * (2 * std::log2(static_cast<double>(T) + 1) + 2) * unit_roundoff;
}

}  // namespace statescope::kernels::testing
