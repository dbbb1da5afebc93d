// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/thread_pool.h"

#include <algorithm>

namespace statescope::kernels {
namespace {

// Between two operations of one token the wait is microseconds: spinning briefly saves the trip through the kernel,
// and giving up soon leaves the core to the rest of the machine.
constexpr int spins_before_sleep = 4000;

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

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(std::int64_t count, Call call, const void* body) {
  if (count <= 0) return;
  // A flag and not a mutex: a loop inside a loop asks again on the thread that already has the pool.
  if (count == 1 || workers_.empty() || in_use_.test_and_set(std::memory_order_acquire)) return call(body, 0, count);
  call_ = call;
  body_ = body;
  count_ = count;
  pending_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  call(body, 0, count / size());
  for (int left = pending_.load(std::memory_order_acquire); left != 0; left = pending_.load(std::memory_order_acquire))
    wait_while_equal(pending_, left);
  in_use_.clear(std::memory_order_release);
}

void ThreadPool::work(int part) {
  for (std::uint32_t seen = 0;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    const std::int64_t begin = count_ * part / size(), end = count_ * (part + 1) / size();
    if (begin < end) call_(body_, begin, end);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
  }
}

}  // namespace statescope::kernels
