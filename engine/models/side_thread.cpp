// SPDX-License-Identifier: GPL-3.0-or-later
#include "side_thread.h"

#include <utility>

namespace statescope {

void SideThread::add(std::function<void()> piece) {
  {
    const std::scoped_lock lock(mutex_);
    pieces_.push_back(std::move(piece));
  }
  changed_.notify_all();
}

void SideThread::finish(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= count || failure_; });
  if (failure_) std::rethrow_exception(failure_);
}

void SideThread::forget() {
  std::unique_lock lock(mutex_);
  const std::size_t begun = begun_;
  begun_ = pieces_.size();
  changed_.wait(lock, [&] { return done_ == begun || failure_; });
  pieces_.clear();
  begun_ = done_ = 0;
  failure_ = nullptr;
}

void SideThread::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return begun_ < pieces_.size() && !failure_; }) && !stop.stop_requested()) {
    const std::function<void()> piece = std::move(pieces_[begun_++]);
    lock.unlock();
    std::exception_ptr failure;
    try {
      piece();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure)
      failure_ = failure;
    else
      ++done_;
    changed_.notify_all();
  }
}

}  // namespace statescope
