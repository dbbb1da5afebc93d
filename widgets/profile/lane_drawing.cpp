// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "chart.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"
#include "widgets/profile/timeline_page.h"

namespace statescope {
namespace {

// Heights at 100 % text size.
constexpr int label_row = 22, span_row = 20, stage_row = 60, low_stage_row = 36, row_gap = 2, lane_gap = 16;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

QString pass_text(const LaneSpan& pass) {
  return pass.tokens > 1 ? tr("%L1 tokens").arg(pass.tokens) : tr("token %L1").arg(pass.number + 1);
}

// Half a name in every box would be noise.
void text_if_it_fits(Canvas& canvas, const QRectF& box, Qt::Alignment alignment, const QColor& color,
                     const QString& text) {
  if (canvas.text_width(TextRole::caption, text) <= box.width() + 0.5)
    canvas.text_in(box, alignment, TextRole::caption, color, text);
}

// Layers or passes: quiet boxes with a name where there is room for one; neighbours below a pixel become one band.
template <class Name>
void draw_spans(Canvas& canvas, const LaneDrawing& drawing, const QRectF& row, const std::vector<LaneSpan>& spans,
                Name name) {
  const Theme& t = theme();
  const double scale = row.width() / (drawing.last - drawing.first);
  const auto visible = std::partition_point(
      spans.begin(), spans.end(), [&](const LaneSpan& span) { return static_cast<double>(span.end) <= drawing.first; });
  double drawn_to = row.left(), band = drawn_to;  // the band that has begun but is not drawn yet
  const auto end_band = [&] {
    if (drawn_to > band) canvas.fill({band, row.top(), drawn_to - band, row.height()}, mix(t.raised, t.muted, 0.25));
  };
  for (auto span = visible; span != spans.end(); ++span) {
    const double left = row.left() + (static_cast<double>(span->begin) - drawing.first) * scale;
    const double right = row.left() + (static_cast<double>(span->end) - drawing.first) * scale;
    if (left >= row.right()) break;
    if (right < drawn_to + 1 && right < row.right()) {
      // Goes with its neighbours: jump to the first one that ends a pixel further.
      const double time = drawing.first + (drawn_to + 1 - row.left()) / scale;
      span = std::partition_point(span, spans.end(),
                                  [time](const LaneSpan& s) { return static_cast<double>(s.end) < time; }) -
             1;
      drawn_to += 1;
      continue;
    }
    end_band();
    const QRectF box(QPointF(std::max(left, row.left()), row.top()),
                     QPointF(std::min(right, row.right()), row.bottom()));
    const double gap = box.width() > 4 ? 1 : 0;
    canvas.fill(box.adjusted(0, 0, -gap, 0), span->number % 2 == 0 ? t.raised : mix(t.raised, t.muted, 0.12),
                box.width() > 8 ? scaled(3) : 0);
    if (box.width() > scaled(14))
      text_if_it_fits(canvas, box.adjusted(scaled(5), 0, -scaled(5), 0), Qt::AlignLeft, t.muted, name(*span));
    drawn_to = band = box.right();
  }
  end_band();
}

void draw_stages(Canvas& canvas, const LaneDrawing& drawing, const QRectF& row, const ZoneLane& lane,
                 std::int64_t hovered) {
  const Theme& t = theme();
  for (const ZoneRun& run : visible_runs(lane.zones, drawing.first, drawing.last, row.width())) {
    QColor color = stage_color(run.stage, t);
    if (drawing.highlighted && run.stage != *drawing.highlighted) color = mix(color, t.background, 0.72);
    const double width = run.right - run.left;
    QRectF box(row.left() + run.left, row.top(), width - (width > 5 ? 1 : 0), row.height());
    if (width <= 8) {  // on the pixel grid: sharp, and quickly filled
      const double left = std::round(box.left());
      box = QRectF(left, row.top(), std::max(std::round(box.right()) - left, 1.0), row.height());
    }
    canvas.fill(box, color, width > 8 ? scaled(3) : 0);
    if (run.zone >= 0 && run.zone == hovered) canvas.outline(box, t.text, width > 8 ? scaled(3) : 0, 2);
    if (width < scaled(34)) continue;
    const ProfileZone& zone = lane.zones[static_cast<std::size_t>(run.zone < 0 ? 0 : run.zone)];
    if (run.zone < 0) continue;
    const QRectF inner = box.adjusted(scaled(6), scaled(5), -scaled(6), -scaled(5));
    const QColor ink = ink_on(color);
    text_if_it_fits(canvas, inner, Qt::AlignLeft | Qt::AlignTop, ink, stage_label(zone.stage));
    text_if_it_fits(canvas, inner, Qt::AlignLeft | Qt::AlignBottom, mix(ink, color, 0.2),
                    duration_text(static_cast<double>(zone.end - zone.begin)));
  }
}

}  // namespace

double ruler_height() {
  return scaled(22);
}

double lanes_height(const ZoneLanes& recording, bool stages_only) {
  const auto lanes = static_cast<int>(recording.lanes().size());
  const int lane = stages_only ? low_stage_row : label_row + 2 * (span_row + row_gap) + stage_row;
  return lanes * scaled(lane) + std::max(0, lanes - 1) * scaled(stages_only ? row_gap : lane_gap);
}

void draw_ruler(Canvas& canvas, const QRectF& box, double first, double last) {
  const Theme& t = theme();
  const int most = std::max(2, static_cast<int>(box.width() / scaled(110)));
  for (const Tick& tick : time_ticks(first, last, most)) {
    const double x = std::round(box.left() + (tick.value - first) / (last - first) * box.width()) + 0.5;
    canvas.line({x, box.top() + ruler_height() - scaled(4)}, {x, box.bottom()}, t.hairline);
    if (x + scaled(4) + canvas.text_width(TextRole::caption, tick.text) <= box.right())
      canvas.text({x + scaled(4), box.top()}, TextRole::caption, t.muted, tick.text);
  }
}

std::optional<std::pair<std::size_t, std::int64_t>> draw_lanes(Canvas& canvas, const LaneDrawing& drawing,
                                                               const Pointer& pointer) {
  const Theme& t = theme();
  std::optional<std::pair<std::size_t, std::int64_t>> hit;
  double y = drawing.box.top();
  for (std::size_t i = 0; i < drawing.recording.lanes().size(); ++i) {
    const ZoneLane& lane = drawing.recording.lanes()[i];
    const double left = drawing.box.left(), width = drawing.box.width();
    if (!drawing.stages_only) {
      // Clear of the mark of the present pass, which begins at the very left.
      canvas.text_in({left + scaled(4), y, width - scaled(4), double(scaled(label_row))}, Qt::AlignLeft,
                     TextRole::caption, t.muted, lane.on_device ? tr("GPU") : tr("CPU"));
      y += scaled(label_row);
      draw_spans(canvas, drawing, {left, y, width, double(scaled(span_row))}, lane.passes, pass_text);
      y += scaled(span_row + row_gap);
      draw_spans(canvas, drawing, {left, y, width, double(scaled(span_row))}, lane.layers,
                 [](const LaneSpan& span) { return tr("layer %1").arg(span.number); });
      y += scaled(span_row + row_gap);
    }
    const QRectF row(left, y, width, scaled(drawing.stages_only ? low_stage_row : stage_row));
    std::int64_t hovered = -1;
    if (pointer.over(row)) {
      const double time = drawing.first + (pointer.position.x() - left) / width * (drawing.last - drawing.first);
      hovered = zone_at(lane.zones, time);
      if (hovered >= 0) hit = std::pair(i, hovered);
    }
    draw_stages(canvas, drawing, row, lane, hovered);
    y = row.bottom() + scaled(drawing.stages_only ? row_gap : lane_gap);
  }
  return hit;
}

void draw_zone_card(Canvas& canvas, const QRectF& area, QPointF anchor, const ProfileZone& zone,
                    const Ceilings& ceilings) {
  const double nanoseconds = static_cast<double>(std::max<std::int64_t>(zone.end - zone.begin, 1));
  const double bandwidth = static_cast<double>(zone.work.bytes) / nanoseconds * 1e9;
  const double rate = static_cast<double>(zone.work.operations) / nanoseconds * 1e9;
  const auto against = [](const QString& text, double value, double ceiling) {
    return ceiling > 0 ? tr("%1 · %2 of the limit").arg(text, format_percent(value / ceiling, 0)) : text;
  };
  std::vector<CardLine> lines{{tr("took"), duration_text(nanoseconds)},
                              {tr("tokens at once"), QStringLiteral("%L1").arg(zone.tokens)}};
  if (zone.work.bytes > 0) {
    lines.push_back({tr("bytes"), bytes_text(static_cast<double>(zone.work.bytes))});
    lines.push_back({tr("bandwidth"), against(bandwidth_text(bandwidth), bandwidth, ceilings.read_bandwidth)});
  }
  if (zone.work.operations > 0) {
    lines.push_back({tr("operations"), count_text(static_cast<double>(zone.work.operations))});
    lines.push_back({tr("rate"), against(rate_text(rate), rate, ceilings.matrix_rate)});
  }
  if (zone.work.exponentials > 0)
    lines.push_back({tr("exponentials"), count_text(static_cast<double>(zone.work.exponentials))});
  const QString title =
      zone.layer < 0 ? stage_label(zone.stage) : tr("%1 · layer %2").arg(stage_label(zone.stage)).arg(zone.layer);
  draw_card(canvas, area, anchor, title, stage_color(zone.stage, theme()), lines);
}

}  // namespace statescope
