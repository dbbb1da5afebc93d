// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/number_table.h"

#include <QFontMetrics>
#include <QPaintEvent>
#include <QPainter>
#include <utility>

#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr double first_share = 0.4;  // of the width

int line_height() {
  return QFontMetrics(font(TextRole::caption)).height() + scaled(4);
}

}  // namespace

NumberTable::NumberTable(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

void NumberTable::set_rows(const QStringList& names, std::vector<Row> rows) {
  if (names == names_ && rows == rows_) return;
  const bool other_height = rows.size() != rows_.size();
  names_ = names;
  rows_ = std::move(rows);
  QString spoken;
  for (const Row& row : rows_) spoken += row.cells.join(QStringLiteral(", ")) + QLatin1Char('\n');
  setAccessibleDescription(spoken);
  if (other_height) updateGeometry();
  update();
}

QSize NumberTable::sizeHint() const {
  return {scaled(240), line_height() * static_cast<int>(rows_.size() + (names_.empty() ? 0 : 1))};
}

QSize NumberTable::minimumSizeHint() const {
  return {scaled(80), sizeHint().height()};
}

void NumberTable::paintEvent(QPaintEvent* event) {
  QPainter painter(this);
  painter.setFont(statescope::font(TextRole::caption));
  const int line = line_height();
  const double first = first_share * width();
  const auto draw = [&](int index, const QStringList& cells, const QColor& left, const QColor& right) {
    const QRectF row(0, index * line, width(), line);
    if (!event->rect().intersects(row.toAlignedRect())) return;
    const auto others = static_cast<double>(cells.size() - 1);
    for (qsizetype i = 0; i < cells.size(); ++i) {
      const double end = i == 0 ? first : first + (width() - first) * static_cast<double>(i) / others;
      painter.setPen(i == 0 ? left : right);
      painter.drawText(QRectF(i == 0 ? 0 : end - width(), row.top(), i == 0 ? first : width(), line),
                       Qt::AlignVCenter | Qt::TextSingleLine | (i == 0 ? Qt::AlignLeft : Qt::AlignRight), cells[i]);
    }
  };
  const Theme& t = theme();
  int index = 0;
  if (!names_.empty()) draw(index++, names_, t.muted, t.muted);
  for (const Row& row : rows_) draw(index++, row.cells, row.color.isValid() ? row.color : t.text, t.text);
}

}  // namespace statescope
