// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/button.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <cmath>

#include "paint.h"
#include "widgets/icons.h"

namespace statescope {
namespace {

struct Metrics {
  int height, padding, icon, radius;  // logical pixels at 100 % text size
};

Metrics metrics_of(Button::Look look) {
  switch (look) {
    case Button::Look::outline:
      return {24, 8, 14, 6};
    case Button::Look::chip:
    case Button::Look::warning:
      return {26, 11, 14, 13};
    case Button::Look::round:
      return {44, 12, 22, 22};
    default:
      return {32, 12, 18, 8};
  }
}

}  // namespace

Button::Button(Look look, const QString& icon_name, const QString& text, QWidget* parent)
    : QAbstractButton(parent), look_(look), icon_name_(icon_name) {
  setText(text);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  setFocusPolicy(Qt::TabFocus);
  setCursor(Qt::PointingHandCursor);
  setAttribute(Qt::WA_Hover);
  follow_theme(this, &Button::updateGeometry);
}

void Button::set_icon_name(const QString& name) {
  if (name == icon_name_) return;
  icon_name_ = name;
  updateGeometry();
  update();
}

void Button::set_look(Look look) {
  look_ = look;
  updateGeometry();
  update();
}

void Button::set_hint(const QString& what, const QString& shortcut) {
  setAccessibleName(what);
  setToolTip(hint_text(what, shortcut));
}

void Button::set_clickable(bool clickable) {
  clickable_ = clickable;
  setFocusPolicy(clickable ? Qt::TabFocus : Qt::NoFocus);
  if (clickable) {
    setCursor(Qt::PointingHandCursor);
  } else {
    unsetCursor();
  }
  update();
}

QFont Button::text_font() const {
  const bool small = look_ == Look::outline || look_ == Look::chip || look_ == Look::warning;
  return statescope::font(small ? TextRole::caption : look_ == Look::primary ? TextRole::strong : TextRole::body);
}

QSize Button::sizeHint() const {
  const Metrics m = metrics_of(look_);
  const int height = scaled(m.height);
  if (text().isEmpty()) return {height, height};
  const double text_width = QFontMetricsF(text_font()).horizontalAdvance(text());
  const int icon_width = icon_name_.isEmpty() ? 0 : scaled(m.icon) + scaled(6);
  return {static_cast<int>(std::ceil(text_width)) + icon_width + 2 * scaled(m.padding), height};
}

QSize Button::minimumSizeHint() const {
  const QSize hint = sizeHint();
  return {std::min(hint.width(), 3 * hint.height()), hint.height()};
}

bool Button::hitButton(const QPoint& point) const {
  return clickable_ && rect().contains(point);
}

void Button::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
      click();
      break;
    case Qt::Key_Left:
    case Qt::Key_Right:
    case Qt::Key_Up:
    case Qt::Key_Down:
      event->ignore();
      break;
    default:
      QAbstractButton::keyPressEvent(event);
  }
}

void Button::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  const Metrics m = metrics_of(look_);
  const double radius = scaled(m.radius);
  const bool hover = underMouse() && isEnabled() && clickable_;
  const QRectF box = QRectF(rect());

  QColor fill = Qt::transparent, ink = t.text, line = Qt::transparent;
  switch (look_) {
    case Look::plain:
      if (hover || isChecked()) fill = hover_fill();
      ink = hover || isChecked() ? t.text : t.muted;
      break;
    case Look::raised:
      fill = hover ? hover_fill() : t.raised;
      if (!isChecked()) break;
      fill = mix(fill, t.accent, 0.18);
      line = t.accent;
      break;
    case Look::outline:
      fill = hover ? hover_fill() : Qt::transparent;
      line = isChecked() ? t.accent : hover ? t.muted : mix(t.hairline, t.muted, 0.35);
      ink = isChecked() ? t.accent : hover ? t.text : t.muted;
      break;
    case Look::primary:
    case Look::round:
      fill = hover ? mix(t.text, t.background, 0.12) : t.text;
      ink = t.dark() ? t.background : t.surface;
      break;
    case Look::chip:
      fill = hover ? hover_fill() : t.raised;
      ink = hover ? t.text : t.muted;
      break;
    case Look::warning:
      fill = mix(t.surface, t.symbol(Symbol::delta), hover ? 0.22 : 0.13);  // as a notice of this kind
      ink = mix(t.symbol(Symbol::delta), t.text, 0.25);
      break;
  }
  if (isDown()) fill = mix(fill, t.text, 0.1);
  if (!isEnabled()) {
    const bool filled = look_ == Look::primary || look_ == Look::round;
    if (filled) fill = t.hairline;
    ink = mix(t.muted, t.background, 0.45);
  }

  QPainter painter(this);
  if (fill.alpha() > 0) fill_rounded(painter, box, radius, fill);
  if (line.alpha() > 0) stroke_rounded(painter, box, radius, line);

  const double icon_size = scaled(m.icon);
  if (text().isEmpty()) {
    QRectF icon_box(0, 0, icon_size, icon_size);
    icon_box.moveCenter(box.center());
    paint_icon(painter, icon_name_, icon_box, ink);
  } else {
    const QFontMetricsF metrics(text_font());
    const double icon_width = icon_name_.isEmpty() ? 0 : icon_size + scaled(6);
    const double room = box.width() - 2.0 * scaled(m.padding) - icon_width;
    // Half a pixel of slack: a text that was given its own rounded-up width is never elided.
    const QString shown = metrics.elidedText(text(), Qt::ElideRight, room + 0.5);
    const double content = icon_width + metrics.horizontalAdvance(shown);
    double x = std::max(double(scaled(m.padding)), (box.width() - content) / 2);
    if (icon_width > 0) {
      paint_icon(painter, icon_name_, QRectF(x, (box.height() - icon_size) / 2, icon_size, icon_size), ink);
      x += icon_width;
    }
    painter.setFont(text_font());
    painter.setPen(ink);
    painter.drawText(QRectF(x, 0, box.width() - x, box.height()), Qt::AlignLeft | Qt::AlignVCenter, shown);
  }
  if (hasFocus()) draw_focus_ring(painter, box, radius - 1);
}

}  // namespace statescope
