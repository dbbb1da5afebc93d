// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace statescope {

/// One thread that does the newest job. Starting a job asks the running one to stop and forgets one that still waits;
/// the new one begins when the old one has returned. Destruction stops and joins, so a job never outlives its owner.
class JobThread {
 public:
  using Job = std::function<void(std::stop_token)>;

  JobThread();
  ~JobThread();

  void start(Job job);
  /// Asks the running job to stop and forgets a waiting one. True when one was waiting, which now never runs.
  bool cancel();

 private:
  void work(std::stop_token closing);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  Job next_;
  std::stop_source running_;
  std::jthread thread_;  // last, so that it starts when everything else is there
};

}  // namespace statescope
