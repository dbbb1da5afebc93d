// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/recorder.h"

#include <algorithm>
#include <utility>

namespace statescope {

constinit thread_local ProfileRecorder* ProfileRecorder::current_ = nullptr;

ProfileRecorder::ProfileRecorder(std::int64_t limit)
    : start_(std::chrono::steady_clock::now()), limit_(limit), outer_(std::exchange(current_, this)) {
  zones_.reserve(4096);  // so that the first zones do not wait for memory
}

ProfileRecorder::~ProfileRecorder() {
  current_ = outer_;
}

void ProfileRecorder::add(const ProfileZone& zone) {
  if (recorded_ >= limit_) {
    ++dropped_;
    return;
  }
  ++recorded_;
  zones_.push_back(zone);
}

std::vector<ProfileZone> ProfileRecorder::take() {
  std::vector<ProfileZone> taken;
  taken.reserve(4096);
  std::swap(taken, zones_);
  std::stable_sort(taken.begin(), taken.end(),
                   [](const ProfileZone& a, const ProfileZone& b) { return a.begin < b.begin; });
  return taken;
}

}  // namespace statescope
