// SPDX-License-Identifier: GPL-3.0-or-later
// How long a hand waits in the workspaces of linear systems: in the window of 1280×800, from what it does until the
// window has painted what changed, and the longest event handler meanwhile. Without a screen:
//
//   QT_QPA_PLATFORM=offscreen workspaces_bench dynamics|memory [SAMPLES [STATES [REPETITIONS]]]
#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QMetaEnum>
#include <QMouseEvent>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "main_window.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "widgets/transport_bar.h"
#include "workspaces/dynamics_workspace.h"
#include "workspaces/memory_workspace.h"

namespace {

using namespace statescope;

int repetitions = 30;

// Knows how long the longest event took, and when the window has painted what is waited for.
class Bench : public QApplication {
 public:
  using QApplication::QApplication;
  bool notify(QObject* receiver, QEvent* event) override {
    const bool paints = event->type() == QEvent::UpdateRequest;
    QElapsedTimer clock;
    clock.start();
    const QByteArray name = receiver->objectName().isEmpty() ? QByteArray(receiver->metaObject()->className())
                                                             : receiver->objectName().toUtf8();
    const int type = event->type();
    const bool handled = QApplication::notify(receiver, event);
    if (const double took = static_cast<double>(clock.nsecsElapsed()) * 1e-6; took > longest) {
      longest = took;
      what = name + " " + QMetaEnum::fromType<QEvent::Type>().valueToKey(type);
    }
    painted = painted || (paints && wanted && wanted());
    return handled;
  }
  double longest = 0;
  QByteArray what;  // of the longest
  std::function<bool()> wanted;
  bool painted = false;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void settle(const Workspace& workspace) {
  while (!workspace.settled()) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
}

// Milliseconds until `done`, pictures painted.
template <class Act, class Done>
double wait(Bench& bench, const Act& act, const Done& done) {
  QElapsedTimer clock;
  clock.start();
  bench.wanted = done;
  bench.painted = false;
  act();
  while (!bench.painted) QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
  return static_cast<double>(clock.nsecsElapsed()) * 1e-6;
}

template <class Space>
Space& show(MainWindow& window, const char* id) {
  window.resize(1280, 800);
  window.show();
  window.show_workspace(QLatin1String(id));
  auto& workspace = dynamic_cast<Space&>(*window.workspace(QLatin1String(id)));
  settle(workspace);
  return workspace;
}

void report(const Bench& bench, const char* what, const std::vector<double>& times) {
  std::printf("  %-34s %7.1f ms  best %6.1f ms  longest handler %6.1f ms (%s)\n", what, median(times),
              *std::min_element(times.begin(), times.end()), bench.longest, bench.what.constData());
  std::fflush(stdout);
}

// `act(i)` until the document shows a result it did not show before.
template <class Act>
void until_result(Bench& bench, DynamicsWorkspace& workspace, const char* what, const Act& act) {
  bench.longest = 0;
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const auto before = workspace.document().result();
    times.push_back(wait(
        bench, [&] { act(i); }, [&] { return workspace.document().result() != before; }));
    settle(workspace);
  }
  report(bench, what, times);
}

void paint(Bench& bench, QWidget& view, const char* what, const std::function<void(int)>& act) {
  bench.longest = 0;
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    act(i);
    QElapsedTimer clock;
    clock.start();
    view.repaint();
    times.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
  }
  report(bench, what, times);
}

void dynamics(Bench& bench, std::int64_t samples, std::int64_t states) {
  MainWindow window(STATESCOPE_BENCH_ASSETS);
  auto& workspace = show<DynamicsWorkspace>(window, "dynamics");
  DynamicsDocument& document = workspace.document();
  LtiRun run = document.run();
  Preset system = make_preset("random-stable");
  set_parameter(system, "N", static_cast<double>(states));
  run.system = system;
  run.input = Signal();
  run.input.kind = SignalKind::band_noise;
  run.input.length = samples;
  run.rule.delta = 0.02;
  bench.longest = 0;
  const auto first = wait(
      bench, [&] { document.change_run(run, QStringLiteral("shape")); }, [&] { return document.result()->run == run; });
  std::printf("dynamics, %lld samples, %lld states\n", static_cast<long long>(samples), static_cast<long long>(states));
  report(bench, "another system, first picture", {first});
  std::vector<double> computing;
  for (int i = 0; i < repetitions; ++i) {
    QElapsedTimer clock;
    clock.start();
    lti_result(run, {});
    computing.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
  }
  bench.longest = 0;
  report(bench, "computing alone", computing);
  for (const auto& [page, name] :
       {std::pair(LtiView::Page::motion, "motion"), std::pair(LtiView::Page::convolution, "convolution"),
        std::pair(LtiView::Page::frequency, "frequency")}) {
    workspace.show_page(page);
    settle(workspace);
    std::printf(" %s\n", name);
    const Complex from = document.result()->modes.front().lambda;
    until_result(bench, workspace, "eigenvalue to picture", [&](int i) {
      document.move_eigenvalue(from, from + Complex(0.01 * i, from.imag() == 0 ? 0 : 0.01 * i), false);
    });
    document.move_eigenvalue(from, from, true);
    settle(workspace);
    until_result(bench, workspace, "step Δ to picture", [&](int i) {
      LtiRun next = document.run();
      next.rule.delta = 0.02 + 1e-4 * (i + 1);
      document.change_run(next, QStringLiteral("delta"), false);
    });
    bench.longest = 0;
    std::vector<double> cursor;
    for (int i = 0; i < repetitions; ++i)
      cursor.push_back(wait(
          bench, [&] { workspace.transport_bar().transport().set_position(static_cast<int>((i + 1) * samples / (repetitions + 1))); },
          [] { return true; }));
    report(bench, "cursor to picture", cursor);
  }
  workspace.show_page(LtiView::Page::motion);
  settle(workspace);
  auto& input = *workspace.findChild<SignalView*>(QStringLiteral("dynamics_input_curve"));
  for (const char* name : {"dynamics_phase", "dynamics_states", "dynamics_input_curve", "dynamics_output"}) {
    auto& view = *workspace.findChild<QWidget*>(QLatin1String(name));
    paint(bench, view, (std::string(name) + ", resized").c_str(),
          [&](int i) { view.resize(900 + i % 2, view.height()); });
  }
  bench.longest = 0;
  std::vector<double> strokes;
  const auto send = [&](QEvent::Type type, int x) {
    const QPointF at(x, 100 + x % 40);
    const auto button = type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton;
    QMouseEvent event(type, at, input.mapToGlobal(at), button, Qt::LeftButton, {});
    QApplication::sendEvent(&input, &event);
  };
  send(QEvent::MouseButtonPress, 200);
  for (int i = 0; i < repetitions; ++i) {
    QElapsedTimer clock;
    clock.start();
    send(QEvent::MouseMove, 201 + 2 * i);
    input.repaint();
    strokes.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
  }
  report(bench, "stroke of the pen", strokes);
}

void memory(Bench& bench, std::int64_t samples, std::int64_t order) {
  MainWindow window(STATESCOPE_BENCH_ASSETS);
  auto& workspace = show<MemoryWorkspace>(window, "memory");
  MemoryDocument& document = workspace.document();
  MemoryState state = document.state();
  state.memory.run.input.length = samples;
  for (MemoryMethod& method : state.memory.run.methods) method.hippo.order = order;
  document.change(state, QStringLiteral("shape"));
  settle(workspace);
  std::printf("memory, %lld samples, order %lld\n", static_cast<long long>(samples), static_cast<long long>(order));
  std::vector<double> slider, cursor;
  bench.longest = 0;
  for (int i = 0; i < repetitions; ++i) {
    for (MemoryMethod& method : state.memory.run.methods) method.hippo.theta = 1 + 0.01 * i;
    slider.push_back(wait(
        bench, [&] { document.change(state, QStringLiteral("theta"), false); },
        [&] { return document.set()->run == state.memory.run; }));
    settle(workspace);
  }
  report(bench, "slider to picture", slider);
  bench.longest = 0;
  for (int i = 0; i < repetitions; ++i) {
    const std::int64_t sample = (i + 1) * document.set()->length() / (repetitions + 1);
    cursor.push_back(wait(
        bench, [&] { workspace.transport_bar().transport().set_position(static_cast<int>(sample)); },
        [&] { return document.frame()->cursor == sample; }));
  }
  report(bench, "cursor to picture", cursor);
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench(argc, argv);
  apply_theme(bench, ThemeKind::dark);
  set_motion(false);
  const bool memories = argc > 1 && std::strcmp(argv[1], "memory") == 0;
  const std::int64_t samples = argc > 2 ? std::atoll(argv[2]) : memories ? 800 : 2048;
  const std::int64_t states = argc > 3 ? std::atoll(argv[3]) : 64;
  if (argc > 4) repetitions = std::max(1, std::atoi(argv[4]));
  memories ? memory(bench, samples, states) : dynamics(bench, samples, states);
  return 0;
}
