// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/timeline_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "chart.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"

namespace statescope {
namespace {

// Heights at 100 % text size.
constexpr int header = 26, overview = 30, overview_gap = 8, section_gap = 24;
constexpr int least_layer_row = 3, most_layer_row = 30;
constexpr double zoom_per_notch = 0.8;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

}  // namespace

void TimeWindow::zoom(double share, double factor, double length) {
  const double from = begin(), span = end(length) - from;
  const double wanted = std::clamp(span * factor, std::min(shortest, length), std::max(length, shortest));
  if (wanted >= length) {
    first = last = 0;
    return;
  }
  first = std::clamp(from + share * (span - wanted), 0.0, length - wanted);
  last = first + wanted;
}

void TimeWindow::pan(double nanoseconds, double length) {
  if (everything()) return;
  const double span = last - first;
  first = std::clamp(first + nanoseconds, 0.0, std::max(length - span, 0.0));
  last = first + span;
}

void TimelinePage::set_recording(std::shared_ptr<const ZoneLanes> recording, const QString& title,
                                 const Ceilings& ceilings) {
  if (recording != recording_) {
    window_ = {};
    sums_ = {};
  }
  recording_ = std::move(recording);
  title_ = title;
  ceilings_ = ceilings;
}

QRectF TimelinePage::axis_box(const QRectF& area) const {
  const double top = area.top() + scaled(header + overview + overview_gap);
  const double height = ruler_height() + (recording_ ? lanes_height(*recording_) : 0);
  return {area.left(), top, area.width(), height};
}

bool TimelinePage::takes_wheel(const QRectF& area, QPointF place) const {
  return recording_ && place.y() >= area.top() + scaled(header) && place.y() < axis_box(area).bottom();
}

double TimelinePage::least_height() const {
  return axis_box({}).bottom() + scaled(140);
}

void TimelinePage::interact(const QRectF& area, const Pointer& pointer) {
  shape_ = Qt::ArrowCursor;
  if (!recording_ || recording_->count() == 0) return;
  const QRectF axis = axis_box(area);
  const QRectF strip(area.left(), area.top() + scaled(header), area.width(), scaled(overview));
  const double span = window_.end(length()) - window_.begin();
  const bool from_strip = strip.contains(pointer.press_position);
  if (pointer.over(strip)) shape_ = window_.everything() ? Qt::ArrowCursor : Qt::SizeHorCursor;
  if (pointer.over(axis))
    shape_ = window_.everything() ? Qt::ArrowCursor : pointer.down ? Qt::ClosedHandCursor : Qt::OpenHandCursor;
  if (pointer.double_clicked) {
    window_ = {};
    return;
  }
  if (pointer.wheel != 0 && takes_wheel(area, pointer.position))
    window_.zoom((pointer.position.x() - axis.left()) / axis.width(), std::pow(zoom_per_notch, pointer.wheel),
                 length());
  if (pointer.wheel_sideways != 0) window_.pan(-pointer.wheel_sideways * span / 8, length());
  if (pointer.down && from_strip && !window_.everything()) {
    const double middle = (pointer.position.x() - strip.left()) / strip.width() * length();
    window_.pan(middle - span / 2 - window_.begin(), length());
  } else if (pointer.down && axis.contains(pointer.press_position)) {
    window_.pan(-pointer.moved.x() / axis.width() * span, length());
  }
  if (pointer.tapped && axis.contains(pointer.position)) {
    const double time = window_.begin() + (pointer.position.x() - axis.left()) / axis.width() * span;
    std::optional<Stage> tapped;
    double top = axis.top() + ruler_height();
    const double lane_height = lanes_height(*recording_) / static_cast<double>(recording_->lanes().size());
    for (const ZoneLane& lane : recording_->lanes()) {
      const std::int64_t zone = zone_at(lane.zones, time);
      if (zone >= 0 && pointer.position.y() >= top && pointer.position.y() < top + lane_height)
        tapped = lane.zones[static_cast<std::size_t>(zone)].stage;
      top += lane_height;
    }
    selection_.stage = tapped == selection_.stage ? std::nullopt : tapped;
  }
}

bool TimelinePage::key(int key) {
  const double span = window_.end(length()) - window_.begin();
  switch (key) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
    case Qt::Key_Up:
      window_.zoom(0.5, zoom_per_notch * zoom_per_notch, length());
      return true;
    case Qt::Key_Minus:
    case Qt::Key_Down:
      window_.zoom(0.5, 1 / (zoom_per_notch * zoom_per_notch), length());
      return true;
    case Qt::Key_Left:
    case Qt::Key_Right:
      if (window_.everything()) return false;  // then they step the transport
      window_.pan((key == Qt::Key_Left ? -1 : 1) * span / 8, length());
      return true;
    case Qt::Key_0:
      window_ = {};
      return true;
    default:
      return false;
  }
}

void TimelinePage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  if (!recording_ || recording_->count() == 0) return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  const double first = window_.begin(), last = window_.end(length());
  const QString seen =
      window_.everything()
          ? tr("wheel zooms · drag pans · double click shows all")
          : tr("%1 of %2 · double click shows all").arg(duration_text(last - first), duration_text(length()));
  draw_page_header(canvas, area, title_, seen);
  draw_overview(canvas, {area.left(), area.top() + scaled(header), area.width(), double(scaled(overview))});

  const QRectF axis = axis_box(area);
  canvas.push_clip(axis);
  draw_ruler(canvas, axis, first, last);
  const LaneDrawing drawing{*recording_, axis.adjusted(0, ruler_height(), 0, 0), first, last, selection_.stage};
  const auto hit = draw_lanes(canvas, drawing, pointer);
  if (cursor_ >= first && cursor_ <= last) {
    const double x = std::round(axis.left() + (cursor_ - first) / (last - first) * axis.width()) + 0.5;
    canvas.line({x, axis.top() + ruler_height() - scaled(6)}, {x, axis.bottom()}, t.text, 1);
  }
  canvas.pop_clip();
  draw_by_layer(canvas, {QPointF(area.left(), axis.bottom() + scaled(section_gap)), area.bottomRight()}, pointer);
  if (hit && !pointer.down)
    draw_zone_card(canvas, area, pointer.position,
                   recording_->lanes()[hit->first].zones[static_cast<std::size_t>(hit->second)], ceilings_);
}

// The whole recording in one strip, with what is zoomed into.
void TimelinePage::draw_overview(Canvas& canvas, const QRectF& box) const {
  const Theme& t = theme();
  canvas.fill(box, t.surface, scaled(4));
  const double lanes = static_cast<double>(recording_->lanes().size());
  const double height = (box.height() - scaled(8)) / lanes;
  double y = box.top() + scaled(4);
  for (const ZoneLane& lane : recording_->lanes()) {
    for (const ZoneRun& run : visible_runs(lane.zones, 0, length(), box.width()))
      canvas.fill({box.left() + run.left, y, run.right - run.left, height - 1},
                  mix(stage_color(run.stage, t), t.surface, 0.35));
    y += height;
  }
  if (window_.everything()) return;
  const double left = box.left() + window_.first / length() * box.width();
  const double right = std::max(box.left() + window_.last / length() * box.width(), left + 2);
  const QColor veil = [&] {
    QColor color = t.background;
    color.setAlphaF(0.65F);
    return color;
  }();
  canvas.fill({box.topLeft(), QPointF(left, box.bottom())}, veil);
  canvas.fill({QPointF(right, box.top()), box.bottomRight()}, veil);
  canvas.outline({QPointF(left - 1, box.top()), QPointF(right + 1, box.bottom())}, t.text, scaled(3), 2);
}

const std::vector<StageTimes>& TimelinePage::times(double first, double last) const {
  if (sums_.first != first || sums_.last != last || sums_.zones != recording_->count()) {
    const std::int64_t layers = recording_->layers();
    std::vector<StageTimes> sums(static_cast<std::size_t>(layers + 1), StageTimes{});
    // While one lane grows and all of it is seen, only what is new is added.
    const auto& front = recording_->lanes().front().zones;
    const auto seen = static_cast<std::size_t>(std::max<std::int64_t>(sums_.zones, 0));
    const bool grown = recording_->lanes().size() == 1 && window_.everything() && seen > 0 && seen <= front.size() &&
                       sums_.first == first && sums_.last == static_cast<double>(front[seen - 1].end) &&
                       sums_.times.size() == sums.size();
    if (grown) sums = sums_.times;
    for (const ZoneLane& lane : recording_->lanes()) {
      const auto part = times_by_layer(std::span(lane.zones).subspan(grown ? seen : 0), first, last, layers);
      for (std::size_t l = 0; l < sums.size(); ++l)
        for (std::size_t s = 0; s < all_stages.size(); ++s) sums[l][s] += part[l][s];
    }
    sums_ = {first, last, recording_->count(), std::move(sums)};
  }
  return sums_.times;
}

void TimelinePage::draw_by_layer(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  const Theme& t = theme();
  const auto& sums = times(window_.begin(), window_.end(length()));
  const double label_width = scaled(64), number_width = scaled(76);
  const QRectF body =
      draw_page_header(canvas, area, window_.everything() ? tr("Time by layer") : tr("Time by layer, in view"),
                       tr("stages as above · last row: outside the layers"));
  const auto rows = static_cast<double>(sums.size());
  const double pitch =
      std::clamp(body.height() / rows, double(scaled(least_layer_row)), double(scaled(most_layer_row)));
  const bool named = pitch >= canvas.line_height(TextRole::caption) - scaled(2);
  const double bar = named ? std::min<double>(pitch - scaled(6), scaled(18)) : std::max(pitch - 1, 1.0);
  std::int64_t longest = 1;
  for (const StageTimes& row : sums) {
    std::int64_t total = 0;
    for (const std::int64_t time : row) total += time;
    longest = std::max(longest, total);
  }
  const QRectF bars = body.adjusted(label_width, 0, -number_width, 0);
  struct Hit {
    Stage stage;
    std::size_t row;
    std::int64_t time;
  };
  std::optional<Hit> hit;
  for (std::size_t row = 0; row < sums.size(); ++row) {
    const double y = body.top() + static_cast<double>(row) * pitch;
    if (y + bar > area.bottom() + 1) break;
    double x = bars.left();
    std::int64_t total = 0;
    for (const Stage stage : all_stages) {
      const std::int64_t time = sums[row][static_cast<std::size_t>(stage)];
      if (time <= 0) continue;
      total += time;
      const double width = static_cast<double>(time) / static_cast<double>(longest) * bars.width();
      QColor color = stage_color(stage, t);
      if (selection_.stage && stage != *selection_.stage) color = mix(color, t.background, 0.72);
      const QRectF box(x, y + (pitch - bar) / 2, std::max(width - (width > 4 ? 1 : 0), 0.5), bar);
      canvas.fill(box, color, width > 8 && named ? scaled(2) : 0);
      if (pointer.over(box)) hit = Hit{stage, row, time};
      x += width;
    }
    if (!named) continue;
    const bool outside = row + 1 == sums.size();
    canvas.text_in({body.left(), y, label_width - scaled(8), pitch}, Qt::AlignLeft, TextRole::caption, t.muted,
                   outside ? tr("others") : tr("layer %1").arg(row));
    canvas.text_in({bars.right() + scaled(8), y, number_width - scaled(8), pitch}, Qt::AlignRight, TextRole::caption,
                   t.muted, duration_text(static_cast<double>(total)));
  }
  if (hit && !pointer.down) {
    const QString place = hit->row + 1 == sums.size() ? QString() : tr(" · layer %1").arg(hit->row);
    draw_card(canvas, area, pointer.position, stage_label(hit->stage) + place, stage_color(hit->stage, t),
              {{tr("in view"), duration_text(static_cast<double>(hit->time))}});
  }
}

QString TimelinePage::csv() const {
  QString text = QStringLiteral("lane,stage,layer,begin_ns,end_ns,tokens,bytes,operations,exponentials\n");
  if (!recording_) return text;
  for (const ZoneLane& lane : recording_->lanes())
    for (const ProfileZone& zone : lane.zones)
      text += QStringLiteral("%1,%2,%3,%4,%5,%6,%7,%8,%9\n")
                  .arg(lane.on_device ? QStringLiteral("gpu") : QStringLiteral("cpu"), stage_label(zone.stage))
                  .arg(zone.layer)
                  .arg(zone.begin)
                  .arg(zone.end)
                  .arg(zone.tokens)
                  .arg(zone.work.bytes)
                  .arg(zone.work.operations)
                  .arg(zone.work.exponentials);
  return text;
}

QString TimelinePage::name() const {
  return tr("Timeline of the run’s stages");
}

}  // namespace statescope
