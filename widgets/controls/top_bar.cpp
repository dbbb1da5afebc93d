// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/top_bar.h"

#include <algorithm>
#include <cmath>

#include "paint.h"
#include "widgets/button.h"

namespace statescope {
namespace {

QFont title_font() {
  QFont result = font(TextRole::strong);
  result.setPixelSize(scaled(15));
  return result;
}

}  // namespace

TopBar::TopBar(QWidget* parent)
    : QWidget(parent),
      speed_(new Button(Button::Look::chip, {}, {}, this)),
      palette_(new Button(Button::Look::outline, {}, QStringLiteral("Ctrl K"), this)) {
  setObjectName(QStringLiteral("top_bar"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  speed_->setObjectName(QStringLiteral("speed_chip"));
  speed_->set_clickable(false);
  speed_->hide();
  palette_->setObjectName(QStringLiteral("palette_button"));
  palette_->set_hint(tr("Find any action"), QStringLiteral("Ctrl+K"));
  connect(palette_, &QAbstractButton::clicked, this, &TopBar::palette_requested);
  follow_theme(this, &TopBar::relayout);
}

// Facts are set anew for every picture of a drag; most are what they were.
void TopBar::set_title(const QString& title) {
  if (title == title_) return;
  title_ = title;
  setAccessibleName(title);
  relayout();
}

void TopBar::set_chips(const std::vector<TopBarChip>& chips) {
  if (std::equal(chips.begin(), chips.end(), chips_.begin(), chips_.end(),
                 [](const TopBarChip& chip, const Shown& shown) { return chip == shown.chip; }))
    return;
  for (const Shown& old : chips_) {
    old.button->hide();
    old.button->deleteLater();
  }
  chips_.clear();
  for (const TopBarChip& chip : chips) {
    const auto look = chip.warning ? Button::Look::warning : Button::Look::chip;
    auto* button = new Button(look, chip.warning ? QStringLiteral("warning") : QString(), chip.text, this);
    button->setObjectName(QStringLiteral("chip_") + chip.id);
    button->setAccessibleName(chip.text);
    button->setToolTip(chip.tooltip.isEmpty() ? chip.text : chip.tooltip);
    button->set_clickable(chip.warning);
    connect(button, &QAbstractButton::clicked, this, [this, id = chip.id] { Q_EMIT chip_clicked(id); });
    chips_.push_back({chip, button});
  }
  relayout();
}

void TopBar::set_speed(const QString& text, const QString& tooltip) {
  if (text == speed_->text() && tooltip == speed_->toolTip()) return;
  speed_->setText(text);
  speed_->setAccessibleName(text);
  speed_->setToolTip(tooltip);
  relayout();
}

QSize TopBar::sizeHint() const {
  return {scaled(900), scaled(48)};
}

QSize TopBar::minimumSizeHint() const {
  return {scaled(160), scaled(48)};
}

void TopBar::resizeEvent(QResizeEvent*) {
  relayout();
}

void TopBar::relayout() {
  const int margin = scaled(20), gap = scaled(10);
  const auto place = [this](Button* button, int x, int width) {
    const int button_height = button->sizeHint().height();
    button->setGeometry(x, (height() - button_height) / 2, width, button_height);
    button->show();
  };

  int right = width() - margin;
  const int palette_width = palette_->sizeHint().width();
  right -= palette_width;
  place(palette_, right, palette_width);

  const int title_width =
      static_cast<int>(std::ceil(QFontMetricsF(title_font()).horizontalAdvance(title_))) + (title_.isEmpty() ? 0 : 1);
  int room = right - gap - margin - scaled(4);
  const int title_shown = std::clamp(title_width, 0, std::max(0, room));
  title_box_ = QRect(margin, 0, title_shown, height());
  room -= title_shown;

  // The speed changes all the time: it stays while it fits beside the title, so that it does not blink.
  const int speed_width = speed_->sizeHint().width();
  const bool speed_fits = !speed_->text().isEmpty() && room >= speed_width + scaled(40);
  speed_->setVisible(speed_fits);
  if (speed_fits) {
    right -= gap + speed_width;
    place(speed_, right, speed_width);
    room -= speed_width + gap;
  }

  // Hand out the room by importance, then place in the given order.
  std::vector<size_t> order(chips_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    const TopBarChip &ca = chips_[a].chip, &cb = chips_[b].chip;
    return ca.warning != cb.warning ? ca.warning : ca.priority > cb.priority;
  });
  std::vector<int> widths(chips_.size(), 0);
  const int shortest = scaled(96);  // an elided chip narrower than this says nothing
  for (const size_t i : order) {
    const int wanted = chips_[i].button->sizeHint().width();
    const int given = std::min(wanted, room - gap);
    if (given < std::min(wanted, shortest)) continue;
    widths[i] = given;
    room -= given + gap;
  }
  int x = margin + title_shown + gap + scaled(4);
  for (size_t i = 0; i < chips_.size(); ++i) {
    chips_[i].button->setVisible(widths[i] > 0);
    if (widths[i] == 0) continue;
    place(chips_[i].button, x, widths[i]);
    x += widths[i] + gap;
  }
  update();
}

void TopBar::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.fillRect(rect(), t.surface);
  painter.fillRect(QRect(0, height() - 1, width(), 1), t.hairline);
  painter.setFont(title_font());
  painter.setPen(t.text);
  const QString shown = painter.fontMetrics().elidedText(title_, Qt::ElideRight, title_box_.width() + 1);
  painter.drawText(title_box_.adjusted(0, 0, 2, 0), Qt::AlignLeft | Qt::AlignVCenter, shown);
}

}  // namespace statescope
