// SPDX-License-Identifier: GPL-3.0-or-later
// QCustomPlot's header needs the words `signals` and `foreach`.
#undef QT_NO_KEYWORDS
#include "widgets/curves_view.h"

#include <qcustomplot.h>

#include <QFontMetricsF>
#include <QPaintEngine>
#include <QPicture>
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "plot_paint.h"
#include "widgets/format.h"

namespace statescope {

// QCustomPlot draws grid and curves into the rectangle between the axes; it is never shown as a widget itself.
struct CurvesView::Plot {
  QCustomPlot widget;
  double min = -1, max = 1;  // range of y
  std::vector<double> y_ticks;

  QPixmap pixmap;  // grid and curves as last drawn on screen
  ThemeKind pixmap_theme = ThemeKind::dark;

  void paint(QPaintDevice& device, QSize size) {
    QCPPainter painter;
    painter.begin(&device);
    painter.setMode(QCPPainter::pmVectorized);
    widget.toPainter(&painter, size.width(), size.height());
    painter.end();
  }
};

namespace {

double caption_height() {
  return std::ceil(QFontMetricsF(font(TextRole::caption)).height());
}

// Room between the first and last point and the edges, so that neither a curve's end nor its label is cut.
double side_padding() {
  return scaled(14);
}

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

}  // namespace

CurvesView::CurvesView(QWidget* parent) : View(parent), plot_(std::make_unique<Plot>()) {
  setAccessibleName(tr("Curves"));
  QCustomPlot& widget = plot_->widget;
  widget.setBackground(Qt::NoBrush);
  widget.axisRect()->setAutoMargins(QCP::msNone);
  widget.axisRect()->setMargins({});
  widget.plotLayout()->setRowSpacing(0);
  for (QCPAxis* axis : {widget.xAxis, widget.yAxis}) {
    axis->setTicks(false);
    axis->setTickLabels(false);
    axis->setBasePen(Qt::NoPen);
  }
  widget.xAxis->grid()->setVisible(false);
}

CurvesView::~CurvesView() = default;

void CurvesView::set_data(std::shared_ptr<const CurvesData> data) {
  if (data == data_) return;
  if (data) {
    const std::string title = "curves '" + plain_text(data->title).toStdString() + "'";
    for (const Curve& curve : data->curves) {
      if (!curve.values || static_cast<qint64>(curve.values->size()) != data->points()) {
        throw Error(title + ": curve '" + curve.name.toStdString() + "' has not as many points as the others");
      }
    }
    if (!data->x.empty()) {
      const bool increases = std::adjacent_find(data->x.begin(), data->x.end(),
                                                [](double a, double b) { return !(a < b); }) == data->x.end();
      if (static_cast<qint64>(data->x.size()) != data->points() || !increases) {
        throw Error(title + ": x must have one value per point, each larger than the one before");
      }
    }
  }
  const bool same_axis = data && data_ && data->points() == data_->points() && data->x == data_->x;
  data_ = std::move(data);
  hover_.reset();
  build_plot();
  if (!same_axis) reset_zoom();
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + subtitle_of(*data_));
  update();
}

void CurvesView::build_plot() {
  QCustomPlot& widget = plot_->widget;
  widget.clearGraphs();
  plot_->pixmap = {};
  if (!data_) return;
  double low = 0, high = 0;  // zero always belongs to the picture of a signed quantity
  for (const Curve& curve : data_->curves) {
    QVector<QCPGraphData> points;
    points.reserve(static_cast<qsizetype>(curve.values->size()));
    for (std::size_t i = 0; i < curve.values->size(); ++i) {
      const double value = (*curve.values)[i];
      const bool finite = std::isfinite(value);
      // QCustomPlot leaves a gap at NaN.
      points.push_back({data_->x_at(static_cast<qint64>(i)), finite ? value : qQNaN()});
      if (finite) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
    }
    widget.addGraph()->data()->set(points, true);
  }
  if (low == high) high = 1;
  const double margin = 0.06 * (high - low);
  plot_->min = low < 0 ? low - margin : low;
  plot_->max = high > 0 ? high + margin : high;
}

void CurvesView::set_highlighted(int curve) {
  if (curve == highlighted_) return;
  highlighted_ = curve;
  plot_->pixmap = {};
  update();
}

void CurvesView::set_cursor(qint64 point, double phase) {
  if (point == cursor_ && phase == phase_) return;
  cursor_ = point;
  phase_ = phase;
  update();
}

void CurvesView::reset_zoom() {
  if (!data_ || data_->points() == 0) return;
  set_window(data_->x_at(0), data_->x_at(data_->points() - 1));
}

void CurvesView::set_window(double first, double last) {
  if (!data_ || data_->points() == 0) return;
  const double begin = data_->x_at(0), end = data_->x_at(data_->points() - 1);
  const double spacing = (end - begin) / std::max<double>(1, static_cast<double>(data_->points() - 1));
  const double span = std::clamp(last - first, std::min(2 * spacing, end - begin), end - begin);
  first_ = std::clamp(first, begin, end - span);
  last_ = first_ + span;
  if (span == 0) {  // a single point stands in the middle
    first_ = begin - 0.5;
    last_ = begin + 0.5;
  }
  plot_->pixmap = {};
  update();
}

void CurvesView::zoom(double center_x, double factor) {
  set_window(center_x - (center_x - first_) * factor, center_x + (last_ - center_x) * factor);
}

double CurvesView::full_span() const {
  const double span = data_->x_at(data_->points() - 1) - data_->x_at(0);
  return span > 0 ? span : 1;
}

QRectF CurvesView::body_of(const QRectF& area) const {
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, subtitle_of(*data_)), 0,
                              -caption_height() - scaled(6));
  const int count = std::clamp(static_cast<int>(body.height() / (3 * caption_height())), 2, 6);
  plot_->y_ticks = round_ticks(plot_->min, plot_->max, count);
  const QFontMetricsF metrics(font(TextRole::caption));
  double widest = 0;
  for (const double tick : plot_->y_ticks) widest = std::max(widest, metrics.horizontalAdvance(format_tick(tick)));
  body.setLeft(body.left() + std::ceil(widest) + scaled(8));
  return body.toAlignedRect();
}

QPointF CurvesView::place_in(const QRectF& body, int curve, qint64 point) const {
  const double inner = body.width() - 2 * side_padding();
  const double x = body.left() + side_padding() + (data_->x_at(point) - first_) / (last_ - first_) * inner;
  const auto curve_index = static_cast<std::size_t>(std::clamp<int>(curve, 0, static_cast<int>(data_->curves.size())));
  if (curve < 0 || curve_index >= data_->curves.size()) return {x, qQNaN()};
  const double value = (*data_->curves[curve_index].values)[static_cast<std::size_t>(point)];
  return {x, body.bottom() - (value - plot_->min) / (plot_->max - plot_->min) * body.height()};
}

QPointF CurvesView::place_of(int curve, qint64 point) const {
  return data_ ? place_in(body_of(rect()), curve, point) : QPointF();
}

std::optional<std::pair<int, qint64>> CurvesView::point_near(const QPointF& place) const {
  if (!data_ || data_->points() == 0) return std::nullopt;
  const QRectF body = body_of(rect());
  if (!body.contains(place)) return std::nullopt;
  qint64 low = 0, high = data_->points() - 1;  // the neighbours of the place along x
  while (high - low > 1) {
    const qint64 middle = (low + high) / 2;
    (place_in(body, -1, middle).x() <= place.x() ? low : high) = middle;
  }
  double best = scaled(24);
  int nearest = -1;
  double share = 0;
  for (int curve = 0; curve < static_cast<int>(data_->curves.size()); ++curve) {
    const QPointF a = place_in(body, curve, low), b = place_in(body, curve, high);
    const double t = b.x() > a.x() ? std::clamp((place.x() - a.x()) / (b.x() - a.x()), 0.0, 1.0) : 0.0;
    // Where curves run together the chosen one wins.
    const double distance =
        std::fabs(a.y() + (b.y() - a.y()) * t - place.y()) - (curve == highlighted_ ? scaled(3) : 0);
    share = t;
    if (distance < best) {
      best = distance;
      nearest = curve;
    }
  }
  return std::pair(nearest < 0 ? highlighted_ : nearest, share < 0.5 ? low : high);
}

QString CurvesView::readout(int curve, qint64 point) const {
  QString where = data_->x_label || data_->x.empty()
                      ? (data_->x_noun.isEmpty() ? tr("point") : data_->x_noun) +
                            QStringLiteral(" %1").arg(data_->first_point + point)
                      : data_->x_axis + QStringLiteral(" = ") + format_number(data_->x_at(point)) +
                            (data_->x_unit.isEmpty() ? QString() : QLatin1Char(' ') + data_->x_unit);
  if (data_->x_label) where += QStringLiteral(" “%1”").arg(data_->x_label(point));
  if (curve < 0 || curve >= static_cast<int>(data_->curves.size())) return where;
  const Curve& chosen = data_->curves[static_cast<std::size_t>(curve)];
  QString value = format_number((*chosen.values)[static_cast<std::size_t>(point)]);
  if (!data_->y_axis.isEmpty()) value = data_->y_axis + QStringLiteral(" = ") + value;
  if (!data_->y_unit.isEmpty()) value += QLatin1Char(' ') + data_->y_unit;
  return where + QStringLiteral(" · ") + chosen.name + QStringLiteral(" · ") + value;
}

void CurvesView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->points() == 0) {
    draw_message(painter, area);
    return;
  }
  draw_header(painter, area, data_->title, subtitle_of(*data_));
  const QRectF body = body_of(area);
  if (body.width() < 2 * side_padding() + 1 || body.height() < 1) return;
  prepare_plot(body);

  // QCustomPlot counts from the last pixel row inside the rectangle, we from the edge below it.
  const QPointF corner = body.topLeft() + QPointF(0, 1);
  const QSize size = body.size().toSize();
  if (for_export) {
    QPicture picture;
    plot_->paint(picture, size);
    painter.drawPicture(corner, picture);
  } else {
    const double ratio = painter.device()->devicePixelRatioF();
    const QSize pixels = (QSizeF(size) * ratio).toSize();
    if (plot_->pixmap.size() != pixels || plot_->pixmap_theme != theme().kind) {
      plot_->pixmap = QPixmap(pixels);
      plot_->pixmap.setDevicePixelRatio(ratio);
      plot_->pixmap.fill(Qt::transparent);
      plot_->paint(plot_->pixmap, size);
      plot_->pixmap_theme = theme().kind;
    }
    painter.drawPixmap(corner, plot_->pixmap);
  }
  draw_ticks(painter, body);
  draw_cursor(painter, body);
  if (!for_export) {
    if (hasFocus()) draw_focus_ring(painter, body);
    if (hover_) draw_hover(painter, area, body);
  }
}

void CurvesView::prepare_plot(const QRectF& body) const {
  QCustomPlot& widget = plot_->widget;
  const double per_pixel = (last_ - first_) / (body.width() - 2 * side_padding());
  widget.xAxis->setRange(first_ - side_padding() * per_pixel, last_ + side_padding() * per_pixel);
  widget.yAxis->setRange(plot_->min, plot_->max);
  const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  for (const double tick : plot_->y_ticks) ticker->addTick(tick, QString());
  widget.yAxis->setTicker(ticker);
  widget.yAxis->grid()->setPen(QPen(theme().hairline, 1));
  widget.yAxis->grid()->setZeroLinePen(QPen(mix(theme().hairline, theme().muted, 0.5), 1));

  const QColor color = theme().symbol(data_->symbol);
  // With a point every few pixels a broad line would hide the course of the curve. Thousands of points would also take
  // a second to draw: QPainter outlines broad lines, and only those of one device pixel are quick.
  const double shown_points = static_cast<double>(data_->points()) * (last_ - first_) / full_span();
  const bool dense = shown_points * 4 > body.width() - 2 * side_padding();
  const bool any_chosen = highlighted_ >= 0 && highlighted_ < widget.graphCount();
  for (int i = 0; i < widget.graphCount(); ++i) {
    const bool chosen = i == highlighted_;
    // Neighbouring curves differ a little, so that crossings can be followed with the eye.
    const double dim = any_chosen ? 0.5 + 0.08 * (i % 3) : 0.15 + 0.15 * (i % 3);
    QPen pen(chosen ? color : mix(color, theme().background, dim), dense ? 1.0 : chosen ? 2.25 : 1.1);
    pen.setCosmetic(dense);
    widget.graph(i)->setPen(pen);
    widget.graph(i)->setLayer(QLatin1String(chosen ? "axes" : "main"));
    widget.graph(i)->setAntialiased(true);
  }
}

void CurvesView::draw_ticks(QPainter& painter, const QRectF& body) const {
  const QFontMetricsF metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().muted);
  const double height = caption_height();
  for (const double tick : plot_->y_ticks) {
    const double y = body.bottom() - (tick - plot_->min) / (plot_->max - plot_->min) * body.height();
    const QString label = format_tick(tick);
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
  const double scale = (body.width() - 2 * side_padding()) / (last_ - first_);
  if (!data_->x_label) {
    for (const double tick : round_ticks(first_, last_, std::max(2, static_cast<int>(body.width() / scaled(90))))) {
      draw_label(body.left() + side_padding() + (tick - first_) * scale, format_tick(tick, 5), false);
    }
    return;
  }
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
  if (place.x() < body.left() || place.x() > body.right()) return;
  QPen pen(theme().text, 1.25, Qt::CustomDashLine);
  pen.setDashPattern({2.5, 2.5});
  painter.setPen(pen);
  painter.drawLine(QPointF(place.x(), body.top()), QPointF(place.x(), body.bottom()));
  if (!std::isfinite(place.y())) return;
  painter.setPen(QPen(theme().background, 2));
  painter.setBrush(theme().symbol(data_->symbol));
  painter.drawEllipse(place, 4.5, 4.5);
}

void CurvesView::draw_hover(QPainter& painter, const QRectF& area, const QRectF& body) const {
  const auto [curve, point] = *hover_;
  const QPointF place = place_in(body, curve, point);
  if (!std::isfinite(place.y())) return;
  const QColor color = theme().symbol(data_->symbol);
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

QString CurvesView::csv() const {
  if (!data_) return {};
  QString text = csv_field(data_->x_axis.isEmpty() ? QStringLiteral("x") : data_->x_axis);
  if (data_->x_label) text += QStringLiteral(",label");
  for (const Curve& curve : data_->curves) text += QLatin1Char(',') + csv_field(curve.name);
  text += QLatin1Char('\n');
  for (qint64 point = 0; point < data_->points(); ++point) {
    text += csv_number(data_->x_at(point));
    if (data_->x_label) text += QLatin1Char(',') + csv_field(data_->x_label(point));
    for (const Curve& curve : data_->curves) {
      text += QLatin1Char(',') + csv_number((*curve.values)[static_cast<std::size_t>(point)]);
    }
    text += QLatin1Char('\n');
  }
  return text;
}

QSize CurvesView::sizeHint() const {
  return {scaled(480), scaled(220)};
}
QSize CurvesView::minimumSizeHint() const {
  return {scaled(180), scaled(110)};
}

}  // namespace statescope
