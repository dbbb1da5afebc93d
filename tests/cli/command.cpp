// SPDX-License-Identifier: GPL-3.0-or-later
#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "test_checkpoint.h"

namespace statescope::test {

Outcome command(const std::vector<std::string>& arguments, const std::string& out_file,
                const std::function<bool()>& interrupt_when) {
  const TemporaryFolder folder;
  const std::string out = out_file.empty() ? (folder / "out").string() : out_file, err = (folder / "err").string();
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);

  std::vector<std::string> words{STATESCOPE_CLI};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, STATESCOPE_CLI, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed) throw std::runtime_error("statescope-cli cannot be started");

  Outcome outcome;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int status = 0;
  bool interrupted = false;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      outcome.status = 124;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (interrupt_when && !interrupted && interrupt_when()) {
      kill(pid, SIGINT);
      interrupted = true;
    }
  }
  if (outcome.status != 124) outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (out_file.empty()) outcome.out = read_text(out);
  outcome.err = read_text(err);
  return outcome;
}

}  // namespace statescope::test
