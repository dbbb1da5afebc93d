// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPainter>
#include <QWidget>

#include "widgets/theme.h"

namespace statescope {

/// The two pixel ring that shows keyboard focus, drawn just inside `box`.
inline void draw_focus_ring(QPainter& painter, const QRectF& box, double radius) {
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(theme().accent, 2));
  painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), radius, radius);
}

inline void fill_rounded(QPainter& painter, const QRectF& box, double radius, const QColor& fill) {
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(fill);
  painter.drawRoundedRect(box, radius, radius);
}

/// A one pixel outline that lies on the pixel grid.
inline void stroke_rounded(QPainter& painter, const QRectF& box, double radius, const QColor& color) {
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(color, 1));
  painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius);
}

inline QColor with_alpha(QColor color, double alpha) {
  color.setAlphaF(static_cast<float>(alpha));
  return color;
}

/// The fill of something raised while the mouse is over it.
inline QColor hover_fill() {
  return mix(theme().raised, theme().text, 0.07);
}

/// Calls `relayout` (a member of `widget`) whenever colours or text size change, then repaints.
template <typename Widget, typename Function>
void follow_theme(Widget* widget, Function relayout) {
  QObject::connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, widget, [widget, relayout] {
    (widget->*relayout)();
    widget->updateGeometry();
    widget->update();
  });
}

/// "Play (Space)": the tooltip of a control that has a shortcut.
inline QString hint_text(const QString& what, const QString& shortcut) {
  return shortcut.isEmpty() ? what : QStringLiteral("%1 (%2)").arg(what, shortcut);
}

}  // namespace statescope
