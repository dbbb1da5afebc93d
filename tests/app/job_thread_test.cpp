// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/job_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace statescope {
namespace {

// A job that goes on until the test lets it end, and then says whether it had been asked to stop.
class HeldJob {
 public:
  void start_on(JobThread& thread) {
    thread.start([this](std::stop_token stop) {
      begun_.set_value();
      go_on_.get_future().wait();
      stopped = stop.stop_requested();
    });
    begun_.get_future().wait();
  }
  void release() { go_on_.set_value(); }

  bool stopped = false;

 private:
  std::promise<void> begun_, go_on_;
};

void finish_all(JobThread& thread) {
  std::promise<void> last;
  thread.start([&](std::stop_token) { last.set_value(); });
  last.get_future().wait();
}

TEST(JobThread, newest_job_wins_and_those_between_never_run) {
  JobThread thread;
  HeldJob first;
  first.start_on(thread);
  std::atomic<int> between = 0;
  for (int i = 0; i < 20; ++i) thread.start([&](std::stop_token) { ++between; });
  std::promise<bool> newest;
  thread.start([&](std::stop_token stop) { newest.set_value(stop.stop_requested()); });
  first.release();
  EXPECT_FALSE(newest.get_future().get()) << "the stop was for the job before";
  EXPECT_TRUE(first.stopped);
  EXPECT_EQ(between, 0);
}

TEST(JobThread, cancel_stops_the_running_job_and_forgets_the_waiting_one) {
  JobThread thread;
  HeldJob running;
  running.start_on(thread);
  std::atomic<bool> forgotten_ran = false;
  thread.start([&](std::stop_token) { forgotten_ran = true; });
  EXPECT_TRUE(thread.cancel());
  EXPECT_FALSE(thread.cancel()) << "nothing waits any more";
  running.release();
  finish_all(thread);
  EXPECT_TRUE(running.stopped);
  EXPECT_FALSE(forgotten_ran);
}

TEST(JobThread, job_runs_after_a_cancel_that_had_nothing_to_stop) {
  JobThread thread;
  EXPECT_FALSE(thread.cancel());
  std::promise<bool> stopped;
  thread.start([&](std::stop_token stop) { stopped.set_value(stop.stop_requested()); });
  EXPECT_FALSE(stopped.get_future().get());
}

TEST(JobThread, destruction_stops_the_running_job_and_waits_for_its_end) {
  std::promise<void> begun;
  std::atomic<bool> ended = false, forgotten_ran = false;
  {
    JobThread thread;
    thread.start([&](std::stop_token stop) {
      std::promise<void> asked;
      const std::stop_callback on_stop(stop, [&] { asked.set_value(); });
      begun.set_value();
      asked.get_future().wait();
      ended = true;
    });
    begun.get_future().wait();
  }
  EXPECT_TRUE(ended);
  {
    JobThread thread;
    HeldJob running;
    running.start_on(thread);
    thread.start([&](std::stop_token) { forgotten_ran = true; });
    thread.cancel();
    running.release();
  }
  EXPECT_FALSE(forgotten_ran);
}

}  // namespace
}  // namespace statescope
