// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/ssd.h"

#include <cmath>

namespace statescope::kernels::reference {

void ssd(const SsdArgs<double>& args) {
  const std::int64_t T = args.x.rows, H = args.heads(), P = args.head_channels(), N = args.states();
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t head = 0; head < H; ++head) {
      const std::int64_t g = args.group_of(head);
      const double delta = args.delta(t, head);
      for (std::int64_t p = 0; p < P; ++p) {
        const std::int64_t e = head * P + p;
        const double x = args.x(t, e);
        double y = args.D ? args.D[args.D_per_channel ? e : head] * x : 0;
        for (std::int64_t n = 0; n < N; ++n) {
          double& h = args.h[e * N + n];
          h = std::exp(delta * args.A[head]) * h + delta * x * args.B(t, g * N + n);
          y += args.C(t, g * N + n) * h;
        }
        args.y(t, e) = y;
      }
    }
  }
}

}  // namespace statescope::kernels::reference
