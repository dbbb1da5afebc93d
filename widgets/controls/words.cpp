// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/words.h"

#include <QFontMetrics>
#include <QPainter>

namespace statescope {
namespace {

constexpr int wrapping = Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap;

}  // namespace

Words::Words(TextRole role, QWidget* parent) : QWidget(parent), role_(role) {
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

void Words::set_text(const QString& text) {
  if (text == text_) return;
  const int before = heightForWidth(width());
  text_ = text;
  setAccessibleName(text);
  if (heightForWidth(width()) != before) updateGeometry();
  update();
}

QSize Words::sizeHint() const {
  return {scaled(240), heightForWidth(scaled(240))};
}

QSize Words::minimumSizeHint() const {
  return {scaled(80), QFontMetrics(statescope::font(role_)).height()};
}

int Words::heightForWidth(int width) const {
  if (text_.isEmpty()) return 0;
  return QFontMetrics(statescope::font(role_)).boundingRect(QRect(0, 0, width, 1 << 20), wrapping, text_).height();
}

void Words::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setFont(statescope::font(role_));
  painter.setPen(role_ == TextRole::caption ? theme().muted : theme().text);
  painter.drawText(rect(), wrapping, text_);
}

}  // namespace statescope
