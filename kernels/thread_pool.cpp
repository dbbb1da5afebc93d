// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/thread_pool.h"

#include <algorithm>

namespace statescope::kernels {
namespace {

// Between two operations of one token the wait is microseconds: spinning briefly saves the trip through the kernel,
// and giving up soon leaves the core to the rest of the machine.
constexpr int spins_before_sleep = 2000;
// Threads seldom run equally fast: the smaller the last parts, the less one waits for the other in the end. Taking one
// costs some 100 ns.
constexpr std::int64_t parts_per_thread = 8;

// Where a part of a loop begins. Where there are more indices than parts, the first parts are largest and the last
// smallest: what is left falls with the square of the parts that are left.
std::int64_t begin_of(std::int64_t part, std::int64_t parts, std::int64_t count) {
  if (count == parts) return part;
  const double left = static_cast<double>(parts - part) / static_cast<double>(parts);
  return count - static_cast<std::int64_t>(static_cast<double>(count) * left * left);
}

template <class T>
void wait_while_equal(const std::atomic<T>& value, T old) {
  for (int i = 0; i < spins_before_sleep; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old, std::memory_order_acquire);
}

int thread_count(int asked) {
  return asked > 0 ? asked : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::uint32_t parts_left(std::uint64_t work) {
  return static_cast<std::uint32_t>(work);
}
std::uint64_t next_loop(std::uint64_t work, std::uint32_t parts) {
  return ((work >> 32) + 1) << 32 | parts;
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < thread_count(threads); ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  work_.store(next_loop(work_.load(std::memory_order_relaxed), 0), std::memory_order_release);
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::int64_t count, Call call, const void* body) {
  if (count <= 0) return;
  if (count == 1 || workers_.empty() || in_use_.test_and_set(std::memory_order_acquire)) return call(body, 0, count);
  const std::int64_t most = size() * parts_per_thread;
  call_ = call;
  body_ = body;
  count_ = count;
  parts_ = static_cast<std::uint32_t>(std::min(count, most));
  done_.store(0, std::memory_order_relaxed);
  work_.store(next_loop(work_.load(std::memory_order_relaxed), parts_), std::memory_order_release);
  work_.notify_all();
  take_parts();
  for (std::uint32_t done = done_.load(std::memory_order_acquire); done != parts_;
       done = done_.load(std::memory_order_acquire))
    wait_while_equal(done_, done);
  in_use_.clear(std::memory_order_release);
}

void ThreadPool::take_parts() {
  for (;;) {
    std::uint64_t work = work_.load(std::memory_order_acquire);
    do {
      if (parts_left(work) == 0) return;
    } while (!work_.compare_exchange_weak(work, work - 1, std::memory_order_acq_rel, std::memory_order_acquire));
    const std::int64_t parts = parts_, part = parts - parts_left(work);
    const std::int64_t begin = begin_of(part, parts, count_), end = begin_of(part + 1, parts, count_);
    if (begin < end) call_(body_, begin, end);
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == parts) done_.notify_one();
  }
}

void ThreadPool::work() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    take_parts();
    const std::uint64_t seen = work_.load(std::memory_order_acquire);
    if (parts_left(seen) == 0 && !stopping_.load(std::memory_order_relaxed)) wait_while_equal(work_, seen);
  }
}

}  // namespace statescope::kernels
