// SPDX-License-Identifier: GPL-3.0-or-later
// The gradients as their equations read, in double precision.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/causal_conv.h"
#include "kernels/elementwise.h"
#include "kernels/linear_backward.h"
#include "kernels/rms_norm.h"

namespace statescope::kernels::reference {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double silu_slope(double x) {
  return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
}

}  // namespace

void linear_backward(const LinearBackwardArgs<double>& args) {
  const std::int64_t T = args.dy.rows, M = args.dy.cols;
  if (args.dx) {
    for (std::int64_t t = 0; t < T; ++t) {
      for (std::int64_t k = 0; k < args.dx.cols; ++k) {
        double total = 0;
        for (std::int64_t m = 0; m < M; ++m) total += args.dy(t, m) * args.W(m, k);
        args.dx(t, k) = total;
      }
    }
  }
  for (std::int64_t m = 0; m < M; ++m) {
    for (std::int64_t k = 0; k < args.dW.cols; ++k) {
      double total = 0;
      for (std::int64_t t = 0; t < T; ++t) total += args.dy(t, m) * args.x(t, k);
      args.dW(m, k) = total;
    }
    if (args.dbias) {
      args.dbias[m] = 0;
      for (std::int64_t t = 0; t < T; ++t) args.dbias[m] += args.dy(t, m);
    }
  }
}

void rms_norm_backward(const RmsNormBackwardArgs<double>& args) {
  const std::int64_t T = args.s.rows, D = args.s.cols;
  std::fill_n(args.dweight, D, 0.0);
  for (std::int64_t t = 0; t < T; ++t) {
    double squares = 0, product = 0;
    for (std::int64_t d = 0; d < D; ++d) squares += args.s(t, d) * args.s(t, d);
    const double r = std::sqrt(squares / static_cast<double>(D) + args.epsilon);
    for (std::int64_t d = 0; d < D; ++d) product += args.dy(t, d) * args.weight[d] * args.s(t, d) / r;
    for (std::int64_t d = 0; d < D; ++d) {
      const double n = args.s(t, d) / r, g = args.dy(t, d) * args.weight[d];
      args.ds(t, d) = (args.dsum ? args.dsum(t, d) : 0) + (g - n * product / static_cast<double>(D)) / r;
      args.dweight[d] += args.dy(t, d) * n;
    }
  }
}

void causal_conv_backward(const CausalConvBackwardArgs<double>& args) {
  const std::int64_t T = args.x.rows, E = args.x.cols, K = args.weight.rows;
  for (std::int64_t e = 0; e < E; ++e) {
    std::vector<double> inputs, dinputs;  // history, then this call; the last K - 1 are the history left behind
    for (std::int64_t j = 0; j < K - 1; ++j) inputs.push_back(args.history(j, e));
    for (std::int64_t t = 0; t < T; ++t) inputs.push_back(args.x(t, e));
    dinputs.assign(inputs.size(), 0);
    for (std::int64_t j = 0; j < K - 1; ++j) dinputs[static_cast<std::size_t>(T + j)] = args.dhistory(j, e);
    if (args.dbias) args.dbias[e] = 0;
    for (std::int64_t j = 0; j < K; ++j) args.dweight(j, e) = 0;
    for (std::int64_t t = 0; t < T; ++t) {
      double v = args.bias ? args.bias[e] : 0;
      for (std::int64_t j = 0; j < K; ++j) v += args.weight(j, e) * inputs[static_cast<std::size_t>(t + j)];
      const double g = args.dy(t, e) * silu_slope(v);
      if (args.dbias) args.dbias[e] += g;
      for (std::int64_t j = 0; j < K; ++j) {
        args.dweight(j, e) += g * inputs[static_cast<std::size_t>(t + j)];
        dinputs[static_cast<std::size_t>(t + j)] += g * args.weight(j, e);
      }
    }
    for (std::int64_t j = 0; j < K - 1; ++j) args.dhistory(j, e) = dinputs[static_cast<std::size_t>(j)];
    for (std::int64_t t = 0; t < T; ++t) args.dx(t, e) = dinputs[static_cast<std::size_t>(t + K - 1)];
  }
}

void softplus_backward(const SoftplusBackwardArgs<double>& args) {
  if (args.dbias) std::fill_n(args.dbias, args.y.cols, 0.0);
  for (std::int64_t t = 0; t < args.y.rows; ++t) {
    for (std::int64_t e = 0; e < args.y.cols; ++e) {
      args.dx(t, e) = args.dy(t, e) * -std::expm1(-args.y(t, e));
      if (args.dbias) args.dbias[e] += args.dx(t, e);
    }
  }
}

void gate_backward(const GateBackwardArgs<double>& args) {
  for (std::int64_t t = 0; t < args.y.rows; ++t) {
    for (std::int64_t e = 0; e < args.y.cols; ++e) {
      const double y = args.y(t, e), z = args.z(t, e), dout = args.dout(t, e);
      args.dy(t, e) = dout * z * sigmoid(z);
      args.dz(t, e) = dout * y * silu_slope(z);
    }
  }
}

}  // namespace statescope::kernels::reference
