// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/scrubber.h"

#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "paint.h"

namespace statescope {
namespace {

constexpr double future_opacity = 0.36;
constexpr double narrowest_bar = 3;  // pixels; below this bars merge into columns
constexpr float nothing = -1;        // stands for a missing value

}  // namespace

Scrubber::Scrubber(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("scrubber"));
  setAccessibleName(tr("Position in the sequence"));
  setToolTip(tr("Drag to move through the sequence (Left, Right, Home, End)"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setCursor(Qt::SizeHorCursor);
  setMouseTracking(true);
  follow_theme(this, &Scrubber::aggregate);
}

void Scrubber::set_length(int steps) {
  length_ = std::max(0, steps);
  position_ = std::clamp(position_, 0, std::max(0, length_ - 1));
  aggregate();
}

void Scrubber::set_values(std::vector<float> values, Shape shape) {
  values_ = std::move(values);
  for (float& value : values_) value = std::isfinite(value) ? std::clamp(value, 0.0f, 1.0f) : nothing;
  shape_ = shape;
  aggregate();
}

void Scrubber::set_color_map(ColorMap map) {
  map_ = std::move(map);
  update();
}

void Scrubber::set_position(int position, double phase) {
  position_ = position;
  phase_ = phase;
  update();
}

QSize Scrubber::sizeHint() const {
  return {scaled(400), scaled(56)};
}
QSize Scrubber::minimumSizeHint() const {
  return {80, scaled(56)};
}

QRectF Scrubber::strip() const {
  // Room for the playhead's knob below, and at the ends so that it is whole at the first and last step.
  const double side = scaled(8);
  return QRectF(rect()).adjusted(side, scaled(9), -side, -scaled(15));
}

double Scrubber::x_of(double step) const {
  const QRectF box = strip();
  return box.left() + box.width() * (step + 0.5) / std::max(1, length_);
}

int Scrubber::step_at(double x) const {
  const QRectF box = strip();
  const double step = std::floor((x - box.left()) / std::max(1.0, box.width()) * length_);
  return static_cast<int>(std::clamp(step, 0.0, std::max(0.0, length_ - 1.0)));
}

QColor Scrubber::color(float value) const {
  const Theme& t = theme();
  if (value < 0) return mix(t.hairline, t.muted, 0.35);
  if (map_) return map_(value);
  return mix(mix(t.surface, t.symbol(Symbol::delta), 0.45), t.symbol(Symbol::delta), value);
}

QColor Scrubber::curve_ink() {
  return mix(theme().muted, theme().text, 0.2);
}

void Scrubber::aggregate() {
  columns_.clear();
  band_ = {};
  update();
  const double width = strip().width();
  if (length_ == 0 || width < 1 || width / length_ >= narrowest_bar) return;
  columns_.assign(static_cast<size_t>(width), {nothing, nothing});
  const auto count = static_cast<double>(columns_.size());
  // Each column takes all steps that touch it; with fewer steps than columns, the step that covers it, or of a curve
  // what lies between the two around it.
  const bool joined = shape_ == Shape::curve && length_ < count;
  for (size_t c = 0; c < columns_.size(); ++c) {
    if (joined) {
      const double at = std::clamp((static_cast<double>(c) + 0.5) * length_ / count - 0.5, 0.0, length_ - 1.0);
      const auto i = static_cast<size_t>(at), next = std::min(i + 1, static_cast<size_t>(length_) - 1);
      if (next >= values_.size() || values_[i] < 0 || values_[next] < 0) continue;
      const float value = std::lerp(values_[i], values_[next], static_cast<float>(at - std::floor(at)));
      columns_[c] = {value, value};
      continue;
    }
    const auto first = static_cast<size_t>(static_cast<double>(c) * length_ / count);
    const auto end = std::max(first + 1, static_cast<size_t>(static_cast<double>(c + 1) * length_ / count));
    for (size_t i = first; i < std::min(end, values_.size()); ++i) {
      if (values_[i] < 0) continue;
      Column& column = columns_[c];
      column.low = column.low < 0 ? values_[i] : std::min(column.low, values_[i]);
      column.high = std::max(column.high, values_[i]);
    }
  }
}

void Scrubber::draw_steps(QPainter& painter) const {
  const QRectF box = strip();
  const double pitch = box.width() / length_;
  const double gap = pitch > 8 ? 2 : 1;
  for (int i = 0; i < length_; ++i) {
    const float value = static_cast<size_t>(i) < values_.size() ? values_[static_cast<size_t>(i)] : nothing;
    const double height = value < 0 ? 3 : std::max(3.0, box.height() * (0.14 + 0.86 * static_cast<double>(value)));
    painter.setOpacity(i <= position_ ? 1.0 : future_opacity);
    const double left = std::round(box.left() + i * pitch), right = std::round(box.left() + (i + 1) * pitch) - gap;
    painter.fillRect(QRectF(left, box.bottom() - height, std::max(1.0, right - left), height), color(value));
  }
  painter.setOpacity(1);
}

void Scrubber::draw_columns(QPainter& painter) const {
  const QRectF box = strip();
  const double now = x_of(position_);
  for (size_t c = 0; c < columns_.size(); ++c) {
    const float value = columns_[c].high;
    const double height = value < 0 ? 3 : std::max(3.0, box.height() * (0.14 + 0.86 * static_cast<double>(value)));
    const double x = box.left() + static_cast<double>(c);
    painter.setOpacity(x <= now ? 1.0 : future_opacity);
    painter.fillRect(QRectF(x, box.bottom() - height, 1, height), color(value));
  }
  painter.setOpacity(1);
}

// The curve of more steps than columns, as tall pixels: each column is covered from its lowest to its highest step, and
// on to where the column before it ends. A path of so many corners would take longer than all other pictures.
const QImage& Scrubber::band(double ratio) const {
  const QSize size = (strip().size() * ratio).toSize();
  if (band_.size() == size) return band_;
  band_ = QImage(size, QImage::Format_ARGB32_Premultiplied);
  band_.fill(Qt::transparent);
  band_.setDevicePixelRatio(ratio);
  const QColor ink = curve_ink();
  const double rows = size.height(), half = 0.6 * ratio;  // of the line's breadth
  const auto y_of = [&](float value) { return rows * (1 - static_cast<double>(value)); };
  Column before{nothing, nothing};
  for (int x = 0; x < size.width(); ++x) {
    const auto c = static_cast<std::size_t>(std::min(x / ratio, static_cast<double>(columns_.size()) - 1));
    const Column column = columns_[c];
    if (column.low < 0) {
      before = {nothing, nothing};
      continue;
    }
    const float low = before.low >= 0 ? std::min(column.low, before.high) : column.low;
    const float high = before.low >= 0 ? std::max(column.high, before.low) : column.high;
    before = column;
    const double top = y_of(high) - half, bottom = y_of(low) + half;
    for (int y = std::max(0, static_cast<int>(top)); y < std::min(rows, std::ceil(bottom)); ++y) {
      const double covered = std::min(y + 1.0, bottom) - std::max<double>(y, top);
      QColor shade = ink;
      shade.setAlphaF(static_cast<float>(std::clamp(covered, 0.0, 1.0)));
      band_.setPixelColor(x, y, shade);
    }
  }
  return band_;
}

void Scrubber::draw_curve(QPainter& painter) const {
  const QRectF box = strip();
  QPolygonF line;  // few enough steps to be joined by lines
  const int count = columns_.empty() ? std::min(length_, static_cast<int>(values_.size())) : 0;
  for (int i = 0; i < count; ++i)
    line << QPointF(x_of(i),
                    box.bottom() - box.height() * std::max(0.0, static_cast<double>(values_[static_cast<size_t>(i)])));
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(curve_ink(), 1.25));
  painter.setBrush(Qt::NoBrush);
  const auto draw = [&] {
    if (columns_.empty())
      painter.drawPolyline(line);
    else
      painter.drawImage(box.topLeft(), band(devicePixelRatioF()));
  };
  const double now = x_of(position_ + phase_);
  const QRectF all(rect());
  painter.save();
  painter.setClipRect(QRectF(all.topLeft(), QPointF(now, all.bottom())));
  draw();
  painter.setClipRect(QRectF(QPointF(now, all.top()), all.bottomRight()));
  painter.setOpacity(future_opacity);
  draw();
  painter.restore();
}

void Scrubber::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const Theme& t = theme();
  const QRectF box = strip();
  if (length_ == 0) {
    painter.fillRect(QRectF(box.left(), box.bottom() - 3, box.width(), 3), t.hairline);
    return;
  }
  if (shape_ == Shape::curve && !values_.empty()) {
    draw_curve(painter);
  } else if (columns_.empty()) {
    draw_steps(painter);
  } else {
    draw_columns(painter);
  }
  painter.setRenderHint(QPainter::Antialiasing);
  if (hovered_ >= 0) {
    painter.setPen(QPen(t.muted, 1));
    const double x = std::round(x_of(hovered_)) + 0.5;
    painter.drawLine(QPointF(x, box.top() - scaled(4)), QPointF(x, box.bottom()));
  }
  // The playhead stands in the middle of its step while paused and glides to the next one while playing.
  const double x = std::min(x_of(position_ + phase_), box.right());
  painter.setPen(QPen(t.text, 2));
  painter.drawLine(QPointF(x, box.top() - scaled(6)), QPointF(x, box.bottom() + scaled(3)));
  painter.setPen(QPen(t.surface, 2));
  painter.setBrush(t.text);
  painter.drawEllipse(QPointF(x, box.bottom() + scaled(7)), scaled(7), scaled(7));
}

void Scrubber::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || length_ == 0) return event->ignore();
  Q_EMIT scrubbed(step_at(event->position().x()));
}

void Scrubber::mouseMoveEvent(QMouseEvent* event) {
  if (length_ == 0) return;
  const int step = step_at(event->position().x());
  if ((event->buttons() & Qt::LeftButton) != 0) {
    hovered_ = -1;
    if (step != position_) Q_EMIT scrubbed(step);
  } else {
    hovered_ = step;
  }
  update();
}

void Scrubber::leaveEvent(QEvent*) {
  hovered_ = -1;
  update();
}

void Scrubber::resizeEvent(QResizeEvent*) {
  aggregate();
}

}  // namespace statescope
