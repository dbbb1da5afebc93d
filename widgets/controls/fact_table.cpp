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

}  // namespace

FactTable::FactTable(QWidget* parent) : QWidget(parent) {
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  measure();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    const int line = line_;
    measure();
    if (line_ != line) updateGeometry();
    update();
  });
}

// Layouts ask for heights many times; texts are measured once.
void FactTable::measure() {
  const QFontMetrics body(statescope::font(TextRole::body)), strong(statescope::font(TextRole::strong));
  line_ = body.height();
  needed_.clear();
  for (const Row& row : rows_) {
    const QFontMetrics& metrics = row.chosen ? strong : body;
    const int marked = row.mark.isValid() ? scaled(mark_size + mark_gap) : 0;
    needed_.push_back(marked + metrics.horizontalAdvance(row.name) + scaled(column_gap) +
                      metrics.horizontalAdvance(row.value));
  }
}

void FactTable::set_rows(std::vector<Row> rows) {
  if (rows == rows_) return;
  const int before = heightForWidth(width());
  rows_ = std::move(rows);
  measure();
  QString spoken;
  for (const Row& row : rows_) spoken += QStringLiteral("%1: %2\n").arg(row.name, row.value);
  setAccessibleDescription(spoken);
  if (heightForWidth(width()) != before) updateGeometry();
  update();
}

QSize FactTable::sizeHint() const {
  return {scaled(240), heightForWidth(scaled(240))};
}

QSize FactTable::minimumSizeHint() const {
  return {scaled(80), line_};
}

int FactTable::heightForWidth(int width) const {
  int height = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) height += line_ * (fits(i, width) ? 1 : 2) + scaled(row_gap);
  return height;
}

void FactTable::paintEvent(QPaintEvent*) {
  const Theme& t = theme();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const int line = line_;
  QRect place(0, scaled(row_gap) / 2, width(), line);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const bool one_line = fits(i, width());
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
