// SPDX-License-Identifier: GPL-3.0-or-later
#include "theatre_memory.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "widgets/profile/units.h"

namespace statescope {
namespace {

// Lengths at 100 % text size.
constexpr int gap = 14, cell_height = 12, bar_height = 6, bus_height = 44, count_gap = 14;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

QString bytes(std::int64_t count) {
  return bytes_text(static_cast<double>(count));
}

struct Counts {
  std::int64_t bytes = 0, combines = 0, rounds = 0;
};
Counts counted(const TheatreMoment& moment) {
  Counts so_far;
  for (int s = 0; s < moment.step; ++s) {
    const TheatreStep& step = moment.theatre.steps[static_cast<std::size_t>(s)];
    so_far.bytes += step.bytes_read + step.bytes_written;
    ++so_far.rounds;
    for (const TheatreMove& move : step.moves) so_far.combines += move.step.operation != kernels::ScanOperation::copy;
  }
  return so_far;
}

// Places of slow memory that a step reads and writes.
struct Touched {
  std::set<std::pair<ScanArray, std::int64_t>> read, written;
  std::int64_t stay = 0, leave = 0;  // results
};
Touched touched_by(const TheatreStep& step) {
  Touched touched;
  for (const TheatreMove& move : step.moves) {
    if (move.left_travels) touched.read.insert({move.step.left.array, move.step.left.index});
    if (move.right_travels) touched.read.insert({move.step.right.array, move.step.right.index});
    if (move.result_travels) touched.written.insert({move.step.into.array, move.step.into.index});
    ++(move.result_travels ? touched.leave : touched.stay);
  }
  return touched;
}

// A name, how much of how much, and a bar; the mark shows what the fused scan needs.
void draw_count(Canvas& canvas, const QRectF& box, const QString& name, std::int64_t done, std::int64_t all,
                const QString& value, const QColor& color, std::int64_t mark = -1) {
  const Theme& t = theme();
  const double line = canvas.line_height(TextRole::caption);
  const QRectF words(box.left(), box.top(), box.width(), line);
  const double beside = words.width() - canvas.text_width(TextRole::caption, value) - scaled(8);
  canvas.text_in({words.left(), words.top(), std::max(beside, 0.0), line}, Qt::AlignLeft, TextRole::caption, t.muted,
                 name);
  canvas.text_in(words, Qt::AlignRight, TextRole::caption, t.text, value);
  const auto most = static_cast<double>(std::max<std::int64_t>({all, mark, 1}));
  const QRectF bar(box.left(), words.bottom() + scaled(4), box.width(), scaled(bar_height));
  canvas.fill(bar, t.raised, scaled(3));
  const double width = bar.width() * static_cast<double>(done) / most;
  if (width > 0) canvas.fill({bar.left(), bar.top(), std::max(width, 2.0), bar.height()}, color, scaled(3));
  if (mark < 0) return;
  const double x = bar.left() + (bar.width() - 2) * static_cast<double>(mark) / most;
  canvas.fill({x, bar.top() - scaled(2), 2, bar.height() + scaled(4)}, t.text);
}
double count_height(const Canvas& canvas) {
  return canvas.line_height(TextRole::caption) + scaled(4 + bar_height);
}

struct CountRow {
  QString name, value;
  std::int64_t done, all, mark;
  QColor color;
};
std::array<CountRow, 3> count_rows(const TheatreMoment& moment) {
  const Theme& t = theme();
  const Counts so_far = counted(moment);
  const kernels::ScanWork& work = moment.theatre.work;
  const std::int64_t rounds = std::ssize(moment.theatre.steps), length = std::ssize(moment.theatre.input);
  const std::int64_t fused = kernels::selective_scan_work(ScanAlgorithm::fused, length, 1, 1).bytes();
  return {CountRow{tr("bytes moved"), tr("%1 of %2").arg(bytes(so_far.bytes), bytes(work.bytes())), so_far.bytes,
                   work.bytes(), moment.theatre.algorithm == ScanAlgorithm::fused ? -1 : fused, t.symbol(Symbol::y)},
          CountRow{tr("combines"), tr("%L1 of %L2").arg(so_far.combines).arg(work.combines), so_far.combines,
                   work.combines, -1, t.symbol(Symbol::h)},
          CountRow{tr("rounds, one after another"), tr("%L1 of %L2").arg(so_far.rounds).arg(rounds), so_far.rounds,
                   rounds, -1, t.muted}};
}

// Down or up between the two memories, as thick as there is to carry.
void draw_arrow(Canvas& canvas, const QRectF& box, bool down, std::int64_t amount, const QString& words) {
  const Theme& t = theme();
  const QColor color = amount > 0 ? t.symbol(Symbol::y) : t.hairline;
  const double thickness =
      amount > 0 ? std::clamp(1.5 * std::log2(1.0 + static_cast<double>(amount) / 4), 2.0, 9.0) : 1;
  const double x = box.left() + scaled(10), head = thickness / 2 + scaled(4);
  const double from = down ? box.top() : box.bottom(), to = down ? box.bottom() : box.top(), way = down ? 1 : -1;
  canvas.line({x, from}, {x, to - way * head}, color, thickness);
  const std::array tip{QPointF(x - head, to - way * head), QPointF(x + head, to - way * head), QPointF(x, to)};
  canvas.polygon(tip, color);
  canvas.text_in(box.adjusted(scaled(24), 0, 0, 0), Qt::AlignLeft, TextRole::caption, amount > 0 ? t.text : t.muted,
                 words);
}

// The array's places, one small cell each. Returns the height.
double draw_array(Canvas& canvas, const QRectF& box, const TheatreRow& row, const Touched& touched) {
  const Theme& t = theme();
  const double line = canvas.line_height(TextRole::caption), height = scaled(cell_height);
  canvas.text({box.left(), box.top()}, TextRole::caption, t.muted, QString::fromStdString(theatre_row_name(row.array)));
  const auto count = static_cast<double>(std::max<std::size_t>(row.places.size(), 1));
  const double pitch = std::min(box.width() / count, double(scaled(24)));
  const double width = std::max(pitch - (pitch > 6 ? 2 : 1), 1.0);
  for (std::size_t i = 0; i < row.places.size(); ++i) {
    const QRectF cell(box.left() + static_cast<double>(i) * pitch, box.top() + line + scaled(2), width, height);
    const std::pair place{row.array, static_cast<std::int64_t>(i)};
    const bool written = touched.written.count(place) != 0, read = touched.read.count(place) != 0;
    canvas.fill(cell,
                written         ? t.symbol(Symbol::y)
                : row.filled[i] ? mix(t.raised, t.symbol(Symbol::h), 0.35)
                                : t.raised,
                2);
    if (read) canvas.outline(cell, t.symbol(Symbol::y), 2, 1.5);
  }
  return line + scaled(2) + height;
}

}  // namespace

void draw_theatre_memory(Canvas& canvas, const QRectF& area, const TheatreMoment& moment) {
  const Theme& t = theme();
  const Theatre& theatre = moment.theatre;
  const double strong = canvas.line_height(TextRole::strong), line = canvas.line_height(TextRole::caption);
  const int doing = moment.doing();
  static const TheatreStep nothing;
  const TheatreStep& step = doing == 0 ? nothing : theatre.steps[static_cast<std::size_t>(doing - 1)];
  // Arrays as they are now; before the first step they are empty.
  const TheatreStep* done = moment.step == 0 ? nullptr : &theatre.steps[static_cast<std::size_t>(moment.step - 1)];
  std::vector<TheatreRow> rows = (done ? *done : theatre.steps.front()).rows;
  if (!done)
    for (TheatreRow& row : rows) std::fill(row.filled.begin(), row.filled.end(), std::uint8_t{0});
  const Touched touched = touched_by(step);

  double y = area.top();
  canvas.text({area.left(), y}, TextRole::strong, t.text, tr("Slow memory"));
  y += strong + scaled(6);
  if (theatre.algorithm == ScanAlgorithm::fused) {
    y += canvas.paragraph({area.left(), y, area.width(), area.height()}, TextRole::caption, t.muted,
                          tr("Δ, B, C and x come in and y goes out; no pair and no state lies here."));
    y += scaled(8);
  } else {
    for (const TheatreRow& row : rows)
      y += draw_array(canvas, {area.left(), y, area.width(), 0}, row, touched) + scaled(8);
  }
  const QRectF bus(area.left(), y + scaled(2), area.width(), scaled(bus_height));
  draw_arrow(canvas, {bus.left(), bus.top(), bus.width() / 2, bus.height()}, true, step.bytes_read,
             tr("reads %1").arg(bytes(step.bytes_read)));
  draw_arrow(canvas, {bus.center().x(), bus.top(), bus.width() / 2, bus.height()}, false, step.bytes_written,
             tr("writes %1").arg(bytes(step.bytes_written)));
  y = bus.bottom() + scaled(8);
  canvas.text({area.left(), y}, TextRole::strong, t.text, tr("Fast memory"));
  y += strong + scaled(2);
  const std::int64_t results = touched.stay + touched.leave;
  const QString held =
      results == 0 ? (doing == 0 ? tr("nothing yet") : tr("one token’s numbers at a time"))
      : touched.leave == 0
          ? (results == 1 ? tr("the new state, and it stays") : tr("%L1 results, and all stay").arg(results))
          : (results == 1 ? tr("1 result, and it leaves") : tr("%L1 results, and all leave").arg(results));
  canvas.text_in({area.left(), y, area.width(), line}, Qt::AlignLeft, TextRole::caption, t.muted, held);
  y += line + scaled(4);
  const double pitch =
      std::min(area.width() / static_cast<double>(std::max<std::int64_t>(results, 1)), double(scaled(24)));
  for (std::int64_t i = 0; i < results; ++i)
    canvas.fill({area.left() + static_cast<double>(i) * pitch, y, std::max(pitch - (pitch > 6 ? 2 : 1), 1.0),
                 double(scaled(cell_height))},
                i < touched.stay ? t.symbol(Symbol::h) : t.symbol(Symbol::y), 2);
  y += scaled(cell_height + 2 * gap);

  canvas.text({area.left(), y}, TextRole::strong, t.text, tr("Counted so far"));
  y += strong + scaled(8);
  for (const CountRow& row : count_rows(moment)) {
    if (y + count_height(canvas) > area.bottom()) return;
    draw_count(canvas, {area.left(), y, area.width(), 0}, row.name, row.done, row.all, row.value, row.color, row.mark);
    y += count_height(canvas) + scaled(count_gap);
    if (row.mark < 0 || y + line > area.bottom()) continue;
    canvas.text_in({area.left(), y - scaled(count_gap - 6), area.width(), line}, Qt::AlignLeft, TextRole::caption,
                   t.muted, tr("the mark: fused, %1").arg(bytes(row.mark)));
    y += line;
  }
}

double theatre_counts_height(const Canvas& canvas) {
  return count_height(canvas);
}

void draw_theatre_counts(Canvas& canvas, const QRectF& area, const TheatreMoment& moment) {
  const auto rows = count_rows(moment);
  const double space = scaled(24), width = (area.width() - 2 * space) / 3;
  for (std::size_t i = 0; i < rows.size(); ++i)
    draw_count(canvas, {area.left() + static_cast<double>(i) * (width + space), area.top(), width, 0}, rows[i].name,
               rows[i].done, rows[i].all, rows[i].value, rows[i].color, rows[i].mark);
}

}  // namespace statescope
