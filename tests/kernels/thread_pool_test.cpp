// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace statescope::kernels {
namespace {

// How often each index of [0, count) was visited by one loop.
std::vector<int> visits(ThreadPool& pool, std::int64_t count) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  pool.for_ranges(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  return {seen.begin(), seen.end()};
}

std::vector<int> once(std::int64_t count) {
  return std::vector<int>(static_cast<std::size_t>(count), 1);
}

TEST(ThreadPool, HasTheSizeAskedFor) {
  EXPECT_EQ(ThreadPool(1).size(), 1);
  EXPECT_EQ(ThreadPool(3).size(), 3);
  EXPECT_EQ(ThreadPool(0).size(), static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
}

TEST(ThreadPool, VisitsEveryIndexOnce) {
  for (const int size : {1, 2, 3, 4, 7}) {
    ThreadPool pool(size);
    for (const std::int64_t count : {0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 1000, 4099})
      EXPECT_EQ(visits(pool, count), once(count)) << size << " threads, " << count << " indices";
  }
}

TEST(ThreadPool, SharesTheWork) {
  ThreadPool pool(3);
  std::atomic<int> arrived{0};
  std::atomic<int> met{0};
  // Each range waits for the other two: they meet only when three threads are inside at once.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  pool.for_ranges(3, [&](std::int64_t begin, std::int64_t end) {
    arrived += static_cast<int>(end - begin);
    while (arrived < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (arrived == 3 && end - begin == 1) ++met;
  });
  EXPECT_EQ(met, 3);
}

TEST(ThreadPool, ALoopInsideALoopRunsOnItsOwnThread) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> seen(20 * 30);
  pool.for_ranges(20, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      pool.for_ranges(30, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t j = first; j < last; ++j) ++seen[static_cast<std::size_t>(i * 30 + j)];
      });
    }
  });
  EXPECT_EQ(std::vector<int>(seen.begin(), seen.end()), once(20 * 30));
}

TEST(ThreadPool, SeveralCallersAtOnceEachGetTheirWholeLoop) {
  ThreadPool pool(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&pool, &wrong, caller] {
      for (int i = 0; i < 300; ++i) {
        const std::int64_t count = caller * 11 + i % 7 + 1;
        if (visits(pool, count) != once(count)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, ManyTinyLoopsLoseNothing) {
  ThreadPool pool(2);
  std::vector<std::int64_t> total(5);
  for (int i = 0; i < 20000; ++i) {
    pool.for_ranges(5, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) total[static_cast<std::size_t>(j)] += j + i;
    });
  }
  for (std::int64_t j = 0; j < 5; ++j) EXPECT_EQ(total[static_cast<std::size_t>(j)], 20000 * j + 20000LL * 19999 / 2);
}

TEST(ThreadPool, SleepingWorkersWakeUp) {
  ThreadPool pool(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // far longer than a worker spins
    EXPECT_EQ(visits(pool, 100), once(100));
  }
}

TEST(ThreadPool, StopsCleanlyBusyOrUnused) {
  for (int i = 0; i < 100; ++i) {
    ThreadPool unused(3), used(3);
    EXPECT_EQ(visits(used, 10), once(10));
  }
}

}  // namespace
}  // namespace statescope::kernels
