// SPDX-License-Identifier: GPL-3.0-or-later
// How long a hand waits in the Memory workspace: from a slider's step to the picture, and from the cursor's to the
// picture. Without a screen: QT_QPA_PLATFORM=offscreen memory_bench [SAMPLES [ORDER]]
#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "widgets/theme.h"
#include "widgets/transport_bar.h"
#include "workspaces/memory_workspace.h"

namespace {

using namespace statescope;

constexpr int repetitions = 30;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Milliseconds until `done`, pictures painted.
template <class Act, class Done>
double wait(MemoryWorkspace& workspace, const Act& act, const Done& done) {
  QElapsedTimer clock;
  clock.start();
  act();
  while (!done()) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
  workspace.repaint();
  QCoreApplication::processEvents();
  return static_cast<double>(clock.nsecsElapsed()) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  apply_theme(application, ThemeKind::dark);
  set_motion(false);
  MemoryWorkspace workspace(STATESCOPE_BENCH_ASSETS);
  workspace.resize(1120, 760);
  workspace.show();
  workspace.enter();
  MemoryDocument& document = workspace.document();
  while (!workspace.settled()) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);

  MemoryState state = document.state();
  state.memory.run.input.length = argc > 1 ? std::atoll(argv[1]) : 800;
  const std::int64_t order = argc > 2 ? std::atoll(argv[2]) : 64;
  for (MemoryMethod& method : state.memory.run.methods) method.hippo.order = order;
  document.change(state, "shape");
  while (!workspace.settled()) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);

  std::vector<double> slider, cursor;
  for (int i = 0; i < repetitions; ++i) {
    for (MemoryMethod& method : state.memory.run.methods) method.hippo.theta = 1 + 0.01 * i;
    slider.push_back(wait(
        workspace, [&] { document.change(state, "theta", false); },
        [&] { return document.set()->run == state.memory.run; }));
    while (!workspace.settled()) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    const std::int64_t sample = (i + 1) * document.set()->length() / (repetitions + 1);
    cursor.push_back(wait(
        workspace, [&] { workspace.transport_bar().transport().set_position(static_cast<int>(sample)); },
        [&] { return document.frame()->cursor == sample; }));
  }
  std::printf("{\"samples\":%lld,\"order\":%lld,\"slider_ms\":%.1f,\"cursor_ms\":%.1f}\n",
              static_cast<long long>(document.set()->length()), static_cast<long long>(order), median(slider),
              median(cursor));
  return 0;
}
