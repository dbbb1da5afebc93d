// SPDX-License-Identifier: GPL-3.0-or-later
// What the window asks of the Model workspace: scenes, files, commands, facts.
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/memory.h"
#include "engine/run/session.h"
#include "widgets/notice.h"
#include "widgets/prompt_bar.h"
#include "widgets/segmented_control.h"
#include "widgets/transport_bar.h"
#include "workspaces/device_choice.h"
#include "workspaces/model_pictures.h"
#include "workspaces/model_workspace.h"

namespace statescope {
namespace {

constexpr std::size_t max_prompt_file_bytes = 16 << 20;

QString count_text(std::int64_t count) {
  if (count >= 1'000'000)
    return QStringLiteral("%1 M").arg(static_cast<double>(count) / 1e6, 0, 'f', count < 100'000'000 ? 1 : 0);
  if (count >= 1'000) return QStringLiteral("%1 k").arg(static_cast<double>(count) / 1e3, 0, 'f', 0);
  return QString::number(count);
}

bool is_text_file(const QFileInfo& file) {
  return file.suffix() == QLatin1String("txt");
}

}  // namespace

// A window without a picture is of no use: when nothing was asked for, or what was asked for failed, the bundled model
// comes.
void ModelWorkspace::enter() {
  if (document_.run() || document_.activity() != Activity::idle || std::exchange(entered_, true)) return;
  keep_notice_ = !notice().message().isEmpty();
  open_sample();
}

void ModelWorkspace::open_sample() {
  ModelScene scene;
  scene.run.prompt = sample_prompt;
  scene.view.layer = 3;
  scene.view.channel = 241;
  scene.view.state = 6;
  document_.open_scene(scene, {}, document_.run() ? tr("Open model") : QString());
}

bool ModelWorkspace::shows(const Scene& scene) const {
  return std::holds_alternative<ModelScene>(scene);
}

void ModelWorkspace::open_scene(const Scene& scene, const std::filesystem::path& base) {
  document_.open_scene(std::get<ModelScene>(scene), base, document_.run() ? tr("Open scene") : QString());
}

Scene ModelWorkspace::scene(const std::filesystem::path& folder) const {
  ModelScene scene = document_.scene();
  scene.run.model = path_from(folder, scene.run.model);
  return scene;
}

bool ModelWorkspace::accepts(const QFileInfo& file) const {
  const QString name = file.fileName();
  return file.isDir() || is_text_file(file) || file.suffix() == QLatin1String("safetensors") ||
         name == QLatin1String("config.json") || name == QLatin1String("tokenizer.json") ||
         name.endsWith(QLatin1String(".safetensors.index.json"));
}

void ModelWorkspace::open_file(const QFileInfo& file) {
  if (!is_text_file(file)) return document_.open_model(file.absoluteFilePath());
  try {
    open_text(QString::fromStdString(read_text_file(file.filePath().toStdString(), max_prompt_file_bytes)));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
    Q_EMIT failed(notice().message());
  }
}

void ModelWorkspace::open_text(const QString& text) {
  document_.run_prompt(text);
}

WorkspaceFacts ModelWorkspace::facts() const {
  if (!document_.run()) return {};
  const RunSnapshot& run = *document_.run();
  const ModelInfo& info = run.model().info();
  const kernels::CpuBackend& backend = run.model().backend();
  const QString cpu = tr("CPU · %1 · %2")
                          .arg(QString::fromStdString(kernels::instruction_set_name(backend.instruction_set())),
                               backend.threads() == 1 ? tr("1 thread") : tr("%1 threads").arg(backend.threads()));
  const QString device = run.model().device() == "cpu" ? cpu : device_->name_of(run.model().device());
  WorkspaceFacts facts;
  facts.title = QString::fromStdString(info.name);
  facts.chips = {{QStringLiteral("family"),
                  tr("%1 · %2 layers · %3 parameters")
                      .arg(QString::fromStdString(info.family))
                      .arg(info.sizes.layers)
                      .arg(count_text(info.parameters)),
                  tr("d_model %1, d_inner %2, d_state %3, d_conv %4, dt_rank %5, vocabulary %6\n%7")
                      .arg(info.sizes.d_model)
                      .arg(info.sizes.d_inner)
                      .arg(info.sizes.d_state)
                      .arg(info.sizes.d_conv)
                      .arg(info.sizes.dt_rank)
                      .arg(info.sizes.vocab)
                      .arg(QString::fromStdString(info.folder.string())),
                  false, 2},
                 {QStringLiteral("device"), device, tr("Where the model runs"), false, 1}};
  if (!info.conflicts.empty())
    facts.chips.push_back({QStringLiteral("conflicts"),
                           info.conflicts.size() == 1 ? tr("1 note on config.json")
                                                      : tr("%1 notes on config.json").arg(info.conflicts.size()),
                           tr("Where config.json and the tensors disagree"), true, 3});
  if (speed_ > 0) {
    facts.speed = tr("%L1 tokens/s").arg(speed_, 0, 'f', 0);
    facts.speed_hint = tr("Speed of the last reading or generating");
  }
  const std::int64_t bytes = Session::trace_bytes(info, run.trace.length(), run.trace.interval);
  facts.status = tr("%L1 tokens · trace %2 · layer %3, channel %4")
                     .arg(run.trace.length())
                     .arg(QString::fromStdString(format_bytes(bytes)))
                     .arg(document_.scene().view.layer)
                     .arg(document_.scene().view.channel);
  if (info.state_kind != StateKind::none) facts.status += tr(", state %1").arg(document_.scene().view.state);
  facts.device = tr("%1 · float32").arg(device);
  return facts;
}

void ModelWorkspace::explain(const QString& /*chip*/) {
  QStringList lines;
  for (const std::string& conflict : document_.run()->model().info().conflicts)
    lines.append(QString::fromStdString(conflict));
  notice().show_message(Notice::Kind::warning, lines.join(QLatin1Char('\n')));
}

std::vector<WorkspaceCommand> ModelWorkspace::commands() {
  const QString file = tr("File"), edit = tr("Edit"), run = tr("Run"), view = tr("View");
  const auto id = [](const char* text) { return QString::fromLatin1(text); };
  return {
      {file, id("open_model"), tr("Open model folder…"), QKeySequence::Open, [this] { choose_folder(); }, true},
      {file, id("open_bundled"), tr("Open the bundled model"), {}, [this] { open_sample(); }, true},
      {edit, id("copy_tokens"), tr("Copy the tokens and their probabilities (CSV)"), tr("Ctrl+Shift+C"),
       [this] { copy_tokens(); }},
      {run, id("focus_prompt"), tr("Type a prompt"), tr("Ctrl+L"),
       [this] { prompt_->setFocus(Qt::ShortcutFocusReason); }, true},
      {run, id("generate"), tr("Generate"), tr("Ctrl+G"), [this] { document_.generate(); }},
      {run, id("stop"), tr("Stop"), tr("Ctrl+."), [this] { document_.stop(); }},
      {run, id("rewind"), tr("Rewind: forget the tokens after the cursor"), tr("Ctrl+Backspace"),
       [this] { document_.rewind(document_.scene().cursor + 1); }},
      {view, id("next_layer"), tr("Next layer"), tr("Ctrl+Down"), [this] { change_layer(1); }},
      {view, id("previous_layer"), tr("Previous layer"), tr("Ctrl+Up"), [this] { change_layer(-1); }},
  };
}

void ModelWorkspace::choose_folder() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Open a checkpoint folder"));
  if (!folder.isEmpty()) Q_EMIT open_requested(folder);
}

void ModelWorkspace::copy_tokens() {
  if (!document_.run()) return;
  copies_.start([this, run = document_.run()](std::stop_token stop) {
    try {
      const QString csv = tokens_csv(*run, stop);
      QMetaObject::invokeMethod(
          this, [csv] { QGuiApplication::clipboard()->setText(csv); }, Qt::QueuedConnection);
    } catch (const Cancelled&) {
    }
  });
}

void ModelWorkspace::change_layer(int step) {
  ModelView view = document_.scene().view;
  view.layer = std::max<std::int64_t>(view.layer + step, 0);
  document_.set_view(view, tr("Choose layer"));
}

void ModelWorkspace::set_for_export(bool for_export) {
  for_export_ = for_export;
  for (QWidget* control : std::initializer_list<QWidget*>{prompt_, map_switch_, order_switch_, overview_switch_})
    control->setVisible(!for_export);
  device_->set_for_export(for_export);
}

}  // namespace statescope
