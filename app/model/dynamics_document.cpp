// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/dynamics_document.h"

#include <QUndoCommand>
#include <utility>

#include "engine/dynamics/edit.h"
#include "engine/error.h"

namespace statescope {
namespace {

// A result that is not there after so long is given up for the one of a newer scene.
constexpr int patience_ms = 100;

}  // namespace

class DynamicsDocument::ChangeScene : public QUndoCommand {
 public:
  ChangeScene(DynamicsDocument& document, LtiScene before, LtiScene after, const QString& text)
      : QUndoCommand(text), document_(document), before_(std::move(before)), after_(std::move(after)) {
    age_.start();
  }
  void undo() override { restore(before_); }
  void redo() override { restore(after_); }
  int id() const override { return 1; }
  bool mergeWith(const QUndoCommand* other) override {
    constexpr int at_once_ms = 600;
    const auto& next = static_cast<const ChangeScene&>(*other);
    if (next.text() != text() || age_.elapsed() > at_once_ms) return false;
    after_ = next.after_;
    age_.restart();
    return true;
  }

 private:
  void restore(LtiScene scene) {
    scene.cursor = document_.scene_.cursor;  // which only comes along
    document_.apply(scene);
    document_.committed_ = scene;
  }

  DynamicsDocument& document_;
  LtiScene before_, after_;
  QElapsedTimer age_;
};

DynamicsDocument::DynamicsDocument(QObject* parent) : QObject(parent) {}

DynamicsDocument::~DynamicsDocument() = default;

DynamicsDocument::Answer DynamicsDocument::answer_to(LtiRun run, const std::optional<Move>& move,
                                                     std::stop_token stop) {
  try {
    if (move)
      run.system = statescope::move_eigenvalue(move->base->run.system, move->base->system, move->from, move->to);
    return {std::make_shared<const LtiResult>(lti_result(run, {}, stop)), {}};
  } catch (const Cancelled&) {
    return {};
  } catch (const Error& error) {
    return {nullptr, QString::fromUtf8(error.what())};
  } catch (const std::bad_alloc&) {
    return {nullptr, tr("the memory is full; take a shorter input or fewer states")};
  }
}

void DynamicsDocument::open_scene(const LtiScene& scene, const QString& undo_text) {
  adopting_ = true;
  Q_EMIT settled_changed();
  openings_.start([this, scene, undo_text](std::stop_token stop) {
    const Answer answer = answer_to(scene.run, std::nullopt, stop);
    if (!answer.result && answer.problem.isEmpty()) return;  // for another one that is being opened
    QMetaObject::invokeMethod(
        this, [this, scene, undo_text, answer] { adopt(scene, answer, undo_text); }, Qt::QueuedConnection);
  });
}

void DynamicsDocument::adopt(const LtiScene& scene, const Answer& answer, const QString& undo_text) {
  adopting_ = false;
  if (answer.result) {
    results_.cancel();
    ++request_;  // what is still under way is of the scene before
    in_flight_ = changed_since_ = false;
    move_.reset();
    result_ = answer.result;
    const LtiScene before = std::exchange(scene_, scene);
    if (undo_text.isEmpty())
      undo_stack_.clear();
    else
      undo_stack_.push(new ChangeScene(*this, before, scene, undo_text));
    committed_ = scene;
    Q_EMIT scene_changed();
    Q_EMIT result_changed();
    Q_EMIT cursor_changed();
    Q_EMIT opened();
  } else {
    Q_EMIT failed(answer.problem);
  }
  Q_EMIT settled_changed();
}

void DynamicsDocument::change_run(const LtiRun& run, const QString& undo_text, bool finished) {
  LtiScene next = scene_;
  next.run = run;
  if (finished)
    change(next, undo_text);
  else
    apply(next);
}

void DynamicsDocument::move_eigenvalue(Complex from, Complex to, bool finished) {
  if (!result_) return;
  if (!move_base_) move_base_ = result_;
  move_ = Move{move_base_, from, to, finished};
  if (finished) move_base_.reset();
  request();
}

void DynamicsDocument::change_view(const LtiView& view, const QString& undo_text) {
  LtiScene next = scene_;
  next.view = view;
  change(next, undo_text);
}

void DynamicsDocument::change(const LtiScene& next, const QString& undo_text) {
  LtiScene before = committed_;
  before.cursor = next.cursor;
  if (next == before)
    apply(next);  // dragged away and back
  else
    undo_stack_.push(new ChangeScene(*this, before, next, undo_text));
}

void DynamicsDocument::apply(const LtiScene& scene) {
  const bool other_run = scene.run != scene_.run;
  scene_ = scene;
  Q_EMIT scene_changed();
  if (other_run) request();
}

void DynamicsDocument::set_cursor(std::int64_t sample) {
  if (scene_.cursor == sample) return;
  scene_.cursor = committed_.cursor = sample;
  Q_EMIT cursor_changed();
}

void DynamicsDocument::request() {
  if (in_flight_ && since_start_.elapsed() < patience_ms)
    changed_since_ = true;
  else
    start();
}

void DynamicsDocument::start() {
  const std::uint64_t request = ++request_;
  const bool was_settled = !std::exchange(in_flight_, true);
  changed_since_ = false;
  since_start_.start();
  results_.start([this, request, run = scene_.run, move = std::exchange(move_, std::nullopt)](std::stop_token stop) {
    const Answer answer = answer_to(run, move, stop);
    QMetaObject::invokeMethod(
        this,
        [this, request, move, answer] {
          if (request == request_) deliver(move, answer);
        },
        Qt::QueuedConnection);
  });
  if (was_settled) Q_EMIT settled_changed();
}

void DynamicsDocument::deliver(const std::optional<Move>& move, const Answer& answer) {
  in_flight_ = false;
  if (answer.result) {
    result_ = answer.result;
    if (move) {
      scene_.run.system = result_->run.system;
      Q_EMIT scene_changed();
    }
    Q_EMIT result_changed();
  }
  if (move && move->finished && scene_ != committed_) change(scene_, tr("move an eigenvalue"));
  if (changed_since_) {
    start();
    return;
  }
  if (!answer.problem.isEmpty()) {
    Q_EMIT failed(answer.problem);
    Q_EMIT result_changed();  // so that what was dragged goes back
  }
  if (!in_flight_) Q_EMIT settled_changed();
}

}  // namespace statescope
