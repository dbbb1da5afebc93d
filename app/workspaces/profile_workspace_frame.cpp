// SPDX-License-Identifier: GPL-3.0-or-later
// What the window asks of the Profile workspace: scenes, undo, files, commands, facts; and what is to be run.
#include <QComboBox>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QUndoCommand>
#include <algorithm>
#include <thread>

#include "engine/error.h"
#include "widgets/button.h"
#include "widgets/imgui_view.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"
#include "widgets/transport_bar.h"
#include "workspaces/device_choice.h"
#include "workspaces/model_workspace.h"
#include "workspaces/page_commands.h"
#include "workspaces/profile_workspace.h"

namespace statescope {
namespace {

constexpr std::int64_t endless = 1 << 16;  // tokens, when frames are measured

// Tabs and what scenes call them; the theatre is a kind of its own.
constexpr std::pair<ProfileWorkspace::Tab, ProfileTab> tabs_of_scenes[] = {
    {ProfileWorkspace::timeline, ProfileTab::timeline}, {ProfileWorkspace::stages, ProfileTab::stages},
    {ProfileWorkspace::roofline, ProfileTab::roofline}, {ProfileWorkspace::memory, ProfileTab::memory},
    {ProfileWorkspace::compare, ProfileTab::compare},   {ProfileWorkspace::sweep, ProfileTab::sweep}};

void choose(QComboBox& box, int value, const QString& text) {
  if (box.findData(value) < 0) box.addItem(text, value);
  box.setCurrentIndex(box.findData(value));
}

int all_cores() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string absolute(const std::filesystem::path& base, const std::string& path) {
  return path.empty() || path.rfind("bundled:", 0) == 0 ? path : (base / path).string();
}

}  // namespace

// What was shown before and after. The first redo, which QUndoStack calls at once, finds it already shown.
class ProfileWorkspace::Change : public QUndoCommand {
 public:
  Change(ProfileWorkspace& workspace, Look before, Look after, const QString& text)
      : QUndoCommand(text), workspace_(workspace), before_(std::move(before)), after_(std::move(after)) {}
  void undo() override { workspace_.bring_back(before_); }
  void redo() override {
    if (std::exchange(shown_, true)) workspace_.bring_back(after_);
  }

 private:
  ProfileWorkspace& workspace_;
  Look before_, after_;
  bool shown_ = false;
};

ProfileWorkspace::Look ProfileWorkspace::look() const {
  return {tab(),
          selection_.stage,
          timeline_.window(),
          compare_.window(),
          document_.recording(),
          document_.kept(),
          theatre_wish_,
          scene_text_,
          transport_bar().transport().position()};
}

void ProfileWorkspace::bring_back(const Look& look) {
  scene_text_ = look.text;
  selection_.stage = look.stage;
  show_theatre_run(look.theatre);
  document_.show(look.recording, look.kept);
  timeline_.window() = look.window;
  compare_.window() = look.compared;
  next_step_ = look.tab == theatre ? std::optional(look.position) : std::nullopt;
  show_tab(look.tab);
  if (look.tab != theatre) transport_bar().transport().set_position(look.position);
}

void ProfileWorkspace::enter() {
  if (entered_) return;
  if (!scene_text_ && !model_.run()) return model_workspace_.enter();  // and comes back when there is a model
  entered_ = true;
  run();
}

ModelText ProfileWorkspace::text() const {
  if (scene_text_) return *scene_text_;
  const ModelRun& run = model_.scene().run;
  ModelText text{run.model, run.prompt, {}};
  if (model_.run() && !(run.generated.empty() && run.prompt_ids.empty())) text.prompt_ids = model_.run()->trace.ids();
  return text;
}

ProfileRun ProfileWorkspace::wanted_run() const {
  const ModelText read = text();
  ProfileRun run;
  run.model = read.model;
  run.prompt = read.prompt;
  run.prompt_ids = read.prompt_ids;
  run.read = prompt_->currentData().toInt();
  run.tokens = generate_->currentData().toInt();
  run.device = device_->device();
  run.precision = static_cast<Precision>(precision_->currentData().toInt());
  run.threads = threads_->currentData().toInt() == all_cores() ? 0 : threads_->currentData().toInt();
  return run;
}

void ProfileWorkspace::show_run(const ProfileRun& run) {
  choose(*prompt_, static_cast<int>(run.read), tr("%L1 tokens").arg(run.read));
  choose(*generate_, static_cast<int>(run.tokens), tr("%L1 tokens").arg(run.tokens));
  choose(*precision_, static_cast<int>(run.precision), QString::fromStdString(precision_name(run.precision)));
  const int threads = run.threads == 0 ? all_cores() : run.threads;
  choose(*threads_, threads, QString::number(threads));
  device_->set_device(run.device);
}

void ProfileWorkspace::run() {
  if (!scene_text_ && !model_.run()) {
    entered_ = false;
    return enter();
  }
  start(wanted_run());
}

void ProfileWorkspace::start(const ProfileRun& run) {
  notice().dismiss();
  document_.record(run);
}

// The user decides: a slow answer may be worse than none.
void ProfileWorkspace::offer_cpu(const QString& sentence, const ProfileRun& run) {
  const auto interrupted = std::exchange(opening_, nullptr);
  const Look wanted = look();
  if (interrupted) bring_back(interrupted->before);
  notice().show_message(Notice::Kind::error, sentence, tr("Run on the CPU"), [this, run, interrupted, wanted] {
    ProfileRun on_cpu = run;
    on_cpu.device = "cpu";
    opening_ = interrupted;
    scene_text_ = wanted.text;
    selection_.stage = wanted.stage;
    show_tab(wanted.tab);
    show_run(on_cpu);
    start(on_cpu);
  });
  Q_EMIT failed(sentence);
}

TheatreRun ProfileWorkspace::wanted_theatre() const {
  TheatreRun run = scene_text_ ? theatre_wish_ : TheatreRun();
  run.algorithm = kernels::scan_algorithms[static_cast<std::size_t>(algorithm_->current())];
  run.length = theatre_length_->currentData().toInt();
  run.chunk = theatre_chunk_->currentData().toInt();
  if (scene_text_ || !model_.focus()) return run;
  const ModelText read = text();
  run.model = read.model;
  run.prompt = read.prompt;
  run.prompt_ids = read.prompt_ids;
  run.layer = model_.focus()->track->layer;
  run.channel = model_.focus()->channel;
  run.state = model_.scene().view.state;
  return run;
}

void ProfileWorkspace::show_theatre_run(const TheatreRun& run) {
  theatre_wish_ = run;
  const auto& all = kernels::scan_algorithms;
  algorithm_->set_current(static_cast<int>(std::find(std::begin(all), std::end(all), run.algorithm) - std::begin(all)));
  choose(*theatre_length_, static_cast<int>(run.length), tr("%L1 tokens").arg(run.length));
  choose(*theatre_chunk_, static_cast<int>(run.chunk), QString::number(run.chunk));
}

void ProfileWorkspace::play_theatre() {
  theatre_wish_ = wanted_theatre();
  theatre_chunk_->parentWidget()->setVisible(theatre_wish_.algorithm == ScanAlgorithm::chunked);
  theatre_length_->parentWidget()->setVisible(theatre_wish_.pairs.empty());
  if (scene_text_)
    document_.play(theatre_wish_);
  else if (model_.focus())
    document_.play(theatre_wish_, model_.focus());
}

void ProfileWorkspace::change_theatre() {
  const Look before = look();
  play_theatre();
  undo_stack_.push(new Change(*this, before, look(), tr("Scan theatre")));
}

bool ProfileWorkspace::shows(const Scene& scene) const {
  return std::holds_alternative<TheatreScene>(scene) || std::holds_alternative<ProfileScene>(scene);
}

void ProfileWorkspace::begin_opening(std::int64_t cursor, TimeWindow window) {
  entered_ = true;
  transport_bar().transport().pause();
  opening_ = std::make_shared<const Opening>(Opening{look(), cursor, window});
}

void ProfileWorkspace::open_scene(const Scene& scene, const std::filesystem::path& base) {
  if (const auto* played = std::get_if<TheatreScene>(&scene)) {
    begin_opening(played->cursor, {});
    TheatreRun run = played->run;
    run.model = absolute(base, run.model);
    scene_text_ = ModelText{run.model, run.prompt, run.prompt_ids};
    show_theatre_run(run);
    next_step_ = static_cast<int>(std::min<std::int64_t>(played->cursor, 1 << 20));
    show_tab(theatre);
    return play_theatre();
  }
  const ProfileScene& profile = std::get<ProfileScene>(scene);
  begin_opening(profile.cursor, {static_cast<double>(profile.view.from), static_cast<double>(profile.view.to)});
  ProfileRun run = profile.run;
  run.model = absolute(base, run.model);
  run.file = absolute(base, run.file);
  run.against = absolute(base, run.against);
  if (run.file.empty()) {
    scene_text_ = ModelText{run.model, run.prompt, run.prompt_ids};
    TheatreRun theatre_run = wanted_theatre();  // of the scene's text, from its first layer on
    theatre_run.model = run.model;
    theatre_run.prompt = run.prompt;
    theatre_run.prompt_ids = run.prompt_ids;
    theatre_run.layer = theatre_run.channel = theatre_run.state = 0;
    theatre_run.pairs.clear();
    show_theatre_run(theatre_run);
    show_run(run);
  }
  selection_.stage = profile.view.stage;
  for (const auto& [tab, name] : tabs_of_scenes)
    if (name == profile.view.tab) show_tab(tab);
  start(run);
}

bool ProfileWorkspace::complete() const {
  if (!document_.idle()) return false;
  return tab() == theatre ? document_.theatre() != nullptr : tab() == sweep || document_.recording().profile != nullptr;
}

void ProfileWorkspace::end_opening() {
  if (!opening_ || !document_.idle()) return;
  const auto done = std::exchange(opening_, nullptr);
  if (!complete()) return;  // stopped before there was anything
  if (tab() != theatre) {
    timeline_.window() = compare_.window() = done->window;
    const auto& lanes = document_.recording().lanes;
    if (lanes && !lanes->passes().empty()) {
      const auto& passes = lanes->passes();
      const auto after = std::upper_bound(passes.begin(), passes.end(), done->cursor,
                                          [](std::int64_t time, const LaneSpan& pass) { return time < pass.begin; });
      transport_bar().transport().set_position(std::max(0, static_cast<int>(after - passes.begin()) - 1));
    }
    show_step();
    show_selection();
  }
  if (done->before.recording.profile || done->before.tab == theatre)
    undo_stack_.push(new Change(*this, done->before, look(), tr("Open scene")));
  Q_EMIT opened();
}

Scene ProfileWorkspace::scene(const std::filesystem::path& folder) const {
  const int position = transport_bar().transport().position();
  if (tab() == theatre) {
    if (!document_.theatre()) throw Error("there is nothing to save yet: the theatre has no text");
    TheatreScene scene{document_.theatre_run(), position};
    scene.run.model = path_from(folder, scene.run.model);
    return scene;
  }
  const Recording &recording = document_.recording(), &kept = document_.kept();
  if (!recording.profile && tab() != sweep) throw Error("there is nothing to save yet: press Run and wait for its end");
  ProfileScene scene;
  scene.run = recording.profile ? recording.run : wanted_run();
  // What was kept is named when it has a file: a run that nobody saved cannot be found again.
  scene.run.against = kept.profile && kept.profile != recording.profile ? kept.run.file : std::string();
  for (std::string* path : {&scene.run.model, &scene.run.file, &scene.run.against}) *path = path_from(folder, *path);
  const TimeWindow& window = tab() == compare ? compare_.window() : timeline_.window();
  scene.view.from = std::llround(window.first);
  scene.view.to = std::llround(window.last);
  scene.view.stage = selection_.stage;
  for (const auto& [tab_here, name] : tabs_of_scenes)
    if (tab_here == tab()) scene.view.tab = name;
  if (recording.lanes && position < static_cast<int>(recording.lanes->passes().size()))
    scene.cursor = recording.lanes->passes()[static_cast<std::size_t>(position)].begin;
  return scene;
}

WorkspaceFacts ProfileWorkspace::facts() const {
  WorkspaceFacts facts;
  const Recording& recording = document_.recording();
  if (!recording.summary) return facts;
  facts.title = recording.summary->title;
  facts.status = tr("%L1 measured stages").arg(recording.lanes->count());
  const QString place = recording.run.device == "cpu" ? tr("CPU") : device_->name_of(recording.run.device);
  facts.device = recording.summary->device.isEmpty() ? place : recording.summary->device;
  return facts;
}

std::vector<WorkspaceCommand> ProfileWorkspace::commands() {
  const QString run_category = tr("Run");
  const auto id = [](const char* text) { return QString::fromLatin1(text); };
  std::vector<WorkspaceCommand> list = page_commands(*this, *tabs_);
  list.push_back({run_category, id("record_profile"), tr("Record a profile"), {}, [this] { run(); }, true});
  list.push_back({run_category, id("stop_profile"), tr("Stop recording or measuring"), tr("Ctrl+."),
                  [this] { document_.stop(); }});
  list.push_back({tr("File"), id("save_profile"), tr("Save the recording…"), {}, [this] { export_data(); }});
  return list;
}

bool ProfileWorkspace::accepts(const QFileInfo& file) const {
  QFile text(file.filePath());
  return file.suffix() == QLatin1String("json") && text.open(QIODevice::ReadOnly) &&
         text.read(256).contains("\"statescope-profile\"");
}

void ProfileWorkspace::open_file(const QFileInfo& file) {
  ProfileScene scene;
  scene.run.file = file.absoluteFilePath().toStdString();
  scene.view.stage = selection_.stage;
  for (const auto& [tab_here, name] : tabs_of_scenes)
    if (tab_here == tab() && tab_here != sweep) scene.view.tab = name;
  open_scene(scene, {});
}

void ProfileWorkspace::set_for_export(bool for_export) {
  tabs_->setVisible(!for_export);
  progress_->setVisible(!for_export);
  for_export_ = for_export;
  show_controls();
  view_->set_painted(for_export);
}

void ProfileWorkspace::set_in_motion() {
  ProfileRun run = wanted_run();
  run.tokens = endless;
  start(run);
}

void ProfileWorkspace::export_data() {
  const QString path =
      QFileDialog::getSaveFileName(this, tr("Save the recording"), QStringLiteral("profile.json"),
                                   tr("Profile (*.json);;Trace for Perfetto (*.trace.json);;Table (*.csv)"));
  if (path.isEmpty()) return;
  try {
    document_.save(path);
    notice().show_message(Notice::Kind::info, tr("Saved %1").arg(QFileInfo(path).fileName()));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

void ProfileWorkspace::choose_profile() {
  const QString path = QFileDialog::getOpenFileName(this, tr("Open a saved profile"), {}, tr("Profiles (*.json)"));
  if (!path.isEmpty()) Q_EMIT open_requested(path);
}

}  // namespace statescope
