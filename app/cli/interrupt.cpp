// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/interrupt.h"

#include <semaphore.h>

#include <csignal>
#include <thread>

namespace statescope::cli {
namespace {

sem_t interrupted;  // posting is one of the few things a signal handler may do

void on_signal(int number) {
  std::signal(number, SIG_DFL);
  sem_post(&interrupted);
}

}  // namespace

std::stop_token stop_on_interrupt() {
  std::stop_source source;
  sem_init(&interrupted, 0, 0);
  std::thread([source]() mutable {
    while (sem_wait(&interrupted) != 0) {
    }
    source.request_stop();
  }).detach();  // waits as long as the program lives
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return source.get_token();
}

}  // namespace statescope::cli
