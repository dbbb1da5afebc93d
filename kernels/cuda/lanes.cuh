// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace statescope::kernels::cuda {

/// Adds up lanes that are `apart`, a power of two: those without that bit go on with the first half of the numbers.
template <int Count>
__device__ void fold_lanes(const float (&v)[Count], float (&half)[Count / 2], int lane, int apart) {
  const bool upper = (lane & apart) != 0;
#pragma unroll
  for (int i = 0; i < Count / 2; ++i) {
    const float mine = upper ? v[i + Count / 2] : v[i], other = upper ? v[i] : v[i + Count / 2];
    half[i] = mine + __shfl_xor_sync(~0u, other, apart);
  }
}

/// Sums over a warp's lanes of each of Count numbers, a power of two; lane l gets that of number l / (32 / Count). The
/// order of additions does not depend on Count. `Lanes` neighbours are still to be added up.
template <int Count, int Lanes = 32>
__device__ float sum_over_lanes(const float (&v)[Count], int lane) {
  if constexpr (Lanes == 1) {
    return v[0];
  } else if constexpr (Count == 1) {
    const float sum[1] = {v[0] + __shfl_xor_sync(~0u, v[0], Lanes / 2)};
    return sum_over_lanes<1, Lanes / 2>(sum, lane);
  } else {
    float half[Count / 2];
    fold_lanes(v, half, lane, Lanes / 2);
    return sum_over_lanes<Count / 2, Lanes / 2>(half, lane);
  }
}

}  // namespace statescope::kernels::cuda
