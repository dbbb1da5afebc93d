// SPDX-License-Identifier: GPL-3.0-or-later
// Random selective scans with any combination of options, for the tests of the scan, its gradients and the ladder.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "harness.h"
#include "kernels/selective_scan.h"

namespace statescope::kernels::testing {

struct ScanCase {
  std::int64_t T, E, N;
  bool D = true, z = false, delta_bias = false, softplus = false;
  std::int64_t groups = 1;
  bool constant = false;  // B and C over time
  friend std::ostream& operator<<(std::ostream& out, const ScanCase& c) {
    return out << "T " << c.T << ", E " << c.E << ", N " << c.N << (c.D ? ", D" : "") << (c.z ? ", z" : "")
               << (c.delta_bias ? ", bias" : "") << (c.softplus ? ", softplus" : "") << ", groups " << c.groups
               << (c.constant ? ", constant B and C" : "");
  }
};

/// Every option on its own and all together, with one group, several, some of which share a vector, and one a channel.
inline std::vector<ScanCase> option_cases(std::int64_t T, std::int64_t N) {
  return {{T, 37, N, false},
          {T, 37, N, true, true},
          {T, 37, N, false, true, true},
          {T, 37, N, true, false, false, true},
          {T, 37, N, true, false, true, true},
          {T, 36, N, true, true, true, true, 4},
          {T, 160, N, true, true, false, true, 2},
          {T, 5, N, true, false, false, false, 5, true},
          {T, 21, N, true, true, true, true, 21, true},
          {T, 20, N, false, true, false, false, 1, true}};
}

struct ScanInputs {
  ScanCase c;
  Matrix x, delta, A, B, C, D, h, z, bias;

  explicit ScanInputs(const ScanCase& scan, double slowest = 1) : c(scan) {
    std::string name = "scan";
    for (const std::int64_t size : {c.T, c.E, c.N, c.groups}) name += " " + std::to_string(size);
    Random random(name);
    const std::int64_t T = c.T, E = c.E, N = c.N;
    x = random.uniform(T, E, -2, 2);
    delta = c.softplus ? random.uniform(T, E, -4, 0.5) : random.uniform(T, E, 0.001, 0.5);
    A = random.uniform(N, E, -16 * slowest, -slowest);
    const std::int64_t rows = c.constant ? 1 : T;
    B = random.uniform(rows, c.groups * N, -1, 1);
    C = random.uniform(rows, c.groups * N, -1, 1);
    D = random.uniform(1, E, -2, 2);
    h = random.uniform(N, E, -1, 1);
    z = random.uniform(T, E, -3, 3);
    bias = random.uniform(1, E, 0, 0.5);
  }

  /// The inputs as the reference takes them. `h` and `y` are the caller's.
  SelectiveScanArgs<double> args(Matrix& state, Matrix& y) const {
    SelectiveScanArgs<double> a;
    a.x = x.view(), a.delta = delta.view(), a.A = A.view();
    a.B = over_time(B.view()), a.C = over_time(C.view());
    a.D = c.D ? D.data() : nullptr;
    a.h = state.view(), a.y = y.view();
    if (c.z) a.z = z.view();
    a.delta_bias = c.delta_bias ? bias.data() : nullptr;
    a.softplus = c.softplus;
    a.groups = c.groups;
    return a;
  }
  template <class Real>
  MatrixView<Real> over_time(MatrixView<Real> m) const {
    return c.constant ? MatrixView<Real>(m.data, c.T, m.cols, 0) : m;
  }
};

/// The same inputs in floats, between poison.
struct PlacedScan {
  explicit PlacedScan(const ScanInputs& in, Layout layout = {})
      : inputs(in),
        x(Placed::input(in.x, layout)),
        delta(Placed::input(in.delta, layout)),
        A(Placed::input(in.A, layout)),
        B(Placed::input(in.B, layout)),
        C(Placed::input(in.C, layout)),
        D(Placed::input(in.D, layout)),
        z(Placed::input(in.z, layout)),
        bias(Placed::input(in.bias, layout)),
        h(Placed::in_out(in.h, layout)),
        y(Placed::output(in.c.T, in.c.E, layout)) {}

  SelectiveScanArgs<float> args(std::int64_t first, std::int64_t count) const {
    const ScanCase& c = inputs.c;
    const auto projection = [&](const Placed& m) {
      return c.constant ? MatrixView<const float>(m.data(), count, c.groups * c.N, 0)
                        : MatrixView<const float>(m.view()).row_range(first, count);
    };
    SelectiveScanArgs<float> a;
    a.x = x.view().row_range(first, count), a.delta = delta.view().row_range(first, count), a.A = A.view();
    a.B = projection(B), a.C = projection(C);
    a.D = c.D ? D.data() : nullptr;
    a.h = h.view(), a.y = y.view().row_range(first, count);
    if (c.z) a.z = z.view().row_range(first, count);
    a.delta_bias = c.delta_bias ? bias.data() : nullptr;
    a.softplus = c.softplus;
    a.groups = c.groups;
    return a;
  }
  SelectiveScanArgs<float> args() const { return args(0, inputs.c.T); }

  const ScanInputs& inputs;
  Placed x, delta, A, B, C, D, z, bias, h, y;
};

}  // namespace statescope::kernels::testing
