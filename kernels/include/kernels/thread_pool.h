// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace statescope::kernels {

/// A few threads that share one loop at a time. Splitting never changes a result: every output element is computed by
/// one call of the body, in the same order of operations, wherever the split falls.
///
/// The loop is cut into a few parts per thread, which whoever is free takes. So a thread that the system does not let
/// run holds up nobody: the caller does its parts as well.
class ThreadPool {
 public:
  /// `threads` in all, the caller's included. 0 asks for one per hardware thread.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(begin, end) on disjoint ranges that cover [0, count) and returns when all are done. The body must not
  /// throw. When another caller has the pool, the whole range runs on the calling thread.
  template <class Body>
  void for_ranges(std::int64_t count, const Body& body) {
    run(
        count, [](const void* b, std::int64_t begin, std::int64_t end) { (*static_cast<const Body*>(b))(begin, end); },
        &body);
  }

 private:
  using Call = void (*)(const void* body, std::int64_t begin, std::int64_t end);
  void run(std::int64_t count, Call call, const void* body);
  void work();
  void take_parts();

  std::vector<std::thread> workers_;
  std::atomic_flag in_use_;
  // The loop under way. Written while every part of the last one is done and none of the next can be taken; read only
  // after taking a part.
  Call call_ = nullptr;
  const void* body_ = nullptr;
  std::int64_t count_ = 0;
  std::uint32_t parts_ = 0;
  // High half: which loop; low half: how many of its parts nobody has taken.
  std::atomic<std::uint64_t> work_{0};
  std::atomic<std::uint32_t> done_{0};  // parts of this loop that are finished
  std::atomic<bool> stopping_{false};
};

}  // namespace statescope::kernels
