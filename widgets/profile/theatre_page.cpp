// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/theatre_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <map>

#include "chart.h"
#include "theatre_memory.h"
#include "widgets/format.h"

namespace statescope {
namespace {

// Lengths at 100 % text size.
constexpr int header = 26, sentence_block = 50, title_width = 176, cell_height = 34, least_gap = 18, most_gap = 72,
              most_cell = 104, roomy_cell = 58, least_cell = 36, heads = 20, legend = 26, memory_width = 236,
              memory_gap = 32, wide = 940;

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

QColor faded(const QColor& color, double amount) {
  return mix(color, theme().background, amount);
}

using Place = std::pair<ScanArray, std::int64_t>;

// Where the cells of the levels stand. Level 0 is the input, level k what step k writes.
struct Levels {
  QRectF body;
  double pitch, cell_width, level_pitch, first;
  std::int64_t chunk;

  QRectF cell(double level, const Place& place) const {
    // A carry is the state before its chunk; the initial state stands before the first token.
    const double column = place.first == ScanArray::carry
                              ? std::max(static_cast<double>(place.second * chunk) - 0.5, 0.0)
                              : static_cast<double>(place.second);
    const double x = body.left() + (column + 0.5) * pitch - cell_width / 2;
    return {x, body.top() + (level - first) * level_pitch, cell_width, double(scaled(cell_height))};
  }
};

bool holds_states(ScanArray array) {
  return array == ScanArray::state || array == ScanArray::carry;
}

// What a step writes: its target, and the left child where a tree is walked down.
std::vector<std::pair<Place, ScanPair>> written_by(const TheatreMove& move) {
  const kernels::ScanStep& step = move.step;
  std::vector<std::pair<Place, ScanPair>> written{{{step.into.array, step.into.index}, step.result}};
  if (step.operation == kernels::ScanOperation::descend)
    written.push_back({{step.left.array, step.left.index}, step.right_value});
  return written;
}

struct Operand {
  Place place;
  bool travels;
};
std::vector<Operand> operands_of(const TheatreMove& move) {
  std::vector<Operand> operands;
  if (move.step.left.array != ScanArray::none)
    operands.push_back({{move.step.left.array, move.step.left.index}, move.left_travels});
  if (move.step.right.array != ScanArray::none)
    operands.push_back({{move.step.right.array, move.step.right.index}, move.right_travels});
  return operands;
}

// Two digits; in a narrow cell what is small goes by its power of ten, "3e−4". All cells of a page do alike.
QString number_text(double value, double width) {
  if (width >= scaled(roomy_cell) || value == 0 || std::abs(value) >= 0.095) return format_number(value, 2);
  const double exponent = std::floor(std::log10(std::abs(value) * 1.05));  // 0.97 rounds up to ten tenths
  const double digit = std::round(value / std::pow(10, exponent));
  return QStringLiteral("%1e−%2").arg(format_number(digit, 1)).arg(-exponent);
}

void draw_pair(Canvas& canvas, const QRectF& box, ScanPair pair, bool state, double fade) {
  const Theme& t = theme();
  if (box.width() < scaled(least_cell)) {
    // Too small to read: how much of the past it keeps, as a filled share.
    const double share = state ? 1 : std::clamp(pair.a, 0.0, 1.0);
    canvas.fill({box.left() + 2, box.bottom() - 2 - share * (box.height() - 4), box.width() - 4,
                 std::max(1.0, share * (box.height() - 4))},
                faded(t.symbol(state ? Symbol::h : Symbol::A), 0.3 + 0.6 * fade), 1);
    return;
  }
  const QString a = number_text(pair.a, box.width()), b = number_text(pair.b, box.width());
  if (state) return canvas.text_in(box, Qt::AlignHCenter, TextRole::caption, faded(t.symbol(Symbol::h), fade), b);
  const QRectF upper(box.left(), box.top() + 1, box.width(), box.height() / 2 - 1);
  const QRectF lower(box.left(), box.center().y() - 1, box.width(), box.height() / 2);
  canvas.text_in(upper, Qt::AlignHCenter, TextRole::caption, faded(t.symbol(Symbol::A), fade), a);
  canvas.text_in(lower, Qt::AlignHCenter, TextRole::caption, faded(t.symbol(Symbol::h), fade), b);
}

// Tokens above the stage, and the chunks as bands behind it.
void draw_columns(Canvas& canvas, const QRectF& stage, const Levels& levels, const Theatre& theatre,
                  const QStringList& tokens) {
  const Theme& t = theme();
  const auto count = static_cast<std::int64_t>(theatre.input.size());
  if (theatre.chunk > 0)
    for (std::int64_t chunk = 0; chunk * theatre.chunk < count; chunk += 2) {
      const auto first = static_cast<double>(chunk * theatre.chunk);
      const auto last = static_cast<double>(std::min((chunk + 1) * theatre.chunk, count));
      canvas.fill(
          {levels.body.left() + first * levels.pitch, stage.top(), (last - first) * levels.pitch, stage.height()},
          mix(t.background, t.raised, 0.5), scaled(6));
    }
  const bool named = count == tokens.size();
  std::int64_t apart = 1;  // of the numbers that are written
  const double widest = canvas.text_width(TextRole::caption, QString::number(count - 1)) + scaled(4);
  while (!named && apart < count && static_cast<double>(apart) * levels.pitch < widest) apart *= 2;
  const double line = canvas.line_height(TextRole::caption);
  for (std::int64_t i = 0; i < count; i += apart) {
    const QRectF head(levels.body.left() + static_cast<double>(i) * levels.pitch, stage.top(), levels.pitch, line);
    if (named)
      canvas.text_in(head.adjusted(1, 0, -1, 0), Qt::AlignHCenter, TextRole::caption, t.muted,
                     visible_token(tokens[i]));
    else
      canvas.text_in(head.adjusted(-widest, 0, widest, 0), Qt::AlignHCenter, TextRole::caption, t.muted,
                     QString::number(i));
  }
}

void draw_legend(Canvas& canvas, const QRectF& box, bool readable) {
  const Theme& t = theme();
  double x = box.left();
  const std::pair<QColor, QString> entries[] = {
      {t.symbol(Symbol::y), tr("goes through slow memory")},
      {t.symbol(Symbol::h), tr("stays in a register")},
      {t.symbol(Symbol::A), readable ? tr("upper number a: what is kept") : tr("filled share a: what is kept")},
      {t.symbol(Symbol::h), tr("lower number b: what is added")}};
  for (std::size_t i = 0; i < (readable ? 4 : 3); ++i) {
    const auto& [color, text] = entries[i];
    const double width = scaled(i < 2 ? 22 : 0) + canvas.text_width(TextRole::caption, text);
    if (x + width > box.right()) return;
    if (i < 2) canvas.line({x, box.center().y()}, {x + scaled(16), box.center().y()}, color, 2);
    canvas.text_in({x + scaled(i < 2 ? 22 : 0), box.top(), width, box.height()}, Qt::AlignLeft, TextRole::caption,
                   i < 2 ? t.muted : color, text);
    x += width + scaled(24);
  }
}

QString pair_text(ScanPair pair, bool state) {
  return state ? format_number(pair.b, 4)
               : QStringLiteral("(%1, %2)").arg(format_number(pair.a, 4), format_number(pair.b, 4));
}

}  // namespace

TheatreRows visible_rows(int rows, int fitting, double present) {
  if (rows <= fitting) return {0, rows};
  // The present row two thirds down: most of what led to it, and what comes next.
  const double wanted = present - std::floor(fitting * 0.66);
  return {std::clamp(wanted, 0.0, static_cast<double>(rows - fitting)), fitting};
}

void TheatrePage::set_step(int step, double phase) {
  step_ = step;
  phase_ = phase;
}

void TheatrePage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  if (!theatre_) return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  const Theatre& theatre = *theatre_;
  const int steps = static_cast<int>(theatre.steps.size());
  const int step = std::clamp(step_, 0, steps);
  const bool moving = phase_ > 0 && step < steps;
  const int doing = moving ? step + 1 : step;  // the step that is spoken about
  const auto step_at = [&](int level) -> const TheatreStep& {
    return theatre.steps[static_cast<std::size_t>(level - 1)];
  };

  const QRectF words = area.adjusted(0, 0, area.width() >= scaled(wide) ? -scaled(memory_width + memory_gap) : 0, 0);
  draw_page_header(
      canvas, words,
      doing == 0 ? tr("The input: one pair (a, b) for each token")
                 : tr("Step %1 of %2: %3").arg(doing).arg(steps).arg(QString::fromStdString(step_at(doing).title)),
      source_);
  canvas.paragraph({words.left(), words.top() + scaled(header), words.width(), double(scaled(sentence_block))},
                   TextRole::body, t.muted,
                   as_sentence(doing == 0 ? scan_algorithm_sentence(theatre.algorithm) : step_at(doing).sentence));

  const TheatreMoment moment{theatre, step, phase_};
  const bool beside = area.width() >= scaled(wide);
  if (beside)
    draw_theatre_memory(
        canvas, {area.right() - scaled(memory_width), area.top(), double(scaled(memory_width)), area.height()}, moment);
  const double counts = beside ? 0 : theatre_counts_height(canvas) + scaled(8);
  const QRectF stage = area.adjusted(0, scaled(header + sentence_block),
                                     beside ? -scaled(memory_width + memory_gap) : 0, -scaled(legend) - counts);

  Levels levels{};
  levels.body = stage.adjusted(scaled(title_width), scaled(heads), 0, 0);
  std::int64_t places = std::max<std::int64_t>(std::ssize(theatre.input), 1);
  for (const TheatreStep& each : theatre.steps)
    for (const TheatreRow& row : each.rows)
      if (row.array != ScanArray::carry) places = std::max(places, std::ssize(row.places));
  levels.pitch = levels.body.width() / static_cast<double>(places);
  levels.cell_width = std::min(levels.pitch - (levels.pitch > 20 ? scaled(6) : 1), double(scaled(most_cell)));
  levels.chunk = std::max<std::int64_t>(theatre.chunk, 1);
  const double content = scaled(cell_height);
  const int fitting =
      std::max(2, static_cast<int>((levels.body.height() + scaled(least_gap)) / (content + scaled(least_gap))));
  const TheatreRows rows = visible_rows(steps + 1, fitting, step + phase_);
  const double gap = rows.count > 1 ? (levels.body.height() - rows.count * content) / (rows.count - 1) : 0;
  levels.level_pitch = content + std::clamp(gap, double(scaled(least_gap)), double(scaled(most_gap)));
  levels.first = rows.first;
  const int highest = std::max(0, static_cast<int>(rows.first));
  const int lowest = std::min(steps, static_cast<int>(std::ceil(rows.first + rows.count)));

  draw_columns(canvas, stage, levels, theatre, tokens_);
  canvas.push_clip(stage.adjusted(0, scaled(heads) - 1, 0, 1));
  // Lines first, so that no line crosses a number. Each starts where its operand was written last.
  std::map<Place, int> written;
  for (std::int64_t i = 0; i < std::ssize(theatre.input); ++i) written[{ScanArray::input, i}] = 0;
  for (int level = 1; level <= lowest; ++level) {
    const bool done = level <= step, under_way = level == step + 1 && moving;
    const double way = done ? 1 : under_way ? phase_ : 0;
    const double fade = level == doing ? 0 : done ? 0.5 : 0.85;
    for (const TheatreMove& move : step_at(level).moves) {
      for (const auto& [place, value] : written_by(move)) {
        const QRectF to = levels.cell(level, place);
        for (const Operand& operand : operands_of(move)) {
          const auto from = written.find(operand.place);
          if (level < highest || operand.place.second < 0) continue;
          const QRectF source = levels.cell(from == written.end() ? level - 1 : from->second, operand.place);
          const QPointF start(source.center().x(), source.bottom()), end(to.center().x(), to.top());
          const QColor color = operand.travels ? t.symbol(Symbol::y) : t.symbol(Symbol::h);
          if (way < 1) canvas.line(start, end, faded(t.hairline, 0.2), 1);
          if (way > 0) canvas.line(start, start + (end - start) * way, faded(color, fade), level == doing ? 2 : 1.25);
          if (under_way) canvas.disc(start + (end - start) * way, scaled(4), color);
        }
      }
    }
    for (const TheatreMove& move : step_at(level).moves)
      for (const auto& [place, value] : written_by(move)) written[place] = level;
  }

  struct Hovered {
    QString title;
    std::vector<CardLine> lines;
  };
  std::optional<Hovered> hovered;
  for (int level = highest; level <= lowest; ++level) {
    const bool done = level <= step, present = level == step;
    const double fade = !done ? 0.86 : present ? 0 : 0.12;  // what is past is still to be read
    const auto draw_cell = [&](const Place& place, ScanPair value, const TheatreMove* move) {
      const QRectF box = levels.cell(level, place);
      const bool fast = move && !move->result_travels, state = holds_states(place.first);
      if (!done) return canvas.outline(box, faded(t.hairline, 0.1), scaled(4));
      // What the step takes has to be read through: nothing shines through a cell.
      canvas.fill(box,
                  fast ? mix(t.raised, t.symbol(Symbol::h), present ? 0.24 : 0.1) : faded(t.raised, present ? 0 : 0.3),
                  scaled(4));
      if (move && present) canvas.outline(box, t.text, scaled(4), 1.5);
      draw_pair(canvas, box, value, state, fade);
      if (!pointer.over(box)) return;
      hovered = Hovered{tr("%1 %2").arg(QString::fromStdString(theatre_row_name(place.first))).arg(place.second), {}};
      if (move && move->step.operation != kernels::ScanOperation::copy) {
        hovered->lines.push_back(
            {tr("earlier"), pair_text(move->step.left_value, holds_states(move->step.left.array))});
        hovered->lines.push_back(
            {tr("later"), pair_text(move->step.right_value, holds_states(move->step.right.array))});
      }
      hovered->lines.push_back({state ? tr("h") : tr("(a, b)"), pair_text(value, state)});
      if (move)
        hovered->lines.push_back({tr("result"), fast ? tr("stays in a register") : tr("goes through slow memory")});
    };
    if (level == 0)
      for (std::int64_t i = 0; i < std::ssize(theatre.input); ++i)
        draw_cell({ScanArray::input, i}, theatre.input[static_cast<std::size_t>(i)], nullptr);
    else
      for (const TheatreMove& move : step_at(level).moves)
        for (const auto& [place, value] : written_by(move)) draw_cell(place, value, &move);

    // What the step is and what travels.
    const QRectF label(area.left(), levels.cell(level, {ScanArray::input, 0}).top(), scaled(title_width) - scaled(16),
                       scaled(cell_height) / 2.0);
    const QColor ink = present ? t.text : faded(t.muted, done ? 0 : 0.35);
    canvas.text_in(label, Qt::AlignLeft, TextRole::caption, ink,
                   level == 0 ? tr("input") : QString::fromStdString(step_at(level).title));
    if (level == 0) continue;
    const TheatreStep& s = step_at(level);
    const QString travels =
        s.bytes_read + s.bytes_written == 0
            ? tr("in registers")
            : tr("reads %1, writes %2")
                  .arg(bytes_text(static_cast<double>(s.bytes_read)), bytes_text(static_cast<double>(s.bytes_written)));
    canvas.text_in(label.translated(0, label.height()), Qt::AlignLeft, TextRole::caption,
                   faded(t.muted, done ? 0.1 : 0.45), travels);
  }
  canvas.pop_clip();

  const QRectF foot(area.left(), stage.bottom() + scaled(8), stage.width(), scaled(legend) - scaled(8));
  if (step == steps)
    canvas.text_in(foot, Qt::AlignLeft, TextRole::caption, t.text, as_sentence(theatre.sentence));
  else
    draw_legend(canvas, foot, levels.cell_width >= scaled(least_cell));
  if (!beside)
    draw_theatre_counts(canvas, {area.left(), foot.bottom() + scaled(8), area.width(), counts - scaled(8)}, moment);
  if (hovered && pointer.inside)
    draw_card(canvas, area, pointer.position, hovered->title, t.symbol(Symbol::h), hovered->lines);
}

QString TheatrePage::csv() const {
  QString text = QStringLiteral("step,row,place,a,b\n");
  if (!theatre_) return text;
  const auto add = [&text](std::size_t step, const std::string& row, std::size_t place, ScanPair pair) {
    text += QStringLiteral("%1,%2,%3,%4,%5\n")
                .arg(step)
                .arg(QString::fromStdString(row))
                .arg(place)
                .arg(csv_number(pair.a), csv_number(pair.b));
  };
  for (std::size_t i = 0; i < theatre_->input.size(); ++i)
    add(0, theatre_row_name(ScanArray::input), i, theatre_->input[i]);
  for (std::size_t s = 0; s < theatre_->steps.size(); ++s)
    for (const TheatreRow& row : theatre_->steps[s].rows)
      for (std::size_t i = 0; i < row.places.size(); ++i)
        if (row.filled[i]) add(s + 1, theatre_row_name(row.array), i, row.places[i]);
  return text;
}

QString TheatrePage::name() const {
  return tr("Scan theatre: an algorithm step by step");
}

}  // namespace statescope
