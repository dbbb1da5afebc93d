// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/segmented_control.h"

#include <QKeyEvent>
#include <QRadioButton>
#include <algorithm>
#include <cmath>

#include "paint.h"

namespace statescope {

/// One option: painted here, a radio button to assistive technology.
class Segment : public QRadioButton {
 public:
  Segment(const SegmentedControl::Option& option, QWidget* parent)
      : QRadioButton(option.text, parent), symbol_(option.symbol) {
    setAutoExclusive(false);  // the control keeps exactly one checked and says so when the user changed it
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
    setAccessibleName(option.text);
    setToolTip(option.tooltip);
  }

  int wanted_width() const {
    // Measured in the bolder face, so that choosing moves nothing.
    const QFontMetricsF metrics(statescope::font(TextRole::strong));
    return static_cast<int>(std::ceil(metrics.horizontalAdvance(text()))) + 2 * scaled(11);
  }

 protected:
  void nextCheckState() override {}
  bool hitButton(const QPoint& point) const override { return rect().contains(point); }
  void keyPressEvent(QKeyEvent* event) override {
    event->key() == Qt::Key_Space ? QRadioButton::keyPressEvent(event) : event->ignore();
  }
  void paintEvent(QPaintEvent*) override {
    const Theme& t = theme();
    QPainter painter(this);
    const QRectF box = QRectF(rect()).adjusted(1, 0, -1, 0);
    const double radius = scaled(5);
    if (isChecked()) {
      fill_rounded(painter, box, radius, t.dark() ? mix(t.raised, t.text, 0.13) : t.surface);
      if (!t.dark()) stroke_rounded(painter, box, radius, t.hairline);
    }
    QColor ink = isChecked() || underMouse() ? t.text : t.muted;
    if (symbol_) ink = t.symbol(*symbol_);
    if (!isEnabled()) ink = mix(t.muted, t.background, 0.4);
    painter.setFont(text_font());
    painter.setPen(ink);
    const QString shown = painter.fontMetrics().elidedText(text(), Qt::ElideRight, width() - scaled(6));
    painter.drawText(box, Qt::AlignCenter, shown);
    if (hasFocus()) draw_focus_ring(painter, box, radius);
  }

 private:
  QFont text_font() const { return statescope::font(symbol_ || isChecked() ? TextRole::strong : TextRole::body); }

  std::optional<Symbol> symbol_;
};

SegmentedControl::SegmentedControl(const QString& name, QWidget* parent) : QWidget(parent) {
  setAccessibleName(name);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  follow_theme(this, &SegmentedControl::relayout);
}

void SegmentedControl::set_options(const std::vector<Option>& options) {
  qDeleteAll(segments_);
  segments_.clear();
  current_ = -1;
  for (const Option& option : options) {
    const int index = static_cast<int>(segments_.size());
    auto* segment = new Segment(option, this);
    segment->setObjectName(QStringLiteral("segment_%1").arg(index));
    connect(segment, &QRadioButton::clicked, this, [this, index] { choose(index); });
    segment->show();
    segments_.push_back(segment);
  }
  // Options that come late are reached where the control stands, not behind everything else.
  QWidget* before = previousInFocusChain();
  while (before != this && !(before->focusPolicy() & Qt::TabFocus)) before = before->previousInFocusChain();
  for (Segment* segment : segments_) {
    if (before != this) setTabOrder(before, segment);
    before = segment;
  }
  set_current(0);
  updateGeometry();
  relayout();
}

void SegmentedControl::set_current(int index) {
  if (index < 0 || index >= std::ssize(segments_)) return;
  current_ = index;
  for (int i = 0; i < std::ssize(segments_); ++i) {
    Segment* segment = segments_[static_cast<size_t>(i)];
    segment->setChecked(i == index);
    // Tab reaches the control once, at the current option.
    segment->setFocusPolicy(i == index ? Qt::TabFocus : Qt::NoFocus);
  }
}

QString SegmentedControl::text(int index) const {
  return segments_.at(static_cast<std::size_t>(index))->text();
}

void SegmentedControl::choose(int index) {
  if (index < 0 || index >= std::ssize(segments_) || index == current_) return;
  const bool had_focus = segments_[static_cast<size_t>(current_)]->hasFocus();
  set_current(index);
  if (had_focus) segments_[static_cast<size_t>(index)]->setFocus(Qt::TabFocusReason);
  Q_EMIT selected(index);
}

void SegmentedControl::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
    case Qt::Key_Left:
    case Qt::Key_Up:
      return choose(current_ - 1);
    case Qt::Key_Right:
    case Qt::Key_Down:
      return choose(current_ + 1);
    case Qt::Key_Home:
      return choose(0);
    case Qt::Key_End:
      return choose(static_cast<int>(segments_.size()) - 1);
    default:
      QWidget::keyPressEvent(event);
  }
}

QSize SegmentedControl::sizeHint() const {
  int width = 2 * scaled(2);
  for (const Segment* segment : segments_) width += segment->wanted_width();
  return {width, scaled(28)};
}

QSize SegmentedControl::minimumSizeHint() const {
  int width = scaled(28) * static_cast<int>(segments_.size());
  if (wrapping_) {
    width = 0;
    for (const Segment* segment : segments_) width = std::max(width, segment->wanted_width() + 2 * scaled(2));
  }
  return {width, scaled(28)};
}

void SegmentedControl::set_wrapping(bool wrapping) {
  wrapping_ = wrapping;
  QSizePolicy policy(QSizePolicy::Preferred, wrapping ? QSizePolicy::Minimum : QSizePolicy::Fixed);
  policy.setHeightForWidth(wrapping);
  setSizePolicy(policy);
  relayout();
}

// Where the segments lie: in one row, narrower than they want to be, or in as many rows as they need.
std::vector<QRect> SegmentedControl::places(int width) const {
  const int margin = scaled(2), height = scaled(28) - 2 * margin;
  const int wanted = sizeHint().width() - 2 * margin, room = width - 2 * margin;
  const double squeeze = wrapping_ ? 1 : std::min(1.0, static_cast<double>(room) / std::max(1, wanted));
  std::vector<QRect> places;
  double x = margin;
  int y = margin;
  for (const Segment* segment : segments_) {
    if (wrapping_ && x > margin && x + segment->wanted_width() > margin + room) {
      x = margin;
      y += height + margin;
    }
    const double next = x + segment->wanted_width() * squeeze;
    places.emplace_back(int(x), y, int(next) - int(x), height);
    x = next;
  }
  return places;
}

int SegmentedControl::heightForWidth(int width) const {
  const std::vector<QRect> all = places(width);
  return all.empty() ? scaled(28) : all.back().bottom() + 1 + scaled(2);
}

void SegmentedControl::resizeEvent(QResizeEvent*) {
  relayout();
}

void SegmentedControl::relayout() {
  const std::vector<QRect> all = places(width());
  for (std::size_t i = 0; i < segments_.size(); ++i) segments_[i]->setGeometry(all[i]);
  update();
}

void SegmentedControl::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const double used = std::min(width(), sizeHint().width());
  fill_rounded(painter, QRectF(0, 0, used, height()), scaled(7), theme().raised);
}

}  // namespace statescope
