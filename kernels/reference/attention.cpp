// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention.h"

#include <cmath>
#include <vector>

namespace statescope::kernels::reference {
namespace {

// Σ_i a(t, i) b(j, i) over the d columns of one head.
double dot(MatrixView<const double> a, std::int64_t t, MatrixView<const double> b, std::int64_t j, std::int64_t first,
           std::int64_t d) {
  double sum = 0;
  for (std::int64_t i = first; i < first + d; ++i) sum += a(t, i) * b(j, i);
  return sum;
}

}  // namespace

void attention(const AttentionArgs<double>& args) {
  const std::int64_t T = args.q.rows, L = args.k.rows, d = args.q.cols / args.heads;
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t first = 0; first < args.q.cols; first += d) {
      std::vector<double> p;
      double largest = -INFINITY, total = 0;
      for (std::int64_t j = 0; j <= L - T + t; ++j) {
        p.push_back(dot(args.q, t, args.k, j, first, d) / std::sqrt(static_cast<double>(d)));
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

void attention_backward(const AttentionBackwardArgs<double>& args) {
  const std::int64_t T = args.q.rows, D = args.q.cols, d = D / args.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  for (const MatrixView<double>& gradient : {args.dq, args.dk, args.dv})
    for (std::int64_t t = 0; t < T; ++t)
      for (std::int64_t i = 0; i < D; ++i) gradient(t, i) = 0;
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t first = 0; first < D; first += d) {
      std::vector<double> p, dp;
      double largest = -INFINITY, total = 0, mean = 0;  // mean: Σ_i p_ti dy_t · v_i
      for (std::int64_t j = 0; j <= t; ++j) {
        p.push_back(scale * dot(args.q, t, args.k, j, first, d));
        dp.push_back(dot(args.dy, t, args.v, j, first, d));
        largest = std::max(largest, p.back());
      }
      for (double& weight : p) total += weight = std::exp(weight - largest);
      for (std::size_t j = 0; j < p.size(); ++j) mean += (p[j] /= total) * dp[j];
      for (std::int64_t j = 0; j <= t; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double ds = p[at] * (dp[at] - mean) * scale;
        for (std::int64_t i = first; i < first + d; ++i) {
          args.dq(t, i) += ds * args.k(j, i);
          args.dk(j, i) += ds * args.q(t, i);
          args.dv(j, i) += p[at] * args.dy(t, i);
        }
      }
    }
  }
}

}  // namespace statescope::kernels::reference
