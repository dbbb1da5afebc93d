// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/notice.h"

#include <QAccessible>
#include <QLabel>
#include <QShortcut>
#include <algorithm>
#include <cmath>
#include <utility>

#include "paint.h"
#include "widgets/button.h"
#include "widgets/icons.h"

namespace statescope {
namespace {

constexpr int slide_ms = 180;

}  // namespace

Notice::Notice(QWidget* parent)
    : QWidget(parent),
      text_(new QLabel(this)),
      action_(new Button(Button::Look::raised, {}, {}, this)),
      close_(new Button(Button::Look::plain, QStringLiteral("close"), {}, this)),
      escape_(new QShortcut(Qt::Key_Escape, this)) {
  setObjectName(QStringLiteral("notice"));
  QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  text_->setObjectName(QStringLiteral("notice_text"));
  text_->setTextFormat(Qt::PlainText);
  text_->setWordWrap(true);
  text_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  close_->setObjectName(QStringLiteral("notice_close"));
  close_->set_hint(tr("Close this message"), QStringLiteral("Esc"));
  action_->setObjectName(QStringLiteral("notice_action"));
  connect(action_, &QAbstractButton::clicked, this, [this] {
    dismiss();
    if (const auto run = std::exchange(run_, {})) run();
  });
  connect(close_, &QAbstractButton::clicked, this, &Notice::dismiss);
  connect(escape_, &QShortcut::activated, this, &Notice::dismiss);
  slide_.setDuration(slide_ms);
  slide_.setEasingCurve(QEasingCurve::OutCubic);
  connect(&slide_, &QVariantAnimation::valueChanged, this, [this](const QVariant& value) {
    shown_ = value.toDouble();
    updateGeometry();
    relayout();
  });
  connect(&slide_, &QVariantAnimation::finished, this, [this] {
    if (shown_ <= 0) hide();
  });
  follow_theme(this, &Notice::relayout);
  hide();
}

void Notice::show_message(Kind kind, const QString& sentence, const QString& action, std::function<void()> run) {
  kind_ = kind;
  action_->setText(action);
  action_->setHidden(action.isEmpty());
  run_ = std::move(run);
  text_->setText(sentence);
  setAccessibleName(sentence);
  escape_->setEnabled(true);
  if (isHidden()) shown_ = 0;
  show();
  slide(1);
  relayout();
  QAccessibleEvent alert(this, QAccessible::Alert);
  QAccessible::updateAccessibility(&alert);
}

void Notice::dismiss() {
  if (isHidden() || !escape_->isEnabled()) return;
  escape_->setEnabled(false);  // Esc is free for others while it slides out
  slide(0);
  Q_EMIT dismissed();
}

QString Notice::message() const {
  return isHidden() ? QString() : text_->text();
}

void Notice::slide(double to) {
  slide_.stop();
  if (motion() && shown_ != to) {
    slide_.setStartValue(shown_);
    slide_.setEndValue(to);
    slide_.start();
    return;
  }
  shown_ = to;
  if (to <= 0) hide();
  updateGeometry();
}

int Notice::text_width(int width) const {
  const int action = action_->isHidden() ? 0 : action_->sizeHint().width() + scaled(12);
  return std::max(scaled(60), width - scaled(12 + 18 + 10) - scaled(8 + 30 + 6) - action);
}

int Notice::heightForWidth(int width) const {
  const int text_height = text_->heightForWidth(text_width(width));
  const int full = std::max(text_height + 2 * scaled(9), scaled(40));
  return static_cast<int>(std::lround(full * shown_));
}

QSize Notice::sizeHint() const {
  const int width = scaled(600);
  return {width, heightForWidth(this->width() > scaled(120) ? this->width() : width)};
}

QSize Notice::minimumSizeHint() const {
  return {scaled(200), 0};
}

void Notice::resizeEvent(QResizeEvent*) {
  relayout();
}

void Notice::relayout() {
  text_->setFont(statescope::font(TextRole::body));
  // The content keeps its full height and comes down with the lower edge.
  const int text_height = text_->heightForWidth(text_width(width()));
  const int full = std::max(text_height + 2 * scaled(9), scaled(40));
  const int top = height() - full;
  text_->setGeometry(scaled(40), top + (full - text_height) / 2, text_width(width()), text_height);
  close_->setGeometry(width() - scaled(6 + 28), top + (std::min(full, scaled(40)) - scaled(28)) / 2, scaled(28),
                      scaled(28));
  const QSize action = action_->sizeHint();
  action_->setGeometry(close_->x() - scaled(6) - action.width(), close_->geometry().center().y() - action.height() / 2,
                       action.width(), action.height());
  update();
}

QColor Notice::tint() const {
  const Theme& t = theme();
  switch (kind_) {
    case Kind::error:
      return t.danger;
    case Kind::warning:
      return t.symbol(Symbol::delta);
    default:
      return t.accent;
  }
}

void Notice::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.fillRect(rect(), mix(t.surface, tint(), t.dark() ? 0.13 : 0.08));
  painter.fillRect(QRect(0, height() - 1, width(), 1), mix(t.hairline, tint(), 0.4));
  painter.fillRect(QRect(0, 0, 3, height()), tint());
  const QRectF icon_box(scaled(14), text_->geometry().top() + (text_->fontMetrics().height() - scaled(18)) / 2.0,
                        scaled(18), scaled(18));
  paint_icon(painter, kind_ == Kind::info ? QStringLiteral("info") : QStringLiteral("warning"), icon_box, tint());
}

}  // namespace statescope
