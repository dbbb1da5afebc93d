// SPDX-License-Identifier: GPL-3.0-or-later
// How the complex plane, its grid and the poles look.
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "plane_frame.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/pole_plane_view.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

using Complex = std::complex<double>;
constexpr double pi = std::numbers::pi;
constexpr double dampings[] = {0.2, 0.4, 0.6, 0.8};

QColor with_alpha(QColor color, double alpha) {
  color.setAlphaF(static_cast<float>(alpha));
  return color;
}

// A pole of natural frequency ω and damping ζ ≤ 1, the upper one of its pair.
Complex pole_of(double frequency, double damping) {
  return frequency * Complex(-damping, std::sqrt(std::max(0.0, 1 - damping * damping)));
}

void draw_line(QPainter& painter, const PlaneFrame& frame, const std::vector<Complex>& numbers) {
  for (const bool upper : {true, false}) {
    QPolygonF line;
    for (const Complex& number : numbers) line << frame.to_screen(upper ? number : std::conj(number));
    painter.drawPolyline(line);
  }
}

QPainterPath region_path(const PlaneRegion& region, const PlaneFrame& frame) {
  using Shape = PlaneRegion::Shape;
  const QRectF& body = frame.body;
  PlaneRegion shown = region;
  // The edge of a circle much larger than the screen is an upright line.
  if (region.shape >= Shape::inside && region.radius * frame.scale > 100 * (body.width() + body.height())) {
    const double right = region.center + region.radius, left = region.center - region.radius;
    const double middle = frame.center.real();
    const bool right_edge = std::fabs(right - middle) < std::fabs(left - middle);
    shown.center = right_edge ? right : left;
    shown.shape = (region.shape == Shape::inside) == right_edge ? Shape::left_of : Shape::right_of;
  }
  QPainterPath whole, path;
  whole.addRect(body);
  if (shown.shape >= Shape::inside) {
    const double radius = shown.radius * frame.scale;
    path.addEllipse(frame.to_screen(shown.center), radius, radius);
    return shown.shape == Shape::inside ? path : whole.subtracted(path);
  }
  const double edge = std::clamp(frame.to_screen(shown.center).x(), body.left() - 2, body.right() + 2);
  if (shown.shape == Shape::left_of) {
    path.addRect(QRectF(QPointF(body.left() - 2, body.top() - 2), QPointF(edge, body.bottom() + 2)));
  } else {
    path.addRect(QRectF(QPointF(edge, body.top() - 2), QPointF(body.right() + 2, body.bottom() + 2)));
  }
  return path;
}

// Whether words would cover no pole here.
bool is_free(const PlaneFrame& frame, const QRectF& place, const std::vector<Complex>& poles) {
  const double arm = scaled(7);
  const QRectF around = place.adjusted(-arm, -arm, arm, arm);
  return std::none_of(poles.begin(), poles.end(),
                      [&](const Complex& pole) { return around.contains(frame.to_screen(pole)); });
}

QSizeF caption_size(const QString& text, double most_width) {
  return {std::min(TextMetrics(font(TextRole::caption)).horizontalAdvance(text), most_width), caption_height()};
}

// Where the region's name stands: at the foot, or line by line above it until it covers no pole, on the left first.
// Nowhere if every place has one.
QRectF name_place(const PlaneFrame& frame, const QString& name, const std::vector<Complex>& poles) {
  const QRectF room = frame.body.adjusted(scaled(8), scaled(4), -scaled(8), -scaled(4));
  QRectF place({}, caption_size(name, room.width()));
  for (const double left : {room.left(), room.right() - place.width()}) {
    place.moveBottomLeft({left, room.bottom()});
    for (; place.top() > room.top(); place.translate(0, -place.height() / 2))
      if (is_free(frame, place, poles)) return place;
  }
  return {};
}

// Where the Nyquist lines are named: at the end of one of them that has room beside poles and the region's name, on the
// right first, where few poles are and no line of damping is named. Nowhere without such a place.
QRectF nyquist_place(const PlaneFrame& frame, double delta, const QString& text, const QRectF& name,
                     const std::vector<Complex>& poles) {
  const QRectF room = frame.body.adjusted(scaled(8), scaled(2), -scaled(8), -scaled(2));
  QRectF place({}, caption_size(text, room.width()));
  for (const double left : {room.right() - place.width(), room.left()}) {
    for (const double sign : {1.0, -1.0}) {
      const double line = frame.to_screen({0, sign * pi / delta}).y();
      for (const double above : {line - scaled(4) - place.height(), line + scaled(4)}) {
        place.moveTopLeft({left, above});
        const bool inside = line > frame.body.top() && line < frame.body.bottom() && room.contains(place);
        if (inside && !place.intersects(name) && is_free(frame, place, poles)) return place;
      }
    }
  }
  return {};
}

}  // namespace

void PolePlaneView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_) {
    draw_message(painter, area);
    return;
  }
  const PlaneFrame plane = frame(area);
  const bool roomy = plane.body.width() >= 8 && plane.body.height() >= 8;
  const QRectF name = data_->region ? name_place(plane, data_->region->name, poles_) : QRectF();
  const bool has_nyquist = data_->plane == PolePlaneData::Plane::s && data_->delta > 0;
  const QString nyquist = tr("Nyquist, π/Δ");
  const QRectF named = has_nyquist ? nyquist_place(plane, data_->delta, nyquist, name, poles_) : QRectF();
  draw_kept(painter,
            std::tuple(plane, data_->region, data_->delta, plain_text(data_->title), data_->subtitle, name, named),
            [&](QPainter& still) {
              draw_header(still, area, data_->title, subtitle());
              if (!roomy) return;
              still.save();
              still.setClipRect(plane.body);
              still.fillRect(plane.body, theme().surface);
              draw_region(still, plane);
              draw_grid(still, plane);
              still.restore();
              draw_ticks(still, plane);
              draw_name(still, name);
              still.setFont(font(TextRole::caption));
              still.setPen(theme().muted);
              if (!named.isEmpty()) still.drawText(named, Qt::AlignLeft | Qt::TextDontClip, nyquist);
            });
  if (!roomy) return;
  painter.save();
  painter.setClipRect(plane.body);
  draw_marks(painter, plane, for_export);
  painter.restore();
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, plane.body);
  const bool keys = by_keys_ && hasFocus() && !hover_;
  const int told = dragging_ || keys ? selected_ : hover_.value_or(-1);
  if (told >= 0 && told < static_cast<int>(poles_.size())) {
    QString hint = data_->draggable ? tr(" · Shift keeps ω, Ctrl keeps ζ") : QString();
    if (keys) hint += tr(" · Page down: the next");
    const QString numbers = readout(told);
    const double room = area.width() - scaled(16);  // which the numbers need first
    const bool fits = TextMetrics(font(TextRole::caption)).horizontalAdvance(numbers + hint) <= room;
    draw_readout(painter, area, plane.to_screen(poles_[static_cast<std::size_t>(told)]),
                 fits ? numbers + hint : numbers);
  }
}

void PolePlaneView::draw_region(QPainter& painter, const PlaneFrame& frame) const {
  if (!data_->region) return;
  const QColor color = theme().symbol(Symbol::delta);
  painter.setPen(QPen(with_alpha(color, 0.7), 1.25));
  painter.setBrush(with_alpha(color, theme().dark() ? 0.13 : 0.12));
  painter.drawPath(region_path(*data_->region, frame));
}

void PolePlaneView::draw_grid(QPainter& painter, const PlaneFrame& frame) const {
  const bool in_z = data_->plane == PolePlaneData::Plane::z;
  const QColor faint = mix(theme().hairline, theme().muted, 0.15), axis = mix(theme().hairline, theme().muted, 0.55);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(faint, 1));
  if (in_z) {
    constexpr int steps = 48;
    for (const double damping : dampings) {  // up to the Nyquist frequency, where ω·√(1 − ζ²) = π
      std::vector<Complex> line;
      const double last = pi / std::sqrt(1 - damping * damping);
      for (int i = 0; i <= steps; ++i) line.push_back(std::exp(pole_of(last * i / steps, damping)));
      draw_line(painter, frame, line);
    }
    for (int tenth = 2; tenth <= 10; tenth += 2) {
      std::vector<Complex> line;
      for (int i = 0; i <= steps; ++i)
        line.push_back(std::exp(pole_of(pi * tenth / 10, static_cast<double>(i) / steps)));
      draw_line(painter, frame, line);
    }
  } else {
    double far = 0;
    for (const double x : {frame.left(), frame.right()}) {
      for (const double y : {frame.bottom(), frame.top()}) far = std::max(far, std::abs(Complex(x, y)));
    }
    for (const double damping : dampings) draw_line(painter, frame, {0, pole_of(far, damping)});
    const QPointF origin = frame.to_screen(0);
    for (const double frequency : round_ticks(0, far, std::max(3, static_cast<int>(far * frame.scale / scaled(80))))) {
      const double radius = frequency * frame.scale;
      if (frequency <= 0 || radius > 1e5) continue;
      painter.drawArc(QRectF(origin.x() - radius, origin.y() - radius, 2 * radius, 2 * radius), 90 * 16, 180 * 16);
    }
  }
  painter.setPen(QPen(axis, 1));
  const QPointF origin = frame.to_screen(0);
  const double y = std::round(origin.y()) + 0.5, x = std::round(origin.x()) + 0.5;
  if (y > frame.body.top() && y < frame.body.bottom()) {
    painter.drawLine(QPointF(frame.body.left(), y), QPointF(frame.body.right(), y));
  }
  if (x > frame.body.left() && x < frame.body.right()) {
    painter.drawLine(QPointF(x, frame.body.top()), QPointF(x, frame.body.bottom()));
  }
  if (in_z) {
    painter.setPen(QPen(mix(theme().muted, theme().text, 0.4), 1.5));
    if (frame.scale < 1e5) painter.drawEllipse(origin, frame.scale, frame.scale);
  } else if (data_->delta > 0) {
    QPen pen(theme().muted, 1, Qt::CustomDashLine);
    pen.setDashPattern({4, 4});
    painter.setPen(pen);
    for (const double sign : {1.0, -1.0}) {
      const double line = frame.to_screen({0, sign * pi / data_->delta}).y();
      if (line < frame.body.top() || line > frame.body.bottom()) continue;
      painter.drawLine(QPointF(frame.body.left(), line), QPointF(frame.body.right(), line));
    }
  }
}

void PolePlaneView::draw_ticks(QPainter& painter, const PlaneFrame& frame) const {
  const TextMetrics metrics(font(TextRole::caption));
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().muted);
  const QRectF& body = frame.body;
  for (const double tick :
       round_ticks(frame.left(), frame.right(), std::max(2, static_cast<int>(body.width() / scaled(72))))) {
    const QString label = format_tick(tick);
    const double width = metrics.horizontalAdvance(label);
    const double x = frame.to_screen(tick).x() - width / 2;
    if (x < body.left() - scaled(8) || x + width > body.right() + 1) continue;
    painter.drawText(QPointF(x, body.bottom() + scaled(6) + caption_height() - metrics.descent()), label);
  }
  for (const double tick : vertical_ticks(body.height(), frame.bottom(), frame.top())) {
    const QString label = format_tick(tick);
    const double y = frame.to_screen({0, tick}).y() + (metrics.ascent() - metrics.descent()) / 2;
    painter.drawText(QPointF(body.left() - scaled(8) - metrics.horizontalAdvance(label), y), label);
  }
  // What the lines of the grid mean, where they leave the picture.
  if (data_->plane == PolePlaneData::Plane::s && body.height() > scaled(140)) {
    painter.setPen(mix(theme().muted, theme().surface, 0.3));
    QRectF last;  // label; one that would touch it is left out
    for (const double damping : dampings) {
      const Complex direction = pole_of(1, damping);
      const double reach = std::min((frame.top() - 0) / direction.imag(), frame.left() / direction.real());
      if (!(reach > 0)) continue;
      const QPointF end = frame.to_screen(direction * reach);
      const QString label = QStringLiteral("ζ %1").arg(format_tick(damping));
      const bool at_top = std::fabs(end.y() - body.top()) < 1;
      const QPointF place = at_top ? end + QPointF(-metrics.horizontalAdvance(label) - scaled(4), metrics.ascent() + 2)
                                   : end + QPointF(scaled(4), -scaled(4));
      const QRectF box(place.x() - scaled(3), place.y() - metrics.ascent(),
                       metrics.horizontalAdvance(label) + scaled(6), metrics.height());
      if (place.x() <= body.left() + 2 || place.y() <= body.top() + metrics.ascent() || box.intersects(last)) continue;
      painter.drawText(place, label);
      last = box;
    }
  }
}

void PolePlaneView::draw_name(QPainter& painter, const QRectF& place) const {
  if (place.isEmpty() || data_->region->name.isEmpty()) return;
  painter.fillRect(place.adjusted(-scaled(4), 0, scaled(4), 0), with_alpha(theme().surface, 0.75));  // a circle passes
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().symbol(Symbol::delta));
  draw_elided(painter, place.adjusted(0, 0, 1, 0), Qt::AlignLeft, data_->region->name);
}

void PolePlaneView::draw_marks(QPainter& painter, const PlaneFrame& frame, bool for_export) const {
  const QColor ground = theme().surface;
  if (!for_export && trail_.size() > 1) {
    for (std::size_t i = 1; i < trail_.size(); ++i) {
      const double age = static_cast<double>(i) / static_cast<double>(trail_.size());
      painter.setPen(QPen(with_alpha(theme().symbol(Symbol::A), 0.8 * age * age), 2));
      draw_line(painter, frame, {trail_[i - 1], trail_[i]});
    }
  }
  const double size = scaled(5);
  painter.setBrush(Qt::NoBrush);
  const auto arm_of = [&](int i) {
    return (!for_export && hover_ == i) || (i == selected_ && dragging_) ? size + 1.5 : size;
  };
  for (const bool halo : {true, false}) {  // all of them first, or a mark would hide its close neighbours
    painter.setPen(QPen(halo ? ground : theme().symbol(Symbol::C), halo ? 5 : 2));
    for (const Complex& zero : data_->zeros) painter.drawEllipse(frame.to_screen(zero), size, size);
    for (std::size_t i = 0; i < poles_.size(); ++i) {
      const QPointF place = frame.to_screen(poles_[i]);
      const double arm = arm_of(static_cast<int>(i));
      const QLineF cross[] = {{place + QPointF(-arm, -arm), place + QPointF(arm, arm)},
                              {place + QPointF(-arm, arm), place + QPointF(arm, -arm)}};
      const QColor color = stable(poles_[i]) ? theme().symbol(Symbol::A) : theme().danger;
      // Lines with square ends are drawn without an outline.
      painter.setPen(QPen(halo ? ground : color, halo ? 5.5 : 2.5, Qt::SolidLine, Qt::SquareCap));
      painter.drawLines(cross, 2);
    }
  }
  if (selected_ < 0 || selected_ >= static_cast<int>(poles_.size())) return;
  const double ring = arm_of(selected_) + scaled(6);
  painter.setPen(QPen(theme().text, 1.5));
  painter.drawEllipse(frame.to_screen(poles_[static_cast<std::size_t>(selected_)]), ring, ring);
}

}  // namespace statescope
