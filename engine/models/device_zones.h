// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine/profile/recorder.h"
#include "kernels/cuda_backend.h"

namespace statescope {

/// Times stages on a device by events, for the profile recorder of this thread; without one every call returns at once.
/// A stage lasts from its begin to the next.
class DeviceZones {
 public:
  explicit DeviceZones(kernels::CudaBackend& backend) : backend_(backend), recorder_(ProfileRecorder::current()) {
    if (!recorder_) return;
    // Both clocks at one moment: nothing is under way on the device.
    backend_.wait();
    origin_ = backend_.mark();
    backend_.wait(origin_);
    origin_time_ = recorder_->now();
  }
  DeviceZones(const DeviceZones&) = delete;
  DeviceZones& operator=(const DeviceZones&) = delete;

  template <class WorkFunction>
  void begin(Stage stage, std::int64_t layer, std::int64_t tokens, const WorkFunction& work) {
    if (!recorder_) return;
    end();
    zones_.push_back({{stage, static_cast<std::int32_t>(layer), true, 0, 0, tokens, work()}, last_, {}});
    open_ = true;
  }
  void end() {
    if (!recorder_) return;
    last_ = backend_.mark();
    if (open_) zones_.back().end = last_;
    open_ = false;
  }
  /// After the device has done everything: hands the zones to the recorder.
  void resolve() {
    if (!recorder_) return;
    for (Timed& timed : zones_) {
      timed.zone.begin = at(timed.begin);
      timed.zone.end = at(timed.end);
      recorder_->add(timed.zone);
    }
    zones_.clear();
  }

 private:
  struct Timed {
    ProfileZone zone;
    kernels::CudaBackend::Fence begin, end;
  };
  std::int64_t at(const kernels::CudaBackend::Fence& fence) {
    return origin_time_ + static_cast<std::int64_t>(backend_.elapsed(origin_, fence));
  }

  kernels::CudaBackend& backend_;
  ProfileRecorder* recorder_;
  kernels::CudaBackend::Fence origin_, last_;
  std::int64_t origin_time_ = 0;
  bool open_ = false;
  std::vector<Timed> zones_;
};

}  // namespace statescope
