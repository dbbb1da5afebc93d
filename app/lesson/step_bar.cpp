// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/step_bar.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include "widgets/theme.h"

namespace statescope {

StepBar::StepBar(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("lesson_steps"));
  setCursor(Qt::PointingHandCursor);
  setToolTip(tr("Go to a step"));
  setAccessibleDescription(tr("Arrow keys go to a step."));
  setFocusPolicy(Qt::TabFocus);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, qOverload<>(&StepBar::update));
}

void StepBar::set_steps(int steps, int current, const std::set<int>& done) {
  steps_ = steps;
  current_ = current;
  done_ = done;
  setAccessibleName(tr("Step %1 of %2").arg(current + 1).arg(steps));
  update();
}

QRectF StepBar::segment(int step) const {
  const double gap = steps_ > 40 ? 1 : scaled(3), each = width() / static_cast<double>(std::max(steps_, 1));
  return {step * each, 0, std::max(each - gap, 1.0), static_cast<double>(height())};
}

void StepBar::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  const double thick = scaled(4);
  for (int i = 0; i < steps_; ++i) {
    painter.setBrush(i == current_ ? t.accent : done_.contains(i) ? mix(t.surface, t.accent, 0.45) : t.hairline);
    const QRectF box = segment(i);
    painter.drawRoundedRect(QRectF(box.left(), (box.height() - thick) / 2, box.width(), thick), thick / 2, thick / 2);
  }
  if (!hasFocus()) return;
  painter.setPen(QPen(t.accent, scaled(1)));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), scaled(4), scaled(4));
}

void StepBar::keyPressEvent(QKeyEvent* event) {
  int step = current_;
  switch (event->key()) {
    case Qt::Key_Left:
      --step;
      break;
    case Qt::Key_Right:
      ++step;
      break;
    case Qt::Key_Home:
      step = 0;
      break;
    case Qt::Key_End:
      step = steps_ - 1;
      break;
    default:
      return QWidget::keyPressEvent(event);
  }
  if (step >= 0 && step < steps_ && step != current_) Q_EMIT chosen(step);
}

void StepBar::mousePressEvent(QMouseEvent* event) {
  if (steps_ > 0) Q_EMIT chosen(static_cast<int>(event->position().x() * steps_ / std::max(width(), 1)));
}

}  // namespace statescope
