// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/prompt_bar.h"

#include <QAbstractTextDocumentLayout>
#include <QFrame>
#include <QKeyEvent>
#include <QPlainTextEdit>
#include <QScreen>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "paint.h"
#include "widgets/button.h"

namespace statescope {
namespace {

constexpr int most_lines = 4;
constexpr int sweep_ms = 2400;       // there and back, while it is not known how far the work is
constexpr double sweep_width = 0.2;  // of the track

}  // namespace

PromptBar::PromptBar(QWidget* parent)
    : QWidget(parent),
      edit_(new QPlainTextEdit(this)),
      run_(new Button(Button::Look::primary, {}, tr("Run"), this)),
      generate_(new Button(Button::Look::raised, QStringLiteral("generate"), tr("Generate"), this)),
      sampling_button_(new Button(Button::Look::plain, QStringLiteral("settings"), tr("Sampling"), this)),
      cancel_(new Button(Button::Look::outline, {}, tr("Cancel"), this)),
      popover_(new QFrame(this, Qt::Popup)),
      form_(new SamplingForm(popover_)) {
  setObjectName(QStringLiteral("prompt_bar"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  edit_->setObjectName(QStringLiteral("prompt_edit"));
  edit_->setPlaceholderText(tr("Type a prompt…"));
  edit_->setAccessibleName(tr("Prompt"));
  edit_->setTabChangesFocus(true);
  edit_->setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
  edit_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  edit_->installEventFilter(this);
  setFocusProxy(edit_);
  run_->setObjectName(QStringLiteral("run"));
  run_->set_hint(tr("Run the prompt through the model"), QStringLiteral("Enter"));
  generate_->setObjectName(QStringLiteral("generate"));
  sampling_button_->setObjectName(QStringLiteral("sampling"));
  cancel_->setObjectName(QStringLiteral("cancel"));
  cancel_->set_hint(tr("Cancel what is running"));
  cancel_->hide();
  popover_->setObjectName(QStringLiteral("sampling_popover"));
  popover_->setProperty("surface", QStringLiteral("raised"));
  popover_->setFrameShape(QFrame::StyledPanel);
  auto* column = new QVBoxLayout(popover_);
  column->setContentsMargins(16, 16, 16, 12);
  column->addWidget(form_);

  connect(run_, &QAbstractButton::clicked, this, &PromptBar::run);
  run_->setEnabled(false);
  connect(edit_, &QPlainTextEdit::textChanged, this, [this] { run_->setEnabled(!text().isEmpty()); });
  connect(generate_, &QAbstractButton::clicked, this,
          [this] { generating_ ? Q_EMIT stop_requested() : Q_EMIT generate_requested(); });
  connect(cancel_, &QAbstractButton::clicked, this, &PromptBar::stop_requested);
  connect(sampling_button_, &QAbstractButton::clicked, this, &PromptBar::open_sampling);
  connect(form_, &SamplingForm::changed, this, [this](const SamplingChoice& choice) {
    show_sampling();
    Q_EMIT sampling_changed(choice);
  });
  connect(edit_->document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this, [this] {
    updateGeometry();
    relayout();
  });
  sweep_.setStartValue(0.0);
  sweep_.setKeyValueAt(0.5, 1.0);
  sweep_.setEndValue(0.0);
  sweep_.setDuration(sweep_ms);
  sweep_.setEasingCurve(QEasingCurve::InOutSine);
  sweep_.setLoopCount(-1);
  connect(&sweep_, &QVariantAnimation::valueChanged, this, [this] { update(track()); });
  set_generating(false);
  show_sampling();
  follow_theme(this, &PromptBar::relayout);
}

void PromptBar::set_text(const QString& text) {
  if (text != edit_->toPlainText()) edit_->setPlainText(text);
}
QString PromptBar::text() const {
  return edit_->toPlainText();
}

void PromptBar::set_sampling(const SamplingChoice& choice) {
  form_->set_choice(choice);
  show_sampling();
}
const SamplingChoice& PromptBar::sampling() const {
  return form_->choice();
}

void PromptBar::set_generating(bool generating) {
  generating_ = generating;
  generate_->setText(generating ? tr("Stop") : tr("Generate"));
  generate_->set_icon_name(generating ? QStringLiteral("stop") : QStringLiteral("generate"));
  show_sampling();
  relayout();
}

void PromptBar::show_sampling() {
  const SamplingChoice& choice = form_->choice();
  sampling_button_->set_hint(tr("Sampling: %1").arg(describe(choice)));
  generate_->set_hint(generating_ ? tr("Stop generating") : tr("Continue the text by %Ln token(s)", "", choice.tokens));
}

void PromptBar::set_progress(std::optional<double> share, const QString& text) {
  share_ = share && std::isfinite(*share) ? std::optional(std::clamp(*share, 0.0, 1.0)) : std::nullopt;
  const bool shown_before = !progress_.isEmpty();
  progress_ = text;
  if (shown_before != !text.isEmpty()) relayout();
  const bool sweeping = !text.isEmpty() && !share_ && motion();
  if (sweeping != (sweep_.state() == QAbstractAnimation::Running)) sweeping ? sweep_.start() : sweep_.stop();
  update();
}

void PromptBar::run() {
  if (!text().isEmpty()) Q_EMIT run_requested(text());
}

void PromptBar::open_sampling() {
  popover_->adjustSize();
  const QSize size = popover_->sizeHint().expandedTo(QSize(scaled(340), 0));
  popover_->resize(size);
  // Below the button, its right edges aligned; above where the screen ends.
  QPoint corner = sampling_button_->mapToGlobal(
      QPoint(sampling_button_->width() - size.width(), sampling_button_->height() + scaled(6)));
  const QRect screen = sampling_button_->screen()->availableGeometry();
  if (corner.y() + size.height() > screen.bottom()) {
    corner.setY(sampling_button_->mapToGlobal(QPoint(0, -scaled(6))).y() - size.height());
  }
  corner.setX(std::clamp(corner.x(), screen.left(), std::max(screen.left(), screen.right() - size.width())));
  popover_->move(corner);
  popover_->show();
  form_->findChild<QWidget*>(QStringLiteral("sampling_temperature"))->setFocus(Qt::PopupFocusReason);
}

bool PromptBar::eventFilter(QObject* watched, QEvent* event) {
  if (watched == edit_ && event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool enter = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
    if (enter && (key->modifiers() & Qt::ShiftModifier) == 0) {
      run();
      return true;
    }
  }
  return QWidget::eventFilter(watched, event);
}

int PromptBar::box_height() const {
  // A plain text document counts its height in lines.
  const int lines = std::clamp(static_cast<int>(std::ceil(edit_->document()->size().height())), 1, most_lines);
  const int line = QFontMetrics(edit_->font()).lineSpacing();
  const int frame = 2 * static_cast<int>(edit_->document()->documentMargin()) + 2 * scaled(6) + 2;
  return std::max(lines * line + frame, run_->sizeHint().height());
}

int PromptBar::buttons_width() const {
  int total = 0;
  for (const Button* button : {run_, generate_, sampling_button_}) total += button->sizeHint().width() + scaled(8);
  return total;
}

bool PromptBar::stacked() const {
  return width() < buttons_width() + scaled(260);
}

QSize PromptBar::sizeHint() const {
  const int buttons = stacked() ? run_->sizeHint().height() + scaled(6) : 0;
  return {scaled(700), box_height() + buttons + scaled(4) + cancel_->sizeHint().height() + scaled(6)};
}

QSize PromptBar::minimumSizeHint() const {
  return {std::max(buttons_width(), scaled(220)), sizeHint().height()};
}

void PromptBar::resizeEvent(QResizeEvent* event) {
  relayout();
  if (event->size().width() != event->oldSize().width()) updateGeometry();
}

void PromptBar::relayout() {
  const int gap = scaled(8), box = box_height(), row = run_->sizeHint().height();
  const bool below = stacked();
  edit_->setGeometry(0, 0, below ? width() : width() - buttons_width(), box);

  // Beside a box of several lines the buttons stay at its last line.
  int x = below ? 0 : edit_->width() + gap;
  const int y = below ? box + scaled(6) : box - row - std::max(0, std::min(box - row, scaled(6)) / 2);
  for (Button* button : {run_, generate_, sampling_button_}) {
    button->setGeometry(x, y, button->sizeHint().width(), row);
    x += button->width() + gap;
  }

  const int top = (below ? y + row : box) + scaled(4);
  const QSize cancel = cancel_->sizeHint();
  cancel_->setVisible(!progress_.isEmpty());
  cancel_->setGeometry(edit_->width() - cancel.width(), top, cancel.width(), cancel.height());
  line_ = QRect(scaled(2), top, (progress_.isEmpty() ? width() : cancel_->x() - gap) - scaled(2), cancel.height());
  update();
}

QRect PromptBar::track() const {
  return {0, height() - scaled(3), width(), scaled(3)};
}

void PromptBar::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setFont(statescope::font(TextRole::caption));
  painter.setPen(t.muted);
  const QString text = progress_.isEmpty() ? tr("Enter runs · Shift+Enter starts a new line") : progress_;
  painter.drawText(line_, Qt::AlignLeft | Qt::AlignVCenter,
                   painter.fontMetrics().elidedText(text, Qt::ElideRight, line_.width()));
  if (progress_.isEmpty()) return;
  const QRectF track = this->track();
  fill_rounded(painter, track, scaled(1), t.hairline);
  QRectF done = track;
  if (share_) {
    done.setWidth(track.width() * *share_);
  } else {
    // Without motion the piece rests in the middle.
    const double at = sweep_.state() == QAbstractAnimation::Running ? sweep_.currentValue().toDouble() : 0.5;
    done.setWidth(track.width() * sweep_width);
    done.moveLeft(at * (track.width() - done.width()));
  }
  fill_rounded(painter, done, scaled(1), t.accent);
}

}  // namespace statescope
