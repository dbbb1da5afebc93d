// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/sequence_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "plot_paint.h"
#include "widgets/colormap.h"
#include "widgets/format.h"

namespace statescope {
namespace {

// Narrower cells are colours only.
double narrowest_text() {
  return scaled(7);
}

QString look_name(SequenceCell::Look look) {
  constexpr const char* names[] = {"", "", "right", "wrong"};
  return QLatin1String(names[static_cast<int>(look)]);
}

}  // namespace

SequenceView::SequenceView(QWidget* parent) : View(parent) {}

void SequenceView::set_data(std::shared_ptr<const SequenceData> data) {
  data_ = std::move(data);
  if (hover_ && *hover_ >= count()) hover_.reset();
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + data_->subtitle);
  update();
}

void SequenceView::set_cursor(qint64 cell) {
  if (cell == cursor_) return;
  cursor_ = cell;
  update();
}

QRectF SequenceView::body(const QRectF& area) const {
  return data_ ? area.adjusted(0, header_height(area.width(), data_->title, data_->subtitle), 0, 0) : area;
}

QRectF SequenceView::cell_in(const QRectF& body, qint64 cell) const {
  const double width = body.width() / static_cast<double>(count());
  return {body.left() + static_cast<double>(cell) * width, body.top(), width, body.height()};
}

QRectF SequenceView::cell_rect(qint64 cell) const {
  return count() > 0 ? cell_in(body(rect()), cell) : QRectF();
}

std::optional<qint64> SequenceView::cell_at(const QPointF& point) const {
  const QRectF cells = body(rect());
  if (count() == 0 || !cells.contains(point)) return std::nullopt;
  const double share = (point.x() - cells.left()) / cells.width();
  return std::clamp<qint64>(static_cast<qint64>(share * static_cast<double>(count())), 0, count() - 1);
}

void SequenceView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (count() == 0) return draw_message(painter, area);
  draw_header(painter, area, data_->title, data_->subtitle);
  const QRectF cells = body(area);
  for (qint64 i = 0; i < count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    draw_cell(painter, cell_in(cells, i), data_->cells[at], data_->shares.empty() ? 0 : data_->shares[at]);
  }
  if (cursor_ >= 0 && cursor_ < count()) {
    QRectF box = cell_in(cells, cursor_);
    if (box.width() < 5) box.adjust((box.width() - 5) / 2, 0, (5 - box.width()) / 2, 0);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(theme().text, 1.5));
    painter.drawRoundedRect(box.adjusted(0, 1, 0, -1), 2, 2);
  }
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, cells);
  if (hover_)
    draw_readout(painter, area, cell_in(cells, *hover_).center(),
                 data_->cells[static_cast<std::size_t>(*hover_)].readout);
}

void SequenceView::draw_cell(QPainter& painter, const QRectF& box, const SequenceCell& cell, double share) const {
  using Look = SequenceCell::Look;
  const bool wide = box.width() >= narrowest_text();
  const double gap = box.width() > scaled(6) ? 0.5 : 0;
  const QRectF tile = box.adjusted(gap, 0, -gap, 0);
  QColor fill = theme().raised;
  if (share > 0) fill = mix(fill, theme().symbol(data_->symbol), std::clamp(share, 0.0, 1.0));
  if (!wide && share <= 0 && cell.look == Look::plain) fill = mix(fill, theme().text, 0.5);
  painter.setPen(Qt::NoPen);
  painter.setBrush(fill);
  painter.drawRect(tile);
  if (cell.look == Look::wrong) {
    // A frame and a stroke across: seen without colours too. Where there is a letter the stroke lies pale behind it.
    painter.setPen(QPen(wide ? mix(fill, theme().danger, 0.5) : theme().danger, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawLine(tile.bottomLeft() + QPointF(1, -1), tile.topRight() + QPointF(-1, 1));
    painter.setPen(QPen(theme().danger, wide ? 1.5 : 1));
    painter.drawRect(tile.adjusted(1, 1, -1, -1));
  } else if (cell.look == Look::right) {
    painter.fillRect(QRectF(tile.left(), tile.bottom() - 2, tile.width(), 2), theme().muted);
  }
  if (!wide) return;
  QFont text_font = font(cell.look == Look::quiet ? TextRole::caption : TextRole::numbers);
  text_font.setPixelSize(std::min(text_font.pixelSize(), static_cast<int>(box.width() * 1.4)));
  painter.setFont(text_font);
  const bool on_dark = contrast_ratio(theme().text, fill) >= contrast_ratio(theme().background, fill);
  QColor pen = on_dark ? theme().text : theme().background;
  if (cell.look == Look::quiet) pen = mix(fill, pen, 0.6);
  painter.setPen(pen);
  painter.drawText(tile, Qt::AlignCenter | Qt::TextDontClip, cell.text);
}

void SequenceView::request_edit(qint64 cell) {
  if (editable_) Q_EMIT edit_requested(cell, mapToGlobal(cell_rect(cell).bottomLeft().toPoint()));
}

void SequenceView::mousePressEvent(QMouseEvent* event) {
  const auto cell = event->button() == Qt::LeftButton ? cell_at(event->position()) : std::nullopt;
  if (!cell) return View::mousePressEvent(event);
  if (*cell == cursor_)
    request_edit(*cell);
  else
    Q_EMIT cell_clicked(*cell);
}

void SequenceView::mouseMoveEvent(QMouseEvent* event) {
  const auto cell = cell_at(event->position());
  if (cell == hover_) return;
  hover_ = cell;
  setCursor(cell && editable_ ? Qt::PointingHandCursor : Qt::ArrowCursor);
  update();
}

void SequenceView::leaveEvent(QEvent* event) {
  hover_.reset();
  update();
  View::leaveEvent(event);
}

void SequenceView::keyPressEvent(QKeyEvent* event) {
  const bool move = event->key() == Qt::Key_Left || event->key() == Qt::Key_Right;
  const QString text = event->text();
  const bool plain = !(event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier));
  if (move && plain && count() > 0) {
    const qint64 cell = std::clamp<qint64>(cursor_ + (event->key() == Qt::Key_Left ? -1 : 1), 0, count() - 1);
    if (cell != cursor_) Q_EMIT cell_clicked(cell);
  } else if (editable_ && cursor_ >= 0 && (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)) {
    request_edit(cursor_);
  } else if (editable_ && plain && cursor_ >= 0 && text.size() == 1 && text[0].isPrint() && !text[0].isSpace()) {
    Q_EMIT typed(cursor_, text);
  } else {
    View::keyPressEvent(event);
  }
}

QString SequenceView::csv() const {
  if (!data_) return {};
  QString text = QStringLiteral("token,text,answer");
  if (!data_->shares.empty()) text += QLatin1Char(',') + csv_field(data_->shares_name);
  text += QLatin1Char('\n');
  for (std::size_t i = 0; i < data_->cells.size(); ++i) {
    const SequenceCell& cell = data_->cells[i];
    text += QString::number(i) + QLatin1Char(',') + csv_field(cell.text) + QLatin1Char(',') + look_name(cell.look);
    if (!data_->shares.empty()) text += QLatin1Char(',') + csv_number(data_->shares[i]);
    text += QLatin1Char('\n');
  }
  return text;
}

QSize SequenceView::sizeHint() const {
  return {scaled(440), scaled(52)};
}
QSize SequenceView::minimumSizeHint() const {
  return {scaled(140), scaled(24)};
}

}  // namespace statescope
