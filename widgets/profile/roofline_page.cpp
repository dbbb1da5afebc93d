// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/roofline_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>

#include "chart.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"

namespace statescope {
namespace {

// Lengths at 100 % text size.
constexpr int header = 26, y_axis = 92, x_axis = 44, y_title = 22, sentence_height = 64;
constexpr double smallest_dot = 4, largest_dot = 16;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

QString intensity_text(double value) {
  return format_tick(value);
}

bool drawable(const RooflinePoint& point) {
  return point.intensity > 0 && point.rate > 0;
}

double bandwidth_of(const Ceilings& c) {
  return std::max(c.read_bandwidth, c.copy_bandwidth);
}
double peak_of(const Ceilings& c) {
  return std::max(c.matrix_rate, c.multiply_add_rate);
}

LogPlot plot_of(const ProfileSummary& summary, const QRectF& area) {
  LogPlot plot;
  plot.box = area.adjusted(scaled(y_axis), scaled(header + y_title), -scaled(12), -scaled(x_axis + sentence_height));
  double x_low = 1e9, x_high = 0, y_low = 1e30, y_high = 0;
  for (const RooflinePoint& point : summary.roof) {
    if (!drawable(point)) continue;
    x_low = std::min(x_low, point.intensity);
    x_high = std::max(x_high, point.intensity);
    y_low = std::min(y_low, point.rate);
    y_high = std::max(y_high, point.rate);
  }
  const double bandwidth = bandwidth_of(summary.ceilings), peak = peak_of(summary.ceilings);
  if (bandwidth > 0 && peak > 0) {
    x_high = std::max(x_high, 4 * peak / bandwidth);
    y_high = std::max(y_high, peak);
    x_low = std::min(x_low, peak / bandwidth / 4);
  }
  // Whole decades below, a third of one above: room for the names.
  plot.x_low = std::pow(10, std::floor(std::log10(x_low / 1.5)));
  plot.x_high = x_high * 2.5;
  plot.y_low = std::pow(10, std::floor(std::log10(y_low / 1.5)));
  plot.y_high = y_high * 2.5;
  return plot;
}

double radius_of(const ProfileSummary& summary, std::size_t i) {
  const double least = scaled(int(smallest_dot)), most = scaled(int(largest_dot));
  return least + (most - least) * std::sqrt(summary.stages[i].share);
}

// The limits and their names. Returns where the names and lines stand.
std::vector<QRectF> draw_roof(Canvas& canvas, const LogPlot& plot, const Ceilings& ceilings) {
  const Theme& t = theme();
  const double bandwidth = bandwidth_of(ceilings), peak = peak_of(ceilings);
  if (bandwidth <= 0 || peak <= 0) return {};
  std::vector<QRectF> taken;
  const double ridge = peak / bandwidth, line = canvas.line_height(TextRole::caption);
  const std::array roof{QPointF(plot.x_of(plot.x_low), plot.y_of(plot.x_low * bandwidth)),
                        QPointF(plot.x_of(ridge), plot.y_of(peak)), QPointF(plot.box.right(), plot.y_of(peak))};
  canvas.polyline(roof, t.text, 2);
  const double lower = std::min(ceilings.matrix_rate, ceilings.multiply_add_rate);
  if (lower > 0 && lower < 0.95 * peak)
    canvas.dashed_line({plot.x_of(lower / bandwidth), plot.y_of(lower)}, {plot.box.right(), plot.y_of(lower)}, t.muted,
                       1.5, 5);
  const auto name = [&](double rate, const QString& what) {
    const QString text = tr("%1, %2").arg(what, rate_text(rate));
    const QRectF box(plot.box.right() - canvas.text_width(TextRole::caption, text) - scaled(6),
                     plot.y_of(rate) - line - scaled(3), canvas.text_width(TextRole::caption, text), line + scaled(3));
    canvas.text(box.topLeft(), TextRole::caption, t.text, text);
    taken.push_back(box);
  };
  name(peak, ceilings.matrix_rate >= ceilings.multiply_add_rate ? tr("matrix products") : tr("multiply-adds"));
  if (lower > 0 && lower < 0.6 * peak)
    name(lower, ceilings.matrix_rate < ceilings.multiply_add_rate ? tr("matrix products") : tr("multiply-adds"));
  // Along the lower end of the slope, where no stage of a model lies.
  const QString text = tr("memory, %1").arg(bandwidth_text(bandwidth));
  const double slope_x = std::max(plot.x_low * 1.15, plot.y_low * 1.6 / bandwidth);
  const QRectF box(plot.x_of(slope_x) + scaled(14), plot.y_of(slope_x * bandwidth) - line / 2,
                   canvas.text_width(TextRole::caption, text), line);
  canvas.text(box.topLeft(), TextRole::caption, t.text, text);
  taken.push_back(box);
  return taken;
}

}  // namespace

std::optional<int> RooflinePage::point_near(const QRectF& area, const QPointF& place) const {
  if (!summary_ || summary_->roof.empty()) return {};
  const LogPlot plot = plot_of(*summary_, area);
  std::optional<int> nearest;
  double best = scaled(10);
  for (std::size_t i = 0; i < summary_->roof.size(); ++i) {
    const RooflinePoint& point = summary_->roof[i];
    if (!drawable(point)) continue;
    const QPointF way = place - QPointF(plot.x_of(point.intensity), plot.y_of(point.rate));
    const double distance = std::hypot(way.x(), way.y()) - radius_of(*summary_, i);
    if (distance >= best) continue;
    best = distance;
    nearest = static_cast<int>(i);
  }
  return nearest;
}

void RooflinePage::interact(const QRectF& area, const Pointer& pointer) {
  const auto near = pointer.inside ? point_near(area, pointer.position) : std::nullopt;
  shape_ = near ? Qt::PointingHandCursor : Qt::ArrowCursor;
  if (pointer.tapped && near) selection_.stage = summary_->roof[static_cast<std::size_t>(*near)].stage;
}

bool RooflinePage::key(int key) {
  if (!summary_ || summary_->roof.empty() || (key != Qt::Key_Up && key != Qt::Key_Down)) return false;
  const int step = key == Qt::Key_Up ? -1 : 1, count = static_cast<int>(summary_->roof.size());
  for (int i = summary_->find(selection_.stage) + step; i >= 0 && i < count; i += step)
    if (drawable(summary_->roof[static_cast<std::size_t>(i)])) {
      selection_.stage = summary_->roof[static_cast<std::size_t>(i)].stage;
      break;
    }
  return true;
}

void RooflinePage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  const bool any = summary_ && std::any_of(summary_->roof.begin(), summary_->roof.end(), drawable);
  if (!any) return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  const Ceilings& ceilings = summary_->ceilings;
  draw_page_header(
      canvas, area, tr("Roofline"),
      tr("limits measured on %1 · a dot’s size is its share of the time").arg(QString::fromStdString(ceilings.device)));
  const LogPlot plot = plot_of(*summary_, area);
  draw_axes(canvas, plot, log_ticks(plot.x_low, plot.x_high, intensity_text),
            log_ticks(plot.y_low, plot.y_high, rate_text), tr("operations per byte of memory traffic →"),
            tr("operations per second ↑"));

  canvas.push_clip(plot.box);
  const std::vector<QRectF> taken = draw_roof(canvas, plot, ceilings);
  const double bandwidth = bandwidth_of(ceilings), peak = peak_of(ceilings);
  const auto near = pointer.inside ? point_near(area, pointer.position) : std::nullopt;
  const int chosen = near ? *near : summary_->find(selection_.stage);
  std::vector<std::size_t> order;  // the chosen one first, then by share
  for (std::size_t i = 0; i < summary_->roof.size(); ++i)
    if (drawable(summary_->roof[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto weight = [&](std::size_t i) { return static_cast<int>(i) == chosen ? 2 : summary_->stages[i].share; };
    return weight(a) > weight(b);
  });
  std::vector<DotName> names;
  for (const std::size_t i : order) {
    const RooflinePoint& point = summary_->roof[i];
    const bool is_chosen = static_cast<int>(i) == chosen;
    names.push_back({QPointF(plot.x_of(point.intensity), plot.y_of(point.rate)),
                     radius_of(*summary_, i) + (is_chosen ? scaled(4) : 0),
                     stage_label(point.stage),
                     is_chosen ? t.text : t.muted,
                     {}});
  }
  place_names(names, canvas, plot.box, taken);
  // The smallest on top: none hides behind another.
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    const RooflinePoint& point = summary_->roof[i];
    const QPointF place = names[k].dot;
    const double radius = radius_of(*summary_, i);
    const bool is_chosen = static_cast<int>(i) == chosen;
    if (is_chosen && bandwidth > 0 && peak > 0) {
      const double roof = std::min(point.intensity * bandwidth, peak);
      if (roof > point.rate)
        canvas.dashed_line(place - QPointF(0, radius), {place.x(), plot.y_of(roof)}, t.muted, 1, 3);
    }
    canvas.disc(place, radius + 1.5, t.background);
    canvas.disc(place, radius, stage_color(point.stage, t));
    if (is_chosen) canvas.ring(place, radius + scaled(3), t.text, 2);
  }
  for (const DotName& name : names) draw_name(canvas, name);
  canvas.pop_clip();

  // What bounds the chosen one.
  const QRectF below(area.left(), area.bottom() - scaled(sentence_height) + scaled(8), area.width(),
                     scaled(sentence_height) - scaled(8));
  if (chosen < 0) return;
  const RooflinePoint& point = summary_->roof[static_cast<std::size_t>(chosen)];
  const double mark = scaled(8), text_line = canvas.line_height(TextRole::body);
  canvas.fill({below.left(), below.top() + (text_line - mark) / 2, mark, mark}, stage_color(point.stage, t), scaled(2));
  canvas.paragraph(below.adjusted(mark + scaled(8), 0, 0, 0), TextRole::body, t.text, as_sentence(point.sentence));
}

QString RooflinePage::csv() const {
  QString text = QStringLiteral("stage,lane,operations_per_byte,operations_per_second,attainable,share_of_limit\n");
  if (!summary_) return text;
  for (const RooflinePoint& p : summary_->roof)
    text += QStringLiteral("%1,%2,%3,%4,%5,%6\n")
                .arg(stage_label(p.stage), p.on_device ? QStringLiteral("gpu") : QStringLiteral("cpu"),
                     csv_number(p.intensity), csv_number(p.rate), csv_number(p.attainable), csv_number(p.share));
  return text;
}

QString RooflinePage::name() const {
  return tr("Roofline: every stage under the machine’s limits");
}

}  // namespace statescope
