// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <QUndoStack>
#include <memory>
#include <optional>

#include "engine/experiments/lti.h"
#include "model/job_thread.h"

namespace statescope {

/// The scene the Dynamics workspace shows and its numbers. Lives on the interface thread and computes nothing there: a
/// thread answers with an immutable result. Files of the scene have absolute paths.
///
/// While something is dragged, results follow one another as fast as they are made, each of the newest scene; a result
/// that takes long is given up for a newer one.
class DynamicsDocument : public QObject {
  Q_OBJECT
 public:
  explicit DynamicsDocument(QObject* parent = nullptr);
  ~DynamicsDocument() override;

  const LtiScene& scene() const { return scene_; }
  const LtiRun& run() const { return scene_.run; }
  /// Null until the first one is there. May lag behind the scene, or be of the last one that could be computed.
  const std::shared_ptr<const LtiResult>& result() const { return result_; }
  /// True when nothing is under way.
  bool settled() const { return !in_flight_ && !adopting_; }
  QUndoStack& undo_stack() { return undo_stack_; }

  /// Shows another scene when it can be computed, and else says why and changes nothing: `opened` or `failed`. With an
  /// `undo_text` it can be undone; without, everything begins anew.
  void open_scene(const LtiScene& scene, const QString& undo_text = {});

  /// Shows another run. `finished` puts all since the last finished change on the undo stack as one step; changes of
  /// the same text that follow at once, as of a slider moved by keys, become one as well.
  void change_run(const LtiRun& run, const QString& undo_text, bool finished = true);
  /// The same for an eigenvalue that was at `from` when the hand took it. The system follows with the result.
  void move_eigenvalue(Complex from, Complex to, bool finished);
  void change_view(const LtiView& view, const QString& undo_text);
  void set_cursor(std::int64_t sample);

 Q_SIGNALS:
  void opened();
  void scene_changed();
  void result_changed();
  void cursor_changed();
  void settled_changed();
  void failed(const QString& sentence);

 private:
  class ChangeScene;
  struct Move {
    std::shared_ptr<const LtiResult> base;  // what was there when the hand took the eigenvalue
    Complex from, to;
    bool finished = false;
  };
  struct Answer {  // what a job came to; neither a result nor a sentence when it was asked to stop
    std::shared_ptr<const LtiResult> result;
    QString problem;
  };
  static Answer answer_to(LtiRun run, const std::optional<Move>& move, std::stop_token stop);

  void change(const LtiScene& next, const QString& undo_text);
  void apply(const LtiScene& scene);
  void request();
  void start();
  void adopt(const LtiScene& scene, const Answer& answer, const QString& undo_text);
  void deliver(const std::optional<Move>& move, const Answer& answer);

  QUndoStack undo_stack_;
  LtiScene scene_, committed_;  // committed_: without what is being dragged
  std::shared_ptr<const LtiResult> result_, move_base_;
  std::optional<Move> move_;  // waits to be computed
  std::uint64_t request_ = 0;
  bool in_flight_ = false, changed_since_ = false, adopting_ = false;
  QElapsedTimer since_start_;
  JobThread openings_, results_;
};

}  // namespace statescope
