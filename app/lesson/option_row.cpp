// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/option_row.h"

#include <QAbstractTextDocumentLayout>
#include <QPainter>

#include "widgets/formula.h"
#include "widgets/icons.h"
#include "widgets/theme.h"

namespace statescope {

OptionRow::OptionRow(int key, const QString& markdown, QWidget* parent)
    : QAbstractButton(parent), key_(key), markdown_(markdown) {
  setCheckable(true);
  setAutoExclusive(true);
  setFocusPolicy(Qt::StrongFocus);
  setCursor(Qt::PointingHandCursor);
  QSizePolicy policy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  set_text();
  setAccessibleName(accessible_text(document_));
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    set_text();
    updateGeometry();
    update();
  });
}

void OptionRow::set_text() {
  set_lesson_text(document_, markdown_);
}

void OptionRow::set_verdict(Verdict verdict) {
  verdict_ = verdict;
  setEnabled(verdict == Verdict::none);
  setAccessibleDescription(verdict == Verdict::none    ? QString()
                           : verdict == Verdict::right ? tr("This one is right.")
                                                       : tr("You chose this one; it is not right."));
  update();
}

int OptionRow::text_left() const {
  return scaled(40);
}

QSize OptionRow::sizeHint() const {
  return {scaled(280), heightForWidth(scaled(280))};
}

int OptionRow::heightForWidth(int width) const {
  document_.setTextWidth(width - text_left() - scaled(32));
  return static_cast<int>(document_.size().height()) + scaled(16);
}

void OptionRow::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF box = QRectF(rect()).adjusted(1, 1, -1, -1);
  const bool right = verdict_ == Verdict::right;
  const QColor tone = right ? t.symbol(Symbol::B) : verdict_ == Verdict::wrong ? t.danger : t.accent;
  const bool marked = isChecked() || verdict_ != Verdict::none;
  painter.setPen(QPen(marked || hasFocus() ? tone : t.hairline, marked || hasFocus() ? 2 : 1));
  painter.setBrush(marked ? mix(t.surface, tone, 0.12) : underMouse() && isEnabled() ? t.raised : t.surface);
  painter.drawRoundedRect(box, scaled(6), scaled(6));

  painter.setPen(t.muted);
  painter.setFont(statescope::font(TextRole::numbers));
  painter.drawText(QRectF(0, 0, text_left(), height()), Qt::AlignCenter, QString::number(key_));
  painter.save();
  document_.setTextWidth(width() - text_left() - scaled(32));
  painter.translate(text_left(), (height() - document_.size().height()) / 2);
  QAbstractTextDocumentLayout::PaintContext context;
  context.palette.setColor(QPalette::Text, t.text);
  document_.documentLayout()->draw(&painter, context);
  painter.restore();
  if (verdict_ != Verdict::none)
    paint_icon(painter, right ? QStringLiteral("check") : QStringLiteral("close"),
               QRectF(width() - scaled(28), (height() - scaled(18)) / 2.0, scaled(18), scaled(18)), tone);
}

}  // namespace statescope
