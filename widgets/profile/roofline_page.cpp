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
constexpr int header = 26, y_axis = 92, x_axis = 44, y_title = 22, sentence_height = 84;
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

double radius_of(const RooflinePoint& point) {
  const double least = scaled(int(smallest_dot)), most = scaled(int(largest_dot));
  return least + (most - least) * std::sqrt(point.time_share);
}

// Filled where many tokens are read at once, a ring where they are generated one by one.
void draw_dot(Canvas& canvas, const QPointF& place, double radius, const QColor& color, bool generating) {
  const double line = scaled(2);
  canvas.disc(place, radius + 1.5, theme().background);
  if (generating)
    canvas.ring(place, radius - line / 2, color, line);
  else
    canvas.disc(place, radius, color);
}

// What the two kinds of dots are, on the right below the header. Only where there are both.
void draw_legend(Canvas& canvas, const ProfileSummary& summary, const QRectF& area) {
  const Theme& t = theme();
  for (const bool generating : {true, false})
    if (std::none_of(summary.roof.begin(), summary.roof.end(), [generating](const RooflinePoint& point) {
          return drawable(point) && point.generating == generating;
        }))
      return;
  const double line = canvas.line_height(TextRole::caption), radius = scaled(5);
  double right = area.right() - scaled(12);
  for (const bool generating : {true, false}) {
    const QString text = generating ? tr("generating, one token") : tr("reading, many tokens at once");
    right -= canvas.text_width(TextRole::caption, text);
    const double top = area.top() + scaled(header) + (scaled(y_title) - line) / 2;
    canvas.text({right, top}, TextRole::caption, t.muted, text);
    right -= scaled(8) + radius;
    draw_dot(canvas, {right, top + line / 2}, radius, t.muted, generating);
    right -= radius + scaled(20);
  }
}

// A line as boxes that hold it, for what must not cover it.
void cover_line(std::vector<QRectF>& taken, const QPointF& from, const QPointF& to) {
  const int pieces = std::max(1, static_cast<int>(std::hypot(to.x() - from.x(), to.y() - from.y()) / scaled(8)));
  for (int i = 0; i < pieces; ++i) {
    const QPointF a = from + (to - from) * i / pieces, b = from + (to - from) * (i + 1) / pieces;
    taken.push_back(QRectF(a, b).normalized().adjusted(-1, -1, 1, 1));
  }
}

// The limits and their names, beside the `dots`. Returns where the names and lines stand.
std::vector<QRectF> draw_roof(Canvas& canvas, const LogPlot& plot, const Ceilings& ceilings,
                              const std::vector<QRectF>& dots) {
  const Theme& t = theme();
  const double bandwidth = bandwidth_of(ceilings), peak = peak_of(ceilings);
  if (bandwidth <= 0 || peak <= 0) return {};
  std::vector<QRectF> taken;
  const double ridge = peak / bandwidth, line = canvas.line_height(TextRole::caption);
  const std::array roof{QPointF(plot.x_of(plot.x_low), plot.y_of(plot.x_low * bandwidth)),
                        QPointF(plot.x_of(ridge), plot.y_of(peak)), QPointF(plot.box.right(), plot.y_of(peak))};
  canvas.polyline(roof, t.text, 2);
  cover_line(taken, roof[0], roof[1]);
  cover_line(taken, roof[1], roof[2]);
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
  // Along the slope, where its lower end first has room beside the dots.
  const QString text = tr("memory, %1").arg(bandwidth_text(bandwidth));
  const double lowest = std::max(plot.x_low * 1.15, plot.y_low * 1.6 / bandwidth);
  const auto beside = [&](double x) {
    return QRectF(plot.x_of(x) + scaled(14), plot.y_of(x * bandwidth) - line / 2,
                  canvas.text_width(TextRole::caption, text), line);
  };
  QRectF box = beside(lowest);
  for (double x = lowest; x < ridge; x *= 1.1) {
    const QRectF place = beside(x);
    if (std::any_of(dots.begin(), dots.end(), [&](const QRectF& dot) { return dot.intersects(place); })) continue;
    box = place;
    break;
  }
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
    const double distance = std::hypot(way.x(), way.y()) - radius_of(point);
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
  if (!summary_ || summary_->stages.empty() || (key != Qt::Key_Up && key != Qt::Key_Down)) return false;
  const int step = key == Qt::Key_Up ? -1 : 1, count = static_cast<int>(summary_->stages.size());
  for (int i = summary_->find(selection_.stage) + step; i >= 0 && i < count; i += step) {
    const StageStatistics& stage = summary_->stages[static_cast<std::size_t>(i)];
    if (stage.rate <= 0) continue;
    selection_.stage = stage.stage;
    break;
  }
  return true;
}

// The dot under the pointer, or those of the chosen stage.
bool RooflinePage::chosen(const RooflinePoint& point, std::optional<int> near) const {
  if (near) return &point == &summary_->roof[static_cast<std::size_t>(*near)];
  const int stage = summary_->find(selection_.stage);
  if (stage < 0) return false;
  const StageStatistics& shown = summary_->stages[static_cast<std::size_t>(stage)];
  return point.stage == shown.stage && point.on_device == shown.on_device;
}

void RooflinePage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  const bool any = summary_ && std::any_of(summary_->roof.begin(), summary_->roof.end(), drawable);
  if (!any) return draw_empty(canvas, area, empty_text_);
  const Ceilings& ceilings = summary_->ceilings;
  const QString sizes = tr("a dot’s size is its share of the time");
  draw_page_header(canvas, area, tr("Roofline"),
                   ceilings.device.empty()
                       ? sizes
                       : tr("limits measured on %1 · %2").arg(QString::fromStdString(ceilings.device), sizes));
  const LogPlot plot = plot_of(*summary_, area);
  draw_axes(canvas, plot, log_ticks(plot.x_low, plot.x_high, intensity_text),
            log_ticks(plot.y_low, plot.y_high, rate_text), tr("operations per byte of memory traffic →"),
            tr("operations per second ↑"));
  draw_legend(canvas, *summary_, area);
  const auto near = pointer.inside ? point_near(area, pointer.position) : std::nullopt;
  canvas.push_clip(plot.box);
  std::vector<QRectF> dots;
  for (const RooflinePoint& point : summary_->roof) {
    const double radius = radius_of(point) + scaled(5);
    if (drawable(point))
      dots.emplace_back(plot.x_of(point.intensity) - radius, plot.y_of(point.rate) - radius, 2 * radius, 2 * radius);
  }
  const std::vector<QRectF> taken = draw_roof(canvas, plot, ceilings, dots);
  draw_dots(canvas, plot, taken, near);
  canvas.pop_clip();
  draw_bounds(canvas,
              {area.left(), area.bottom() - scaled(sentence_height) + scaled(8), area.width(),
               double(scaled(sentence_height) - scaled(8))},
              near);
}

void RooflinePage::draw_dots(Canvas& canvas, const LogPlot& plot, const std::vector<QRectF>& taken,
                             std::optional<int> near) const {
  const Theme& t = theme();
  const double bandwidth = bandwidth_of(summary_->ceilings), peak = peak_of(summary_->ceilings);
  std::vector<const RooflinePoint*> order;  // the chosen first, then by share
  for (const RooflinePoint& point : summary_->roof)
    if (drawable(point)) order.push_back(&point);
  const auto weight = [&](const RooflinePoint* point) { return chosen(*point, near) ? 2 : point->time_share; };
  std::stable_sort(order.begin(), order.end(), [&](auto* a, auto* b) { return weight(a) > weight(b); });
  std::vector<DotName> names;
  for (const RooflinePoint* point : order) {
    const bool is_chosen = chosen(*point, near);
    names.push_back({QPointF(plot.x_of(point->intensity), plot.y_of(point->rate)),
                     radius_of(*point) + (is_chosen ? scaled(4) : 0),
                     stage_label(point->stage),
                     is_chosen ? t.text : t.muted,
                     {}});
  }
  place_names(names, canvas, plot.box, taken);
  // The smallest on top: none hides behind another.
  for (std::size_t k = 0; k < order.size(); ++k) {
    const RooflinePoint& point = *order[k];
    const QPointF place = names[k].dot;
    const double radius = radius_of(point);
    const bool is_chosen = chosen(point, near);
    if (is_chosen && bandwidth > 0 && peak > 0) {
      const double roof = std::min(point.intensity * bandwidth, peak);
      if (roof > point.rate)
        canvas.dashed_line(place - QPointF(0, radius), {place.x(), plot.y_of(roof)}, t.muted, 1, 3);
    }
    draw_dot(canvas, place, radius, stage_color(point.stage, t), point.generating);
    if (is_chosen) canvas.ring(place, radius + scaled(3), t.text, 2);
  }
  for (const DotName& name : names) draw_name(canvas, name);
}

// What bounds the chosen ones, side by side.
void RooflinePage::draw_bounds(Canvas& canvas, const QRectF& area, std::optional<int> near) const {
  const Theme& t = theme();
  std::vector<const RooflinePoint*> shown;
  for (const RooflinePoint& point : summary_->roof)
    if (chosen(point, near)) shown.push_back(&point);
  const double mark = scaled(5), line = canvas.line_height(TextRole::body), gap = scaled(28);
  const double width = (area.width() - gap * static_cast<double>(std::ssize(shown) - 1)) / std::ssize(shown);
  double left = area.left();
  for (const RooflinePoint* point : shown) {
    draw_dot(canvas, {left + mark, area.top() + line / 2}, mark, stage_color(point->stage, t), point->generating);
    canvas.paragraph({left + 2 * mark + scaled(8), area.top(), width - 2 * mark - scaled(8), area.height()},
                     TextRole::body, t.text, as_sentence(point->sentence));
    left += width + gap;
  }
}

QString RooflinePage::csv() const {
  QString text = QStringLiteral(
      "stage,lane,tokens,share_of_time,operations_per_byte,operations_per_second,attainable,share_of_limit\n");
  if (!summary_) return text;
  for (const RooflinePoint& p : summary_->roof)
    text += QStringLiteral("%1,%2,%3,%4,%5,%6,%7,%8\n")
                .arg(stage_label(p.stage), p.on_device ? QStringLiteral("gpu") : QStringLiteral("cpu"),
                     p.generating ? QStringLiteral("one") : QStringLiteral("many"), csv_number(p.time_share),
                     csv_number(p.intensity), csv_number(p.rate), csv_number(p.attainable), csv_number(p.share));
  return text;
}

QString RooflinePage::name() const {
  return tr("Roofline: every stage under the machine’s limits");
}

}  // namespace statescope
