// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention.h"

#include <cmath>
#include <vector>

namespace statescope::kernels::reference {

void attention(const AttentionArgs<double>& args) {
  const std::int64_t T = args.q.rows, L = args.k.rows, d = args.q.cols / args.heads;
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t first = 0; first < args.q.cols; first += d) {
      std::vector<double> p;
      double largest = -INFINITY, total = 0;
      for (std::int64_t j = 0; j <= L - T + t; ++j) {
        double score = 0;
        for (std::int64_t i = first; i < first + d; ++i) score += args.q(t, i) * args.k(j, i);
        p.push_back(score / std::sqrt(static_cast<double>(d)));
        largest = std::max(largest, p.back());
      }
      for (double& weight : p) total += weight = std::exp(weight - largest);
      for (std::int64_t i = first; i < first + d; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < p.size(); ++j) sum += p[j] / total * args.v(static_cast<std::int64_t>(j), i);
        args.y(t, i) = sum;
      }
    }
  }
}

}  // namespace statescope::kernels::reference
