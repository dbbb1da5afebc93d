// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bars_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "plot_paint.h"
#include "widgets/colormap.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {

// How values become lengths: `share` runs from 0 at the lower end of the axis to 1 at the upper.
struct BarsView::Axis {
  double min, max;
  bool logarithmic;
  std::vector<double> ticks;

  double share(double value) const {
    if (logarithmic) {
      if (!(value > 0)) return 0;
      return std::clamp((std::log10(value) - std::log10(min)) / (std::log10(max) - std::log10(min)), 0.0, 1.0);
    }
    return std::clamp((value - min) / (max - min), 0.0, 1.0);
  }
  double base() const { return logarithmic ? 0.0 : share(0.0); }
};

namespace {

double row_height() {
  return caption_height() + scaled(10);
}

QFont number_font() {
  QFont result = font(TextRole::numbers);
  result.setPixelSize(scaled(12));
  return result;
}

}  // namespace

BarsView::BarsView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("Bars"));
}

void BarsView::set_data(std::shared_ptr<const BarsData> data) {
  if (data == data_) return;
  const bool resized = !data || !data_ || data->bars.size() != data_->bars.size();
  data_ = std::move(data);
  if (resized) {
    hover_.reset();
    updateGeometry();
  }
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + data_->subtitle);
  update();
}

void BarsView::set_selected(qint64 bar) {
  if (bar == selected_) return;
  selected_ = bar;
  update();
}

QString BarsView::value_text(double value) const {
  if (data_->percent) return format_percent(value);
  return format_number(value) + (data_->unit.isEmpty() ? QString() : QLatin1Char(' ') + data_->unit);
}

QString BarsView::readout(qint64 bar) const {
  const Bar& shown = data_->bars[static_cast<std::size_t>(bar)];
  const QString number = QString::number(data_->first_bar + bar);
  QString name = shown.label == number ? shown.label : QStringLiteral("“%1”").arg(shown.label);
  if (!data_->noun.isEmpty()) {
    name = data_->noun + QLatin1Char(' ') +
           (shown.label == number || data_->shape == BarsData::Shape::rows ? name : number + QLatin1Char(' ') + name);
  }
  const QString quantity = data_->quantity.isEmpty() ? QString() : data_->quantity + QStringLiteral(" = ");
  return name + QStringLiteral(" · ") + quantity + value_text(shown.value);
}

QRectF BarsView::body_of(const QRectF& area) const {
  return area.adjusted(0, header_height(area.width(), data_->title, data_->subtitle), 0, 0);
}

BarsView::Axis BarsView::axis() const {
  double low = 0, high = 0, smallest = std::numeric_limits<double>::infinity();
  for (const Bar& bar : data_->bars) {
    if (!std::isfinite(bar.value)) continue;
    low = std::min(low, bar.value);
    high = std::max(high, bar.value);
    if (bar.value > 0) smallest = std::min(smallest, bar.value);
  }
  if (!std::isnan(data_->max)) high = data_->max;
  if (low == high) high = 1;
  if (!data_->logarithmic || !std::isfinite(smallest)) return {low, high, false, round_ticks(low, high, 2)};
  Axis result{std::pow(10, std::floor(std::log10(smallest))), std::pow(10, std::ceil(std::log10(high))), true, {}};
  if (result.max <= result.min) result.max = 10 * result.min;
  const int decades = static_cast<int>(std::lround(std::log10(result.max / result.min)));
  const int step = std::max(1, (decades + 2) / 3);
  for (int i = 0; i <= decades; i += step) result.ticks.push_back(result.min * std::pow(10, i));
  return result;
}

QColor BarsView::bar_color(qint64 bar) const {
  const double value = data_->bars[static_cast<std::size_t>(bar)].value;
  QColor color = value < 0 ? negative_color(theme()) : theme().symbol(data_->symbol);
  if (bar == selected_) color = data_->shape == BarsData::Shape::columns ? theme().text : color;
  if (data_->faint_from >= 0 && bar >= data_->faint_from) color = mix(color, theme().background, 0.6);
  if (hover_ == bar && bar != selected_) color = mix(color, theme().text, 0.25);
  return color;
}

void BarsView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->bars.empty()) {
    draw_message(painter, area);
    return;
  }
  draw_header(painter, area, data_->title, data_->subtitle);
  const QRectF body = body_of(area);
  if (body.width() < 1 || body.height() < 1) return;
  if (data_->shape == BarsData::Shape::rows) {
    draw_rows(painter, body, for_export);
  } else {
    draw_columns(painter, body);
  }
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, body);
  if (hover_ && data_->shape == BarsData::Shape::columns) draw_readout(painter, area, hover_place_, readout(*hover_));
}

void BarsView::draw_rows(QPainter& painter, const QRectF& body, bool for_export) const {
  const QFont label_font = font(TextRole::body);
  const TextMetrics label_metrics(label_font), number_metrics(number_font());
  double label_width = 0, number_width = 0;
  for (const Bar& bar : data_->bars) {
    label_width = std::max(label_width, label_metrics.horizontalAdvance(bar.label));
    number_width = std::max(number_width, number_metrics.horizontalAdvance(value_text(bar.value)));
  }
  const double space = scaled(10), inset = scaled(6);
  label_width = std::min(std::ceil(label_width), std::max(0.38 * body.width(), 1.0));
  number_width = std::ceil(number_width);
  const double bar_width = body.width() - label_width - number_width - 2 * space - 2 * inset;
  const Axis scale = axis();
  QRectF row(body.left(), body.top(), body.width(), row_height());
  for (qint64 i = 0; i < static_cast<qint64>(data_->bars.size()); ++i, row.translate(0, row.height())) {
    if (row.bottom() > body.bottom() + 0.5) break;
    const Bar& bar = data_->bars[static_cast<std::size_t>(i)];
    const bool lit = i == selected_ || (!for_export && hover_ == i);
    if (lit) {
      painter.setPen(Qt::NoPen);
      painter.setBrush(mix(theme().raised, theme().text, i == selected_ ? 0.06 : 0.0));
      painter.drawRoundedRect(row.adjusted(0, 1, 0, -1), 5, 5);
    }
    painter.setFont(label_font);
    painter.setPen(theme().text);
    draw_elided(painter, {row.left() + inset, row.top(), label_width, row.height()}, Qt::AlignLeft, bar.label);
    if (bar_width > scaled(16)) {
      const double thickness = scaled(8);
      QRectF track(row.left() + inset + label_width + space, row.center().y() - thickness / 2, bar_width, thickness);
      painter.setPen(Qt::NoPen);
      painter.setBrush(lit ? mix(theme().hairline, theme().muted, 0.2) : theme().hairline);
      painter.drawRoundedRect(track, thickness / 2, thickness / 2);
      const double zero = scale.base() * bar_width, end = scale.share(bar.value) * bar_width;
      QRectF filled(track.left() + std::min(zero, end), track.top(), std::fabs(end - zero), thickness);
      if (filled.width() > 0 && filled.width() < thickness / 2) filled.setWidth(thickness / 2);
      painter.setBrush(bar_color(i));
      painter.drawRoundedRect(filled, thickness / 2, thickness / 2);
    }
    painter.setFont(number_font());
    painter.setPen(lit ? theme().text : theme().muted);
    draw_elided(painter, {row.right() - inset - number_width, row.top(), number_width, row.height()}, Qt::AlignRight,
                value_text(bar.value));
  }
}

QRectF BarsView::columns_of(const QRectF& body) const {
  const TextMetrics metrics(font(TextRole::caption));
  QRectF columns = body.adjusted(0, std::ceil(metrics.height() / 2), 0, -std::ceil(metrics.height() / 2));
  double widest = 0;
  for (const double tick : axis().ticks) widest = std::max(widest, metrics.horizontalAdvance(format_tick(tick)));
  columns.setLeft(columns.left() + std::ceil(widest) + scaled(8));
  if (body.height() > 4 * caption_height()) columns.setBottom(body.bottom() - caption_height() - scaled(4));
  return columns;
}

void BarsView::draw_columns(QPainter& painter, const QRectF& body) const {
  const QRectF area = columns_of(body);
  const Axis scale = axis();
  const TextMetrics metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  for (const double tick : scale.ticks) {
    const double y = std::round(area.bottom() - scale.share(tick) * area.height()) + 0.5;
    painter.setPen(QPen(theme().hairline, 1));
    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y));
    painter.setPen(theme().muted);
    const QString label = format_tick(tick);
    painter.drawText(QPointF(area.left() - scaled(8) - metrics.horizontalAdvance(label),
                             y + (metrics.ascent() - metrics.descent()) / 2),
                     label);
  }
  const auto count = static_cast<qint64>(data_->bars.size());
  const double pitch = area.width() / static_cast<double>(count);
  const double zero = area.bottom() - scale.base() * area.height();
  const double gap = pitch >= 6 ? std::max(1.0, std::min(3.0, pitch * 0.12)) : 0.0;
  painter.setPen(Qt::NoPen);
  // Several bars in one pixel: the largest of them stands for all.
  const qint64 stride = std::max<qint64>(1, static_cast<qint64>(1 / pitch));
  for (qint64 first = 0; first < count; first += stride) {
    qint64 bar = first;
    for (qint64 i = first; i < std::min(count, first + stride); ++i) {
      const auto size = [this](qint64 k) { return std::fabs(data_->bars[static_cast<std::size_t>(k)].value); };
      if (size(i) > size(bar) || i == selected_) bar = i;
      if (i == selected_) break;
    }
    const double value = data_->bars[static_cast<std::size_t>(bar)].value;
    if (std::isnan(value)) continue;
    const double end = area.bottom() - scale.share(value) * area.height();
    QRectF rect(area.left() + static_cast<double>(first) * pitch + gap / 2, std::min(end, zero),
                std::max(1.0, static_cast<double>(stride) * pitch - gap), std::max(1.0, std::fabs(end - zero)));
    painter.setBrush(bar_color(bar));
    painter.drawRect(rect);
  }
  if (area.bottom() + scaled(4) > body.bottom() - 1) return;
  const double longest = scaled(64);
  const qint64 step = tick_step(pitch, [&](qint64 candidate) {
    double widest = scaled(12);
    if (static_cast<double>(candidate) * pitch < widest) return widest;
    for (qint64 i = 0; i < count; i += candidate) {
      widest = std::max(widest, metrics.horizontalAdvance(data_->bars[static_cast<std::size_t>(i)].label));
    }
    return std::min(widest, longest) + scaled(6);
  });
  for (qint64 i = 0; i < count; i += step) {
    const QString label = metrics.elidedText(data_->bars[static_cast<std::size_t>(i)].label, Qt::ElideRight,
                                             std::min(longest, area.width()));
    const double width = metrics.horizontalAdvance(label);
    const double x = area.left() + (static_cast<double>(i) + 0.5) * pitch - width / 2;
    painter.setPen(i == selected_ ? theme().text : theme().muted);
    painter.drawText(QPointF(std::clamp(x, area.left(), std::max(area.left(), area.right() - width)),
                             body.bottom() - metrics.descent()),
                     label);
  }
}

std::optional<qint64> BarsView::bar_at(const QPointF& place) const {
  if (!data_ || data_->bars.empty()) return std::nullopt;
  const QRectF body = body_of(rect());
  const auto count = static_cast<qint64>(data_->bars.size());
  if (!body.contains(place)) return std::nullopt;
  qint64 bar = 0;
  if (data_->shape == BarsData::Shape::rows) {
    bar = static_cast<qint64>((place.y() - body.top()) / row_height());
  } else {
    const QRectF area = columns_of(body);
    if (place.x() < area.left() || place.x() >= area.right()) return std::nullopt;
    bar = static_cast<qint64>((place.x() - area.left()) / area.width() * static_cast<double>(count));
  }
  return bar < count ? std::optional(bar) : std::nullopt;
}

void BarsView::set_hover(std::optional<qint64> bar, const QPointF& place) {
  hover_place_ = place;
  if (bar != hover_) {
    hover_ = bar;
    setCursor(bar ? Qt::PointingHandCursor : Qt::ArrowCursor);
    Q_EMIT bar_hovered(bar.value_or(-1));
  }
  update();
}

void BarsView::mouseMoveEvent(QMouseEvent* event) {
  set_hover(bar_at(event->position()), event->position());
}

void BarsView::mousePressEvent(QMouseEvent* event) {
  const auto bar = bar_at(event->position());
  if (event->button() != Qt::LeftButton || !bar) return View::mousePressEvent(event);
  set_selected(*bar);
  Q_EMIT bar_clicked(*bar);
}

void BarsView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (const auto bar = bar_at(event->position())) Q_EMIT bar_activated(*bar);
}

void BarsView::keyPressEvent(QKeyEvent* event) {
  if (!data_ || data_->bars.empty()) return View::keyPressEvent(event);
  const bool rows = data_->shape == BarsData::Shape::rows;
  const int back = rows ? Qt::Key_Up : Qt::Key_Left, forward = rows ? Qt::Key_Down : Qt::Key_Right;
  if (event->key() == back || event->key() == forward) {
    const auto last = static_cast<qint64>(data_->bars.size()) - 1;
    set_selected(std::clamp<qint64>(selected_ + (event->key() == forward ? 1 : -1), 0, last));
    Q_EMIT bar_clicked(selected_);
  } else if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && selected_ >= 0) {
    Q_EMIT bar_activated(selected_);
  } else {
    View::keyPressEvent(event);
  }
}

void BarsView::leaveEvent(QEvent*) {
  set_hover(std::nullopt, {});
}

QString BarsView::csv() const {
  if (!data_) return {};
  QString value_name = data_->quantity.isEmpty() ? QStringLiteral("value") : data_->quantity;
  if (!data_->unit.isEmpty()) value_name += QStringLiteral(" (%1)").arg(data_->unit);
  QString text = csv_field(data_->noun.isEmpty() ? QStringLiteral("label") : data_->noun) + QLatin1Char(',') +
                 csv_field(value_name) + QLatin1Char('\n');
  for (const Bar& bar : data_->bars) {
    text += csv_field(bar.label) + QLatin1Char(',') + csv_number(bar.value) + QLatin1Char('\n');
  }
  return text;
}

QSize BarsView::sizeHint() const {
  const int header = data_ ? static_cast<int>(header_height(scaled(280), data_->title, data_->subtitle)) : scaled(24);
  if (data_ && data_->shape == BarsData::Shape::rows) {
    return {scaled(280), header + static_cast<int>(std::ceil(row_height() * static_cast<double>(data_->bars.size())))};
  }
  return {scaled(280), header + scaled(72)};
}

QSize BarsView::minimumSizeHint() const {
  return {scaled(160), scaled(88)};
}

}  // namespace statescope
