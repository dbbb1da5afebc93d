// SPDX-License-Identifier: GPL-3.0-or-later
// Where the signal of the Memory workspace comes from: made, drawn, or read from a file.
#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <algorithm>
#include <fstream>
#include <span>

#include "engine/error.h"
#include "engine/io/wav.h"
#include "model/sentence.h"
#include "widgets/button.h"
#include "widgets/signal_view.h"
#include "workspaces/memory_examples.h"
#include "workspaces/memory_workspace.h"
#include "workspaces/signal_file.h"

namespace statescope {
namespace {

constexpr std::size_t largest_wav = std::size_t{1} << 30;
constexpr std::int64_t longest_dropped = 1'000'000;  // samples of a file

// Of a file only its layout is needed here; the samples are read when the memory is built.
WavLayout layout_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.empty()) throw Error(path + " cannot be read; choose another file");
  return parse_wav(std::as_bytes(std::span(bytes)), path);
}

}  // namespace

bool MemoryWorkspace::accepts(const QFileInfo& file) const {
  return signal_kind_of(file).has_value();
}

void MemoryWorkspace::open_file(const QFileInfo& file) {
  const std::string path = file.absoluteFilePath().toStdString();
  const SignalKind kind = signal_kind_of(file).value_or(SignalKind::csv);
  opening_ = true;
  files_.start([this, path, kind](std::stop_token) {
    HippoScene scene;
    QString problem;
    try {
      scene.run.input.kind = kind;
      scene.run.input.file = path;
      scene.run.input.length = longest_dropped;
      if (kind == SignalKind::wav) {
        if (std::filesystem::file_size(path) > largest_wav) throw Error(path + " is larger than 1 GiB; cut it shorter");
        scene.run.delta = 1 / static_cast<double>(layout_of(path).sample_rate);
      }
    } catch (const std::exception& error) {
      problem = sentence_of(error);
    }
    QMetaObject::invokeMethod(
        this,
        [this, scene, problem]() mutable {
          if (!problem.isEmpty()) {
            opening_ = false;
            say_error(problem);
            Q_EMIT failed(problem);
            return;
          }
          scene.run.methods = document_.run().methods;
          scene.cursor = longest_dropped;
          open_scene(scene, {});
        },
        Qt::QueuedConnection);
  });
}

void MemoryWorkspace::choose_file(SignalKind kind) {
  const QString path = choose_signal_file(this, kind);
  if (!path.isEmpty()) open_file(QFileInfo(path));
}

void MemoryWorkspace::set_drawing(bool on) {
  draw_->setChecked(on);
  for (SignalView* panel : panels_) panel->set_drawable(on);
  show_explanation();
}

// Until its own memory is there, the stroke is shown with the newest one; the paper stays still under the pen.
void MemoryWorkspace::take_stroke(const std::vector<double>& values, bool finished) {
  stroke_ = values;
  stroke_held_ = !finished;
  MemoryState next = document_.state();
  Signal drawn;
  drawn.kind = SignalKind::drawn;
  drawn.length = document_.set()->length();
  drawn.values = values;
  next.memory.run.input = drawn;
  document_.change(next, tr("Draw the signal"), finished);
}

// Behind the signals that are made stand those that are read.
void MemoryWorkspace::choose_signal(int index) {
  if (const QVariant kind = signals_->itemData(index); kind.isValid()) {
    show_signal();  // until there is a file
    return choose_file(static_cast<SignalKind>(kind.toInt()));
  }
  MemoryState next = document_.state();
  HippoRun& run = next.memory.run;
  const std::int64_t length = document_.set() ? document_.set()->length() : run.input.length;
  run.input = memory_signals(static_cast<double>(length) * run.delta, length)[static_cast<std::size_t>(index)].signal;
  document_.change(next, tr("Signal"));
}

void MemoryWorkspace::choose_column(const QString& column) {
  MemoryState next = document_.state();
  next.memory.run.input.column = column.toStdString();
  document_.change(next, tr("Column"));
}

// The list says which of its signals this is, and of any other what it is.
void MemoryWorkspace::show_signal() {
  const HippoRun& run = document_.run();
  const bool read = is_read_from_file(run.input.kind);
  const auto made = memory_signals(static_cast<double>(run.input.length) * run.delta, run.input.length);
  const auto same =
      std::find_if(made.begin(), made.end(), [&](const MemorySignal& each) { return each.signal == run.input; });
  signals_->setPlaceholderText(read ? QFileInfo(QString::fromStdString(run.input.file)).fileName()
                                    : QString::fromUtf8(signal_kind_name(run.input.kind)));
  signals_->setCurrentIndex(same == made.end() ? -1 : static_cast<int>(same - made.begin()));
  signal_title_->setVisible(read);
  const bool known = document_.set() && document_.set()->run.input == run.input;
  signal_file_->show_signal(run.input, known ? document_.set()->length() : -1);
}

}  // namespace statescope
