// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/fft_conv.h"

#include <algorithm>
#include <vector>

namespace statescope::kernels::reference {

void fft_conv(const FftConvArgs<double>& args) {
  const std::int64_t T = args.x.rows, L = args.kernel.rows;
  for (std::int64_t e = 0; e < args.x.cols; ++e) {
    for (std::int64_t t = T - 1; t >= 0; --t) {  // backwards, because y may be x
      double y = args.D ? args.D[e] * args.x(t, e) : 0;
      for (std::int64_t s = 0; s <= t && s < L; ++s) y += args.kernel(s, e) * args.x(t - s, e);
      args.y(t, e) = y;
    }
  }
}

void fft_conv_backward(const FftConvBackwardArgs<double>& args) {
  const std::int64_t T = args.x.rows, L = args.kernel.rows;
  std::vector<double> dx(static_cast<std::size_t>(T));
  for (std::int64_t e = 0; e < args.x.cols; ++e) {
    for (std::int64_t t = 0; t < T; ++t) {
      double total = args.D ? args.D[e] * args.dy(t, e) : 0;
      for (std::int64_t s = 0; s < L && t + s < T; ++s) total += args.kernel(s, e) * args.dy(t + s, e);
      dx[static_cast<std::size_t>(t)] = total;
    }
    for (std::int64_t s = 0; s < L; ++s) {
      double total = 0;
      for (std::int64_t t = s; t < T; ++t) total += args.dy(t, e) * args.x(t - s, e);
      args.dkernel(s, e) = total;
    }
    if (args.dD) {
      args.dD[e] = 0;
      for (std::int64_t t = 0; t < T; ++t) args.dD[e] += args.dy(t, e) * args.x(t, e);
    }
    for (std::int64_t t = 0; t < T; ++t) args.dx(t, e) = dx[static_cast<std::size_t>(t)];
  }
}

}  // namespace statescope::kernels::reference
