// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bode_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "decimate.h"
#include "engine/error.h"
#include "line_paint.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

constexpr double deepest = -200;  // decibels: the size of rounding, below which a notch has no bottom

double decibels(double magnitude) {
  if (!std::isfinite(magnitude)) return magnitude;
  return magnitude > 0 ? std::max(deepest, 20 * std::log10(magnitude)) : deepest;
}
double degrees(double radians) {
  return radians * 180 / std::numbers::pi;
}

}  // namespace

struct BodeView::Axes {
  QRectF panes[2];
  QRectF names;        // the row above: the legend, and at the right what the upper pane shows
  double first, last;  // log₁₀ of the frequencies at the ends
  double min[2], max[2];
  bool operator==(const Axes&) const = default;

  double x_of(double frequency) const {
    return panes[0].left() + (std::log10(frequency) - first) / (last - first) * panes[0].width();
  }
  double y_of(Pane pane, double value) const {
    const auto i = static_cast<std::size_t>(pane);
    return panes[i].bottom() - (value - min[i]) / (max[i] - min[i]) * panes[i].height();
  }
};

BodeView::BodeView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("Frequency response"));
}

void BodeView::set_data(std::shared_ptr<const BodeData> data) {
  if (data == data_) return;
  if (data) {
    const std::string title = "frequency response '" + plain_text(data->title).toStdString() + "'";
    double before = 0;
    for (const double frequency : data->frequency) {
      if (!(frequency > before) || !std::isfinite(frequency)) {
        throw Error(title + ": frequencies must be positive, each larger than the one before");
      }
      before = frequency;
    }
    for (const BodeCurve& curve : data->curves) {
      if (curve.magnitude.size() != data->points() || curve.phase.size() != data->points()) {
        throw Error(title + ": curve '" + curve.name.toStdString() + "' has not one value per frequency");
      }
    }
  }
  data_ = std::move(data);
  if (!data_ || data_->points() < 2) hover_.reset();
  if (hover_ && (hover_->first >= static_cast<int>(data_->curves.size()) || hover_->second >= data_->points())) {
    hover_.reset();
  }
  find_ranges();
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + data_->subtitle);
  update();
}

void BodeView::set_cursor(double frequency) {
  if (frequency == cursor_) return;
  cursor_ = frequency;
  update();
}

void BodeView::find_ranges() {
  if (!data_) return;
  double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
  for (const BodeCurve& curve : data_->curves) {
    for (qint64 i = 0; i < data_->points(); ++i) {
      const double values[] = {decibels(curve.magnitude[i]), degrees(curve.phase[i])};
      for (std::size_t pane = 0; pane < 2; ++pane) {
        if (!std::isfinite(values[pane])) continue;
        low[pane] = std::min(low[pane], values[pane]);
        high[pane] = std::max(high[pane], values[pane]);
      }
    }
  }
  constexpr double steps[] = {20, 45};  // whole decades of magnitude, quarters of a half turn
  for (std::size_t pane = 0; pane < 2; ++pane) {
    if (!(low[pane] <= high[pane])) low[pane] = high[pane] = 0;
    min_[pane] = steps[pane] * std::floor(low[pane] / steps[pane]);
    max_[pane] = steps[pane] * std::ceil(high[pane] / steps[pane]);
    if (min_[pane] == max_[pane]) {
      min_[pane] -= steps[pane];
      max_[pane] += steps[pane];
    }
  }
}

BodeView::Axes BodeView::axes(const QRectF& area) const {
  Axes result;
  const double line = caption_height();
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, data_->subtitle), 0, -line - scaled(6));
  const double gutter = TextMetrics(font(TextRole::caption)).horizontalAdvance(QStringLiteral("−270°")) + scaled(8);
  body.adjust(gutter, 0, -scaled(8), 0);
  const double gap = line + scaled(10);
  result.names = QRectF(body.left(), body.top(), body.width(), line);
  body.setTop(body.top() + line + scaled(5));
  const double upper = (body.height() - gap) * 0.55;
  result.panes[0] = QRectF(body.left(), body.top(), body.width(), upper).toAlignedRect();
  result.panes[1] =
      QRectF(body.left(), body.top() + upper + gap, body.width(), body.height() - upper - gap).toAlignedRect();
  result.first = std::log10(data_->frequency.front());
  result.last = std::log10(data_->frequency.back());
  for (std::size_t pane = 0; pane < 2; ++pane) {
    result.min[pane] = min_[pane];
    result.max[pane] = max_[pane];
  }
  return result;
}

QPointF BodeView::place_of(Pane pane, int curve, qint64 point) const {
  if (!data_ || data_->points() < 2) return {};
  const Axes where = axes(rect());
  const BodeCurve& shown = data_->curves[static_cast<std::size_t>(curve)];
  const double value = pane == Pane::magnitude ? decibels(shown.magnitude[point]) : degrees(shown.phase[point]);
  return {where.x_of(data_->frequency[static_cast<std::size_t>(point)]), where.y_of(pane, value)};
}

QString BodeView::readout(int curve, qint64 point) const {
  const BodeCurve& shown = data_->curves[static_cast<std::size_t>(curve)];
  return tr("ω = %1 %2 · %3 · |H| = %4 dB · %5°")
      .arg(format_number(data_->frequency[static_cast<std::size_t>(point)]), data_->unit, shown.name,
           format_number(decibels(shown.magnitude[point])), format_number(degrees(shown.phase[point])));
}

QString BodeView::csv() const {
  if (!data_) return {};
  QString text = csv_field(data_->unit.isEmpty() ? QStringLiteral("frequency") : data_->unit);
  for (const BodeCurve& curve : data_->curves) {
    text += QLatin1Char(',') + csv_field(curve.name + QStringLiteral(" |H|")) + QLatin1Char(',') +
            csv_field(curve.name + QStringLiteral(" phase (rad)"));
  }
  text += QLatin1Char('\n');
  for (qint64 i = 0; i < data_->points(); ++i) {
    text += csv_number(data_->frequency[static_cast<std::size_t>(i)]);
    for (const BodeCurve& curve : data_->curves) {
      text += QLatin1Char(',') + curve.magnitude.csv(i) + QLatin1Char(',') + curve.phase.csv(i);
    }
    text += QLatin1Char('\n');
  }
  return text;
}

void BodeView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->points() < 2 || data_->curves.empty()) {
    draw_message(painter, area);
    return;
  }
  const Axes where = axes(area);
  const bool roomy = where.panes[1].height() >= 8 && where.panes[0].width() >= 8;
  std::vector<std::tuple<QString, Symbol, bool>> legend;
  for (const BodeCurve& curve : data_->curves) legend.emplace_back(curve.name, curve.symbol, curve.quiet);
  draw_kept(painter,
            std::tuple(where, data_->nyquist, cursor_, plain_text(data_->title), data_->subtitle, data_->unit, legend),
            [&](QPainter& still) {
              draw_header(still, area, data_->title, data_->subtitle);
              if (!roomy) return;
              draw_frame(still, where);
              if (data_->curves.size() > 1) draw_legend(still, where);
            });
  if (!roomy) return;
  for (const Pane pane : {Pane::magnitude, Pane::phase}) draw_curves(painter, where, pane);
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, where.panes[0].united(where.panes[1]));
  if (!hover_) return;
  const auto [curve, point] = *hover_;
  for (const Pane pane : {Pane::magnitude, Pane::phase}) {
    const BodeCurve& shown = data_->curves[static_cast<std::size_t>(curve)];
    const double value = pane == Pane::magnitude ? decibels(shown.magnitude[point]) : degrees(shown.phase[point]);
    if (!std::isfinite(value)) continue;
    painter.setPen(QPen(theme().background, 2));
    painter.setBrush(theme().symbol(shown.symbol));
    painter.drawEllipse(QPointF(where.x_of(data_->frequency[static_cast<std::size_t>(point)]), where.y_of(pane, value)),
                        4, 4);
  }
  draw_readout(painter, area,
               {where.x_of(data_->frequency[static_cast<std::size_t>(point)]), where.panes[0].center().y()},
               readout(curve, point));
}

void BodeView::draw_frame(QPainter& painter, const Axes& axes) const {
  const TextMetrics metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  const QColor faint = mix(theme().hairline, theme().background, 0.45);
  const int first = static_cast<int>(std::floor(axes.first)), last = static_cast<int>(std::ceil(axes.last));
  const QString names[] = {tr("|H| (dB)"), tr("phase")};
  const QString unit = data_->unit.isEmpty() ? QString() : QStringLiteral("ω (%1)").arg(data_->unit);
  const double unit_left = axes.panes[1].right() - metrics.horizontalAdvance(unit);
  const double foot = axes.panes[1].bottom() + scaled(6) + caption_height() - metrics.descent();
  painter.setPen(theme().muted);
  // What a pane shows stands above it, the frequency's name among its numbers: clear of frames and curves.
  for (std::size_t pane = 0; pane < 2; ++pane) {
    const double bottom = axes.panes[pane].top() - scaled(5);
    painter.drawText(QRectF(axes.names.left(), bottom - caption_height(), axes.names.width(), caption_height()),
                     Qt::AlignRight | Qt::AlignVCenter | Qt::TextDontClip, names[pane]);
  }
  painter.drawText(QPointF(unit_left, foot), unit);

  const int every = std::max(1, (last - first) / std::max(1, static_cast<int>(axes.panes[0].width() / scaled(56))));
  for (int decade = first; decade <= last; ++decade) {
    for (int digit = 1; digit < 10; ++digit) {
      const double frequency = digit * std::pow(10.0, decade);
      const double x = axes.x_of(frequency);
      if (x < axes.panes[0].left() - 1 || x > axes.panes[0].right() + 1 || (digit > 1 && every > 1)) continue;
      painter.setPen(QPen(digit == 1 ? theme().hairline : faint, 1));
      for (const QRectF& pane : axes.panes) painter.drawLine(QPointF(x, pane.top()), QPointF(x, pane.bottom()));
      if (digit > 1 || (decade - first) % every != 0) continue;
      painter.setPen(theme().muted);
      const QString label = format_tick(frequency);
      const double width = metrics.horizontalAdvance(label);
      const double left = std::clamp(x - width / 2, axes.panes[0].left() - scaled(8), axes.panes[0].right() - width);
      if (unit.isEmpty() || left + width + scaled(8) < unit_left) painter.drawText(QPointF(left, foot), label);
    }
  }
  constexpr double finest[] = {20, 45};
  const QString units[] = {QStringLiteral(" dB"), QStringLiteral("°")};
  for (std::size_t pane = 0; pane < 2; ++pane) {
    const double room = std::max(1.0, axes.panes[pane].height() / (1.8 * caption_height()));
    double step = finest[pane];
    while ((axes.max[pane] - axes.min[pane]) / step > room) step *= 2;
    for (double value = step * std::ceil(axes.min[pane] / step); value <= axes.max[pane] + 1e-6; value += step) {
      const double y = std::round(axes.y_of(static_cast<Pane>(pane), value)) + 0.5;
      painter.setPen(QPen(value == 0 ? mix(theme().hairline, theme().muted, 0.5) : theme().hairline, 1));
      painter.drawLine(QPointF(axes.panes[pane].left(), y), QPointF(axes.panes[pane].right(), y));
      painter.setPen(theme().muted);
      const QString label = format_tick(value) + (pane == 0 ? QString() : units[1]);
      painter.drawText(QPointF(axes.panes[pane].left() - scaled(8) - metrics.horizontalAdvance(label),
                               y + (metrics.ascent() - metrics.descent()) / 2),
                       label);
    }
  }
  const auto upright = [&](double frequency, const QPen& pen, const QString& label) {
    const double x = axes.x_of(frequency);
    if (!(frequency > 0) || x < axes.panes[0].left() || x > axes.panes[0].right()) return;
    painter.setPen(pen);
    for (const QRectF& pane : axes.panes) painter.drawLine(QPointF(x, pane.top()), QPointF(x, pane.bottom()));
    const double width = metrics.horizontalAdvance(label);
    // Beyond the line, at the top: a response has come down by then.
    const bool fits = x + scaled(6) + width < axes.panes[0].right();
    painter.drawText(QPointF(fits ? x + scaled(6) : x - scaled(6) - width, axes.panes[0].top() + metrics.ascent() + 3),
                     label);
  };
  if (data_->nyquist > 0) {
    const double x = std::max(axes.x_of(data_->nyquist), axes.panes[0].left());
    QColor shade = theme().muted;
    shade.setAlphaF(0.1F);
    for (const QRectF& pane : axes.panes) {
      if (x < pane.right()) painter.fillRect(QRectF(QPointF(x, pane.top()), pane.bottomRight()), shade);
    }
    upright(data_->nyquist, QPen(theme().muted, 1.25), tr("Nyquist"));
  }
  QPen cursor(theme().text, 1.25, Qt::CustomDashLine);
  cursor.setDashPattern({2.5, 2.5});
  upright(cursor_, cursor, QString());
}

void BodeView::draw_legend(QPainter& painter, const Axes& axes) const {
  const TextMetrics metrics(font(TextRole::caption));
  double x = axes.names.left();
  const double right = axes.names.right() - metrics.horizontalAdvance(tr("|H| (dB)")) - scaled(16);
  painter.setFont(font(TextRole::caption));
  for (const BodeCurve& curve : data_->curves) {
    const double room = right - x - scaled(20), width = metrics.horizontalAdvance(curve.name) + 1;
    if (room < std::min<double>(width, scaled(40))) break;
    painter.setPen(QPen(curve.quiet ? theme().muted : theme().symbol(curve.symbol), 2));
    painter.drawLine(QPointF(x, axes.names.center().y()), QPointF(x + scaled(14), axes.names.center().y()));
    painter.setPen(theme().muted);
    draw_elided(painter, {x + scaled(20), axes.names.top(), std::min(width, room), axes.names.height()}, Qt::AlignLeft,
                curve.name);
    x += scaled(36) + width;
  }
}

void BodeView::draw_curves(QPainter& painter, const Axes& axes, Pane pane) const {
  painter.save();
  painter.setClipRect(axes.panes[static_cast<std::size_t>(pane)]);
  painter.setBrush(Qt::NoBrush);
  for (const bool quiet : {true, false}) {
    for (const BodeCurve& curve : data_->curves) {
      if (curve.quiet != quiet) continue;
      painter.setPen(
          QPen(quiet ? mix(theme().muted, theme().background, 0.25) : theme().symbol(curve.symbol), quiet ? 1.25 : 2));
      std::vector<QPointF> places;
      for (qint64 i = 0; i < data_->points(); ++i) {
        const double value = pane == Pane::magnitude ? decibels(curve.magnitude[i]) : degrees(curve.phase[i]);
        const double y = std::isfinite(value) ? axes.y_of(pane, value) : qQNaN();
        places.emplace_back(axes.x_of(data_->frequency[static_cast<std::size_t>(i)]), y);
      }
      draw_line(painter, without_straight_points(places, 0.1));
    }
  }
  painter.restore();
}

qint64 BodeView::point_of(double frequency) const {
  const auto& frequencies = data_->frequency;
  const auto next = std::lower_bound(frequencies.begin(), frequencies.end(), frequency);
  if (next == frequencies.begin()) return 0;
  if (next == frequencies.end()) return data_->points() - 1;
  const qint64 point = next - frequencies.begin();
  return std::log(*next / frequency) < std::log(frequency / *(next - 1)) ? point : point - 1;
}

qint64 BodeView::point_at(double x) const {
  const Axes where = axes(rect());
  const double share = (x - where.panes[0].left()) / where.panes[0].width();
  return point_of(std::pow(10.0, where.first + share * (where.last - where.first)));
}

void BodeView::choose(qint64 point) {
  set_cursor(data_->frequency[static_cast<std::size_t>(std::clamp<qint64>(point, 0, data_->points() - 1))]);
  Q_EMIT frequency_chosen(cursor_);
}

void BodeView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !data_ || data_->points() < 2) return View::mousePressEvent(event);
  choose(point_at(event->position().x()));
}

void BodeView::mouseMoveEvent(QMouseEvent* event) {
  if (!data_ || data_->points() < 2 || data_->curves.empty()) return;
  const Axes where = axes(rect());
  const qint64 point = point_at(event->position().x());
  if (event->buttons().testFlag(Qt::LeftButton)) choose(point);
  hover_.reset();
  double best = HUGE_VAL;
  for (const Pane pane : {Pane::magnitude, Pane::phase}) {
    if (!where.panes[static_cast<std::size_t>(pane)].contains(event->position())) continue;
    for (int curve = 0; curve < static_cast<int>(data_->curves.size()); ++curve) {
      const double distance = std::fabs(place_of(pane, curve, point).y() - event->position().y());
      if (!(distance < best)) continue;
      best = distance;
      hover_ = std::pair(curve, point);
    }
  }
  update();
}

void BodeView::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
  if (step == 0 || !data_ || data_->points() < 2) return View::keyPressEvent(event);
  choose(cursor_ > 0 ? point_of(cursor_) + step : 0);
}

void BodeView::leaveEvent(QEvent*) {
  hover_.reset();
  update();
}

QSize BodeView::sizeHint() const {
  return {scaled(400), scaled(280)};
}
QSize BodeView::minimumSizeHint() const {
  return {scaled(200), scaled(170)};
}

}  // namespace statescope
