// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_guide.h"

#include <QDir>
#include <QUndoStack>
#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "lesson/reply_words.h"
#include "widgets/theme.h"
#include "widgets/transport_bar.h"
#include "workspace.h"

namespace statescope {
namespace {

constexpr int reload_after_ms = 150;  // editors write a file in several goes
constexpr int patience_ms = 60000;    // a question is answered once

// 0 where the kind has none.
std::int64_t cursor_of(const Scene& scene) {
  return std::visit(
      [](const auto& kind) -> std::int64_t {
        if constexpr (requires { kind.cursor; }) return kind.cursor;
        return 0;
      },
      scene);
}

Scene with_cursor(Scene scene, std::int64_t cursor) {
  std::visit(
      [cursor](auto& kind) {
        if constexpr (requires { kind.cursor; }) kind.cursor = cursor;
      },
      scene);
  return scene;
}

}  // namespace

LessonGuide::LessonGuide(std::filesystem::path assets, Stage stage, std::optional<LessonSeed> whose)
    : assets_(std::move(assets)),
      stage_(std::move(stage)),
      whose_(std::move(whose)),
      panel_(new LessonPanel(player_)),
      lessons_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }),
      replies_asked_(*this, patience_ms, [this] { Q_EMIT settled_changed(); }) {
  reload_.setSingleShot(true);
  reload_.setInterval(reload_after_ms);
  connect(&reload_, &QTimer::timeout, this, [this] {
    if (active()) open(player_.lesson()->folder, player_.step());
  });
  connect(&files_, &QFileSystemWatcher::fileChanged, &reload_, qOverload<>(&QTimer::start));
  connect(&files_, &QFileSystemWatcher::directoryChanged, &reload_, qOverload<>(&QTimer::start));
  connect(&player_, &LessonPlayer::step_changed, this, &LessonGuide::show_step);
  connect(&player_, &LessonPlayer::time_changed, this, &LessonGuide::show_time);
  connect(panel_, &LessonPanel::close_requested, this, &LessonGuide::close);
  connect(panel_, &LessonPanel::return_requested, this, &LessonGuide::return_to_lesson);
  connect(panel_, &LessonPanel::presentation_requested, this, &LessonGuide::presentation_requested);
  connect(&panel_->question(), &QuestionCard::answered, this, [this] {
    if (const auto given = panel_->question().answer()) answer(given);
  });
  connect(&panel_->question(), &QuestionCard::again, this, [this] {
    replies_.erase(player_.step());
    return_to_lesson();
  });
  player_.set_seed(seed());
}

bool LessonGuide::settled() const {
  return !lessons_.under_way() && !replies_asked_.under_way() && !opening_ && !player_.playing() &&
         (!workspace_ || workspace_->settled());
}

void LessonGuide::open(const std::filesystem::path& folder, std::optional<int> step) {
  std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "lesson/": its name is that of the progress
  lessons_.ask([whole](std::stop_token) { return std::make_shared<const Lesson>(load_lesson(whole)); },
               [this, step](const std::shared_ptr<const Lesson>& lesson, const QString& problem) {
                 if (lesson) {
                   wanted_step_ = step;
                   return take(lesson);
                 }
                 // While a lesson is being written the last version that could be read stays.
                 if (active()) panel_->show_problem(problem);
                 if (!problem.isEmpty()) Q_EMIT failed(problem);
               });
}

void LessonGuide::take(const std::shared_ptr<const Lesson>& lesson) {
  const bool same = active() && player_.lesson()->folder == lesson->folder;
  if (!same) replies_.clear();
  panel_->show_problem({});
  const QString id = lesson_id(*lesson);
  const int last = static_cast<int>(lesson->steps.size()) - 1;
  int step = wanted_step_.value_or(progress_.last_step(id));
  if (!wanted_step_ && step >= last) step = 0;  // it was finished
  {
    const QSignalBlocker quiet(player_);
    player_.open(lesson);
    player_.set_seed(seed());
    player_.go_to(step);
  }
  watch();
  show_step();
  Q_EMIT opened();
}

void LessonGuide::watch() {
  if (!files_.files().isEmpty()) files_.removePaths(files_.files());
  if (!files_.directories().isEmpty()) files_.removePaths(files_.directories());
  const QDir folder(QString::fromStdString(player_.lesson()->folder.string()));
  files_.addPath(folder.absolutePath());
  for (const QFileInfo& file : folder.entryInfoList({QStringLiteral("*.md"), QStringLiteral("*.json")}, QDir::Files))
    files_.addPath(file.absoluteFilePath());
}

void LessonGuide::close() {
  if (!active()) return;
  replies_asked_.forget();
  reload_.stop();
  if (!files_.files().isEmpty()) files_.removePaths(files_.files());
  if (!files_.directories().isEmpty()) files_.removePaths(files_.directories());
  reach(player_.step());
  player_.close();
  if (workspace_) {
    workspace_->disconnect(this);
    workspace_->setAccessibleDescription({});
  }
  workspace_ = nullptr;
  opening_ = left_ = false;
  Q_EMIT closed();
}

void LessonGuide::reach(int step) {
  if (!whose_) progress_.reach(lesson_id(*player_.lesson()), step);
}

void LessonGuide::show_step() {
  if (!active()) return;
  const QString id = lesson_id(*player_.lesson());
  reach(player_.step());
  const auto reply = replies_.find(player_.step());
  panel_->show_step(reply == replies_.end() ? std::nullopt : std::optional(reply->second), progress_.done(id));
  start_playing_ = player_.current().duration() > 0;
  return_to_lesson();
}

void LessonGuide::return_to_lesson() {
  const auto reply = replies_.find(player_.step());
  try {
    show_scene(reply == replies_.end() ? player_.scene() : reply->second.truth.scene);
  } catch (const Error& error) {
    panel_->show_problem(QString::fromUtf8(error.what()));
  }
}

void LessonGuide::show_scene(const Scene& scene) {
  left_ = cued_ = false;
  panel_->show_left(false);
  if (workspace_) {
    workspace_->disconnect(this);
    workspace_->setAccessibleDescription({});
    workspace_->transport_bar().transport().disconnect(this);
    workspace_->undo_stack().disconnect(this);
  }
  opening_ = true;
  scene_ = scene;
  workspace_ = stage_(scene);
  if (!workspace_) {
    opening_ = false;
    panel_->show_problem(
        tr("No workspace shows scenes of the kind %1.").arg(QString::fromStdString(scene_kind(scene))));
    return;
  }
  workspace_->setAccessibleDescription(QString::fromStdString(player_.words().alt));
  connect(workspace_, &Workspace::opened, this, &LessonGuide::workspace_opened);
  connect(workspace_, &Workspace::failed, this, [this](const QString& sentence) {
    opening_ = false;
    panel_->show_problem(sentence);
    Q_EMIT settled_changed();
  });
  connect(workspace_, &Workspace::settled_changed, this, [this] {
    const bool settled = workspace_->settled();
    if (settled) cued_ = false;
    if (again_ && settled) {
      again_ = false;
      show_time();
    }
    Q_EMIT settled_changed();
  });
  connect(&workspace_->transport_bar().transport(), &Transport::position_changed, this, &LessonGuide::show_place);
  workspace_->open_scene(scene, player_.lesson()->folder);
}

void LessonGuide::workspace_opened() {
  if (!opening_) {
    if (cued_) undo_index_ = workspace_->undo_stack().index();  // a cue opened it, not the learner
    return;
  }
  opening_ = false;
  panel_->show_problem(player_.words_problem());
  QUndoStack& undo = workspace_->undo_stack();
  undo_index_ = undo.index();
  // Queued: what a cue opens is known to be the cue's once it is open.
  connect(&undo, &QUndoStack::indexChanged, this, &LessonGuide::look_whether_left,
          static_cast<Qt::ConnectionType>(Qt::QueuedConnection | Qt::UniqueConnection));
  show_place();
  const auto [samples, step] = extent();
  panel_->question().set_extent(samples, step);
  if (std::exchange(start_playing_, false) && !replies_.contains(player_.step())) player_.play();
  Q_EMIT settled_changed();
}

// The cursor may move; anything that could be undone is the learner's own.
void LessonGuide::look_whether_left() {
  if (opening_ || !workspace_) return;
  const bool left = workspace_->undo_stack().index() != undo_index_;
  if (left != left_) panel_->show_left(left_ = left);
  if (left) player_.pause();
}

void LessonGuide::shown(Workspace* workspace) {
  if (!active() || opening_ || !workspace_) return;
  left_ = workspace != workspace_;
  panel_->show_left(left_);
  if (left_) player_.pause();
}

void LessonGuide::show_time() {
  if (!active()) return;
  panel_->show_time();
  if (opening_ || !workspace_) return;
  try {
    const Scene scene = player_.scene();
    if (left_ || !workspace_->shows(scene)) return show_scene(scene);
    if (scene == scene_) return;
    if (scene == with_cursor(*scene_, cursor_of(scene))) {
      workspace_->transport_bar().transport().set_position(static_cast<int>(cursor_of(scene)));
    } else {
      cued_ = true;
      again_ = !workspace_->play_scene(scene, player_.lesson()->folder);
      if (again_) return;  // it is not quick enough; the last picture is made when it has caught up
      cued_ = !workspace_->settled();
    }
    scene_ = scene;
  } catch (const Error& error) {
    player_.pause();
    panel_->show_problem(QString::fromUtf8(error.what()));
  }
}

QString LessonGuide::place_name(int place) const {
  return workspace_ ? workspace_->transport_bar().text_at(place) : QString::number(place + 1);
}

std::pair<int, double> LessonGuide::extent() const {
  if (!workspace_ || !scene_) return {0, 0};
  const auto scene = nlohmann::json::parse(to_text(*scene_));
  const auto& experiment = scene.at("experiment");
  const auto delta = experiment.find("delta");
  const bool timed = delta != experiment.end() && delta->is_number();
  return {workspace_->transport_bar().transport().length(), timed ? delta->get<double>() : 0};
}

void LessonGuide::show_place() {
  if (!workspace_) return;
  TransportBar& bar = workspace_->transport_bar();
  panel_->question().set_place(bar.transport().position(), bar.position_text());
}

void LessonGuide::reveal() {
  answer({});
}

void LessonGuide::answer(const std::optional<LessonAnswer>& given) {
  if (!active() || !player_.current().question) return;
  const LessonQuestion question = *player_.words().question;
  std::optional<Scene> shown;
  try {
    // What the learner sees; somewhere else in the application it is the step's own.
    if (workspace_ && workspace_->isVisible()) shown = workspace_->scene(player_.lesson()->folder);
    if (!shown) shown = player_.scene();
  } catch (const Error& error) {
    return panel_->show_problem(QString::fromUtf8(error.what()));
  }
  player_.pause();
  panel_->question().set_busy(true);
  replies_asked_.ask(
      [question, given, shown = *shown, folder = player_.lesson()->folder,
       assets = assets_](std::stop_token stop) -> std::optional<LessonReply> {
        LessonReply reply{{}, truth_of(question, shown, folder, assets, stop), {}, {}, {}};
        reply.answer = given ? *given : right_answer(question, reply.truth);
        reply.mark = mark(question, reply.truth, reply.answer);
        return reply;
      },
      [this, question, step = player_.step()](const std::optional<LessonReply>& reply, const QString& problem) {
        panel_->question().set_busy(false);
        if (!reply && !problem.isEmpty()) panel_->show_problem(problem);
        if (!reply || !active() || step != player_.step()) return;
        LessonReply& kept = replies_.insert_or_assign(step, *reply).first->second;
        const auto name = [this](int place) { return place_name(place); };
        kept.right = truth_words(question, kept.truth, name);
        kept.said = answer_words(question, kept.truth, kept.answer, name);
        if (!whose_)
          progress_.record({lesson_id(*player_.lesson()), QString::fromStdString(player_.current().title), kept.said,
                            kept.right, kept.mark.right});
        panel_->question().show_reply(kept);
        panel_->show_answer();
        return_to_lesson();
      });
}

}  // namespace statescope
