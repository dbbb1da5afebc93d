// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "engine/run/trace.h"
#include "widgets/view.h"

namespace statescope {

/// Which state of the model an update belongs to.
struct StatePlace {
  qint64 layer = 0, channel = 0, state = 0;
};

/// A sentence with one phrase that is set in bold.
struct Sentence {
  QString before, strong, after;
  QString plain() const { return before + strong + after; }
};

/// What the gate means for memory: how much of the old value is kept, and after how many tokens it is halved.
Sentence memory_sentence(double gate);

/// The update of one state as an equation, with its actual numbers below and a sentence that says what they mean.
class EquationView : public View {
  Q_OBJECT
 public:
  explicit EquationView(QWidget* parent = nullptr);

  void set_update(const std::optional<StateUpdate>& update, const StatePlace& place);
  const std::optional<StateUpdate>& state_update() const { return update_; }

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  double paint(QPainter* painter, const QRectF& area) const;

  std::optional<StateUpdate> update_;
  StatePlace place_;
  // The height that the updates needed so far at this width: what stands below does not jump from one to the next.
  int tallest_ = 0, tallest_at_ = 0;
};

}  // namespace statescope
