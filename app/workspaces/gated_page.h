// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QUndoStack>
#include <QWidget>
#include <memory>

#include "engine/experiments/gated.h"
#include "model/newest_answer.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QVBoxLayout;

namespace statescope {

class Button;
class CurvesView;
class FactTable;
class FlowLayout;
class SignalView;

/// Theorem 1 of Gu & Dao (2023), live: a gated recurrence and the selective model with one state that it is.
class GatedPage : public QWidget {
  Q_OBJECT
 public:
  GatedPage();

  QWidget* inspector() const { return inspector_; }
  const GatedScene& scene() const { return scene_; }
  /// Null until the first is there.
  const std::shared_ptr<const GatedResult>& result() const { return result_; }
  bool settled() const { return !openings_.under_way() && !results_.under_way(); }
  QUndoStack& undo_stack() { return undo_stack_; }

  /// Something to see, when nothing has been opened.
  void enter();
  void open(const GatedScene& scene, const std::filesystem::path& base);
  void change(const GatedScene& next, const QString& undo_text, bool finished = true);
  void set_cursor(std::int64_t sample);
  void set_for_export(bool for_export);

 Q_SIGNALS:
  void opened();
  void failed(const QString& sentence);
  void result_changed();
  void settled_changed();
  void sample_clicked(qint64 sample);

 private:
  using ResultPointer = std::shared_ptr<const GatedResult>;

  void build();
  void set_lengths();
  void apply(const GatedScene& scene);
  void compute();
  void show_result();
  void show_here();
  void choose(bool z, int index);

  QUndoStack undo_stack_;
  GatedScene scene_, committed_;  // committed_: without what is being drawn
  ResultPointer result_;
  NewestAnswer<ResultPointer> openings_, results_;

  QWidget* inspector_;
  QComboBox *x_, *z_;
  Button* draw_;
  QLabel *sentence_, *card_, *here_title_;
  FactTable* here_;
  SignalView* drawn_;
  CurvesView *gates_, *states_, *differences_;
  QVBoxLayout *column_, *inspector_column_;
  QHBoxLayout* upper_;
  FlowLayout* tools_;
};

}  // namespace statescope
