// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "engine/profile/profile.h"

namespace statescope {

/// Collects zones while it lives. One per thread at a time: a model running on this thread reports to the innermost.
/// Without one a zone costs a test of a thread-local pointer.
class ProfileRecorder {
 public:
  static constexpr std::int64_t default_limit = 4'000'000;  // zones; 290 MB

  explicit ProfileRecorder(std::int64_t limit = default_limit);
  ~ProfileRecorder();
  ProfileRecorder(const ProfileRecorder&) = delete;
  ProfileRecorder& operator=(const ProfileRecorder&) = delete;

  /// The recorder of this thread, or null.
  static ProfileRecorder* current() { return current_; }

  std::chrono::steady_clock::time_point start() const { return start_; }
  /// Nanoseconds since it began.
  std::int64_t now() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count();
  }
  void add(const ProfileZone& zone);
  /// Takes what was recorded since the last call, sorted by begin, for live drawing; the recorder goes on.
  std::vector<ProfileZone> take();
  std::int64_t dropped() const { return dropped_; }

 private:
  static thread_local constinit ProfileRecorder* current_;

  std::chrono::steady_clock::time_point start_;
  std::int64_t limit_;
  std::int64_t recorded_ = 0, dropped_ = 0;
  std::vector<ProfileZone> zones_;
  ProfileRecorder* outer_;
};

/// Times stages on the CPU, one after the other, until its end. `work` is a function that returns the Work the shapes
/// imply; it is called only when somebody records.
class ZoneScope {
 public:
  template <class WorkFunction>
  ZoneScope(Stage stage, std::int64_t layer, std::int64_t tokens, const WorkFunction& work)
      : recorder_(ProfileRecorder::current()) {
    if (recorder_) zone_ = {stage, static_cast<std::int32_t>(layer), false, recorder_->now(), 0, tokens, work()};
  }
  ~ZoneScope() {
    if (recorder_) end(recorder_->now());
  }
  ZoneScope(const ZoneScope&) = delete;
  ZoneScope& operator=(const ZoneScope&) = delete;

  /// The next stage of the same layer and tokens begins where the one before ends.
  template <class WorkFunction>
  void next(Stage stage, const WorkFunction& work) {
    if (!recorder_) return;
    const std::int64_t now = recorder_->now();
    end(now);
    zone_.stage = stage;
    zone_.begin = now;
    zone_.work = work();
  }

 private:
  void end(std::int64_t now) {
    zone_.end = now;
    recorder_->add(zone_);
  }

  ProfileRecorder* recorder_;
  ProfileZone zone_;
};

}  // namespace statescope
