// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/stages_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>

#include "chart.h"
#include "widgets/format.h"
#include "widgets/profile/stage_look.h"

namespace statescope {
namespace {

// Heights at 100 % text size.
constexpr int header = 26, heads = 24, row_height = 27, section_gap = 28, least_row = 18, least_histogram = 150;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

// Right edges of the columns as shares of the width left of the names and bars, most important first.
struct Column {
  const char* title;
  QString (*text)(const StageStatistics&);
  int width;  // at 100 % text size
};
const std::array<Column, 6> columns{{
    {QT_TRANSLATE_NOOP("Profile", "total"),
     [](const StageStatistics& s) { return duration_text(static_cast<double>(s.total)); }, 84},
    {QT_TRANSLATE_NOOP("Profile", "median"),
     [](const StageStatistics& s) { return duration_text(static_cast<double>(s.median)); }, 84},
    {QT_TRANSLATE_NOOP("Profile", "95 %"),
     [](const StageStatistics& s) { return duration_text(static_cast<double>(s.p95)); }, 84},
    {QT_TRANSLATE_NOOP("Profile", "times"),
     [](const StageStatistics& s) { return count_text(static_cast<double>(s.count)); }, 70},
    {QT_TRANSLATE_NOOP("Profile", "bandwidth"),
     [](const StageStatistics& s) { return s.bandwidth > 0 ? bandwidth_text(s.bandwidth) : QStringLiteral("–"); }, 96},
    {QT_TRANSLATE_NOOP("Profile", "rate"),
     [](const StageStatistics& s) { return s.rate > 0 ? rate_text(s.rate) : QStringLiteral("–"); }, 116},
}};

// Where name, bar and columns of a row lie; columns that leave no room for the bar are left out, last ones first.
struct RowLayout {
  double name, bar, bar_end;
  std::size_t shown;
};
RowLayout layout_of(const QRectF& row) {
  const double name_width = scaled(132), least_bar = scaled(120);
  RowLayout layout{row.left() + scaled(10), row.left() + name_width, 0, columns.size()};
  double taken = 0;
  for (const Column& column : columns) taken += scaled(column.width);
  while (layout.shown > 1 && row.width() - name_width - taken < least_bar + scaled(72))
    taken -= scaled(columns[--layout.shown].width);
  layout.bar_end = row.right() - taken - scaled(10);
  return layout;
}

}  // namespace

// Lower where not even the table has room.
double StagesPage::pitch(const QRectF& area) const {
  const double room = area.height() - scaled(header + heads);
  return std::clamp(room / std::max<double>(static_cast<double>(summary_->stages.size()), 1), double(scaled(least_row)),
                    double(scaled(row_height)));
}

double StagesPage::least_height() const {
  if (!summary_) return Page::least_height();
  return scaled(header + heads + section_gap + least_histogram) +
         static_cast<double>(summary_->stages.size()) * scaled(least_row);
}

int StagesPage::row_at(const QRectF& area, const QPointF& place) const {
  if (!summary_ || !area.contains(place)) return -1;
  const double y = place.y() - area.top() - scaled(header + heads);
  const int row = static_cast<int>(std::floor(y / pitch(area)));
  return y >= 0 && row < static_cast<int>(summary_->stages.size()) ? row : -1;
}

void StagesPage::interact(const QRectF& area, const Pointer& pointer) {
  const int row = pointer.inside ? row_at(area, pointer.position) : -1;
  shape_ = row < 0 ? Qt::ArrowCursor : Qt::PointingHandCursor;
  if (pointer.tapped && row >= 0) selection_.stage = summary_->stages[static_cast<std::size_t>(row)].stage;
}

bool StagesPage::key(int key) {
  if (!summary_ || summary_->stages.empty() || (key != Qt::Key_Up && key != Qt::Key_Down)) return false;
  const int next = summary_->find(selection_.stage) + (key == Qt::Key_Up ? -1 : 1);
  const int last = static_cast<int>(summary_->stages.size()) - 1;
  selection_.stage = summary_->stages[static_cast<std::size_t>(std::clamp(next, 0, last))].stage;
  return true;
}

void StagesPage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  if (!summary_ || summary_->stages.empty()) return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  draw_page_header(canvas, area, tr("Stages"), summary_->title);
  const QRectF heads_row(area.left(), area.top() + scaled(header), area.width(), scaled(heads));
  const RowLayout layout = layout_of(heads_row);
  double right = heads_row.right() - scaled(10);
  for (std::size_t c = layout.shown; c-- > 0;) {
    canvas.text_in(
        {right - scaled(columns[c].width), heads_row.top(), double(scaled(columns[c].width)), heads_row.height()},
        Qt::AlignRight, TextRole::caption, t.muted, tr(columns[c].title));
    right -= scaled(columns[c].width);
  }
  canvas.text_in({layout.bar, heads_row.top(), scaled(200) * 1.0, heads_row.height()}, Qt::AlignLeft, TextRole::caption,
                 t.muted, tr("share of the time"));
  const int chosen = summary_->find(selection_.stage), hovered = row_at(area, pointer.position);
  for (int i = 0; i < static_cast<int>(summary_->stages.size()); ++i) {
    const QRectF row(area.left(), heads_row.bottom() + i * pitch(area), area.width(), pitch(area));
    if (row.bottom() > area.bottom() + 1) break;
    if (i == chosen)
      canvas.fill(row, t.raised, scaled(6));
    else if (i == hovered)
      canvas.fill(row, t.surface, scaled(6));
    draw_row(canvas, row, i);
  }
  const double below = heads_row.bottom() + static_cast<double>(summary_->stages.size()) * pitch(area);
  draw_histogram(canvas, {QPointF(area.left(), below + scaled(section_gap)), area.bottomRight()}, pointer);
}

void StagesPage::draw_row(Canvas& canvas, const QRectF& row, int index) const {
  const Theme& t = theme();
  const StageStatistics& stage = summary_->stages[static_cast<std::size_t>(index)];
  const RowLayout layout = layout_of(row);
  const QColor color = stage_color(stage.stage, t);
  const double mark = scaled(8), middle = row.center().y();
  canvas.fill({layout.name, middle - mark / 2, mark, mark}, color, scaled(2));
  const double name_left = layout.name + mark + scaled(8);
  canvas.text_in({name_left, row.top(), layout.bar - name_left - scaled(4), row.height()}, Qt::AlignLeft,
                 TextRole::body, t.text, stage_label(stage.stage) + (stage.on_device ? tr(" · GPU") : QString()));
  const double percent_width = scaled(62);
  const QRectF track(layout.bar, middle - scaled(3), layout.bar_end - layout.bar - percent_width, scaled(6));
  canvas.fill(track, t.raised == t.surface ? t.hairline : mix(t.raised, t.hairline, 0.6), scaled(3));
  double most = 0;
  for (const StageStatistics& each : summary_->stages) most = std::max(most, each.share);
  const double filled = track.width() * stage.share / std::max(most, 1e-12);
  if (filled >= 1)
    canvas.fill({track.left(), track.top(), filled, track.height()}, color, std::min(filled / 2, double(scaled(3))));
  canvas.text_in({track.right(), row.top(), percent_width - scaled(8), row.height()}, Qt::AlignRight, TextRole::numbers,
                 t.text, format_percent(stage.share));
  double right = row.right() - scaled(10);
  for (std::size_t c = layout.shown; c-- > 0;) {
    canvas.text_in({right - scaled(columns[c].width), row.top(), double(scaled(columns[c].width)), row.height()},
                   Qt::AlignRight, TextRole::numbers, t.muted, columns[c].text(stage));
    right -= scaled(columns[c].width);
  }
}

void StagesPage::draw_histogram(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  const Theme& t = theme();
  const int chosen = summary_->find(selection_.stage);
  const StageStatistics& stage = summary_->stages[static_cast<std::size_t>(chosen)];
  const Histogram& histogram = summary_->histograms[static_cast<std::size_t>(chosen)];
  if (histogram.counts.empty() || area.height() < page_header_height(canvas) + scaled(80)) return;
  QRectF body = draw_page_header(canvas, area, tr("How long one %1 takes").arg(stage_label(stage.stage)),
                                 tr("zones ↑ · duration →"));
  body.adjust(scaled(44), scaled(22), 0, -scaled(26));
  const double low = std::log10(histogram.edges.front()), high = std::log10(histogram.edges.back());
  const auto x_of = [&](double value) { return body.left() + (std::log10(value) - low) / (high - low) * body.width(); };
  const auto most = static_cast<double>(*std::max_element(histogram.counts.begin(), histogram.counts.end()));
  for (const double share : {0.0, 0.5, 1.0}) {
    const double y = std::round(body.bottom() - share * body.height()) + 0.5;
    canvas.line({body.left(), y}, {body.right(), y}, t.hairline);
    const QString text = count_text(std::round(share * most));
    if (share != 0.5 || most >= 2)
      canvas.text_in({body.left() - scaled(52), y - scaled(8), double(scaled(44)), double(scaled(16))}, Qt::AlignRight,
                     TextRole::caption, t.muted, text);
  }
  const QColor color = stage_color(stage.stage, t);
  std::optional<std::size_t> hovered;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double left = x_of(histogram.edges[i]), right = x_of(histogram.edges[i + 1]);
    if (pointer.over({left, body.top(), right - left, body.height()})) hovered = i;
    if (histogram.counts[i] == 0) continue;
    const double height = std::max(2.0, static_cast<double>(histogram.counts[i]) / most * body.height());
    const double gap = right - left > 6 ? 2 : right - left > 3 ? 1 : 0;
    canvas.fill({left, body.bottom() - height, right - left - gap, height}, hovered == i ? t.text : color,
                gap > 1 ? scaled(2) : 0);
  }
  double free_from = -1e9;
  for (const Tick& tick : log_ticks(histogram.edges.front(), histogram.edges.back(), duration_text)) {
    const QString text = without_zeros(duration_text(tick.value));
    const double width = canvas.text_width(TextRole::caption, text), left = x_of(tick.value) - width / 2;
    if (left < free_from || left + width > area.right()) continue;
    canvas.text({left, body.bottom() + scaled(6)}, TextRole::caption, t.muted, text);
    free_from = left + width + scaled(14);
  }
  struct Mark {
    double x;
    QString text;
    double width;
  };
  const auto mark_of = [&](std::int64_t value, const QString& name) {
    const QString text = name + QLatin1Char(' ') + duration_text(static_cast<double>(value));
    return Mark{std::round(x_of(std::max(static_cast<double>(value), 1.0))) + 0.5, text,
                canvas.text_width(TextRole::caption, text)};
  };
  const Mark median = mark_of(stage.median, tr("median")), p95 = mark_of(stage.p95, tr("95 %"));
  for (const Mark* mark : {&median, &p95})
    canvas.dashed_line({mark->x, body.top() - scaled(14)}, {mark->x, body.bottom()}, t.text, 1, 3);
  const double gap = scaled(6);
  const auto write = [&](const Mark& mark, double left) {
    canvas.text({left, body.top() - scaled(19)}, TextRole::caption, t.text, mark.text);
  };
  // Words stand to the right of their line, where they cross no other line and stay inside; else to the left of it.
  const double before_median = median.x - gap - median.width;
  const bool crosses = median.x + median.width + 2 * gap > p95.x, to_the_left = crosses && before_median >= area.left();
  write(median, to_the_left ? before_median : median.x + gap);
  const double free_of_median = to_the_left ? median.x : median.x + median.width + gap;
  if (const double right = p95.x + gap; right + p95.width <= body.right() && right > free_of_median)
    write(p95, right);
  else if (const double left = p95.x - gap - p95.width; left > free_of_median)
    write(p95, left);
  if (hovered && !pointer.down)
    draw_card(canvas, area, pointer.position, stage_label(stage.stage), color,
              {{tr("from"), duration_text(histogram.edges[*hovered])},
               {tr("to"), duration_text(histogram.edges[*hovered + 1])},
               {tr("zones"), count_text(static_cast<double>(histogram.counts[*hovered]))}});
}

QString StagesPage::csv() const {
  QString text = QStringLiteral(
      "stage,lane,count,total_ns,median_ns,p95_ns,min_ns,max_ns,share,bytes,operations,bytes_per_second,"
      "operations_per_second\n");
  if (!summary_) return text;
  for (const StageStatistics& s : summary_->stages)
    text += QStringLiteral("%1,%2,%3,%4,%5,%6,%7,%8,%9")
                .arg(stage_label(s.stage), s.on_device ? QStringLiteral("gpu") : QStringLiteral("cpu"))
                .arg(s.count)
                .arg(s.total)
                .arg(s.median)
                .arg(s.p95)
                .arg(s.min)
                .arg(s.max)
                .arg(csv_number(s.share)) +
            QStringLiteral(",%1,%2,%3,%4\n")
                .arg(s.work.bytes)
                .arg(s.work.operations)
                .arg(csv_number(s.bandwidth), csv_number(s.rate));
  return text;
}

QString StagesPage::name() const {
  return tr("Statistics of every stage");
}

}  // namespace statescope
