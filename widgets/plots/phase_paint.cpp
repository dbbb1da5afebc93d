// SPDX-License-Identifier: GPL-3.0-or-later
// How a phase portrait looks.
#include <QPainter>
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "phase_frame.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/phase_view.h"
#include "widgets/text_metrics.h"

namespace statescope {

void PhaseView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->points() == 0) {
    draw_message(painter, area);
    return;
  }
  const PhaseFrame where = frame(area);
  const bool roomy = where.body.width() >= 8 && where.body.height() >= 8;
  const auto inside = [&where](QPainter& clipped, const auto& paint) {
    clipped.save();
    clipped.setClipRect(where.space ? where.body : where.body.adjusted(-1, -1, 1, 1));
    paint();
    clipped.restore();
  };
  draw_kept(painter, std::tuple(where, path_, cursor_ >= 0, plain_text(data_->title), subtitle()),
            [&](QPainter& still) {
              draw_header(still, area, data_->title, subtitle());
              if (!roomy) return;
              inside(still, [&] {
                if (!where.space) draw_axes(still, where);
                draw_course(still, where);
              });
              if (!where.space) draw_plane(still, where);
            });
  if (!roomy) return;
  inside(painter, [&] {
    if (!where.space) draw_field(painter, where);
    draw_trajectory(painter, where);
  });
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, where.body);
  if (hover_ && *hover_ < data_->points()) {
    const QPointF place = place_in(where, static_cast<double>(*hover_));
    painter.setPen(QPen(theme().surface, 2));
    painter.setBrush(theme().symbol(data_->symbol));
    painter.drawEllipse(place, 4, 4);
    draw_readout(painter, area, place, readout(*hover_));
  } else if (hover_place_ && data_->startable) {
    QStringList numbers;
    const std::vector<double> start = start_at(*hover_place_);
    for (std::size_t i = 0; i < start.size(); ++i)
      numbers << QStringLiteral("%1 = %2").arg(data_->axes[i].name, format_number(start[i], 3));
    draw_readout(painter, area, *hover_place_, tr("start here: %1").arg(numbers.join(QStringLiteral(", "))));
  }
}

void PhaseView::draw_plane(QPainter& painter, const PhaseFrame& frame) const {
  const TextMetrics metrics(font(TextRole::caption));
  const QRectF& body = frame.body;
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().muted);
  for (const double tick :
       round_ticks(frame.min[0], frame.max[0], std::max(2, static_cast<int>(body.width() / scaled(72))))) {
    const QString label = format_tick(tick);
    const double width = metrics.horizontalAdvance(label);
    const double x = std::clamp(frame.project(frame.unit(0, tick), 0, 0).x() - width / 2, body.left() - scaled(8),
                                std::max(body.left(), body.right() - width));
    painter.drawText(QPointF(x, body.bottom() + scaled(6) + caption_height() - metrics.descent()), label);
  }
  for (const double tick : vertical_ticks(body.height(), frame.min[1], frame.max[1])) {
    const QString label = format_tick(tick);
    const double y = frame.project(0, frame.unit(1, tick), 0).y() + (metrics.ascent() - metrics.descent()) / 2;
    painter.drawText(QPointF(body.left() - scaled(8) - metrics.horizontalAdvance(label), y), label);
  }
}

void PhaseView::draw_axes(QPainter& painter, const PhaseFrame& frame) const {
  const QRectF& body = frame.body;
  painter.fillRect(body, theme().surface);
  const QPointF origin = frame.project(frame.unit(0, 0), frame.unit(1, 0), 0);
  painter.setPen(QPen(mix(theme().hairline, theme().muted, 0.4), 1));
  const double x = std::round(origin.x()) + 0.5, y = std::round(origin.y()) + 0.5;
  painter.drawLine(QPointF(body.left(), y), QPointF(body.right(), y));
  painter.drawLine(QPointF(x, body.top()), QPointF(x, body.bottom()));
}

// Over the course: of more than two states it is a slice through where the cursor is, so it moves.
void PhaseView::draw_field(QPainter& painter, const PhaseFrame& frame) const {
  if (!data_->field) return;

  // Directions are what the eye should follow; lengths only hint at speed, or slow places would show nothing.
  struct Arrow {
    QPointF place, direction;  // pixels, pixels per unit of time
  };
  const QRectF& body = frame.body;
  const double pitch = scaled(34);
  const auto columns = std::max(1, static_cast<int>(body.width() / pitch));
  const auto rows = std::max(1, static_cast<int>(body.height() / pitch));
  std::vector<Arrow> arrows;
  double fastest = 0;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const QPointF place(body.left() + (column + 0.5) * body.width() / columns,
                          body.top() + (row + 0.5) * body.height() / rows);
      const QPointF velocity = data_->field(frame.to_numbers(place));
      const QPointF direction(velocity.x() / (frame.max[0] - frame.min[0]) * body.width(),
                              -velocity.y() / (frame.max[1] - frame.min[1]) * body.height());
      const double speed = std::hypot(direction.x(), direction.y());
      if (!std::isfinite(speed) || speed == 0) continue;
      fastest = std::max(fastest, speed);
      arrows.push_back({place, direction});
    }
  }
  QVector<QLineF> lines;
  for (const Arrow& arrow : arrows) {
    const double speed = std::hypot(arrow.direction.x(), arrow.direction.y());
    const QPointF along = arrow.direction / speed, across(-along.y(), along.x());
    const double half = 0.36 * pitch * (0.35 + 0.65 * std::sqrt(speed / fastest)),
                 head = std::min(0.7 * half, pitch / 8);
    const QPointF tip = arrow.place + along * half;
    lines << QLineF(arrow.place - along * half, tip);
    for (const double side : {head, -head}) lines << QLineF(tip - along * head + across * side, tip);
  }
  // Of single lines with square ends hundreds are drawn at once, without an outline of each.
  painter.setPen(QPen(mix(theme().muted, theme().surface, 0.45), 1.2, Qt::SolidLine, Qt::SquareCap));
  painter.drawLines(lines);
}

void PhaseView::draw_box(QPainter& painter, const PhaseFrame& frame) const {
  const TextMetrics metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  const QColor faint = theme().hairline, edge = mix(theme().hairline, theme().muted, 0.5);
  // Names and numbers stand at the edges of the floor that face the eye and at the upright edge on the left.
  const double near_y = frame.back_of(0, 1) < 0 ? 1 : -1, near_x = frame.back_of(1, 0) < 0 ? 1 : -1;
  std::array<double, 2> left{-1, -1};
  for (const double x : {-1.0, 1.0}) {
    for (const double y : {-1.0, 1.0}) {
      if (frame.project(x, y, 0).x() < frame.project(left[0], left[1], 0).x()) left = {x, y};
    }
  }
  // As many ticks as an edge, seen from here, has room for numbers.
  const auto ticks = [&frame, &left](std::size_t axis) {
    const QPointF begin = axis == 2 ? frame.project(left[0], left[1], -1) : frame.project(-1, -1, -1);
    const QPointF end = axis == 0   ? frame.project(1, -1, -1)
                        : axis == 1 ? frame.project(-1, 1, -1)
                                    : frame.project(left[0], left[1], 1);
    const double length = std::hypot(end.x() - begin.x(), end.y() - begin.y());
    return round_ticks(frame.min[axis], frame.max[axis], std::clamp(static_cast<int>(length / scaled(32)), 1, 4));
  };
  const auto write = [&](const QPointF& at, const QPointF& beyond, const QString& text, const QColor& color,
                         double further = 0) {
    const QPointF way = beyond - at;
    const double length = std::max(1.0, std::hypot(way.x(), way.y()));
    const double width = metrics.horizontalAdvance(text);
    // The nearer side of the text touches the place, whichever way it lies.
    const QPointF middle =
        at + way / length * (scaled(8) + further + std::fabs(way.x()) / length * width / 2 + metrics.ascent() / 2);
    painter.setPen(color);
    painter.drawText(middle + QPointF(-width / 2, metrics.ascent() / 2), text);
  };
  for (const double tick : ticks(0)) {
    const double x = frame.unit(0, tick);
    painter.setPen(QPen(faint, 1));
    painter.drawLine(frame.project(x, -1, -1), frame.project(x, 1, -1));
    write(frame.project(x, near_y, -1), frame.project(x, 1.3 * near_y, -1), format_tick(tick), theme().muted);
  }
  for (const double tick : ticks(1)) {
    const double y = frame.unit(1, tick);
    painter.setPen(QPen(faint, 1));
    painter.drawLine(frame.project(-1, y, -1), frame.project(1, y, -1));
    write(frame.project(near_x, y, -1), frame.project(1.3 * near_x, y, -1), format_tick(tick), theme().muted);
  }
  const QPointF outside(2 * left[0], 2 * left[1]);
  for (const double tick : ticks(2)) {
    const double z = frame.unit(2, tick);
    const QPointF at = frame.project(left[0], left[1], z);
    write(at, at - QPointF(10, 0), format_tick(tick), theme().muted);
  }
  painter.setPen(QPen(edge, 1));
  QPolygonF floor;
  for (const auto& [x, y] :
       {std::pair(-1, -1), std::pair(1, -1), std::pair(1, 1), std::pair(-1, 1), std::pair(-1, -1)}) {
    floor << frame.project(x, y, -1);
  }
  painter.drawPolyline(floor);
  painter.drawLine(frame.project(left[0], left[1], -1), frame.project(left[0], left[1], 1));
  const double numbers = 1.6 * caption_height();  // which stand between an edge and its name
  write(frame.project(0, near_y, -1), frame.project(0, 1.3 * near_y, -1), data_->axes[0].name, theme().text, numbers);
  write(frame.project(near_x, 0, -1), frame.project(1.3 * near_x, 0, -1), data_->axes[1].name, theme().text,
        numbers + scaled(10));
  const QPointF top = frame.project(left[0], left[1], 1);
  write(top, top - QPointF(0, 10), data_->axes[2].name, theme().text);
}

namespace {

// A line through points [first, last] of those whose places `place_at` tells, without those that nearly fall on the one
// before: a chord of 1.5 pixels is 0.1 off a circle of radius 3.
template <class Place>
void draw_part(QPainter& painter, qint64 first, qint64 last, const QPen& pen, const Place& place_at) {
  painter.setPen(pen);
  QPolygonF line;
  const auto flush = [&] {
    if (line.size() > 1) painter.drawPolyline(line);
    line.clear();
  };
  for (qint64 point = first; point <= last; ++point) {
    const QPointF place = place_at(point);
    if (!std::isfinite(place.x())) {
      flush();
      continue;
    }
    if (!line.isEmpty() && (place - line.back()).manhattanLength() < 1.5 && point != last) continue;
    line << place;
    // QPainter's time grows faster than the length of one line.
    if (line.size() >= 128) {
      flush();
      line << place;
    }
  }
  flush();
}

}  // namespace

// Box, shadow and the faint line of the whole course.
void PhaseView::draw_course(QPainter& painter, const PhaseFrame& frame) const {
  painter.setRenderHint(QPainter::Antialiasing);
  if (frame.space) draw_box(painter, frame);
  painter.setBrush(Qt::NoBrush);
  const std::vector<qint64> points = course(frame);
  const qint64 last = std::ssize(points) - 1;
  const auto at = [&points](qint64 i) { return points[static_cast<std::size_t>(i)]; };
  if (frame.space) {
    draw_part(painter, 0, last, QPen(mix(theme().hairline, theme().muted, 0.25), 1), [&](qint64 i) {
      const double x = data_->axes[0].values[at(i)], y = data_->axes[1].values[at(i)];
      if (!std::isfinite(x) || !std::isfinite(y)) return QPointF(qQNaN(), qQNaN());
      return frame.project(frame.unit(0, x), frame.unit(1, y), -1);
    });
  }
  if (cursor_ < 0) return;
  const QColor ground = frame.space ? theme().background : theme().surface;
  draw_part(painter, 0, last, QPen(mix(theme().symbol(data_->symbol), ground, 0.72), 1),
            [&](qint64 i) { return place_in(frame, static_cast<double>(at(i))); });
}

// From where the state is down to the floor, which says how high that is and how far back.
void PhaseView::draw_plumb(QPainter& painter, const PhaseFrame& frame, qint64 point, const QPointF& end) const {
  const QPointF foot =
      frame.project(frame.unit(0, data_->axes[0].values[point]), frame.unit(1, data_->axes[1].values[point]), -1);
  const QColor quiet = mix(theme().muted, theme().background, 0.4);
  painter.setPen(QPen(quiet, 1));
  painter.drawLine(end, foot);
  painter.setPen(Qt::NoPen);
  painter.setBrush(quiet);
  painter.drawEllipse(foot, scaled(2), scaled(2));
  painter.setBrush(Qt::NoBrush);
}

double PhaseView::depth_at(const PhaseFrame& frame, qint64 point) const {
  std::array<double, 3> at{};
  for (std::size_t i = 0; i < 3; ++i) at[i] = frame.unit(i, data_->axes[i].values[point]);
  const double depth = frame.depth_of(at[0], at[1], at[2]);
  return std::isfinite(depth) ? std::clamp(depth, -2.0, 2.0) : 0;
}

void PhaseView::draw_trajectory(QPainter& painter, const PhaseFrame& frame) const {
  const qint64 points = data_->points();
  const QColor ground = frame.space ? theme().background : theme().surface, color = theme().symbol(data_->symbol);
  const qint64 now = std::clamp<qint64>(cursor_ < 0 ? points - 1 : cursor_, 0, points - 1);
  const double head =
      std::min<double>(static_cast<double>(now) + (cursor_ < 0 ? 0 : phase_), static_cast<double>(points - 1));
  painter.setBrush(Qt::NoBrush);
  painter.setRenderHint(QPainter::Antialiasing);
  const auto place = [&](qint64 point) { return place_in(frame, static_cast<double>(point)); };
  const bool whole = cursor_ < 0;
  const qint64 oldest = whole ? 0 : std::max<qint64>(0, now - tail_);
  const qint64 shades = std::clamp<qint64>(now - oldest, 1, frame.space ? 120 : 40);
  struct Part {
    qint64 first, last;
    double age, depth;
  };
  std::vector<Part> parts;
  for (qint64 shade = 0; shade < shades; ++shade) {
    Part part{oldest + (now - oldest) * shade / shades, oldest + (now - oldest) * (shade + 1) / shades,
              1 - static_cast<double>(shade + 1) / static_cast<double>(shades), 0};
    if (frame.space) part.depth = depth_at(frame, (part.first + part.last) / 2);
    parts.push_back(part);
  }
  // In space what is nearer is broader and passes over what is farther, while it is new with a gap beside it.
  if (frame.space)
    std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.depth > b.depth; });
  for (const Part& part : parts) {
    const double dim = whole ? 0.1 : 0.72 * std::pow(part.age, 0.8), near = 1 - 0.22 * part.depth;
    QPen pen(mix(color, ground, dim), near * (whole ? 1.75 : part.age > 0.6 ? 1 : 1.4 + 1.1 * (1 - part.age)));
    pen.setJoinStyle(Qt::RoundJoin);
    if (frame.space && part.age < 0.6) {
      const QPen gap(ground, pen.widthF() + 1.6, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin);
      draw_part(painter, part.first, part.last, gap, place);
      pen.setCapStyle(Qt::RoundCap);
    }
    draw_part(painter, part.first, part.last, pen, place);
  }
  const QPointF end = place_in(frame, head);
  if (frame.space && !whole && std::isfinite(end.x())) draw_plumb(painter, frame, now, end);
  if (std::isfinite(end.x()) && !whole) {
    painter.setPen(QPen(color, 2.5));
    painter.drawLine(place(now), end);
    painter.setPen(QPen(ground, 2));
    painter.setBrush(color);
    painter.drawEllipse(end, scaled(5), scaled(5));
  }
  if (!data_->start.empty()) {
    std::array<double, 3> at{};
    for (std::size_t i = 0; i < data_->start.size(); ++i) at[i] = frame.unit(i, data_->start[i]);
    const QPointF start = frame.project(at[0], at[1], at[2]);
    painter.setPen(QPen(theme().text, 2));
    painter.setBrush(ground);
    painter.drawEllipse(start, scaled(4), scaled(4));
  }
}

}  // namespace statescope
