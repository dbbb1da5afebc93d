// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/navigation_rail.h"

#include <QAbstractButton>
#include <QKeyEvent>
#include <algorithm>

#include "paint.h"
#include "widgets/button.h"
#include "widgets/icons.h"

namespace statescope {

/// One workspace: an icon above its name.
class RailEntry : public QAbstractButton {
 public:
  RailEntry(const QString& id, const QString& name, const QString& icon_name, const QString& shortcut, QWidget* parent)
      : QAbstractButton(parent), id_(id), icon_name_(icon_name) {
    setText(name);
    setObjectName(QStringLiteral("rail_") + id);
    setFocusPolicy(Qt::NoFocus);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
    setAccessibleName(name);
    setToolTip(hint_text(name, shortcut));
  }
  const QString& id() const { return id_; }
  void set_current(bool current) {
    current_ = current;
    setAccessibleDescription(current ? NavigationRail::tr("open now") : QString());
    update();
  }
  void set_labelled(bool labelled) {
    labelled_ = labelled;
    update();
  }

 protected:
  void keyPressEvent(QKeyEvent* event) override {
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
      click();
    } else if (event->key() == Qt::Key_Space) {
      QAbstractButton::keyPressEvent(event);
    } else {
      event->ignore();
    }
  }

  void paintEvent(QPaintEvent*) override {
    const Theme& t = theme();
    QPainter painter(this);
    const QRectF box = rect();
    if (current_) {
      fill_rounded(painter, box, scaled(8), t.raised);
    } else if (underMouse()) {
      fill_rounded(painter, box, scaled(8), mix(t.surface, t.raised, 0.6));
    }
    const QColor ink = current_ || underMouse() ? t.text : t.muted;
    const double icon_size = std::min(scaled(20), height() - scaled(4));
    QRectF icon_box(0, 0, icon_size, icon_size);
    icon_box.moveCenter(box.center());
    if (labelled_) {
      const QFont label_font = label();
      const double line = QFontMetricsF(label_font).height();
      icon_box.moveTop((box.height() - icon_size - scaled(5) - line) / 2);
      painter.setFont(label_font);
      painter.setPen(ink);
      painter.drawText(QRectF(0, icon_box.bottom() + scaled(5), box.width(), line), Qt::AlignCenter, text());
    }
    paint_icon(painter, icon_name_, icon_box, ink);
    if (hasFocus()) draw_focus_ring(painter, box, scaled(8) - 1);
  }

 private:
  // The caption size, or less where a long name would not fit the column.
  QFont label() const {
    QFont label_font = statescope::font(TextRole::caption);
    label_font.setPixelSize(scaled(11));
    const double needed = QFontMetricsF(label_font).horizontalAdvance(text());
    if (needed > width()) label_font.setPixelSize(std::max(8, int(label_font.pixelSize() * width() / needed)));
    return label_font;
  }

  QString id_, icon_name_;
  bool labelled_ = true, current_ = false;
};

NavigationRail::NavigationRail(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("navigation_rail"));
  setAccessibleName(tr("Workspaces"));
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
  follow_theme(this, &NavigationRail::relayout);
}

void NavigationRail::add_entry(const QString& id, const QString& name, const QString& icon_name,
                               const QString& shortcut) {
  auto* entry = new RailEntry(id, name, icon_name, shortcut, this);
  entries_.push_back(entry);
  connect(entry, &QAbstractButton::clicked, this, [this, id] {
    set_current(id);
    Q_EMIT activated(id);
  });
  set_current(current_);
  relayout();
}

void NavigationRail::add_tool(const QString& id, const QString& name, const QString& icon_name,
                              const QString& shortcut) {
  auto* tool = new Button(Button::Look::plain, icon_name, {}, this);
  tool->setObjectName(QStringLiteral("tool_") + id);
  tool->set_hint(name, shortcut);
  tools_.push_back(tool);
  connect(tool, &QAbstractButton::clicked, this, [this, id] { Q_EMIT tool_activated(id); });
  relayout();
}

void NavigationRail::set_current(const QString& id) {
  current_ = id;
  const bool known = std::any_of(entries_.begin(), entries_.end(), [&](const RailEntry* e) { return e->id() == id; });
  for (RailEntry* entry : entries_) {
    const bool here = entry->id() == id;
    entry->set_current(here);
    // Tab reaches the rail once, at the current entry; the arrows reach the others.
    entry->setFocusPolicy(here || (!known && entry == entries_.front()) ? Qt::TabFocus : Qt::NoFocus);
  }
}

QSize NavigationRail::sizeHint() const {
  return {scaled(72), scaled(620)};
}

QSize NavigationRail::minimumSizeHint() const {
  return {scaled(72), scaled(56) + 28 * int(entries_.size() + tools_.size())};
}

void NavigationRail::resizeEvent(QResizeEvent*) {
  relayout();
}

void NavigationRail::relayout() {
  const int margin = scaled(4), logo = scaled(34);
  logo_ = QRect((width() - logo) / 2, scaled(13), logo, logo);
  const int top = logo_.bottom() + scaled(14);

  const int tool_count = static_cast<int>(tools_.size()), entry_count = static_cast<int>(entries_.size());
  // Entries keep their full height while there is room, then everything shrinks alike.
  const double wanted = entry_count * scaled(60) + tool_count * scaled(36) + scaled(12);
  const double squeeze = std::min(1.0, (height() - top - margin) / std::max(1.0, wanted));
  const int tool_height = static_cast<int>(scaled(36) * squeeze);
  const int pitch = static_cast<int>(scaled(60) * squeeze);
  const bool labelled = pitch >= scaled(50);

  int y = top;
  for (RailEntry* entry : entries_) {
    entry->set_labelled(labelled);
    entry->setGeometry(margin, y, width() - 2 * margin, pitch - std::min(scaled(4), pitch / 8));
    y += pitch;
  }
  y = height() - margin - tool_count * tool_height;
  const int side = std::min(scaled(34), tool_height);
  for (Button* tool : tools_) {
    tool->setGeometry((width() - side) / 2, y, side, side);
    y += tool_height;
  }
}

void NavigationRail::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Down ? 1 : event->key() == Qt::Key_Up ? -1 : 0;
  const auto focused = std::find_if(entries_.begin(), entries_.end(), [](const RailEntry* e) { return e->hasFocus(); });
  if (step == 0 || focused == entries_.end()) return QWidget::keyPressEvent(event);
  const auto target = (focused - entries_.begin()) + step;
  if (target >= 0 && target < std::ssize(entries_)) entries_[static_cast<size_t>(target)]->setFocus(Qt::TabFocusReason);
}

void NavigationRail::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.fillRect(rect(), t.surface);
  painter.fillRect(QRect(width() - 1, 0, 1, height()), t.hairline);

  painter.setRenderHint(QPainter::Antialiasing);
  QLinearGradient gradient(logo_.topLeft(), logo_.bottomRight());
  const Theme bright = Theme::make(ThemeKind::dark);  // the logo looks the same in both themes
  gradient.setColorAt(0, bright.symbol(Symbol::h));
  gradient.setColorAt(1, bright.symbol(Symbol::A));
  painter.setPen(Qt::NoPen);
  painter.setBrush(gradient);
  painter.drawRoundedRect(logo_, scaled(9), scaled(9));
  QFont letter = statescope::font(TextRole::math);
  letter.setItalic(true);
  letter.setBold(true);
  letter.setPixelSize(scaled(23));
  painter.setFont(letter);
  painter.setPen(bright.background);
  const QString h = QStringLiteral("h");
  const QRectF ink = QFontMetricsF(letter).tightBoundingRect(h);
  painter.drawText(QRectF(logo_).center() - ink.center(), h);
}

}  // namespace statescope
