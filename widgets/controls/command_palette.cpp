// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/command_palette.h"

#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <algorithm>

#include "paint.h"
#include "widgets/fuzzy.h"

namespace statescope {
namespace {

enum Role { category_role = Qt::UserRole, shortcut_role, positions_role };

constexpr int row_height = 36, shown_rows = 9;

/// One command: category, name with the matched letters in the accent colour, shortcut as a key cap.
class CommandDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override { return {100, scaled(row_height)}; }

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const Theme& t = theme();
    painter->save();
    const QRectF row(option.rect);
    const bool selected = (option.state & QStyle::State_Selected) != 0;
    const bool enabled = (index.flags() & Qt::ItemIsEnabled) != 0;
    if (selected) fill_rounded(*painter, row, scaled(6), mix(t.raised, t.text, 0.09));
    double right = row.right() - scaled(12);

    painter->setFont(font(TextRole::caption));
    const QString shortcut = index.data(shortcut_role).toString();
    if (!shortcut.isEmpty()) {
      const double width = painter->fontMetrics().horizontalAdvance(shortcut) + scaled(14);
      const double height = painter->fontMetrics().height() + scaled(4);
      const QRectF cap(right - width, row.center().y() - height / 2, width, height);
      stroke_rounded(*painter, cap, scaled(5), mix(t.hairline, t.muted, 0.35));
      painter->setPen(t.muted);
      painter->drawText(cap, Qt::AlignCenter, shortcut);
      right = cap.left() - scaled(12);
    }
    double x = row.left() + scaled(12);
    const double category_width = scaled(96);
    painter->setPen(t.muted);
    const QString category = index.data(category_role).toString();
    painter->drawText(QRectF(x, row.top(), category_width, row.height()), Qt::AlignVCenter | Qt::AlignLeft,
                      painter->fontMetrics().elidedText(category, Qt::ElideRight, int(category_width)));
    x += category_width + scaled(8);
    draw_name(*painter, QRectF(x, row.top(), right - x, row.height()), index, enabled);
    painter->restore();
  }

 private:
  static void draw_name(QPainter& painter, const QRectF& box, const QModelIndex& index, bool enabled) {
    const Theme& t = theme();
    const QString name = index.data(Qt::DisplayRole).toString();
    const QList<QVariant> positions = index.data(positions_role).toList();
    const QFontMetricsF plain(font(TextRole::body)), bold(font(TextRole::strong));
    double x = box.left();
    for (int i = 0; i < name.size(); ++i) {
      const bool matched = positions.contains(QVariant(i));
      const QFontMetricsF& metrics = matched ? bold : plain;
      const double room = box.right() - x;
      const bool cut = metrics.horizontalAdvance(name[i]) > room - scaled(10) && i + 1 < name.size();
      const QString shown = cut ? QStringLiteral("…") : QString(name[i]);
      painter.setFont(font(matched ? TextRole::strong : TextRole::body));
      painter.setPen(!enabled ? mix(t.muted, t.background, 0.35) : matched ? t.accent : t.text);
      painter.drawText(QPointF(x, box.center().y() + (metrics.ascent() - metrics.descent()) / 2), shown);
      if (cut) return;
      x += metrics.horizontalAdvance(shown);
    }
  }
};

}  // namespace

std::vector<PaletteHit> find_commands(const QString& query, const QStringList& names, const QStringList& categories) {
  struct Scored {
    PaletteHit hit;
    int score;
  };
  std::vector<Scored> found;
  for (int i = 0; i < names.size(); ++i) {
    constexpr int category_cost = 6;  // a match in the name alone is what the user meant
    auto in_name = fuzzy_match(query, names[i]);
    const QString prefix = categories.value(i) + u' ';
    auto in_both = fuzzy_match(query, QString(prefix + names[i]));
    if (in_name && (!in_both || in_name->score >= in_both->score - category_cost)) {
      found.push_back({{i, std::move(in_name->positions)}, in_name->score});
    } else if (in_both) {
      std::vector<int> positions;
      for (const int p : in_both->positions) {
        if (p >= prefix.size()) positions.push_back(p - static_cast<int>(prefix.size()));
      }
      found.push_back({{i, std::move(positions)}, in_both->score - category_cost});
    }
  }
  // Among equals the shorter name is the closer match; an empty query keeps the given order.
  const bool by_length = !query.trimmed().isEmpty();
  std::stable_sort(found.begin(), found.end(), [&](const Scored& a, const Scored& b) {
    if (a.score != b.score) return a.score > b.score;
    return by_length && names[a.hit.command].size() < names[b.hit.command].size();
  });
  std::vector<PaletteHit> hits;
  for (Scored& scored : found) hits.push_back(std::move(scored.hit));
  return hits;
}

CommandPalette::CommandPalette(QWidget* window)
    : QWidget(window), query_(new QLineEdit(this)), list_(new QListView(this)), model_(new QStandardItemModel(this)) {
  setObjectName(QStringLiteral("command_palette"));
  setAccessibleName(tr("Command palette"));
  query_->setObjectName(QStringLiteral("palette_query"));
  query_->setPlaceholderText(tr("Find an action…"));
  query_->setAccessibleName(tr("Find an action"));
  query_->setMaxLength(200);
  query_->installEventFilter(this);
  list_->setObjectName(QStringLiteral("palette_list"));
  list_->setAccessibleName(tr("Matching actions"));
  list_->setModel(model_);
  list_->setItemDelegate(new CommandDelegate(list_));
  list_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  list_->setFocusPolicy(Qt::NoFocus);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setStyleSheet(QStringLiteral("QListView { background: transparent; border: none; }"));
  list_->setUniformItemSizes(true);
  list_->setMouseTracking(true);
  connect(query_, &QLineEdit::textChanged, this, &CommandPalette::filter);
  connect(list_, &QListView::clicked, this, [this](const QModelIndex& index) { run(index.row()); });
  connect(list_, &QListView::entered, list_, &QListView::setCurrentIndex);
  window->installEventFilter(this);
  follow_theme(this, &CommandPalette::relayout);
  hide();
}

void CommandPalette::set_commands(std::vector<PaletteCommand> commands) {
  commands_ = std::move(commands);
  if (isVisible()) filter();
}

void CommandPalette::open() {
  if (!isVisible()) focus_before_ = window()->focusWidget();
  query_->clear();
  filter();
  raise();
  show();
  query_->setFocus(Qt::PopupFocusReason);
}

void CommandPalette::dismiss() {
  if (!isVisible()) return;
  hide();
  if (focus_before_) focus_before_->setFocus(Qt::PopupFocusReason);
}

void CommandPalette::filter() {
  QStringList names, categories;
  std::vector<int> present;
  for (int i = 0; i < std::ssize(commands_); ++i) {
    const PaletteCommand& command = commands_[static_cast<size_t>(i)];
    if (!command.action || !command.action->isVisible()) continue;
    // "&Open…" is "Open…"; "&&" stands for one ampersand.
    QString name = command.action->text();
    name.replace(QStringLiteral("&&"), QStringLiteral("\x01")).remove(u'&').replace(QChar(1), u'&');
    names << name;
    categories << command.category;
    present.push_back(i);
  }
  rows_.clear();
  model_->clear();
  auto hits = find_commands(query_->text(), names, categories);
  const auto enabled = [&](const PaletteHit& hit) {
    return commands_[static_cast<size_t>(present[static_cast<size_t>(hit.command)])].action->isEnabled();
  };
  std::stable_partition(hits.begin(), hits.end(), enabled);  // what cannot be done now comes last
  for (const PaletteHit& hit : hits) {
    const int command = present[static_cast<size_t>(hit.command)];
    const QAction& action = *commands_[static_cast<size_t>(command)].action;
    auto* item = new QStandardItem(names[hit.command]);
    item->setData(categories[hit.command], category_role);
    item->setData(action.shortcut().toString(QKeySequence::NativeText), shortcut_role);
    item->setData(QList<QVariant>(hit.positions.begin(), hit.positions.end()), positions_role);
    item->setToolTip(action.toolTip());
    item->setEnabled(action.isEnabled());
    model_->appendRow(item);
    rows_.push_back(command);
  }
  list_->setCurrentIndex({});
  move_selection(1);
  relayout();
}

void CommandPalette::relayout() {
  if (parentWidget() == nullptr) return;
  setGeometry(parentWidget()->rect());
  const int margin = scaled(8), line = query_->sizeHint().height() + scaled(4);
  const int panel_width = std::min(scaled(580), width() - 2 * scaled(16));
  const int top = std::min(scaled(72), height() / 10);
  const int fitting = (height() - top - line - 4 * margin) / scaled(row_height);
  const int rows = std::clamp(static_cast<int>(rows_.size()), 1, std::clamp(fitting, 1, shown_rows));
  const int list_height = rows * scaled(row_height) + 2;
  panel_ = QRect((width() - panel_width) / 2, top, panel_width, line + list_height + 3 * margin);
  query_->setFont(statescope::font(TextRole::body));
  query_->setGeometry(panel_.left() + margin, panel_.top() + margin, panel_width - 2 * margin, line);
  list_->setGeometry(panel_.left() + margin, query_->geometry().bottom() + margin, panel_width - 2 * margin,
                     list_height);
  list_->setVisible(!rows_.empty());
  update();
}

void CommandPalette::move_selection(int rows) {
  const int count = model_->rowCount();
  int row = list_->currentIndex().isValid() ? list_->currentIndex().row() : -1;
  const int step = rows > 0 ? 1 : -1;
  // Disabled rows are passed over; the ends hold.
  for (int left = std::abs(rows), next = row + step; next >= 0 && next < count && left > 0; next += step) {
    if (!model_->item(next)->isEnabled()) continue;
    row = next;
    --left;
  }
  if (row >= 0) list_->setCurrentIndex(model_->index(row, 0));
}

void CommandPalette::run(int row) {
  if (row < 0 || row >= std::ssize(rows_)) return;
  const QPointer<QAction> action = commands_[static_cast<size_t>(rows_[static_cast<size_t>(row)])].action;
  if (!action || !action->isEnabled()) return;
  dismiss();  // first, so that the action finds the focus where the user left it
  action->trigger();
}

bool CommandPalette::handle_key(int key) {
  switch (key) {
    case Qt::Key_Escape:
      dismiss();
      return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      run(list_->currentIndex().row());
      return true;
    case Qt::Key_Down:
      move_selection(1);
      return true;
    case Qt::Key_Up:
      move_selection(-1);
      return true;
    case Qt::Key_PageDown:
      move_selection(shown_rows - 1);
      return true;
    case Qt::Key_PageUp:
      move_selection(1 - shown_rows);
      return true;
    case Qt::Key_Tab:
    case Qt::Key_Backtab:
      return true;  // there is nowhere else to go while it is open
    default:
      return false;
  }
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched == parentWidget() && event->type() == QEvent::Resize && isVisible()) relayout();
  if (watched == query_) {
    if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
      event->accept();  // Esc belongs to the palette while it is open, whatever else the window binds to it
      return true;
    }
    if (event->type() == QEvent::KeyPress && handle_key(static_cast<QKeyEvent*>(event)->key())) return true;
  }
  return QWidget::eventFilter(watched, event);
}

void CommandPalette::mousePressEvent(QMouseEvent* event) {
  if (!panel_.contains(event->position().toPoint())) dismiss();
}

void CommandPalette::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.fillRect(rect(), with_alpha(t.dark() ? QColor(0, 0, 0) : t.text, t.dark() ? 0.5 : 0.22));
  const QRectF panel(panel_);
  // A soft shadow: ever smaller layers, each nearly transparent.
  for (int i = 14; i > 0; --i) {
    fill_rounded(painter, panel.adjusted(-i, 4 - i, i, i + 4), scaled(12) + i, QColor(0, 0, 0, 4));
  }
  fill_rounded(painter, panel, scaled(12), t.dark() ? t.raised : t.surface);
  stroke_rounded(painter, panel, scaled(12), t.hairline);
  if (rows_.empty()) {
    painter.setPen(t.muted);
    painter.setFont(statescope::font(TextRole::body));
    const QRectF box(panel.left() + scaled(20), query_->geometry().bottom() + scaled(8), panel.width() - 2 * scaled(20),
                     scaled(row_height));
    const QString sentence =
        commands_.empty() ? tr("There are no actions here yet.") : tr("No action matches “%1”.").arg(query_->text());
    painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(sentence, Qt::ElideRight, int(box.width())));
  }
}

}  // namespace statescope
