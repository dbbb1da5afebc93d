// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <memory>

#include "engine/experiments/gated.h"
#include "model/asking.h"

class QComboBox;
class QHBoxLayout;
class QLabel;
class QUndoStack;
class QVBoxLayout;

namespace statescope {

class Button;
class CurvesView;
class SignalView;

/// Theorem 1 of Gu & Dao (2023), live: a gated recurrence and the selective model with one state that it is.
class GatedPage : public QWidget {
  Q_OBJECT
 public:
  /// Changes go on `undo`, which outlives the page.
  explicit GatedPage(QUndoStack& undo);

  QWidget* inspector() const { return inspector_; }
  const GatedScene& scene() const { return scene_; }
  /// Null until the first is there.
  const std::shared_ptr<const GatedResult>& result() const { return result_; }
  bool settled() const { return !results_.under_way(); }

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
  class ChangeScene;

  void build();
  void set_lengths();
  void apply(const GatedScene& scene);
  void compute();
  void show_result();
  void choose(bool z, int index);

  QUndoStack& undo_;
  GatedScene scene_, committed_;  // committed_: without what is being drawn
  std::shared_ptr<const GatedResult> result_;
  bool again_ = false;
  Asking results_;

  QWidget* inspector_;
  QComboBox *x_, *z_;
  Button* draw_;
  QLabel *sentence_, *card_;
  SignalView* drawn_;
  CurvesView *gates_, *states_, *differences_;
  QVBoxLayout *column_, *inspector_column_;
  QHBoxLayout *tools_, *upper_;
};

}  // namespace statescope
