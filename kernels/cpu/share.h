// SPDX-License-Identifier: GPL-3.0-or-later
// How CpuBackend divides the work of one call. For the sources that define its methods.
#pragma once

#include "kernels/cpu_backend.h"

namespace statescope::kernels {

inline std::int64_t blocks(std::int64_t channels, std::int64_t lanes) {
  return (channels + lanes - 1) / lanes;
}

// Runs body over [0, count): on the pool when there is enough to do, else here. `work` counts roughly equal steps, a
// few of which take a nanosecond; waking the other threads for less than some microseconds costs more than it saves.
template <class Body>
void CpuBackend::share(std::int64_t count, std::int64_t work, const Body& body) const {
  constexpr std::int64_t worth_sharing = 32 * 1024;
  if (work < worth_sharing)
    body(std::int64_t{0}, count);
  else
    pool_.for_ranges(count, body);
}

}  // namespace statescope::kernels
