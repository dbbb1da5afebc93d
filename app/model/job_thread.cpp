// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/job_thread.h"

#include <sys/resource.h>

#include <utility>

namespace statescope {
namespace {

constexpr int niceness = 5;

// Computing yields to drawing where both want the same core. On Linux this is the calling thread's own priority, and
// threads it starts (a model's pool) inherit it.
void yield_to_interface() {
  setpriority(PRIO_PROCESS, 0, niceness);
}

}  // namespace

JobThread::JobThread() : thread_([this](std::stop_token closing) { work(std::move(closing)); }) {}

JobThread::~JobThread() {
  thread_.request_stop();
  cancel();
}

void JobThread::start(Job job) {
  const std::lock_guard lock(mutex_);
  running_.request_stop();
  next_ = std::move(job);
  wake_.notify_one();
}

bool JobThread::cancel() {
  const std::lock_guard lock(mutex_);
  running_.request_stop();
  return std::exchange(next_, nullptr) != nullptr;
}

void JobThread::work(std::stop_token closing) {
  yield_to_interface();
  for (;;) {
    Job job;
    std::stop_token stop;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, closing, [this] { return static_cast<bool>(next_); })) return;
      job = std::exchange(next_, nullptr);
      running_ = std::stop_source();
      stop = running_.get_token();
    }
    job(stop);
  }
}

}  // namespace statescope
