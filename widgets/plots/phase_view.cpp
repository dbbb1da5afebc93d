// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/phase_view.h"

#include <QPolygonF>
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/error.h"
#include "phase_frame.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

constexpr qint64 part_length = 64;  // points that are looked at together

QString axis_text(const PhaseAxis& axis) {
  return axis.unit.isEmpty() ? axis.name : QStringLiteral("%1 (%2)").arg(axis.name, axis.unit);
}

QString phase_csv(const PhaseData& data) {
  QString text = data.step_unit.isEmpty() ? QStringLiteral("point") : QStringLiteral("t");
  for (const PhaseAxis& axis : data.axes) text += QLatin1Char(',') + csv_field(axis.name);
  text += QLatin1Char('\n');
  for (qint64 point = 0; point < data.points(); ++point) {
    text += csv_number(data.step_unit.isEmpty() ? static_cast<double>(point) : static_cast<double>(point) * data.step);
    for (const PhaseAxis& axis : data.axes) text += QLatin1Char(',') + axis.values.csv(point);
    text += QLatin1Char('\n');
  }
  return text;
}

}  // namespace

PhaseView::PhaseView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("Phase portrait"));
}

void PhaseView::set_data(std::shared_ptr<const PhaseData> data) {
  if (data == data_) return;
  if (data) {
    const bool shaped = data->axes.size() == 2 || data->axes.size() == 3;
    const bool even = std::all_of(data->axes.begin(), data->axes.end(),
                                  [&data](const PhaseAxis& axis) { return axis.values.size() == data->points(); });
    if (!shaped || !even) {
      throw Error("phase portrait '" + plain_text(data->title).toStdString() +
                  "': it needs two or three axes of the same length");
    }
  }
  bool same_axes = data && data_ && data->axes.size() == data_->axes.size(), same_path = same_axes;
  for (std::size_t i = 0; same_axes && i < data->axes.size(); ++i) {
    same_axes = data->axes[i].name == data_->axes[i].name;
    same_path = same_path && data->axes[i].values.shares(data_->axes[i].values);
  }
  if (!same_path) ++path_;
  data_ = std::move(data);
  hover_.reset();
  if (data_) {
    if (!same_axes) {
      zoomed_ = false;
      magnification_ = 1;
    }
    // A drag keeps the scale under the mouse.
    if (!(same_axes && (zoomed_ || pressed_))) fit(!same_axes);
    setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + subtitle());
  }
  update();
}

void PhaseView::set_cursor(qint64 point, double phase) {
  if (point == cursor_ && phase == phase_) return;
  cursor_ = point;
  phase_ = phase;
  update();
}

void PhaseView::set_tail(qint64 points) {
  if (points == tail_) return;
  tail_ = std::max<qint64>(1, points);
  update();
}

std::vector<PhaseView::Range> PhaseView::extent() const {
  std::vector<Range> result;
  for (std::size_t i = 0; i < data_->axes.size(); ++i) {
    Range range{0, 0};  // the origin is where everything settles
    const Series& values = data_->axes[i].values;
    if (const Extremes found = values.extremes(); found.first >= 0)
      range = {std::min(0.0, values[found.lowest]), std::max(0.0, values[found.highest])};
    if (i < data_->start.size() && std::isfinite(data_->start[i]))
      range = {std::min(range.min, data_->start[i]), std::max(range.max, data_->start[i])};
    if (range.min == range.max) range = {-1, 1};
    result.push_back(range);
  }
  return result;
}

void PhaseView::fit(bool always) {
  const std::vector<Range> wanted = extent();
  // While parameters are dragged a scale that still serves stays, so that the curve moves and not the paper.
  const bool same = !always && ranges_.size() == wanted.size();
  ranges_.resize(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double span = wanted[i].max - wanted[i].min, shown = ranges_[i].max - ranges_[i].min;
    const bool serves = wanted[i].min >= ranges_[i].min && wanted[i].max <= ranges_[i].max && span > 0.35 * shown;
    if (same && serves) continue;
    ranges_[i] = {wanted[i].min - 0.1 * span, wanted[i].max + 0.1 * span};
  }
}

void PhaseView::reset_zoom() {
  zoomed_ = false;
  magnification_ = 1;
  yaw_ = -0.6;
  pitch_ = 0.45;
  if (data_) fit(true);
  update();
}

QString PhaseView::subtitle() const {
  if (data_->in_space()) return data_->subtitle;
  const QString axes =
      axis_text(data_->axes[1]) + QStringLiteral(" ↑ · ") + axis_text(data_->axes[0]) + QStringLiteral(" →");
  return data_->subtitle.isEmpty() ? axes : axes + QStringLiteral(" · ") + data_->subtitle;
}

PhaseFrame PhaseView::frame(const QRectF& area) const {
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, subtitle()), 0, 0);
  PhaseFrame result;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    result.min[i] = ranges_[i].min;
    result.max[i] = ranges_[i].max;
  }
  result.space = data_->in_space();
  result.yaw = yaw_;
  result.pitch = pitch_;
  result.magnification = magnification_;
  if (!result.space) {
    const TextMetrics metrics(font(TextRole::caption));
    body.setBottom(body.bottom() - caption_height() - scaled(6));
    double widest = 0;
    for (const double tick : vertical_ticks(body.height(), ranges_[1].min, ranges_[1].max)) {
      widest = std::max(widest, metrics.horizontalAdvance(format_tick(tick)));
    }
    body.setLeft(body.left() + std::ceil(widest) + scaled(8));
  }
  result.body = body.toAlignedRect();
  return result;
}

QPointF PhaseView::place_in(const PhaseFrame& frame, double point) const {
  const auto first = static_cast<qint64>(point);
  const double phase = point - static_cast<double>(first);
  std::array<double, 3> place{};
  for (std::size_t i = 0; i < data_->axes.size(); ++i) {
    const Series& values = data_->axes[i].values;
    double value = values[first];
    if (phase > 0 && first + 1 < values.size()) value += phase * (values[first + 1] - value);
    if (!std::isfinite(value)) return {qQNaN(), qQNaN()};
    place[i] = frame.unit(i, value);
  }
  return frame.project(place[0], place[1], place[2]);
}

// Where points [begin, end) lie: the frame of what their box of numbers becomes on the screen. Null without any.
QRectF PhaseView::part_of(const PhaseFrame& frame, qint64 begin, qint64 end) const {
  std::array<double, 3> low{}, high{};
  for (std::size_t i = 0; i < data_->axes.size(); ++i) {
    const Series& values = data_->axes[i].values;
    const Extremes found = values.extremes(begin, end);
    if (found.first < 0) return {};
    low[i] = frame.unit(i, values[found.lowest]);
    high[i] = frame.unit(i, values[found.highest]);
  }
  if (!frame.space) return QRectF(frame.project(low[0], low[1], 0), frame.project(high[0], high[1], 0)).normalized();
  double left = HUGE_VAL, right = -HUGE_VAL, top = HUGE_VAL, bottom = -HUGE_VAL;
  for (const double x : {low[0], high[0]})
    for (const double y : {low[1], high[1]})
      for (const double z : {low[2], high[2]}) {
        const QPointF corner = frame.project(x, y, z);
        left = std::min(left, corner.x());
        right = std::max(right, corner.x());
        top = std::min(top, corner.y());
        bottom = std::max(bottom, corner.y());
      }
  return {QPointF(left, top), QPointF(right, bottom)};
}

std::vector<qint64> PhaseView::course(const PhaseFrame& frame) const {
  constexpr qint64 most = 1 << 12;  // points of a line that is drawn within a frame
  const qint64 points = data_->points();
  std::vector<qint64> chosen;
  if (points <= most) {
    for (qint64 i = 0; i < points; ++i) chosen.push_back(i);
    return chosen;
  }
  std::vector<qint64> moving;  // parts that are more than a dot
  for (qint64 begin = 0; begin < points; begin += part_length) {
    const QRectF part = part_of(frame, begin, std::min(begin + part_length, points));
    if (part.width() + part.height() > 1) moving.push_back(begin);
  }
  // Of a tangle that is longer than that every so-manyth point is as good to the eye.
  const auto share = std::max<qint64>(1, std::ssize(moving) * part_length / most);
  auto next = moving.begin();
  qint64 place_of_last = -most;
  for (qint64 begin = 0; begin < points; begin += part_length) {
    const bool moves = next != moving.end() && *next == begin;
    if (moves) ++next;
    const qint64 step = moves ? share : part_length;
    for (qint64 i = std::max(begin, place_of_last + (moves ? share : 1)); i < std::min(begin + part_length, points);
         i += step)
      chosen.push_back(place_of_last = i);
  }
  chosen.push_back(points - 1);
  return chosen;
}

QPointF PhaseView::place_of(qint64 point) const {
  return data_ ? place_in(frame(rect()), static_cast<double>(point)) : QPointF();
}

QPointF PhaseView::number_at(const QPointF& place) const {
  return data_ ? frame(rect()).to_numbers(place) : QPointF();
}

std::vector<double> PhaseView::start_at(const QPointF& place) const {
  if (!data_) return {};
  const PhaseFrame where = frame(rect());
  if (!where.space) {
    const QPointF numbers = where.to_numbers(place);
    return {numbers.x(), numbers.y()};
  }
  std::array<double, 3> start{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value = data_->start.empty() ? 0 : data_->start[i];
    start[i] = where.unit(i, std::isfinite(value) ? value : 0);
  }
  const std::array<double, 3> point = where.unproject(place, where.depth_of(start[0], start[1], start[2]));
  std::vector<double> numbers;
  for (std::size_t i = 0; i < 3; ++i) numbers.push_back(where.number(i, point[i]));
  return numbers;
}

std::optional<qint64> PhaseView::point_near(const QPointF& place) const {
  if (!data_) return std::nullopt;
  const PhaseFrame where = frame(rect());
  std::optional<qint64> nearest;
  double best = scaled(10);
  const auto look = [&](qint64 begin, qint64 end) {
    for (qint64 point = begin; point < end; ++point) {
      const QPointF offset = place_in(where, static_cast<double>(point)) - place;
      const double distance = std::hypot(offset.x(), offset.y());
      if (!(distance < best)) continue;  // also where it is not a number
      best = distance;
      nearest = point;
    }
  };
  for (qint64 begin = 0; begin < data_->points(); begin += part_length) {
    const qint64 end = std::min(begin + part_length, data_->points());
    if (part_of(where, begin, end).adjusted(-best, -best, best, best).contains(place)) look(begin, end);
  }
  return nearest;
}

QString PhaseView::where_text(qint64 point) const {
  if (data_->step_unit.isEmpty()) return tr("step %1").arg(point);
  return tr("t = %1 %2").arg(format_number(static_cast<double>(point) * data_->step), data_->step_unit);
}

QString PhaseView::readout(qint64 point) const {
  QString text = where_text(point);
  for (const PhaseAxis& axis : data_->axes) {
    text += QStringLiteral(" · %1 = %2").arg(axis.name, format_number(axis.values[point]));
    if (!axis.unit.isEmpty()) text += QLatin1Char(' ') + axis.unit;
  }
  return text;
}

QString PhaseView::csv() const {
  return data_ ? phase_csv(*data_) : QString();
}

std::function<QString()> PhaseView::long_csv() const {
  constexpr qint64 quick = 10000;
  if (!data_ || data_->points() < quick) return {};
  return [data = data_] { return phase_csv(*data); };
}

QSize PhaseView::sizeHint() const {
  return {scaled(360), scaled(320)};
}
QSize PhaseView::minimumSizeHint() const {
  return {scaled(180), scaled(160)};
}

}  // namespace statescope
