// SPDX-License-Identifier: GPL-3.0-or-later
#include "main_window.h"

#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <utility>

#include "engine/error.h"
#include "engine/io/json.h"
#include "engine/io/memory.h"
#include "picture.h"
#include "widgets/command_palette.h"
#include "widgets/navigation_rail.h"
#include "widgets/notice.h"
#include "widgets/theme.h"
#include "widgets/top_bar.h"
#include "widgets/transport_bar.h"
#include "workspaces/model_pictures.h"
#include "workspaces/model_workspace.h"
#include "workspaces/profile_workspace.h"

namespace statescope {
namespace {

constexpr std::size_t max_prompt_file_bytes = 16 << 20;

QString count_text(std::int64_t count) {
  if (count >= 1'000'000)
    return QStringLiteral("%1 M").arg(static_cast<double>(count) / 1e6, 0, 'f', count < 100'000'000 ? 1 : 0);
  if (count >= 1'000) return QStringLiteral("%1 k").arg(static_cast<double>(count) / 1e3, 0, 'f', 0);
  return QString::number(count);
}

bool is_checkpoint_file(const QFileInfo& file) {
  const QString name = file.fileName();
  return file.suffix() == QLatin1String("safetensors") || name == QLatin1String("config.json") ||
         name == QLatin1String("tokenizer.json") || name.endsWith(QLatin1String(".safetensors.index.json"));
}

}  // namespace

MainWindow::MainWindow(std::filesystem::path assets) : assets_(std::move(assets)), document_(assets_) {
  setObjectName(QStringLiteral("main_window"));
  setAcceptDrops(true);
  set_motion(settings_.motion());
  build_frame();
  build_actions();
  connect_document();
  setMinimumSize(1024, 640);
  resize(1440, 900);
  setWindowTitle(tr("Statescope"));
  restoreGeometry(settings_.geometry());
  workspace_->setFocus();  // not the first button: Space is to play
}

MainWindow::~MainWindow() = default;

void MainWindow::build_frame() {
  rail_ = new NavigationRail;
  rail_->add_entry(QStringLiteral("model"), tr("Model"), QStringLiteral("model"));
  rail_->add_entry(QStringLiteral("profile"), tr("Profile"), QStringLiteral("profile"));
  rail_->set_current(QStringLiteral("model"));
  rail_->add_tool(QStringLiteral("file"), tr("Open, save, export"), QStringLiteral("open"), tr("Alt+F"));
  rail_->add_tool(QStringLiteral("theme"), tr("Light or dark theme"), QStringLiteral("theme"), tr("Ctrl+Shift+T"));
  rail_->add_tool(QStringLiteral("palette"), tr("All commands"), QStringLiteral("palette"), tr("Ctrl+K"));
  top_bar_ = new TopBar;
  transport_ = new TransportBar;
  workspace_ = new ModelWorkspace(document_, *transport_);
  rail_->setObjectName(QStringLiteral("rail"));
  transport_->setObjectName(QStringLiteral("transport"));
  profile_transport_ = new TransportBar;
  profile_transport_->setObjectName(QStringLiteral("profile_transport"));
  profile_ = new ProfileWorkspace(document_, *profile_transport_);
  workspaces_ = new QStackedWidget;
  inspectors_ = new QStackedWidget;
  transports_ = new QStackedWidget;
  for (QWidget* widget : {static_cast<QWidget*>(workspace_), static_cast<QWidget*>(profile_)})
    workspaces_->addWidget(widget);
  for (QWidget* widget : {workspace_->inspector(), profile_->inspector()}) inspectors_->addWidget(widget);
  for (TransportBar* bar : {transport_, profile_transport_}) transports_->addWidget(bar);
  transports_->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);

  status_ = new QLabel;
  device_ = new QLabel;
  status_->setObjectName(QStringLiteral("status"));
  for (QLabel* label : {status_, device_}) label->setProperty("role", QStringLiteral("caption"));
  auto* status_line = new QFrame;
  status_line->setProperty("surface", QStringLiteral("surface"));
  status_line->setProperty("edge", QStringLiteral("top"));
  auto* status_row = new QHBoxLayout(status_line);
  status_row->setContentsMargins(scaled(20), scaled(3), scaled(20), scaled(3));
  status_->setText(QStringLiteral(" "));  // so that the line has its height from the start
  status_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  status_row->addWidget(status_, 1);
  status_row->addWidget(device_);

  auto* middle = new QHBoxLayout;
  middle->setSpacing(0);
  middle->addWidget(workspaces_, 1);
  middle->addWidget(inspectors_);
  auto* right = new QVBoxLayout;
  right->setSpacing(0);
  right->addWidget(top_bar_);
  right->addLayout(middle, 1);
  right->addWidget(transports_);
  right->addWidget(status_line);
  auto* central = new QWidget;
  auto* row = new QHBoxLayout(central);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  row->addWidget(rail_);
  row->addLayout(right, 1);
  setCentralWidget(central);

  file_menu_ = new QMenu(this);
  palette_ = new CommandPalette(central);
  connect(rail_, &NavigationRail::tool_activated, this, &MainWindow::run_tool);
  connect(rail_, &NavigationRail::activated, this, &MainWindow::show_workspace);
  connect(top_bar_, &TopBar::palette_requested, palette_, &CommandPalette::open);
  connect(top_bar_, &TopBar::chip_clicked, this, &MainWindow::show_conflicts);
}

QAction* MainWindow::add_action(const QString& category, const QString& id, const QString& name,
                                const QKeySequence& shortcut, std::function<void()> run) {
  auto* action = new QAction(name, this);
  action->setObjectName(id);
  action->setShortcut(shortcut);
  addAction(action);
  connect(action, &QAction::triggered, this, std::move(run));
  actions_.emplace_back(category, action);
  return action;
}

void MainWindow::build_actions() {
  const QString file = tr("File"), edit = tr("Edit"), run = tr("Run"), view = tr("View");
  const auto id = [](const char* text) { return QString::fromLatin1(text); };
  add_action(file, id("open_model"), tr("Open model folder…"), QKeySequence::Open, [this] { choose_model(); });
  add_action(file, id("open_bundled"), tr("Open the bundled model"), {}, [this] { open_sample(); });
  add_action(file, id("open_scene"), tr("Open scene…"), tr("Ctrl+Shift+O"), [this] { choose_scene(); });
  add_action(file, id("save_scene"), tr("Save scene"), QKeySequence::Save, [this] {
    if (scene_path_.isEmpty())
      choose_scene_to_save();
    else
      save_scene_to(scene_path_);
  });
  add_action(file, id("save_scene_as"), tr("Save scene as…"), tr("Ctrl+Shift+S"), [this] { choose_scene_to_save(); });
  add_action(file, id("export_picture"), tr("Export picture of the workspace…"), tr("Ctrl+E"),
             [this] { export_picture(); });
  add_action(file, id("file_menu"), tr("Open, save, export…"), tr("Alt+F"),
             [this] { run_tool(QStringLiteral("file")); });
  add_action(file, id("quit"), tr("Quit"), QKeySequence::Quit, [this] { close(); });

  QUndoStack& undo = document_.undo_stack();
  for (QAction* action : {undo.createUndoAction(this, tr("Undo")), undo.createRedoAction(this, tr("Redo"))}) {
    const bool is_undo = actions_.back().second->objectName() != QLatin1String("undo");
    action->setObjectName(is_undo ? id("undo") : id("redo"));
    action->setShortcuts(is_undo ? QKeySequence::Undo : QKeySequence::Redo);
    addAction(action);
    actions_.emplace_back(edit, action);
  }

  add_action(edit, id("copy_tokens"), tr("Copy the tokens and their probabilities (CSV)"), tr("Ctrl+Shift+C"), [this] {
    if (!document_.run()) return;
    copies_.start([this, run = document_.run()](std::stop_token stop) {
      try {
        const QString csv = tokens_csv(*run, stop);
        QMetaObject::invokeMethod(
            this, [csv] { QGuiApplication::clipboard()->setText(csv); }, Qt::QueuedConnection);
      } catch (const Cancelled&) {
      }
    });
  });
  add_action(run, id("focus_prompt"), tr("Type a prompt"), tr("Ctrl+L"), [this] { workspace_->focus_prompt(); });
  add_action(run, id("generate"), tr("Generate"), tr("Ctrl+G"), [this] { document_.generate(); });
  add_action(run, id("stop"), tr("Stop"), tr("Ctrl+."), [this] { document_.stop(); });
  add_action(run, id("rewind"), tr("Rewind: forget the tokens after the cursor"), tr("Ctrl+Backspace"),
             [this] { document_.rewind(document_.scene().cursor + 1); });
  add_action(run, id("play"), tr("Play or pause"), {}, [this] { current_transport().transport().toggle(); });
  add_action(run, id("restart"), tr("Back to the first token"), {},
             [this] { current_transport().transport().restart(); });
  add_action(run, id("loop"), tr("Loop"), {},
             [this] { current_transport().transport().set_loop(!current_transport().transport().loop()); });
  add_action(run, id("profile_run"), tr("Record a profile"), {}, [this] {
    show_workspace(QStringLiteral("profile"));
    profile_->run();
  });
  add_action(view, id("show_model"), tr("Model"), tr("Ctrl+1"), [this] { show_workspace(QStringLiteral("model")); });
  add_action(view, id("show_profile"), tr("Profile"), tr("Ctrl+2"),
             [this] { show_workspace(QStringLiteral("profile")); });

  add_action(view, id("palette"), tr("All commands"), tr("Ctrl+K"), [this] { run_tool(QStringLiteral("palette")); });
  add_action(view, id("next_layer"), tr("Next layer"), tr("Ctrl+Down"), [this] { change_layer(1); });
  add_action(view, id("previous_layer"), tr("Previous layer"), tr("Ctrl+Up"), [this] { change_layer(-1); });
  add_action(view, id("theme"), tr("Light or dark theme"), tr("Ctrl+Shift+T"), [this] { toggle_theme(); });
  QAction* larger = add_action(view, id("larger_text"), tr("Larger text"), {}, [this] { change_text_scale(1.1); });
  larger->setShortcuts({QKeySequence(QKeySequence::ZoomIn), QKeySequence(tr("Ctrl+="))});
  add_action(view, id("smaller_text"), tr("Smaller text"), QKeySequence::ZoomOut,
             [this] { change_text_scale(1 / 1.1); });
  add_action(view, id("motion"), tr("Reduced motion on or off"), {}, [this] {
    set_motion(!motion());
    settings_.set_motion(motion());
  });
  add_action(view, id("full_screen"), tr("Full screen"), tr("F11"),
             [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });

  std::vector<PaletteCommand> commands;
  for (const auto& [category, action] : actions_) commands.push_back({action, category});
  palette_->set_commands(std::move(commands));
}

void MainWindow::connect_document() {
  connect(&document_, &ModelDocument::run_changed, this, &MainWindow::show_model);
  connect(&document_, &ModelDocument::scene_changed, this, &MainWindow::show_status);
  connect(&document_, &ModelDocument::failed, this, [this](const QString& sentence) {
    opening_.clear();
    start_with_sample(sentence);
  });
  connect(&document_, &ModelDocument::run_finished, this, [this] {
    remember_opened();
    transport_->transport().play();
    if (!start_problem_.isEmpty()) workspace_->say_error(std::exchange(start_problem_, {}));
  });
  connect(&document_, &ModelDocument::speed_measured, this, [this](double speed) {
    top_bar_->set_speed(tr("%L1 tokens/s").arg(speed, 0, 'f', 0), tr("Speed of the last reading or generating"));
  });
}

// A window without a picture is of no use: when what was asked for at the start fails, the bundled model comes, and
// then the reason.
void MainWindow::start_with_sample(const QString& problem) {
  if (document_.run() || document_.activity() != Activity::idle || std::exchange(sample_opened_, true)) return;
  start_problem_ = problem;
  open_sample();
}

void MainWindow::show_model() {
  const RunSnapshot& run = *document_.run();
  const ModelInfo& info = run.model().info();
  const kernels::CpuBackend& backend = run.model().backend();
  const QString folder = QString::fromStdString(info.folder.string());
  const QString device = tr("CPU · %1 · %2")
                             .arg(QString::fromStdString(kernels::instruction_set_name(backend.instruction_set())),
                                  backend.threads() == 1 ? tr("1 thread") : tr("%1 threads").arg(backend.threads()));
  std::vector<TopBarChip> chips{{QStringLiteral("family"),
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
                                     .arg(folder),
                                 false, 2},
                                {QStringLiteral("device"), device, tr("Where the model runs"), false, 1}};
  if (!info.conflicts.empty())
    chips.push_back({QStringLiteral("conflicts"),
                     info.conflicts.size() == 1 ? tr("1 note on config.json")
                                                : tr("%1 notes on config.json").arg(info.conflicts.size()),
                     tr("Where config.json and the tensors disagree"), true, 3});
  top_bar_->set_title(QString::fromStdString(info.name));
  top_bar_->set_chips(chips);
  device_->setText(tr("%1 · float32").arg(device));
  setWindowTitle(tr("%1 – Statescope").arg(QString::fromStdString(info.name)));
  show_status();
}

void MainWindow::show_status() {
  if (!document_.run()) return;
  const RunSnapshot& run = *document_.run();
  const std::int64_t bytes = Session::trace_bytes(run.model().info(), run.trace.length(), run.trace.interval);
  status_->setText(tr("%L1 tokens · trace %2 · layer %3, channel %4, state %5")
                       .arg(run.trace.length())
                       .arg(QString::fromStdString(format_bytes(bytes)))
                       .arg(document_.scene().view.layer)
                       .arg(document_.scene().view.channel)
                       .arg(document_.scene().view.state));
}

void MainWindow::fill_file_menu() {
  file_menu_->clear();
  for (const auto& [category, action] : actions_)
    if (category == tr("File") && action->objectName() != QLatin1String("file_menu")) file_menu_->addAction(action);
  const QStringList recent = settings_.recent();
  if (recent.isEmpty()) return;
  file_menu_->addSeparator();
  file_menu_->addAction(tr("Recent"))->setEnabled(false);
  for (const QString& path : recent)
    connect(file_menu_->addAction(QFileInfo(path).fileName()), &QAction::triggered, this,
            [this, path] { open_path(path); });
}

void MainWindow::run_tool(const QString& id) {
  if (id == QLatin1String("theme")) toggle_theme();
  if (id == QLatin1String("palette")) palette_->open();
  if (id == QLatin1String("file")) {
    fill_file_menu();
    const QSize size = file_menu_->sizeHint();
    file_menu_->popup(rail_->mapToGlobal(QPoint(rail_->width(), rail_->height() - size.height() - scaled(8))));
  }
}

void MainWindow::open_sample() {
  ModelScene scene;
  scene.run.prompt = sample_prompt;
  scene.view.layer = 3;
  scene.view.channel = 241;
  scene.view.state = 6;
  document_.open_scene(scene, {}, document_.run() ? tr("Open model") : QString());
}

void MainWindow::open_path(const QString& path) {
  const QFileInfo file(path);
  try {
    if (!file.exists()) throw Error(path.toStdString() + " does not exist");
    if (file.isDir() || is_checkpoint_file(file)) {
      document_.open_model(file.absoluteFilePath());
    } else if (file.suffix() == QLatin1String("txt")) {
      document_.run_prompt(QString::fromStdString(read_text_file(path.toStdString(), max_prompt_file_bytes)));
      return;
    } else {
      const ModelScene scene = load_model_scene(path.toStdString());
      document_.open_scene(scene, file.absolutePath().toStdString(), document_.run() ? tr("Open scene") : QString());
    }
    opening_ = file.absoluteFilePath();
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

// Only what could be opened is listed as recent, and only then does Save write to it.
void MainWindow::remember_opened() {
  if (opening_.isEmpty()) return;
  settings_.add_recent(opening_);
  if (opening_.endsWith(QLatin1String(".json")) && !is_checkpoint_file(QFileInfo(opening_))) scene_path_ = opening_;
  opening_.clear();
}

void MainWindow::choose_model() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Open a checkpoint folder"));
  if (!folder.isEmpty()) open_path(folder);
}

void MainWindow::choose_scene() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Open a scene"), {}, tr("Scenes (*.json)"));
  if (!path.isEmpty()) open_path(path);
}

void MainWindow::choose_scene_to_save() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save the scene"), QStringLiteral("scene.json"), tr("Scenes (*.json)"));
  if (!path.isEmpty()) save_scene_to(path);
}

void MainWindow::save_scene_to(const QString& path) {
  try {
    ModelScene scene = document_.scene();
    // A model that lies under the scene's folder travels with it.
    const std::filesystem::path folder = QFileInfo(path).absolutePath().toStdString();
    const std::filesystem::path relative = std::filesystem::path(scene.run.model).lexically_relative(folder);
    if (!relative.empty() && relative.begin()->string() != "..") scene.run.model = relative.string();
    save_scene(scene, path.toStdString());
    scene_path_ = path;
    settings_.add_recent(path);
    workspace_->notice().show_message(Notice::Kind::info, tr("Saved %1").arg(QFileInfo(path).fileName()));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

void MainWindow::export_picture() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Export a picture"), QStringLiteral("statescope.png"),
                                                    tr("Pictures (*.png *.svg *.pdf)"));
  if (path.isEmpty()) return;
  workspace_->set_for_export(true);
  workspace_->layout()->activate();
  try {
    save_workspace_picture(*workspace_, path, 2.0);
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
  workspace_->set_for_export(false);
}

void MainWindow::show_conflicts() {
  QStringList lines;
  for (const std::string& conflict : document_.run()->model().info().conflicts)
    lines.append(QString::fromStdString(conflict));
  workspace_->notice().show_message(Notice::Kind::warning, lines.join(QLatin1Char('\n')));
}

void MainWindow::toggle_theme() {
  const ThemeKind kind = theme().dark() ? ThemeKind::light : ThemeKind::dark;
  apply_theme(*qApp, kind);
  settings_.set_theme_kind(kind);
}

void MainWindow::change_text_scale(double factor) {
  set_text_scale(std::clamp(text_scale() * factor, 1.0, 2.0));
  apply_theme(*qApp, theme().kind);
  fit_inspector();
  settings_.set_text_scale(text_scale());
}

// With large text in a narrow window the maps need the room more than the inspector does.
void MainWindow::fit_inspector() {
  inspectors_->setFixedWidth(std::min(scaled(ModelWorkspace::inspector_width), width() * 3 / 10));
}

TransportBar& MainWindow::current_transport() {
  return workspaces_->currentWidget() == profile_ ? *profile_transport_ : *transport_;
}

void MainWindow::show_workspace(const QString& id) {
  const int page = id == QLatin1String("profile") ? 1 : 0;
  if (page == 1) transport_->transport().pause();
  for (QStackedWidget* stack : {workspaces_, inspectors_, transports_}) stack->setCurrentIndex(page);
  rail_->set_current(id);
  workspaces_->currentWidget()->setFocus();
}

void MainWindow::change_layer(int step) {
  ModelView view = document_.scene().view;
  view.layer = std::max<std::int64_t>(view.layer + step, 0);
  document_.set_view(view, tr("Choose layer"));
}

void MainWindow::say_error(const QString& sentence) {
  workspace_->say_error(sentence);
  start_with_sample(sentence);
}

bool MainWindow::event(QEvent* event) {
  if (event->type() != QEvent::UpdateRequest) return QMainWindow::event(event);
  frame_clock_.begin_frame();
  const bool handled = QMainWindow::event(event);
  frame_clock_.end_frame();
  return handled;
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
  if (!current_transport().handle_key(*event)) QMainWindow::keyPressEvent(event);
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  fit_inspector();
}

void MainWindow::closeEvent(QCloseEvent* event) {
  settings_.set_geometry(saveGeometry());
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() || event->mimeData()->hasText()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QList<QUrl> urls = event->mimeData()->urls();
  if (!urls.isEmpty() && urls.first().isLocalFile())
    open_path(urls.first().toLocalFile());
  else if (event->mimeData()->hasText())
    document_.run_prompt(event->mimeData()->text());
  event->acceptProposedAction();
}

}  // namespace statescope
