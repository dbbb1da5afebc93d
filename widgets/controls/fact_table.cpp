// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/fact_table.h"

#include <QFontMetrics>
#include <QPainter>
#include <utility>

#include "widgets/theme.h"

namespace statescope {
namespace {

// At 100 % text size.
constexpr int mark_size = 9, mark_gap = 8, column_gap = 12, row_gap = 4;

int line_height() {
  return QFontMetrics(font(TextRole::body)).height();
}

}  // namespace

FactTable::FactTable(QWidget* parent) : QWidget(parent) {
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

void FactTable::set_rows(std::vector<Row> rows) {
  if (rows == rows_) return;
  const int before = heightForWidth(width());
  rows_ = std::move(rows);
  QString spoken;
  for (const Row& row : rows_) spoken += QStringLiteral("%1: %2\n").arg(row.name, row.value);
  setAccessibleDescription(spoken);
  if (heightForWidth(width()) != before) updateGeometry();
  update();
}

bool FactTable::fits(const Row& row, int width) const {
  const QFontMetrics metrics(statescope::font(row.chosen ? TextRole::strong : TextRole::body));
  const int marked = row.mark.isValid() ? scaled(mark_size + mark_gap) : 0;
  return marked + metrics.horizontalAdvance(row.name) + scaled(column_gap) + metrics.horizontalAdvance(row.value) <=
         width;
}

QSize FactTable::sizeHint() const {
  return {scaled(240), heightForWidth(scaled(240))};
}

QSize FactTable::minimumSizeHint() const {
  return {scaled(80), line_height()};
}

int FactTable::heightForWidth(int width) const {
  int height = 0;
  for (const Row& row : rows_) height += line_height() * (fits(row, width) ? 1 : 2) + scaled(row_gap);
  return height;
}

void FactTable::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const int line = line_height();
  QRect place(0, scaled(row_gap) / 2, width(), line);
  for (const Row& row : rows_) {
    const bool one_line = fits(row, width());
    QRect name = place;
    if (row.mark.isValid()) {
      painter.setPen(Qt::NoPen);
      painter.setBrush(row.mark);
      const int size = scaled(mark_size);
      painter.drawRoundedRect(place.left(), place.center().y() - size / 2, size, size, scaled(2), scaled(2));
      name.setLeft(place.left() + size + scaled(mark_gap));
    }
    painter.setFont(statescope::font(row.chosen ? TextRole::strong : TextRole::body));
    painter.setPen(row.mark.isValid() ? t.text : t.muted);
    painter.drawText(name, Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(row.name, Qt::ElideRight, name.width()));
    if (!one_line) place.translate(0, line);
    painter.setPen(t.text);
    painter.drawText(place, Qt::AlignRight | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(row.value, Qt::ElideRight, place.width()));
    place.translate(0, line + scaled(row_gap));
  }
}

}  // namespace statescope
