// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/signal_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>
#include <tuple>

#include "plot_paint.h"

namespace statescope {

std::vector<double> smooth_stroke(const std::vector<double>& values, const std::vector<double>& stroke,
                                  std::pair<qint64, qint64> touched, qint64 radius) {
  std::vector<double> result = values;
  const auto count = static_cast<qint64>(values.size());
  const qint64 begin = std::max<qint64>(0, touched.first - 3 * radius);
  const qint64 end = std::min(count, touched.second + 3 * radius + 1);
  std::copy(stroke.begin() + begin, stroke.begin() + end, result.begin() + begin);
  // Three running means in a row come close to a Gaussian; each costs two additions a sample.
  std::vector<double> source;
  for (int pass = 0; pass < 3 && radius > 0; ++pass) {
    source.assign(result.begin() + begin, result.begin() + end);
    const auto length = static_cast<qint64>(source.size());
    double sum = 0;
    qint64 low = 0, high = 0;  // sum of source[low, high)
    for (qint64 i = 0; i < length; ++i) {
      const qint64 reach = std::min({radius, i, length - 1 - i});  // the ends stay where they are
      while (high < i + reach + 1) sum += source[static_cast<std::size_t>(high++)];
      while (low < i - reach) sum -= source[static_cast<std::size_t>(low++)];
      result[static_cast<std::size_t>(begin + i)] = sum / static_cast<double>(2 * reach + 1);
    }
  }
  return result;
}

SignalView::SignalView(QWidget* parent) : CurvesView(parent) {
  setAccessibleName(tr("Signal"));
}

void SignalView::set_drawable(bool drawable) {
  drawable_ = drawable;
  touched_.reset();
}

void SignalView::set_resolution(qint64 points) {
  resolution_ = points;
}

std::vector<double> SignalView::samples() const {
  return data()->curves.front().values.visit(
      [](const auto& values) { return std::vector<double>(values.begin(), values.end()); });
}

// A signal of more points than a hand gives is first drawn by these.
void SignalView::take_up() {
  const qint64 count = data()->points();
  if (count <= resolution_) return;
  auto changed = std::make_shared<CurvesData>(*data());
  std::vector<double> values;
  for (qint64 i = 0; i < resolution_; ++i)
    values.push_back(data()->curves.front().values[i * (count - 1) / (resolution_ - 1)]);
  changed->curves = {changed->curves.front()};
  changed->curves.front().values = std::move(values);
  changed->x.clear();
  changed->x_first = data()->x_at(0);
  changed->x_step = (data()->x_at(count - 1) - data()->x_at(0)) / static_cast<double>(resolution_ - 1);
  changed->band.reset();
  std::tie(changed->y_min, changed->y_max) = vertical_range();
  set_data(std::move(changed));
}

void SignalView::show_values(std::vector<double> values) {
  auto changed = std::make_shared<CurvesData>(*data());
  changed->curves.front().values = std::move(values);
  changed->y_min = vertical_range().first;  // the paper stays still under the pen
  changed->y_max = vertical_range().second;
  set_data(std::move(changed));
}

void SignalView::draw_to(const QPointF& place) {
  const auto count = static_cast<qint64>(stroke_.size());
  const auto [low, high] = vertical_range();
  const auto sample_of = [&](const QPointF& at) {
    const double position = number_at(at).x(), first = data()->x_at(0), last = data()->x_at(count - 1);
    const double share = last > first ? (position - first) / (last - first) : 0;
    return std::clamp(share, 0.0, 1.0) * static_cast<double>(count - 1);
  };
  const auto value_of = [&, low = low, high = high](const QPointF& at) {
    return std::clamp(number_at(at).y(), low, high);
  };
  double from = sample_of(last_place_), to = sample_of(place);
  double from_value = value_of(last_place_), to_value = value_of(place);
  if (from > to) {
    std::swap(from, to);
    std::swap(from_value, to_value);
  }
  const auto first = static_cast<qint64>(std::lround(from)), last = static_cast<qint64>(std::lround(to));
  for (qint64 i = first; i <= last; ++i) {
    const double share = to > from ? std::clamp((static_cast<double>(i) - from) / (to - from), 0.0, 1.0) : 1;
    stroke_[static_cast<std::size_t>(i)] = from_value + share * (to_value - from_value);
  }
  touched_ =
      touched_ ? std::pair(std::min(touched_->first, first), std::max(touched_->second, last)) : std::pair(first, last);
  last_place_ = place;
  const double samples_per_pixel =
      static_cast<double>(count - 1) / std::max(1.0, place_of(-1, count - 1).x() - place_of(-1, 0).x());
  const auto radius = static_cast<qint64>(std::lround(scaled(5) * samples_per_pixel));
  show_values(smooth_stroke(before_, stroke_, *touched_, radius));
}

void SignalView::mousePressEvent(QMouseEvent* event) {
  const bool draws = drawable_ && event->button() == Qt::LeftButton && !event->modifiers().testFlag(Qt::ShiftModifier);
  if (!draws || !data() || data()->points() < 2) return CurvesView::mousePressEvent(event);
  leaveEvent(event);  // a read-out would stay behind the pen
  take_up();
  before_ = stroke_ = samples();
  touched_.reset();
  last_place_ = event->position();
  draw_to(event->position());
  Q_EMIT drawn(samples(), false);
}

void SignalView::mouseMoveEvent(QMouseEvent* event) {
  if (!touched_ || !data() || data()->points() != static_cast<qint64>(stroke_.size())) {
    CurvesView::mouseMoveEvent(event);
    if (drawable_ && event->buttons() == Qt::NoButton) setCursor(Qt::CrossCursor);
    return;
  }
  draw_to(event->position());
  Q_EMIT drawn(samples(), false);
}

void SignalView::mouseReleaseEvent(QMouseEvent* event) {
  if (!touched_) return CurvesView::mouseReleaseEvent(event);
  touched_.reset();
  if (data() && data()->points() > 0) Q_EMIT drawn(samples(), true);
}

void SignalView::keyPressEvent(QKeyEvent* event) {
  const int up = event->key() == Qt::Key_Up ? 1 : event->key() == Qt::Key_Down ? -1 : 0;
  if (up == 0 || !drawable_ || !data() || data()->points() < 2) return CurvesView::keyPressEvent(event);
  take_up();
  const auto [low, high] = vertical_range();
  std::vector<double> values = samples();
  const double width = std::max(1.0, 0.02 * static_cast<double>(values.size()));
  const auto center = static_cast<double>(std::max<qint64>(0, cursor()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double distance = (static_cast<double>(i) - center) / width;
    values[i] = std::clamp(values[i] + up * 0.05 * (high - low) * std::exp(-0.5 * distance * distance), low, high);
  }
  show_values(values);
  Q_EMIT drawn(values, true);
}

}  // namespace statescope
