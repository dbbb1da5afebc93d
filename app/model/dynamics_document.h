// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QUndoStack>
#include <memory>
#include <optional>

#include "model/lti_series.h"
#include "model/newest_answer.h"

namespace statescope {

/// The scene the Dynamics workspace shows and its numbers. Lives on the interface thread and computes nothing there: a
/// thread answers with an immutable result, while something is dragged one after the other. Files of the scene have
/// absolute paths.
class DynamicsDocument : public QObject {
  Q_OBJECT
 public:
  explicit DynamicsDocument(QObject* parent = nullptr);
  ~DynamicsDocument() override;

  const LtiScene& scene() const { return scene_; }
  const LtiRun& run() const { return scene_.run; }
  /// Null until the first one is there. May lag behind the scene, or be of the last one that could be computed. While
  /// something is dragged it has the parts that the page shows, else all.
  const std::shared_ptr<const LtiResult>& result() const { return series_.result; }
  const LtiSeries& series() const { return series_; }
  /// True when nothing is under way.
  bool settled() const { return !openings_.under_way() && !results_.under_way(); }
  QUndoStack& undo_stack() { return undo_stack_; }

  /// Shows another scene when it can be computed, and else says why and changes nothing: `opened` or `failed`. With an
  /// `undo_text` it can be undone; without, everything begins anew.
  void open_scene(const LtiScene& scene, const QString& undo_text = {});

  /// Shows another scene as soon as its numbers are there; nothing to undo.
  void play_scene(const LtiScene& scene);

  /// Shows another run. `finished` puts all since the last finished change on the undo stack as one step.
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
  struct Move {
    std::shared_ptr<const LtiResult> base;  // what was there when the hand took the eigenvalue
    Complex from, to;
    bool finished = false;
  };

  void change(const LtiScene& next, const QString& undo_text);
  void apply(const LtiScene& scene, const LtiParts& parts = {});
  void push(const LtiScene& before, const LtiScene& after, const QString& undo_text);
  void request(const LtiParts& parts, const std::optional<Move>& move = {});
  void adopt(const LtiScene& scene, const LtiSeries& series, const QString& undo_text);
  void take(const LtiSeries& series, const std::optional<Move>& move, const QString& problem);

  QUndoStack undo_stack_;
  LtiScene scene_, committed_;  // committed_: without what is being dragged
  LtiSeries series_;
  LtiParts asked_;  // of the newest result that was asked for
  std::shared_ptr<const LtiResult> move_base_;
  NewestAnswer<LtiSeries> openings_, results_;
};

}  // namespace statescope
