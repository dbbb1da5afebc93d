// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/sweep_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "chart.h"
#include "widgets/format.h"

namespace statescope {
namespace {

constexpr int header = 26, y_axis = 70, x_axis = 44, y_title = 22, label_room = 128, findings_block = 104,
              least_plot = 320;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

QString seconds_text(double seconds) {
  return duration_text(seconds * 1e9);
}

}  // namespace

QColor sweep_color(SweepWork work, const Theme& theme) {
  switch (work) {
    case SweepWork::sequential:
      return theme.muted;
    case SweepWork::hillis_steele:
      return theme.symbol(Symbol::z);
    case SweepWork::blelloch:
      return theme.symbol(Symbol::C);
    case SweepWork::chunked:
      return theme.symbol(Symbol::B);
    case SweepWork::fused:
    case SweepWork::recurrent_step:
      return theme.symbol(Symbol::h);
    case SweepWork::attention:
    case SweepWork::attention_step:
      break;
  }
  return theme.symbol(Symbol::y);
}

QString sweep_label(SweepWork work) {
  return QString::fromStdString(sweep_work_label(work));
}

void SweepPage::clear() {
  points_.clear();
  findings_.clear();
}

void SweepPage::add_point(const SweepPoint& point) {
  points_.push_back(point);
}

void SweepPage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  const bool any = std::any_of(points_.begin(), points_.end(), [](const SweepPoint& p) { return p.seconds > 0; });
  if (!any) return draw_empty(canvas, area, empty_text_);
  const QRectF plots = area.adjusted(0, 0, 0, -scaled(findings_block));
  const double gap = scaled(32), width = (plots.width() - gap) / 2;
  if (width >= scaled(least_plot)) {
    draw_plot(canvas, {plots.left(), plots.top(), width, plots.height()}, false, pointer, area);
    draw_plot(canvas, {plots.left() + width + gap, plots.top(), width, plots.height()}, true, pointer, area);
  } else {
    // Large text in a narrow window: one above the other where that leaves room, else the first; the findings tell of
    // both.
    const double height = (plots.height() - gap) / 2;
    const bool both = height >= scaled(least_plot / 2 + header + y_title + x_axis);
    const QRectF first(plots.topLeft(), QSizeF(plots.width(), both ? height : plots.height()));
    draw_plot(canvas, first, false, pointer, area);
    if (both) draw_plot(canvas, first.translated(0, height + gap), true, pointer, area);
  }
  // In two columns, as many as fit; what was left out comes last.
  QStringList sentences = findings_;
  const qsizetype found = sentences.size();
  std::set<std::pair<std::string, SweepWork>> named;
  for (const SweepPoint& point : points_)
    if (!point.skipped.empty() && named.emplace(point.device, point.work).second)
      sentences.append(tr("Left out: %1").arg(QString::fromStdString(point.skipped)));
  const double top = plots.bottom() + scaled(14);
  double y = top, left = area.left();
  for (qsizetype i = 0; i < sentences.size(); ++i) {
    const QString finding = as_sentence(sentences[i].toStdString());
    const QColor color = i < found ? theme().text : theme().muted;
    const QRectF room(left, y, width, area.bottom() - y);
    const double height = canvas.paragraph(room, TextRole::body, color, finding, false);
    if (y + height > area.bottom() + scaled(6)) {
      if (left > area.left()) break;
      left += width + gap;
      y = top;
    }
    y += canvas.paragraph({left, y, width, area.bottom() - y}, TextRole::body, color, finding);
  }
}

void SweepPage::draw_plot(Canvas& canvas, const QRectF& area, bool one_token, const Pointer& pointer,
                          const QRectF& page) const {
  const Theme& t = theme();
  draw_page_header(canvas, area, one_token ? tr("One more token after L") : tr("A text of L tokens"), QString());
  LogPlot plot;
  plot.box = area.adjusted(scaled(y_axis), scaled(header + y_title), -scaled(label_room), -scaled(x_axis));
  if (plot.box.width() < scaled(40) || plot.box.height() < scaled(40)) return;
  double x_low = 1e18, x_high = 1, y_low = 1e9, y_high = 1e-12;
  std::map<std::pair<std::string, SweepWork>, std::vector<const SweepPoint*>> series;
  for (const SweepPoint& point : points_) {
    x_low = std::min(x_low, static_cast<double>(point.length));
    x_high = std::max(x_high, static_cast<double>(point.length));
    if (point.seconds <= 0 || reads_one_token(point.work) != one_token) continue;
    y_low = std::min(y_low, point.seconds);
    y_high = std::max(y_high, point.seconds);
    series[{point.device, point.work}].push_back(&point);
  }
  if (series.empty()) return draw_empty(canvas, plot.box, tr("Not measured yet"));
  plot.x_low = x_low;
  plot.x_high = std::max(x_high, 2 * x_low);
  plot.y_low = y_low / 2;
  plot.y_high = std::max(y_high * 2, y_low * 10);
  draw_axes(canvas, plot, octave_ticks(plot.x_low, plot.x_high, std::max(3, int(plot.box.width() / scaled(56)))),
            log_ticks(plot.y_low, plot.y_high, seconds_text), tr("L, tokens →"), tr("time ↑"));
  std::vector<PlotLabel> labels;
  const SweepPoint* hovered = nullptr;
  double nearest = scaled(12);
  for (auto& [key, points] : series) {
    std::sort(points.begin(), points.end(), [](auto* a, auto* b) { return a->length < b->length; });
    const QColor color = sweep_color(key.second, t);
    const bool on_gpu = key.first != "cpu";
    std::vector<QPointF> line;
    for (const SweepPoint* point : points)
      line.emplace_back(plot.x_of(static_cast<double>(point->length)), plot.y_of(point->seconds));
    canvas.polyline(line, color, key.second == SweepWork::fused ? 3 : 2);
    for (std::size_t i = 0; i < line.size(); ++i) {
      canvas.disc(line[i], scaled(on_gpu ? 4 : 3), color);
      if (on_gpu) canvas.disc(line[i], scaled(2), t.background);
      const QPointF way = pointer.position - line[i];
      if (pointer.inside && std::hypot(way.x(), way.y()) < nearest) {
        nearest = std::hypot(way.x(), way.y());
        hovered = points[i];
      }
    }
    const QString text = on_gpu ? tr("%1 · GPU").arg(sweep_label(key.second)) : sweep_label(key.second);
    labels.push_back({QPointF(plot.box.right() + scaled(10), line.back().y()), text, color,
                      canvas.text_width(TextRole::caption, text)});
  }
  const double line_height = canvas.line_height(TextRole::caption);
  spread_labels(labels, line_height, plot.box.top(), plot.box.bottom());
  for (const PlotLabel& label : labels)
    canvas.text_in({label.place.x(), label.place.y() - line_height / 2, double(scaled(label_room - 10)), line_height},
                   Qt::AlignLeft, TextRole::caption, label.color, label.text);
  if (hovered)
    draw_card(
        canvas, page, pointer.position, tr("%1 · %L2 tokens").arg(sweep_label(hovered->work)).arg(hovered->length),
        sweep_color(hovered->work, t),
        {{tr("median of %1").arg(hovered->repeats), seconds_text(hovered->seconds)},
         {tr("fastest, slowest"), tr("%1, %2").arg(seconds_text(hovered->fastest), seconds_text(hovered->slowest))},
         {tr("kept from token to token"), bytes_text(static_cast<double>(hovered->kept))}});
}

QString SweepPage::csv() const {
  QString text = QStringLiteral("work,device,length,seconds,fastest,slowest,repeats,memory_bytes,kept_bytes,skipped\n");
  for (const SweepPoint& p : points_)
    text += QStringLiteral("%1,%2,%3,%4,%5,%6,%7,%8,%9")
                .arg(QString::fromStdString(sweep_work_name(p.work)), QString::fromStdString(p.device))
                .arg(p.length)
                .arg(csv_number(p.seconds), csv_number(p.fastest), csv_number(p.slowest))
                .arg(p.repeats)
                .arg(p.memory)
                .arg(p.kept) +
            QLatin1Char(',') + csv_field(QString::fromStdString(p.skipped)) + QLatin1Char('\n');
  return text;
}

QString SweepPage::name() const {
  return tr("Time against length, measured");
}

}  // namespace statescope
