// SPDX-License-Identifier: GPL-3.0-or-later
// A mouse at any place in between pixels.
#pragma once

#include <QApplication>
#include <QMouseEvent>
#include <QWidget>

namespace statescope::test {

/// Presses the left button at `from`, moves on to `to` in steps, lets go.
inline void drag(QWidget& widget, QPointF from, QPointF to, Qt::KeyboardModifiers keys = {}) {
  const auto send = [&](QEvent::Type type, const QPointF& at, Qt::MouseButton button, Qt::MouseButtons buttons) {
    QMouseEvent event(type, at, widget.mapToGlobal(at), button, buttons, keys);
    QApplication::sendEvent(&widget, &event);
  };
  send(QEvent::MouseButtonPress, from, Qt::LeftButton, Qt::LeftButton);
  for (int i = 1; i <= 8; ++i) send(QEvent::MouseMove, from + (to - from) * i / 8, Qt::NoButton, Qt::LeftButton);
  send(QEvent::MouseButtonRelease, to, Qt::LeftButton, Qt::NoButton);
}

}  // namespace statescope::test
