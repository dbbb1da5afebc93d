// SPDX-License-Identifier: GPL-3.0-or-later
// Every operation as its equation reads, in double precision. Slow on purpose: the fast paths are judged against these.
#include <cmath>
#include <vector>

#include "kernels/causal_conv.h"
#include "kernels/elementwise.h"
#include "kernels/linear.h"
#include "kernels/rms_norm.h"
#include "kernels/row_sums.h"

namespace statescope::kernels::reference {
namespace {

double silu(double x) {
  return x / (1 + std::exp(-x));
}

}  // namespace

void linear(MatrixView<const double> x, MatrixView<const double> W, const double* bias, MatrixView<double> y) {
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t m = 0; m < W.rows; ++m) {
      double total = bias ? bias[m] : 0;
      for (std::int64_t k = 0; k < W.cols; ++k) total += W(m, k) * x(t, k);
      y(t, m) = total;
    }
  }
}

void row_sums(const RowSumsArgs<double>& args) {
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    double total = 0;
    for (std::int64_t d = 0; d < args.x.cols; ++d) {
      const double v = args.x(t, d) - (args.minus ? args.minus(t, d) : 0);
      total += args.squares ? v * v : v;
    }
    args.sums[t] = total;
  }
}

void rms_norm(const RmsNormArgs<double>& args) {
  const std::int64_t D = args.x.cols;
  std::vector<double> s(static_cast<std::size_t>(D));
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    double squares = 0;
    for (std::int64_t d = 0; d < D; ++d) {
      s[static_cast<std::size_t>(d)] = args.x(t, d) + (args.residual ? args.residual(t, d) : 0);
      if (args.sum) args.sum(t, d) = s[static_cast<std::size_t>(d)];
      squares += s[static_cast<std::size_t>(d)] * s[static_cast<std::size_t>(d)];
    }
    const double rms = std::sqrt(squares / static_cast<double>(D) + args.epsilon);
    for (std::int64_t d = 0; d < D; ++d) args.y(t, d) = s[static_cast<std::size_t>(d)] / rms * args.weight[d];
  }
}

void causal_conv(const CausalConvArgs<double>& args) {
  const std::int64_t T = args.x.rows, E = args.x.cols, K = args.weight.rows;
  for (std::int64_t e = 0; e < E; ++e) {
    std::vector<double> inputs;  // history, then this call
    for (std::int64_t j = 0; j < K - 1; ++j) inputs.push_back(args.history(j, e));
    for (std::int64_t t = 0; t < T; ++t) inputs.push_back(args.x(t, e));
    for (std::int64_t t = 0; t < T; ++t) {
      double total = args.bias ? args.bias[e] : 0;
      for (std::int64_t j = 0; j < K; ++j) total += args.weight(j, e) * inputs[static_cast<std::size_t>(t + j)];
      args.y(t, e) = silu(total);
    }
    for (std::int64_t j = 0; j < K - 1; ++j) args.history(j, e) = inputs[static_cast<std::size_t>(T + j)];
  }
}

void softplus(const SoftplusArgs<double>& args) {
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    for (std::int64_t e = 0; e < args.x.cols; ++e) {
      const double x = args.x(t, e) + (args.bias ? args.bias[e] : 0);
      args.x(t, e) = x > 20 ? x : std::log1p(std::exp(x));
    }
  }
}

void gate(const GateArgs<double>& args) {
  for (std::int64_t t = 0; t < args.y.rows; ++t) {
    for (std::int64_t e = 0; e < args.y.cols; ++e) {
      const double opening = silu(args.z(t, e));
      const double out = args.y(t, e) * opening;
      if (args.gate) args.gate(t, e) = opening;
      args.out(t, e) = out;
    }
  }
}

}  // namespace statescope::kernels::reference
