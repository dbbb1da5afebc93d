// SPDX-License-Identifier: GPL-3.0-or-later
#include "paint_threads.h"

#include <algorithm>
#include <thread>

#include "widgets/view.h"

namespace statescope {
namespace {

constexpr int most_threads = 4;  // a window has a handful of views, of which two or three take most of the time

int thread_count() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
}

}  // namespace

PaintThreads::PaintThreads() : pool_(thread_count()) {
  if (pool_.size() == 1) return;
  View::paint_with([this](int count, const std::function<void(int)>& paint) {
    pool_.for_ranges(count, [&paint](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) paint(static_cast<int>(begin));
    });
  });
}

PaintThreads::~PaintThreads() {
  View::paint_with({});
}

}  // namespace statescope
