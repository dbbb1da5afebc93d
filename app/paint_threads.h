// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/thread_pool.h"

namespace statescope {

/// While it lives, views that change in the same frame are painted side by side, by the interface thread and by threads
/// that do nothing else: every thread that draws text opens the fonts for itself.
class PaintThreads {
 public:
  PaintThreads();
  ~PaintThreads();
  PaintThreads(const PaintThreads&) = delete;
  PaintThreads& operator=(const PaintThreads&) = delete;

 private:
  kernels::ThreadPool pool_;
};

}  // namespace statescope
