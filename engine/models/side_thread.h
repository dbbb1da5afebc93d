// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace statescope {

/// Does pieces of work in their order beside its owner.
class SideThread {
 public:
  SideThread() : thread_([this](const std::stop_token& stop) { work(stop); }) {}
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  void add(std::function<void()> piece);
  /// Returns when the first `count` pieces that were added are done; throws what one of them has thrown.
  void finish(std::size_t count);
  /// Waits for the piece that is under way and forgets all of them, so that none outlives what it refers to.
  void forget();

 private:
  void work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::function<void()>> pieces_;
  std::size_t begun_ = 0, done_ = 0;
  std::exception_ptr failure_;  // after which nothing is begun
  std::jthread thread_;         // last, so that it starts when everything else is there
};

}  // namespace statescope
