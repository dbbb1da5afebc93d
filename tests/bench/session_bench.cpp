// SPDX-License-Identifier: GPL-3.0-or-later
// What a user waits for: opening, reading a prompt into a trace, generating, looking at another layer, scrubbing.
// session_bench [MODEL [TOKENS]]: medians of five, milliseconds.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>

#include "engine/models/model.h"
#include "engine/run/session.h"
#include "engine/run/trace.h"

namespace {

using namespace statescope;
using Clock = std::chrono::steady_clock;

double median_ms(const std::function<void()>& body) {
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    body();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + 2, times.end());
  return times[2];
}

}  // namespace

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : STATESCOPE_BENCH_MODEL;
  const std::int64_t tokens = argc > 2 ? std::atoll(argv[2]) : 2000;
  std::shared_ptr<const Model> model;
  const auto start = Clock::now();
  model = load_model(path);
  std::printf("open                     %9.1f\n",
              std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  const ModelInfo& info = model->info();

  std::mt19937 random(1);
  std::vector<std::int32_t> ids;
  for (std::int64_t t = 0; t < tokens; ++t)
    ids.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(info.sizes.vocab)));

  const double bare = median_ms([&] {
    ModelState state = model->initial_state();
    run(*model, ids, state, nullptr);
  });
  std::printf("read %6lld, bare         %9.1f   %8.0f tokens/s\n", static_cast<long long>(tokens), bare,
              1e3 * static_cast<double>(tokens) / bare);
  Session session(model);
  const double traced = median_ms([&] {
    session.rewind(0);
    session.append(ids, false);
  });
  std::printf("read %6lld, with trace   %9.1f   %8.0f tokens/s\n", static_cast<long long>(tokens), traced,
              1e3 * static_cast<double>(tokens) / traced);

  constexpr int generated = 50;
  const double generate = median_ms([&] {
    for (int i = 0; i < generated; ++i) {
      const std::int32_t id = session.draw({}, info.sizes.vocab);
      session.append(std::span(&id, 1), true);
    }
  });
  std::printf("generate, with trace     %9.2f   %8.0f tokens/s\n", generate / generated, 1e3 * generated / generate);
  session.rewind(tokens);

  LayerTrack track;
  std::printf("another layer            %9.1f\n",
              median_ms([&] { track = layer_track(*model, session.trace(), info.sizes.layers / 2); }));
  std::printf("another channel          %9.2f\n", median_ms([&] { channel_states(*model, track, 1); }));
  const std::int64_t last = tokens / 64 * 64;
  std::printf("states of 64 tokens      %9.2f\n",
              median_ms([&] { states(*model, session.trace(), track, last - 64, last); }));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("trace %lld MiB, checkpoint every %lld tokens, peak of the process %ld MiB\n",
              static_cast<long long>(Session::trace_bytes(info, tokens, session.trace().interval) >> 20),
              static_cast<long long>(session.trace().interval), usage.ru_maxrss >> 10);
}
