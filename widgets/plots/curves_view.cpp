// SPDX-License-Identifier: GPL-3.0-or-later
// QCustomPlot's header needs the words `signals` and `foreach`.
#undef QT_NO_KEYWORDS
#include "widgets/curves_view.h"

#include <qcustomplot.h>

#include <QPaintEngine>
#include <QPicture>
#include <algorithm>
#include <cmath>
#include <tuple>

#include "curves_words.h"
#include "decimate.h"
#include "engine/error.h"
#include "line_paint.h"
#include "plot_paint.h"
#include "widgets/colormap.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {

namespace {

// A graph whose broad lines cost little.
class LineGraph : public QCPGraph {
 public:
  explicit LineGraph(QCustomPlot& plot) : QCPGraph(plot.xAxis, plot.yAxis) {}

 protected:
  void drawLinePlot(QCPPainter* painter, const QVector<QPointF>& lines) const override { draw_line(*painter, lines); }
};

}  // namespace

// QCustomPlot draws grid and curves into the rectangle between the axes; it is never shown as a widget itself.
struct CurvesView::Plot {
  QCustomPlot widget;
  QImage image;  // grid and curves as last drawn on screen
  ThemeKind image_theme = ThemeKind::dark;

  // Made where the plot lives; drawing, which any thread does, only gives them their points.
  void set_graphs(int count) {
    while (widget.graphCount() > count) widget.removeGraph(widget.graphCount() - 1);
    while (widget.graphCount() < count) new LineGraph(widget);  // which belongs to the plot
  }

  void paint(QPaintDevice& device, QSize size) {
    QCPPainter painter;
    painter.begin(&device);
    painter.setMode(QCPPainter::pmVectorized);
    widget.toPainter(&painter, size.width(), size.height());
    painter.end();
  }
};

namespace {

constexpr std::size_t most_broad = 1000;  // corners

// How often a line turns from up to down or back.
double turns_of(const std::vector<QPointF>& places) {
  double turns = 0, last = 0;
  for (std::size_t i = 1; i < places.size(); ++i) {
    const double step = places[i].y() - places[i - 1].y();
    if (step * last < 0) ++turns;
    if (step != 0 && std::isfinite(step)) last = step;
  }
  return turns;
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
      if (curve.values.size() != data->points()) {
        throw Error(title + ": curve '" + curve.name.toStdString() + "' has not as many points as the others");
      }
    }
    if (data->band && data->band->weights.size() != data->points()) {
      throw Error(title + ": the weights have not as many points as the curves");
    }
    if (!data->x.empty()) {
      const bool increases = std::adjacent_find(data->x.begin(), data->x.end(),
                                                [](double a, double b) { return !(a < b); }) == data->x.end();
      if (static_cast<qint64>(data->x.size()) != data->points() || !increases) {
        throw Error(title + ": x must have one value per point, each larger than the one before");
      }
    }
  }
  bool same_axis = false, same_points = false;
  if (data && data_ && data->points() > 1 && data_->points() > 1) {
    const double first = data_->x_at(0), last = data_->x_at(data_->points() - 1), nothing = 1e-9 * (last - first);
    same_axis =
        std::fabs(data->x_at(0) - first) <= nothing && std::fabs(data->x_at(data->points() - 1) - last) <= nothing;
    same_points = same_axis && data->points() == data_->points();
  }
  data_ = std::move(data);
  if (!data_ || (hover_ && hover_->first >= static_cast<int>(data_->curves.size())) || !same_points) hover_.reset();
  plot_->image = {};
  plot_->set_graphs(data_ ? static_cast<int>(data_->curves.size()) : 0);
  find_range();
  if (!same_axis) reset_zoom();
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + subtitle_of(*data_));
  update();
}

void CurvesView::find_range() {
  if (!data_) return;
  if (data_->y_logarithmic) return find_decades();
  double low = 0, high = 0;  // zero always belongs to the picture of a signed quantity
  for (const Curve& curve : data_->curves) {
    const Extremes found = curve.values.extremes();
    if (found.first < 0) continue;
    low = std::min(low, curve.values[found.lowest]);
    high = std::max(high, curve.values[found.highest]);
  }
  if (low == high) high = 1;
  const double margin = 0.06 * (high - low);
  min_ = std::isnan(data_->y_min) ? (low < 0 ? low - margin : low) : data_->y_min;
  max_ = std::isnan(data_->y_max) ? (high > 0 ? high + margin : high) : data_->y_max;
  if (!(max_ > min_)) max_ = min_ + 1;
}

// No more decades than say something, and one at least.
void CurvesView::find_decades() {
  constexpr double most_decades = 12;
  double low = HUGE_VAL, high = 0;
  for (const Curve& curve : data_->curves) {
    curve.values.visit([&](const auto& values) {
      for (const auto value : values) {
        if (!std::isfinite(value) || !(value > 0)) continue;
        low = std::min<double>(low, value);
        high = std::max<double>(high, value);
      }
    });
  }
  max_ = high > 0 ? std::log10(high) : 0;
  min_ = high > 0 ? std::max(std::log10(low), max_ - most_decades) : -1;
  const double margin = 0.06 * (max_ - min_);
  max_ += margin;
  min_ -= margin;
  if (std::floor(max_) - std::ceil(min_) >= 1) return;  // two ticks
  max_ = std::ceil(max_);
  min_ = std::min(std::floor(min_), max_ - 1);
}

double CurvesView::level_of(double value) const {
  return data_->y_logarithmic ? std::log10(value) : value;
}

std::vector<double> CurvesView::level_ticks(double height) const {
  if (!data_->y_logarithmic) return vertical_ticks(height, min_, max_);
  std::vector<double> ticks;
  const auto rows = std::max(1, static_cast<int>(height / (1.6 * caption_height())));
  const auto every = std::max(1, static_cast<int>(std::ceil((max_ - min_) / rows)));
  for (double exponent = std::floor(max_); exponent >= min_; exponent -= every) ticks.push_back(exponent);
  return ticks;
}

QString CurvesView::tick_text(double level) const {
  return format_tick(data_->y_logarithmic ? std::pow(10.0, level) : level);
}

void CurvesView::set_highlighted(int curve) {
  if (curve == highlighted_) return;
  highlighted_ = curve;
  plot_->image = {};
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
  plot_->image = {};
  update();
}

void CurvesView::zoom(double center_x, double factor) {
  set_window(center_x - (center_x - first_) * factor, center_x + (last_ - center_x) * factor);
}

QRectF CurvesView::body_of(const QRectF& area) const {
  const double legend = data_->legend ? caption_height() + scaled(6) : 0;
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, subtitle_of(*data_)) + legend, 0,
                              -caption_height() - scaled(6));
  const TextMetrics metrics(font(TextRole::caption));
  double widest = 0;
  for (const double tick : level_ticks(body.height())) {
    widest = std::max(widest, metrics.horizontalAdvance(tick_text(tick)));
  }
  body.setLeft(body.left() + std::ceil(widest) + scaled(8));
  return body.toAlignedRect();
}

double CurvesView::x_of(const QRectF& body, double x) const {
  return body.left() + side_padding() + (x - first_) / (last_ - first_) * (body.width() - 2 * side_padding());
}

QPointF CurvesView::place_in(const QRectF& body, int curve, qint64 point) const {
  const double x = x_of(body, data_->x_at(point));
  if (curve < 0 || curve >= static_cast<int>(data_->curves.size())) return {x, qQNaN()};
  const double value = level_of(data_->curves[static_cast<std::size_t>(curve)].values[point]);
  return {x, std::isfinite(value) ? body.bottom() - (value - min_) / (max_ - min_) * body.height() : qQNaN()};
}

QPointF CurvesView::place_of(int curve, qint64 point) const {
  return data_ ? place_in(body_of(rect()), curve, point) : QPointF();
}

QPointF CurvesView::number_at(const QPointF& place) const {
  if (!data_) return {};
  const QRectF body = body_of(rect());
  const double inner = std::max(1.0, body.width() - 2 * side_padding());
  const double level = min_ + (body.bottom() - place.y()) / std::max(1.0, body.height()) * (max_ - min_);
  return {first_ + (place.x() - body.left() - side_padding()) / inner * (last_ - first_),
          data_->y_logarithmic ? std::pow(10.0, level) : level};
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
    const double y = std::isfinite(a.y()) && std::isfinite(b.y()) ? a.y() + (b.y() - a.y()) * t : (t < 0.5 ? a : b).y();
    const double distance = std::fabs(y - place.y()) - (curve == highlighted_ ? scaled(3) : 0);
    share = t;
    if (distance < best) {
      best = distance;
      nearest = curve;
    }
  }
  return std::pair(nearest < 0 ? highlighted_ : nearest, share < 0.5 ? low : high);
}

QString CurvesView::readout(int curve, qint64 point) const {
  QString where = data_->x_label || data_->counted()
                      ? (data_->x_noun.isEmpty() ? tr("point") : data_->x_noun) +
                            QStringLiteral(" %1").arg(data_->first_point + point)
                      : data_->x_axis + QStringLiteral(" = ") + format_number(data_->x_at(point)) +
                            (data_->x_unit.isEmpty() ? QString() : QLatin1Char(' ') + data_->x_unit);
  if (data_->x_label) where += QStringLiteral(" “%1”").arg(data_->x_label(point));
  if (curve < 0 || curve >= static_cast<int>(data_->curves.size())) return where;
  const Curve& chosen = data_->curves[static_cast<std::size_t>(curve)];
  QString value = format_number(chosen.values[point]);
  if (!data_->y_axis.isEmpty()) value = data_->y_axis + QStringLiteral(" = ") + value;
  if (!data_->y_unit.isEmpty()) value += QLatin1Char(' ') + data_->y_unit;
  QString text = where + QStringLiteral(" · ") + chosen.name + QStringLiteral(" · ") + value;
  if (data_->band && std::isfinite(data_->band->weights[point])) {
    text += tr(" · weight = %1").arg(format_number(data_->band->weights[point], 3));
    if (!data_->band->unit.isEmpty()) text += QLatin1Char(' ') + data_->band->unit;
  }
  return text;
}

void CurvesView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->points() == 0) {
    draw_message(painter, area);
    return;
  }
  const QRectF body = body_of(area);
  const bool roomy = body.width() >= 2 * side_padding() + 1 && body.height() >= 1;
  // The labels of tokens tell which one is at the cursor.
  const qint64 labelled = data_->x_label ? cursor_ : -1;
  draw_kept(painter, std::tuple(data_, first_, last_, min_, max_, highlighted_, labelled), [&](QPainter& still) {
    draw_header(still, area, data_->title, subtitle_of(*data_));
    if (data_->legend) draw_legend(still, area, body);
    if (!roomy) return;
    if (data_->band) draw_band(still, body);
    draw_plot(still, body, for_export);
    if (data_->band) draw_band_name(still, area);
    draw_ticks(still, body);
  });
  if (!roomy) return;
  draw_cursor(painter, body);
  if (!for_export) {
    if (hasFocus()) draw_focus_ring(painter, body);
    if (hover_) draw_hover(painter, area, body);
  }
}

void CurvesView::draw_plot(QPainter& painter, const QRectF& body, bool for_export) const {
  // QCustomPlot counts from the last pixel row inside the rectangle, we from the edge below it.
  const QPointF corner = body.topLeft() + QPointF(0, 1);
  const QSize size = body.size().toSize();
  if (for_export || painter.paintEngine()->type() != QPaintEngine::Raster) {
    QPicture picture;
    prepare_plot(body);
    plot_->paint(picture, size);
    return painter.drawPicture(corner, picture);
  }
  const double ratio = painter.device()->devicePixelRatioF();
  const QSize pixels = (QSizeF(size) * ratio).toSize();
  if (plot_->image.size() != pixels || plot_->image_theme != theme().kind) {
    plot_->image = QImage(pixels, QImage::Format_ARGB32_Premultiplied);
    plot_->image.setDevicePixelRatio(ratio);
    plot_->image.fill(Qt::transparent);
    prepare_plot(body);
    plot_->paint(plot_->image, size);
    plot_->image_theme = theme().kind;
  }
  painter.drawImage(corner, plot_->image);
}

QColor CurvesView::color_of(int curve) const {
  const bool known = curve >= 0 && curve < static_cast<int>(data_->curves.size());
  if (!known) return theme().symbol(data_->symbol);
  const Curve& shown = data_->curves[static_cast<std::size_t>(curve)];
  if (shown.quiet) return mix(theme().muted, theme().background, 0.25);
  if (data_->family && !shown.symbol)
    return family_color(theme(), data_->symbol, curve, static_cast<int>(data_->curves.size()));
  return theme().symbol(shown.symbol.value_or(data_->symbol));
}

void CurvesView::prepare_plot(const QRectF& body) const {
  QCustomPlot& widget = plot_->widget;
  const double inner = body.width() - 2 * side_padding();
  const double per_pixel = (last_ - first_) / inner, y_per_pixel = (max_ - min_) / body.height();
  const double left = first_ - side_padding() * per_pixel, right = last_ + side_padding() * per_pixel;
  widget.xAxis->setRange(left, right);
  widget.yAxis->setRange(min_, max_);
  const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
  for (const double tick : level_ticks(body.height())) ticker->addTick(tick, QString());
  widget.yAxis->setTicker(ticker);
  widget.yAxis->grid()->setPen(QPen(theme().hairline, 1));
  widget.yAxis->grid()->setZeroLinePen(
      QPen(data_->y_logarithmic ? theme().hairline : mix(theme().hairline, theme().muted, 0.5), 1));

  const auto count = static_cast<int>(data_->curves.size());
  const auto columns = column_starts(
      data_->points(), [this](qint64 point) { return data_->x_at(point); }, left, right,
      std::max(1, static_cast<int>(body.width())));
  const bool any_chosen = highlighted_ >= 0 && highlighted_ < count;
  for (int i = 0; i < count; ++i) {
    const Curve& curve = data_->curves[static_cast<std::size_t>(i)];
    std::vector<QPointF> places;  // on the screen, where a fifth of a pixel is nothing
    for (const qint64 point : visible_points(curve.values, columns)) places.push_back(place_in(body, i, point));
    places = without_straight_points(places, 0.2);
    QVector<QCPGraphData> points;
    points.reserve(static_cast<qsizetype>(places.size()));
    for (const QPointF& place : places) {  // QCustomPlot leaves a gap at NaN
      points.push_back({first_ + (place.x() - body.left() - side_padding()) * per_pixel,
                        min_ + (body.bottom() - place.y()) * y_per_pixel});
    }
    QCPGraph* graph = widget.graph(i);
    graph->data()->set(points, true);
    graph->setAdaptiveSampling(false);

    // With a turn every few pixels a broad line would hide the course of the curve. Thousands of corners would also
    // take a second to draw: QPainter outlines broad lines, and only those of one device pixel are quick.
    const bool dense = 8 * turns_of(places) > inner || places.size() > most_broad;
    const bool chosen = i == highlighted_, colored = curve.symbol || curve.quiet;
    // Neighbouring curves of one colour differ a little, so that crossings can be followed with the eye.
    const double dim = chosen || colored ? 0
                       : data_->family   ? (any_chosen ? 0.6 : 0)
                       : any_chosen      ? 0.5 + 0.08 * (i % 3)
                                         : 0.15 + 0.15 * (i % 3);
    const bool broad = !curve.quiet && (chosen || (curve.symbol && !any_chosen));
    QPen pen(mix(color_of(i), theme().background, dim), dense ? 1.0 : broad ? 2.25 : curve.symbol ? 1.6 : 1.1);
    pen.setCosmetic(dense);
    graph->setPen(pen);
    graph->setLayer(QLatin1String(chosen ? "axes" : curve.quiet ? "grid" : "main"));
    graph->setAntialiased(static_cast<double>(places.size()) < 3.5 * inner);  // of so many, no edge shows
  }
}

static QString curves_csv(const CurvesData& data) {
  QString text = csv_field(data.x_axis.isEmpty() ? QStringLiteral("x") : data.x_axis);
  if (data.x_label) text += QStringLiteral(",label");
  for (const Curve& curve : data.curves) text += QLatin1Char(',') + csv_field(curve.name);
  if (data.band) text += QLatin1Char(',') + csv_field(data.band->name);
  text += QLatin1Char('\n');
  for (qint64 point = 0; point < data.points(); ++point) {
    text += csv_number(data.x_at(point));
    if (data.x_label) text += QLatin1Char(',') + csv_field(data.x_label(point));
    for (const Curve& curve : data.curves) text += QLatin1Char(',') + curve.values.csv(point);
    if (data.band) text += QLatin1Char(',') + data.band->weights.csv(point);
    text += QLatin1Char('\n');
  }
  return text;
}

QString CurvesView::csv() const {
  return data_ ? curves_csv(*data_) : QString();
}

std::function<QString()> CurvesView::long_csv() const {
  constexpr qint64 quick = 20000;  // numbers that take a few milliseconds
  if (!data_ || data_->points() * static_cast<qint64>(data_->curves.size()) < quick) return {};
  return [data = data_] { return curves_csv(*data); };
}

QSize CurvesView::sizeHint() const {
  return {scaled(480), scaled(220)};
}
QSize CurvesView::minimumSizeHint() const {
  return {scaled(180), scaled(110)};
}

}  // namespace statescope
