// SPDX-License-Identifier: GPL-3.0-or-later
#include "chart.h"

#include <algorithm>
#include <cmath>

namespace statescope {

double page_header_height(const Canvas& canvas) {
  return canvas.line_height(TextRole::strong) + scaled(8);
}

QRectF draw_page_header(Canvas& canvas, const QRectF& area, const QString& title, const QString& subtitle) {
  const Theme& t = theme();
  const double line = canvas.line_height(TextRole::strong);
  const QRectF row(area.left(), area.top(), area.width(), line);
  const double title_width = canvas.text_width(TextRole::strong, title);
  const double rest = row.width() - title_width - scaled(24);
  canvas.text_in(row, Qt::AlignLeft, TextRole::strong, t.text, title);
  if (canvas.text_width(TextRole::caption, subtitle) <= rest)
    canvas.text_in(row, Qt::AlignRight, TextRole::caption, t.muted, subtitle);
  return area.adjusted(0, page_header_height(canvas), 0, 0);
}

void draw_card(Canvas& canvas, const QRectF& area, QPointF anchor, const QString& title, const QColor& mark,
               const std::vector<CardLine>& lines) {
  const Theme& t = theme();
  const double pad = scaled(10), mark_size = scaled(8), gap = scaled(16);
  const double title_line = canvas.line_height(TextRole::strong) + scaled(4);
  const double line = canvas.line_height(TextRole::caption) + scaled(2);
  double names = 0, values = 0;
  for (const CardLine& each : lines) {
    names = std::max(names, canvas.text_width(TextRole::caption, each.name));
    values = std::max(values, canvas.text_width(TextRole::caption, each.value));
  }
  const double title_width = mark_size + scaled(6) + canvas.text_width(TextRole::strong, title);
  const QSizeF size(std::max(title_width, names + gap + values) + 2 * pad,
                    title_line + line * static_cast<double>(lines.size()) + 2 * pad - scaled(4));
  QRectF card(anchor + QPointF(scaled(14), scaled(14)), size);
  if (card.right() > area.right()) card.moveRight(anchor.x() - scaled(14));
  if (card.left() < area.left()) card.moveLeft(area.left());
  if (card.bottom() > area.bottom()) card.moveBottom(anchor.y() - scaled(14));
  if (card.top() < area.top()) card.moveTop(area.top());

  canvas.fill(card, t.raised, scaled(6));
  canvas.outline(card, mix(t.hairline, t.muted, 0.4), scaled(6));
  const QRectF inner = card.adjusted(pad, pad - scaled(2), -pad, -pad);
  const double middle = inner.top() + canvas.line_height(TextRole::strong) / 2;
  canvas.fill({inner.left(), middle - mark_size / 2, mark_size, mark_size}, mark, scaled(2));
  canvas.text({inner.left() + mark_size + scaled(6), inner.top()}, TextRole::strong, t.text, title);
  double y = inner.top() + title_line;
  for (const CardLine& each : lines) {
    const QRectF row(inner.left(), y, inner.width(), line);
    canvas.text_in(row, Qt::AlignLeft, TextRole::caption, t.muted, each.name);
    canvas.text_in(row, Qt::AlignRight, TextRole::caption, t.text, each.value);
    y += line;
  }
}

void draw_empty(Canvas& canvas, const QRectF& area, const QString& sentence) {
  const double width = std::min<double>(area.width() - scaled(32), scaled(640));
  const QRectF box(area.center().x() - width / 2, 0, width, area.height());
  const double height = canvas.paragraph(box, TextRole::body, theme().muted, sentence, false);
  if (canvas.text_width(TextRole::body, sentence) <= width)
    return canvas.text_in(area, Qt::AlignHCenter, TextRole::body, theme().muted, sentence);
  canvas.paragraph(box.translated(0, area.center().y() - height / 2), TextRole::body, theme().muted, sentence);
}

double LogPlot::x_at(double pixel) const {
  return x_low * std::pow(x_high / x_low, (pixel - box.left()) / box.width());
}

void draw_axes(Canvas& canvas, const LogPlot& plot, const std::vector<Tick>& x, const std::vector<Tick>& y,
               const QString& x_title, const QString& y_title) {
  const Theme& t = theme();
  const QRectF& box = plot.box;
  const double line = canvas.line_height(TextRole::caption);
  const QColor faint = mix(t.hairline, t.background, 0.5);
  for (const Tick& tick : x) {
    const double at = std::round(plot.x_of(tick.value)) + 0.5;
    canvas.line({at, box.top()}, {at, box.bottom()}, tick.major ? t.hairline : faint);
  }
  for (const Tick& tick : y) {
    const double at = std::round(plot.y_of(tick.value)) + 0.5;
    canvas.line({box.left(), at}, {box.right(), at}, tick.major ? t.hairline : faint);
    if (tick.text.isEmpty()) continue;
    const double width = canvas.text_width(TextRole::caption, tick.text);
    canvas.text({box.left() - scaled(8) - width, at - line / 2}, TextRole::caption, t.muted, tick.text);
  }
  double free_from = -1e9;
  for (const Tick& tick : x) {
    if (tick.text.isEmpty()) continue;
    const double width = canvas.text_width(TextRole::caption, tick.text);
    const double left = plot.x_of(tick.value) - width / 2;
    if (left < free_from) continue;
    canvas.text({left, box.bottom() + scaled(6)}, TextRole::caption, t.muted, tick.text);
    free_from = left + width + scaled(10);
  }
  canvas.text_in({box.left(), box.bottom() + scaled(6) + line, box.width(), line + scaled(4)}, Qt::AlignRight,
                 TextRole::caption, t.muted, x_title);
  canvas.text({box.left(), box.top() - line - scaled(4)}, TextRole::caption, t.muted, y_title);
}

void spread_labels(std::vector<PlotLabel>& labels, double line_height, double top, double bottom) {
  std::sort(labels.begin(), labels.end(),
            [](const PlotLabel& a, const PlotLabel& b) { return a.place.y() < b.place.y(); });
  const auto clash = [line_height](const PlotLabel& a, const PlotLabel& b) {
    const bool beside = a.place.x() + a.width < b.place.x() || b.place.x() + b.width < a.place.x();
    return !beside && b.place.y() - a.place.y() < line_height;
  };
  // Downwards, then back up from the bottom where they ran out of room.
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i].place.setY(std::max(labels[i].place.y(), top + line_height / 2));
    for (std::size_t j = 0; j < i; ++j)
      if (clash(labels[j], labels[i])) labels[i].place.setY(labels[j].place.y() + line_height);
  }
  for (std::size_t i = labels.size(); i-- > 0;) {
    labels[i].place.setY(std::min(labels[i].place.y(), bottom - line_height / 2));
    for (std::size_t j = i + 1; j < labels.size(); ++j)
      if (clash(labels[i], labels[j])) labels[i].place.setY(labels[j].place.y() - line_height);
  }
}

void place_names(std::vector<DotName>& names, const Canvas& canvas, const QRectF& inside, std::vector<QRectF> taken) {
  // Beside is where a name is looked for; then below and above, then askew, then the same farther away.
  constexpr double directions[] = {0, 180, 90, -90, 35, -35, 145, -145, 65, -65, 115, -115};
  const double gap = scaled(5), line = canvas.line_height(TextRole::caption);
  for (const DotName& name : names) {
    const double reach = name.radius + 2;
    taken.push_back({name.dot.x() - reach, name.dot.y() - reach, 2 * reach, 2 * reach});
  }
  for (DotName& name : names) {
    const double width = canvas.text_width(TextRole::caption, name.text);
    for (int ring = 0; ring < 6 && name.box.isNull(); ++ring)
      for (const double degrees : directions) {
        const double angle = degrees * M_PI / 180, reach = name.radius + gap + ring * 0.8 * line;
        const QPointF anchor = name.dot + reach * QPointF(std::cos(angle), std::sin(angle));
        // The side that faces the dot touches the anchor.
        const double x = anchor.x() - width * (1 - std::cos(angle)) / 2,
                     y = anchor.y() - line * (1 - std::sin(angle)) / 2;
        const QRectF box(x, y, width, line);
        const bool covers = std::any_of(taken.begin(), taken.end(), [&](const QRectF& t) { return t.intersects(box); });
        if (covers || !inside.contains(box)) continue;
        name.box = box;
        taken.push_back(box.adjusted(-gap, 0, gap, 0));
        break;
      }
  }
}

void draw_name(Canvas& canvas, const DotName& name) {
  if (name.box.isNull()) return;
  const QPointF near(std::clamp(name.dot.x(), name.box.left(), name.box.right()),
                     std::clamp(name.dot.y(), name.box.top(), name.box.bottom()));
  const QPointF way = near - name.dot;
  const double length = std::hypot(way.x(), way.y());
  if (length > name.radius + scaled(9))
    canvas.line(name.dot + way * (name.radius / length), near, mix(name.color, theme().background, 0.5), 1);
  canvas.text(name.box.topLeft(), TextRole::caption, name.color, name.text);
}

}  // namespace statescope
