// SPDX-License-Identifier: GPL-3.0-or-later
// The works of a sweep, ready to run on one device.
#pragma once

#include <memory>

#include "engine/profile/sweep.h"
#include "kernels/scan_ladder.h"

namespace statescope {

/// One work at one length with its inputs in place.
class SweepRun {
 public:
  virtual ~SweepRun() = default;
  virtual double seconds() = 0;  // runs it once; how long it took
};

class SweepDevice {
 public:
  virtual ~SweepDevice() = default;
  virtual bool runs(SweepWork work) const = 0;
  virtual std::int64_t free_memory() const = 0;  // bytes
  /// Throws std::bad_alloc and CudaError.
  virtual std::unique_ptr<SweepRun> prepare(const SweepRequest& request, SweepWork work, std::int64_t length) = 0;
};
/// Throws Error for a device that is not there.
std::unique_ptr<SweepDevice> make_sweep_device(const std::string& device, int threads);

/// The rung of a work that is one.
kernels::ScanAlgorithm scan_of(SweepWork work);
/// A point with what follows from the sizes: least work, memory, kept.
SweepPoint planned_point(const SweepRequest& request, SweepWork work, std::int64_t length);

}  // namespace statescope
