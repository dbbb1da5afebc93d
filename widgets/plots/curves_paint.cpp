// SPDX-License-Identifier: GPL-3.0-or-later
// What stands around and over the curves: band, legend, ticks, cursor, read-out.
#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "curves_words.h"
#include "decimate.h"
#include "plot_paint.h"
#include "widgets/curves_view.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {

static constexpr double strongest = 0.22;  // of the shades of a band

QString subtitle_of(const CurvesData& data) {
  const auto axis = [](const QString& name, const QString& unit, const QString& arrow) {
    if (name.isEmpty()) return QString();
    return name + (unit.isEmpty() ? QString() : QStringLiteral(" (%1)").arg(unit)) + arrow;
  };
  QStringList parts = {axis(data.y_axis, data.y_unit, QStringLiteral(" ↑")),
                       axis(data.x_axis, data.x_unit, QStringLiteral(" →")), data.subtitle};
  parts.removeAll(QString());
  return parts.join(QStringLiteral(" · "));
}

void CurvesView::draw_band(QPainter& painter, const QRectF& body) const {
  const WeightBand& band = *data_->band;
  double heaviest = 0;
  band.weights.visit([&heaviest](const auto& weights) {
    for (const auto weight : weights) {
      if (std::isfinite(weight)) heaviest = std::max<double>(heaviest, weight);
    }
  });
  if (!(heaviest > 0)) return;

  // Columns of one shade are one rectangle: a vector picture stays small and a window keeps its sharp edge.
  constexpr int shades = 48;
  const int columns = std::max(1, static_cast<int>(body.width() - 2 * side_padding()));
  const auto starts = column_starts(
      data_->points(), [this](qint64 point) { return data_->x_at(point); }, first_, last_, columns);
  const auto shade_of = [&](int column) {
    // Where points lie wider apart than pixels, a column shows the point before it.
    const auto place = static_cast<std::size_t>(column);
    const qint64 first = starts[place + 1] > starts[place] ? starts[place] : std::max<qint64>(0, starts[place] - 1);
    double sum = 0;
    qint64 count = 0;
    for (qint64 i = first; i < std::max(first + 1, starts[place + 1]) && i < data_->points(); ++i, ++count) {
      if (std::isfinite(band.weights[i])) sum += band.weights[i];
    }
    return count > 0 ? static_cast<int>(std::lround(shades * sum / (static_cast<double>(count) * heaviest))) : 0;
  };
  const double left = body.left() + side_padding();
  int begin = 0, shade = shade_of(0);
  for (int column = 1; column <= columns; ++column) {
    const int next = column < columns ? shade_of(column) : -1;
    if (next == shade) continue;
    if (shade > 0) {
      QColor color = theme().symbol(band.symbol);
      color.setAlphaF(static_cast<float>(strongest * shade / shades));
      painter.fillRect(QRectF(left + begin, body.top(), column - begin, body.height()), color);
    }
    begin = column;
    shade = next;
  }
}

// Behind the title, with a patch of its shade: inside, curves would run under it as the band moves.
void CurvesView::draw_band_name(QPainter& painter, const QRectF& area) const {
  const WeightBand& band = *data_->band;
  const QFont title_font = font(TextRole::strong), name_font = font(TextRole::caption);
  const double line = std::ceil(QFontMetricsF(title_font).height()), patch = scaled(10);
  const double width = patch + scaled(5) + std::ceil(TextMetrics(name_font).horizontalAdvance(band.name));
  const double left = area.left() + text_width(data_->title, title_font) + scaled(12);
  const QString subtitle = subtitle_of(*data_);
  const bool shared = header_height(area.width(), data_->title, subtitle) < 2 * line;  // with the subtitle
  const double right = area.right() - (shared ? TextMetrics(name_font).horizontalAdvance(subtitle) + scaled(12) : 0.0);
  if (left + width > right) return;
  QColor shade = theme().symbol(band.symbol);
  shade.setAlphaF(static_cast<float>(strongest));
  painter.fillRect(QRectF(left, area.top() + (line - patch) / 2, patch, patch), shade);
  painter.setFont(name_font);
  painter.setPen(theme().symbol(band.symbol));
  painter.drawText(QRectF(left, area.top(), width, line), Qt::AlignRight | Qt::AlignVCenter | Qt::TextDontClip,
                   band.name);
}

void CurvesView::draw_legend(QPainter& painter, const QRectF& area, const QRectF& body) const {
  const TextMetrics metrics(font(TextRole::caption));
  double line = scaled(14), gap = scaled(6), apart = scaled(16);
  const double height = caption_height();
  const QRectF row(body.left(), body.top() - height - scaled(6), area.right() - body.left(), height);
  const auto count = static_cast<int>(data_->curves.size());
  const auto name_of = [this](int i) { return data_->curves[static_cast<std::size_t>(i)].name; };
  std::vector<double> widths;
  for (int i = 0; i < count; ++i) widths.push_back(std::ceil(metrics.horizontalAdvance(name_of(i))) + 1);
  const double needed = std::accumulate(widths.begin(), widths.end(), 0.0);
  const auto rest = [&] { return row.width() - count * (line + gap) - (count - 1) * apart; };
  if (needed > rest()) {
    if (data_->family) return draw_family(painter, row);
    line = scaled(9);  // lines and gaps give way before names do
    gap = scaled(4);
    apart = scaled(9);
  }
  const double room = rest();
  // Where there is too little room the longest names give some of theirs, down to one width for all of those.
  std::vector<double> by_width = widths;
  std::sort(by_width.begin(), by_width.end());
  double left = std::max(0.0, room), widest = by_width.empty() ? 0 : by_width.back();
  for (std::size_t i = 0; i < by_width.size(); left -= by_width[i++]) {
    const double share = left / static_cast<double>(by_width.size() - i);
    if (by_width[i] <= share) continue;
    widest = share;
    break;
  }
  painter.setFont(font(TextRole::caption));
  double x = row.left();
  for (int i = 0; i < count; ++i) {
    const double width = std::min(widths[static_cast<std::size_t>(i)], widest);
    painter.setPen(QPen(color_of(i), i == highlighted_ ? 3 : 2));
    painter.drawLine(QPointF(x, row.center().y()), QPointF(x + line, row.center().y()));
    painter.setPen(i == highlighted_ ? theme().text : theme().muted);
    draw_elided(painter, {x + line + gap, row.top(), width, height}, Qt::AlignLeft, name_of(i));
    x += line + gap + width + apart;
  }
}

// Of many curves the ends of their row of colours are named, and the chosen one.
void CurvesView::draw_family(QPainter& painter, const QRectF& row) const {
  const TextMetrics metrics(font(TextRole::caption));
  const auto count = static_cast<int>(data_->curves.size());
  double x = row.left();
  painter.setFont(font(TextRole::caption));
  const auto write = [&](int i, const QColor& color) {
    const QString& name = data_->curves[static_cast<std::size_t>(i)].name;
    painter.setPen(color);
    painter.drawText(QRectF(x, row.top(), row.right() - x, row.height()), Qt::AlignLeft | Qt::AlignVCenter, name);
    x += metrics.horizontalAdvance(name) + scaled(6);
  };
  write(0, theme().muted);
  const double width = std::clamp(0.4 * row.width() / count, 2.0, static_cast<double>(scaled(14)));
  for (int i = 0; i < count; ++i, x += width) {
    const double half = i == highlighted_ ? 4 : 1.5;
    painter.fillRect(QRectF(x, row.center().y() - half, width - 1, 2 * half), color_of(i));
  }
  x += scaled(6);
  write(count - 1, theme().muted);
  if (highlighted_ < 0 || highlighted_ >= count) return;
  x += scaled(10);
  write(highlighted_, theme().text);
}

void CurvesView::draw_ticks(QPainter& painter, const QRectF& body) const {
  const TextMetrics metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().muted);
  const double height = caption_height();
  for (const double tick : level_ticks(body.height())) {
    const double y = body.bottom() - (tick - min_) / (max_ - min_) * body.height();
    const QString label = tick_text(tick);
    painter.drawText(QPointF(body.left() - scaled(8) - metrics.horizontalAdvance(label),
                             y + (metrics.ascent() - metrics.descent()) / 2),
                     label);
  }
  const auto draw_label = [&](double x, const QString& text, bool at_cursor) {
    if (x < body.left() - 1 || x > body.right() + 1) return;
    const double width = metrics.horizontalAdvance(text);
    const double left = std::clamp(x - width / 2, body.left() - scaled(8), std::max(body.left(), body.right() - width));
    painter.setPen(at_cursor ? theme().text : theme().muted);
    painter.drawText(QPointF(left, body.bottom() + scaled(6) + height - metrics.descent()), text);
  };
  if (!data_->x_label) {
    for (const double tick : round_ticks(first_, last_, std::max(2, static_cast<int>(body.width() / scaled(72))))) {
      draw_label(x_of(body, tick), format_tick(tick, 5), false);
    }
    return;
  }
  const double scale = (body.width() - 2 * side_padding()) / (last_ - first_);
  const qint64 count = data_->points();
  const double spacing = count > 1 ? (data_->x_at(count - 1) - data_->x_at(0)) / static_cast<double>(count - 1) : 1.0;
  const double longest = scaled(72);
  const auto visible = [&](qint64 point) { return data_->x_at(point) >= first_ && data_->x_at(point) <= last_; };
  const qint64 step = tick_step(spacing * scale, [&](qint64 candidate) {
    double widest = scaled(12);
    if (static_cast<double>(candidate) * spacing * scale < widest) return widest;
    for (qint64 point = 0; point < count; point += candidate) {
      if (visible(point)) widest = std::max(widest, metrics.horizontalAdvance(data_->x_label(point)));
    }
    return std::min(widest, longest) + scaled(6);
  });
  for (qint64 point = 0; point < count; point += step) {
    if (!visible(point)) continue;
    draw_label(place_in(body, -1, point).x(), metrics.elidedText(data_->x_label(point), Qt::ElideRight, longest),
               point == cursor_);
  }
}

void CurvesView::draw_cursor(QPainter& painter, const QRectF& body) const {
  if (cursor_ < 0 || cursor_ >= data_->points()) return;
  QPointF place = place_in(body, highlighted_, cursor_);
  if (phase_ > 0 && cursor_ + 1 < data_->points()) {
    place += phase_ * (place_in(body, highlighted_, cursor_ + 1) - place);
  }
  if (data_->faint_future && place.x() < body.right()) {
    QColor wash = theme().background;
    wash.setAlphaF(0.7F);
    painter.fillRect(QRectF(QPointF(std::max(place.x(), body.left()), body.top()), body.bottomRight()), wash);
  }
  if (place.x() < body.left() || place.x() > body.right()) return;
  QPen pen(theme().text, 1.25, Qt::CustomDashLine);
  pen.setDashPattern({2.5, 2.5});
  painter.setPen(pen);
  painter.drawLine(QPointF(place.x(), body.top()), QPointF(place.x(), body.bottom()));
  const TextMetrics metrics(font(TextRole::caption));
  const double label_width = metrics.horizontalAdvance(data_->cursor_label);
  if (!data_->cursor_label.isEmpty() && label_width + scaled(16) < body.width()) {
    const bool fits_right = place.x() + scaled(6) + label_width <= body.right();
    painter.setFont(font(TextRole::caption));
    painter.setPen(theme().text);
    painter.drawText(QPointF(fits_right ? place.x() + scaled(6) : place.x() - scaled(6) - label_width,
                             body.top() + metrics.ascent()),
                     data_->cursor_label);
  }
  if (!std::isfinite(place.y())) return;
  painter.setPen(QPen(theme().background, 2));
  painter.setBrush(color_of(highlighted_));
  painter.drawEllipse(place, 4.5, 4.5);
}

void CurvesView::draw_hover(QPainter& painter, const QRectF& area, const QRectF& body) const {
  const auto [curve, point] = *hover_;
  const QPointF place = place_in(body, curve, point);
  if (!std::isfinite(place.y())) return;
  const QColor color = color_of(curve);
  // The neighbourhood is enough to see which curve is meant, however long it is.
  const double spacing = (body.width() - 2 * side_padding()) / static_cast<double>(data_->points());
  const auto reach = static_cast<qint64>(std::min(1000.0, body.width() / spacing));
  QPolygonF neighbourhood;
  for (qint64 i = std::max<qint64>(0, point - reach); i < std::min(data_->points(), point + reach); ++i) {
    const QPointF next = place_in(body, curve, i);
    if (std::isfinite(next.y())) neighbourhood << next;
  }
  painter.save();
  painter.setClipRect(body);
  painter.setPen(QPen(color, 1.5));
  painter.drawPolyline(neighbourhood);
  painter.restore();
  painter.setPen(QPen(theme().background, 2));
  painter.setBrush(color);
  painter.drawEllipse(place, 4, 4);
  draw_readout(painter, area, place, readout(curve, point));
}

}  // namespace statescope
