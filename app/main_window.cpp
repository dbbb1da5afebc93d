// SPDX-License-Identifier: GPL-3.0-or-later
#include "main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QStackedWidget>
#include <QUndoStack>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "lesson/lesson_export.h"
#include "lesson/lesson_guide.h"
#include "lesson/presentation.h"
#include "widgets/command_palette.h"
#include "widgets/navigation_rail.h"
#include "widgets/notice.h"
#include "widgets/style_root.h"
#include "widgets/theme.h"
#include "widgets/top_bar.h"
#include "widgets/transport_bar.h"
#include "workspace.h"

namespace statescope {
namespace {

constexpr const char* first_workspace = "model";  // of a first start
constexpr int wide_window = 1560;                 // holds lesson, picture and controls, at 100 % text size

// Of commands of one kind: what has a key of its own is wanted most often; leaving comes last.
int rank(const QAction& action) {
  return action.objectName() == QLatin1String("quit") ? 2 : action.shortcut().isEmpty() ? 1 : 0;
}

}  // namespace

MainWindow::MainWindow(const std::filesystem::path& assets, const Machine& machine) : assets_(assets) {
  setObjectName(QStringLiteral("main_window"));
  setAcceptDrops(true);
  set_motion(settings_.motion());
  build_frame(machine);
  build_actions();
  setMinimumSize(1024, 640);
  resize(1440, 900);
  restoreGeometry(settings_.geometry());
  Workspace* last = workspace(settings_.workspace());
  bring_forward(*std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
    return last ? place.workspace == last : place.workspace->id() == QLatin1String(first_workspace);
  }));
}

MainWindow::~MainWindow() = default;

void MainWindow::build_frame(const Machine& machine) {
  rail_ = new NavigationRail;
  rail_->setObjectName(QStringLiteral("rail"));
  rail_->add_tool(QStringLiteral("file"), tr("Open, save, export"), QStringLiteral("open"), tr("Alt+F"));
  rail_->add_tool(QStringLiteral("theme"), tr("Light or dark theme"), QStringLiteral("theme"), tr("Ctrl+Shift+T"));
  rail_->add_tool(QStringLiteral("palette"), tr("All commands"), QStringLiteral("palette"), tr("Ctrl+K"));
  top_bar_ = new TopBar;
  workspaces_ = new QStackedWidget;
  inspectors_ = new QStackedWidget;
  transports_ = new QStackedWidget;
  transports_->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  for (std::unique_ptr<Workspace>& made : make_workspaces(assets_, machine)) {
    Workspace* workspace = made.release();  // the stack owns it
    rail_->add_entry(workspace->id(), workspace->title(), workspace->icon());
    workspaces_->addWidget(workspace);
    inspectors_->addWidget(workspace->inspector());
    transports_->addWidget(&workspace->transport_bar());
    places_.push_back({workspace, {}, {}, {}});
  }
  for (Place& place : places_) connect_workspace(place);

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
  status_line->installEventFilter(this);

  build_lesson();
  auto* middle = new QHBoxLayout;
  middle->setSpacing(0);
  middle->addWidget(&lesson_->panel());
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

  for (QWidget* part : {static_cast<QWidget*>(rail_), static_cast<QWidget*>(top_bar_),
                        static_cast<QWidget*>(status_line), static_cast<QWidget*>(&lesson_->panel())})
    make_style_root(*part);
  presentation_ = std::make_unique<Presentation>(
      *this, *lesson_, std::vector<QWidget*>{rail_, top_bar_, inspectors_, transports_, status_line});
  connect(presentation_.get(), &Presentation::changed, this, [this](bool running) {
    for (const Place& place : places_) place.workspace->set_presented(running);
    fit_inspector();
  });
  for (const Place& place : places_)
    for (QWidget* part : {static_cast<QWidget*>(place.workspace), static_cast<QWidget*>(place.workspace->inspector()),
                          static_cast<QWidget*>(&place.workspace->transport_bar())})
      make_style_root(*part);

  file_menu_ = new QMenu(this);
  make_style_root(*file_menu_);
  palette_ = new CommandPalette(central);
  make_style_root(*palette_);
  connect(rail_, &NavigationRail::tool_activated, this, &MainWindow::run_tool);
  connect(rail_, &NavigationRail::activated, this, &MainWindow::show_workspace);
  connect(top_bar_, &TopBar::palette_requested, palette_, &CommandPalette::open);
  connect(top_bar_, &TopBar::chip_clicked, this, [this](const QString& chip) { current().explain(chip); });
}

void MainWindow::connect_workspace(Place& place) {
  Workspace* workspace = place.workspace;
  connect(workspace, &Workspace::opened, this, [this, &place] { remember_opened(place); });
  connect(workspace, &Workspace::failed, this, [this, &place] {
    place.opening.clear();
    if (place.workspace == &current()) place.workspace->enter();  // something is to be seen
  });
  connect(workspace, &Workspace::open_requested, this, &MainWindow::open_path);
  connect(workspace, &Workspace::history_changed, this, [this, workspace] {
    if (workspace == &current()) show_history();
  });
  connect(workspace, &Workspace::facts_changed, this, [this, workspace] {
    if (workspace == &current()) show_facts();
  });
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
  for (Place& place : places_)
    for (const WorkspaceCommand& command : place.workspace->commands()) {
      const auto in_front = [this, &place, command] {
        if (command.anywhere) show_workspace(place.workspace->id());
        command.run();
      };
      QAction* action = add_action(command.category, command.id, command.name, command.shortcut, in_front);
      if (!command.anywhere) place.commands.push_back(action);
    }

  add_action(file, id("open_scene"), tr("Open scene…"), tr("Ctrl+Shift+O"), [this] { choose_scene(); });
  add_action(file, id("save_scene"), tr("Save scene"), QKeySequence::Save, [this] {
    const QString path = current_place().scene_path;
    path.isEmpty() ? choose_scene_to_save() : save_scene_to(path);
  });
  add_action(file, id("save_scene_as"), tr("Save scene as…"), tr("Ctrl+Shift+S"), [this] { choose_scene_to_save(); });
  add_action(file, id("export_picture"), tr("Export picture of the workspace…"), tr("Ctrl+E"),
             [this] { export_picture(); });
  add_action(file, id("file_menu"), tr("Open, save, export…"), tr("Alt+F"),
             [this] { run_tool(QStringLiteral("file")); });
  add_action(file, id("quit"), tr("Quit"), QKeySequence::Quit, [this] { close(); });

  QAction* undo = undo_.createUndoAction(this, tr("Undo"));
  undo->setObjectName(id("undo"));
  undo->setShortcuts(QKeySequence::Undo);
  QAction* redo = undo_.createRedoAction(this, tr("Redo"));
  redo->setObjectName(id("redo"));
  redo->setShortcuts(QKeySequence::Redo);
  for (QAction* action : {undo, redo}) {
    addAction(action);
    actions_.emplace_back(edit, action);
  }

  const auto transport = [this]() -> Transport& { return current().transport_bar().transport(); };
  add_action(run, id("play"), tr("Play or pause"), {}, [transport] { transport().toggle(); });
  add_action(run, id("restart"), tr("Back to the start"), {}, [transport] { transport().restart(); });
  add_action(run, id("loop"), tr("Loop"), {}, [transport] { transport().set_loop(!transport().loop()); });

  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Workspace& workspace = *places_[i].workspace;
    add_action(view, QStringLiteral("show_%1").arg(workspace.id()), workspace.title(),
               QKeySequence(QStringLiteral("Ctrl+%1").arg(i + 1)),
               [this, shown = workspace.id()] { show_workspace(shown); });
  }
  add_action(view, id("palette"), tr("All commands"), tr("Ctrl+K"), [this] { run_tool(QStringLiteral("palette")); });
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

  build_lesson_actions();

  const auto place = [order = QStringList{file, edit, run, view}](const auto& entry) {
    const qsizetype at = order.indexOf(entry.first);
    return std::pair(at < 0 ? order.size() : at, rank(*entry.second));  // examples, of which there are many, come last
  };
  std::stable_sort(actions_.begin(), actions_.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<PaletteCommand> commands;
  for (const auto& [category, action] : actions_) commands.push_back({action, category});
  palette_->set_commands(std::move(commands));
}

void MainWindow::build_lesson() {
  lesson_ = std::make_unique<LessonGuide>(assets_, [this](const Scene& scene) -> Workspace* {
    Place* place = place_for([&](const Workspace& workspace) { return workspace.shows(scene); });
    if (!place) return nullptr;
    bring_forward(*place);
    return place->workspace;
  });
  lesson_->panel().hide();
  connect(lesson_.get(), &LessonGuide::opened, this, [this] { show_lesson(true); });
  connect(lesson_.get(), &LessonGuide::closed, this, [this] {
    presentation_->stop();
    show_lesson(false);
    show_workspace(QStringLiteral("learn"));
  });
  connect(lesson_.get(), &LessonGuide::failed, this, [this](const QString& sentence) {
    if (!lesson_->active()) current().say_error(sentence);
  });
  connect(lesson_.get(), &LessonGuide::presentation_requested, this, [this] { presentation_->start(); });
  lesson_export_ = std::make_unique<LessonExport>(*lesson_);
  lesson_->panel().set_export_actions(lesson_export_->actions());
  connect(lesson_export_.get(), &LessonExport::saved, this, [this](const QString& path) {
    current().notice().show_message(Notice::Kind::info, tr("Saved %1").arg(QFileInfo(path).fileName()));
  });
  connect(lesson_export_.get(), &LessonExport::failed, this,
          [this](const QString& sentence) { current().say_error(sentence); });
}

void MainWindow::build_lesson_actions() {
  const QString run = tr("Run");
  const auto add = [&](const char* id, const QString& name, const QKeySequence& keys, std::function<void()> call) {
    lesson_actions_.push_back(add_action(run, QString::fromLatin1(id), name, keys, std::move(call)));
  };
  add("lesson_forward", tr("Lesson: on"), Qt::Key_PageDown, [this] { lesson_->player().forward(); });
  add("lesson_backward", tr("Lesson: back"), Qt::Key_PageUp, [this] { lesson_->player().back(); });
  add("lesson_return_to", tr("Lesson: back to what it shows"), {}, [this] { lesson_->return_to_lesson(); });
  add("lesson_start_presentation", tr("Lesson: present"), Qt::Key_F5, [this] { presentation_->start(); });
  add("lesson_controls", tr("Lesson: show or hide the controls"), Qt::Key_F9, [this] {
    controls_wanted_ = inspectors_->isHidden();
    fit_inspector();
  });
  add("lesson_leave", tr("Lesson: leave"), {}, [this] { lesson_->close(); });
  for (QAction* action : lesson_actions_) action->setEnabled(false);
  for (QAction* action : lesson_export_->actions()) actions_.emplace_back(tr("File"), action);
}

void MainWindow::show_lesson(bool shown) {
  if (shown) settings_.add_recent(QString::fromStdString(lesson_->player().lesson()->folder.string()));
  lesson_->panel().setVisible(shown);
  for (QAction* action : lesson_actions_) action->setEnabled(shown);
  controls_wanted_ = false;
  fit_inspector();
}

MainWindow::Place& MainWindow::current_place() {
  return places_[static_cast<std::size_t>(workspaces_->currentIndex())];
}

Workspace& MainWindow::current() const {
  return *places_[static_cast<std::size_t>(workspaces_->currentIndex())].workspace;
}

Workspace* MainWindow::workspace(const QString& id) const {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.workspace->id() == id; });
  return found == places_.end() ? nullptr : found->workspace;
}

void MainWindow::show_workspace(const QString& id) {
  for (Place& place : places_)
    if (place.workspace->id() == id) {
      bring_forward(place);
      place.workspace->enter();
    }
}

void MainWindow::bring_forward(Place& place) {
  if (place.workspace != &current()) current().transport_bar().transport().pause();
  const auto page = static_cast<int>(&place - places_.data());
  for (QStackedWidget* stack : {workspaces_, inspectors_, transports_}) stack->setCurrentIndex(page);
  for (const Place& each : places_)
    for (QAction* action : each.commands) action->setEnabled(&each == &place);
  transports_->setVisible(place.workspace->has_transport() && !(presentation_ && presentation_->running()));
  rail_->set_current(place.workspace->id());
  show_history();
  settings_.set_workspace(place.workspace->id());
  show_facts();
  lesson_->shown(place.workspace);
  place.workspace->setFocus();  // not the first button: Space is to play
}

void MainWindow::show_history() {
  QUndoStack& history = current().undo_stack();
  undo_.addStack(&history);
  undo_.setActiveStack(&history);
}

void MainWindow::show_facts() {
  const WorkspaceFacts facts = current().facts();
  const QString title = facts.title.isEmpty() ? current().title() : facts.title;
  top_bar_->set_title(title);
  top_bar_->set_chips(facts.chips);
  top_bar_->set_speed(facts.speed, facts.speed_hint);
  said_ = facts.status.isEmpty() ? QStringLiteral(" ") : facts.status;  // the line keeps its height
  device_->setText(facts.device);
  fit_status();
  setWindowTitle(facts.title.isEmpty() ? tr("Statescope") : tr("%1 – Statescope").arg(title));
}

// Where there is no room for both, what computes gives way to what is said, and that ends in dots.
void MainWindow::fit_status() {
  const QWidget& line = *status_->parentWidget();
  const QMargins margins = line.layout()->contentsMargins();
  const int room = line.contentsRect().width() - margins.left() - margins.right();
  const int device = device_->sizeHint().width() + scaled(16);
  const bool both = status_->fontMetrics().horizontalAdvance(said_) + device <= room;
  device_->setVisible(both);
  const QString shown = status_->fontMetrics().elidedText(said_, Qt::ElideRight, both ? room - device : room);
  status_->setText(shown);
  status_->setToolTip(shown == said_ ? QString() : said_);
}

void MainWindow::fill_file_menu() {
  file_menu_->clear();
  int last = 0;
  for (const auto& [category, action] : actions_) {
    if (category != tr("File") || action->objectName() == QLatin1String("file_menu")) continue;
    if (rank(*action) != std::exchange(last, rank(*action))) file_menu_->addSeparator();
    file_menu_->addAction(action);
  }
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

void MainWindow::start() {
  current().enter();
}

// The workspace in front is asked first.
MainWindow::Place* MainWindow::place_for(const std::function<bool(const Workspace&)>& takes) {
  if (takes(current())) return &current_place();
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return takes(*place.workspace); });
  return found == places_.end() ? nullptr : &*found;
}

void MainWindow::toggle_theme() {
  const ThemeKind kind = theme().dark() ? ThemeKind::light : ThemeKind::dark;
  apply_theme(*qApp, kind);
  settings_.set_theme_kind(kind);
}

void MainWindow::change_text_scale(double factor) {
  set_text_scale(std::clamp(text_scale() * factor, 1.0, 2.0));
  fit_inspector();
  settings_.set_text_scale(text_scale());
}

// With large text in a narrow window the maps need the room more than the inspector does; so they do beside a lesson.
void MainWindow::fit_inspector() {
  lesson_->panel().fit_to(width());
  inspectors_->setFixedWidth(std::min(scaled(Workspace::inspector_width), width() * 3 / 10));
  const bool presenting = presentation_ && presentation_->running();
  const bool room = !presenting && (!lesson_->active() || width() >= scaled(wide_window));
  inspectors_->setVisible(room || controls_wanted_);
}

bool MainWindow::event(QEvent* event) {
  if (event->type() != QEvent::UpdateRequest) return QMainWindow::event(event);
  frame_clock_.begin_frame();
  const bool handled = QMainWindow::event(event);
  frame_clock_.end_frame();
  return handled;
}

void MainWindow::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape && lesson_->active()) return lesson_->return_to_lesson();
  if (lesson_->active() && lesson_->panel().question().take_key(*event)) return;
  if (!current().transport_bar().handle_key(*event)) QMainWindow::keyPressEvent(event);
}

void MainWindow::resizeEvent(QResizeEvent* event) {
  QMainWindow::resizeEvent(event);
  fit_inspector();
}

bool MainWindow::eventFilter(QObject* object, QEvent* event) {
  if (object == status_->parentWidget() && event->type() == QEvent::Resize) fit_status();
  return QMainWindow::eventFilter(object, event);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  settings_.set_geometry(saveGeometry());
  QMainWindow::closeEvent(event);
}

}  // namespace statescope
