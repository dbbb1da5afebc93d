// SPDX-License-Identifier: GPL-3.0-or-later
// The scans and their gradients as the equations read, in double precision. Slow on purpose: the fast paths are judged
// against these.
#include "kernels/selective_scan.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/scan_ladder.h"

namespace statescope::kernels::reference {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

// What the scan reads of one token and channel.
struct Step {
  Step(const SelectiveScanArgs<double>& args, std::int64_t t, std::int64_t e)
      : x(args.x(t, e)), before(args.delta(t, e) + (args.delta_bias ? args.delta_bias[e] : 0)) {
    delta = args.softplus ? softplus(before) : before;
    column = e / (args.x.cols / args.groups) * args.A.rows;
    B = args.B.row(t) + column;
    C = args.C.row(t) + column;
  }
  double x, before, delta;
  std::int64_t column;  // of the first state in B and C
  const double *B, *C;
};

void add(MatrixView<double> to, std::int64_t row, std::int64_t column, double value) {
  if (to) to(row, column) += value;
}

void clear(MatrixView<double> m) {
  for (std::int64_t r = 0; m && r < m.rows; ++r) std::fill_n(m.row(r), m.cols, 0.0);
}

}  // namespace

void selective_scan(const SelectiveScanArgs<double>& args) {
  const std::int64_t T = args.x.rows, E = args.x.cols, N = args.A.rows;
  std::vector<double> states(static_cast<std::size_t>(E * N));  // of one token, [E, N]
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t e = 0; e < E; ++e) {
      const Step step(args, t, e);
      double y = args.D ? args.D[e] * step.x : 0, squares = 0;
      for (std::int64_t n = 0; n < N; ++n) {
        double& h = args.h(n, e);
        h = std::exp(step.delta * args.A(n, e)) * h + step.delta * step.B[n] * step.x;
        y += step.C[n] * h;
        squares += h * h;
        states[static_cast<std::size_t>(e * N + n)] = h;
      }
      if (args.state_squares) args.state_squares(t, e) = squares;
      args.y(t, e) = args.z ? y * args.z(t, e) * sigmoid(args.z(t, e)) : y;
    }
    if (!args.h_all) continue;
    const std::int64_t channels = args.channel_list ? args.channels : E;
    for (std::int64_t i = 0; i < channels; ++i) {
      const std::int64_t e = args.channel_list ? args.channel_list[i] : i;
      std::copy_n(states.data() + e * N, N, args.h_all + (t * channels + i) * N);
    }
  }
}

void selective_scan_backward(const SelectiveScanBackwardArgs<double>& args) {
  const SelectiveScanArgs<double>& forward = args.forward;
  const std::int64_t T = forward.x.rows, E = forward.x.cols, N = forward.A.rows;
  for (const MatrixView<double>& m : {args.dA, args.dB, args.dC}) clear(m);
  for (double* sums : {args.dD, args.ddelta_bias}) {
    if (sums) std::fill_n(sums, E, 0.0);
  }
  for (std::int64_t e = 0; e < E; ++e) {
    for (std::int64_t n = 0; n < N; ++n) {
      if (args.dh0) args.dh0(n, e) = args.dh_last ? args.dh_last(n, e) : 0;
    }
    // h[t + 1] [N] is the state after token t.
    std::vector<std::vector<double>> h(static_cast<std::size_t>(T + 1),
                                       std::vector<double>(static_cast<std::size_t>(N)));
    const auto state = [&](std::int64_t t, std::int64_t n) -> double& {
      return h[static_cast<std::size_t>(t + 1)][static_cast<std::size_t>(n)];
    };
    for (std::int64_t n = 0; n < N; ++n) state(-1, n) = forward.h(n, e);
    for (std::int64_t t = 0; t < T; ++t) {
      const Step step(forward, t, e);
      for (std::int64_t n = 0; n < N; ++n)
        state(t, n) = std::exp(step.delta * forward.A(n, e)) * state(t - 1, n) + step.delta * step.B[n] * step.x;
    }
    std::vector<double> later(static_cast<std::size_t>(N));  // a_{t+1} g_{t+1}
    for (std::int64_t n = 0; args.dh_last && n < N; ++n) later[static_cast<std::size_t>(n)] = args.dh_last(n, e);
    for (std::int64_t t = T - 1; t >= 0; --t) {
      const Step step(forward, t, e);
      double dy = args.dy(t, e);
      if (forward.z) {
        const double z = forward.z(t, e), opening = sigmoid(z);
        double y = forward.D ? forward.D[e] * step.x : 0;
        for (std::int64_t n = 0; n < N; ++n) y += step.C[n] * state(t, n);
        if (args.dz) args.dz(t, e) = dy * y * opening * (1 + z * (1 - opening));
        dy *= z * opening;
      }
      double dx = forward.D ? forward.D[e] * dy : 0, ddelta = 0;
      for (std::int64_t n = 0; n < N; ++n) {
        const double A = forward.A(n, e), a = std::exp(step.delta * A);
        const double g = step.C[n] * dy + later[static_cast<std::size_t>(n)];
        const double da = g * state(t - 1, n);
        add(args.dC, t, step.column + n, dy * state(t, n));
        add(args.dB, t, step.column + n, g * step.delta * step.x);
        add(args.dA, n, e, da * a * step.delta);
        dx += step.delta * g * step.B[n];
        ddelta += da * a * A + g * step.B[n] * step.x;
        later[static_cast<std::size_t>(n)] = a * g;
        if (args.dh0) args.dh0(n, e) = a * g;
      }
      if (forward.softplus) ddelta *= sigmoid(step.before);
      if (args.dx) args.dx(t, e) = dx;
      if (args.ddelta) args.ddelta(t, e) = ddelta;
      if (args.dD) args.dD[e] += dy * step.x;
      if (args.ddelta_bias) args.ddelta_bias[e] += ddelta;
    }
  }
}

void linear_scan(const LinearScanArgs<double>& args) {
  for (std::int64_t t = 0; t < args.a.rows; ++t) {
    for (std::int64_t i = 0; i < args.a.cols; ++i) {
      const double before = t > 0 ? args.h(t - 1, i) : args.h0 ? args.h0[i] : 0;
      args.h(t, i) = args.a(t, i) * before + args.b(t, i);
    }
  }
}

}  // namespace statescope::kernels::reference
