// SPDX-License-Identifier: GPL-3.0-or-later
// What is more than letters side by side: fractions, roots, accents, braces, delimiters and tables.
#include <QTransform>
#include <algorithm>
#include <utility>

#include "formula_typeset.h"

namespace statescope {
namespace {

// A delimiter that covers `reach` above and below the axis.
FormulaBox delimiter_box(const std::string& text, double reach, const FormulaSetting& setting) {
  if (text.empty()) return {};
  const QString sign = QString::fromStdString(text);
  FormulaBox small = glyph_box(sign, GlyphFace::upright, setting);
  const double wanted = std::max(2 * reach * 0.93, 2 * reach - 0.4 * setting.em);
  if (small.height() >= wanted) return small;
  const Delimiter tall = tall_delimiter(sign, wanted, setting.em);
  const double side = 0.08 * setting.em;
  FormulaBox box =
      shape_box(tall.outline, tall.width + 2 * side, wanted / 2 + setting.axis(), wanted / 2 - setting.axis());
  for (FormulaInk& ink : box.inks) ink.at.rx() += side;
  box.tall = true;
  return box;
}

}  // namespace

FormulaBox typeset_fraction(const Formula& formula, const FormulaSetting& around) {
  const bool display = (around.display && formula.text != "tfrac") || formula.text == "dfrac";
  const FormulaSetting setting = display ? around.displayed() : around.text();
  const FormulaSetting inside = display || setting.level > 1 ? setting.text() : setting.script();
  FormulaBox upper = typeset_in(formula.parts[0], inside);
  FormulaBox lower = typeset_in(formula.parts[1], inside);
  const double rule = setting.rule(), gap = (display ? 2.4 : 1.4) * rule;
  const double em = setting.em, axis = setting.axis();
  const double rise = std::max((display ? 0.68 : 0.42) * em, axis + rule / 2 + gap + upper.descent);
  const double drop = std::max((display ? 0.69 : 0.36) * em, rule / 2 - axis + gap + lower.ascent);
  const double upper_width = upper.width + upper.overhang, lower_width = lower.width + lower.overhang;
  const double bar = std::max(upper_width, lower_width) + 0.08 * em, side = 0.15 * em;
  FormulaBox box;
  box.width = bar + 2 * side;
  box.take_inside(std::move(upper), {side + (bar - upper_width) / 2, -rise});
  box.take_inside(std::move(lower), {side + (bar - lower_width) / 2, drop});
  box.rules.push_back({QRectF(side, -axis - rule / 2, bar, rule), around.owner});
  return box;
}

FormulaBox typeset_root(const Formula& formula, const FormulaSetting& setting) {
  FormulaBox inside = typeset_in(formula.parts[0], setting.text());
  const double em = setting.em, rule = 0.75 * setting.rule();
  const double ascent = std::max(inside.ascent, setting.x_height()), descent = std::max(inside.descent, 0.05 * em);
  const double gap = (setting.display ? 0.14 : 0.1) * em;
  const double top = ascent + gap + rule, height = top + descent + 0.06 * em;
  const Delimiter sign = surd(height, em);
  FormulaBox box;
  if (!formula.parts[1].empty()) {
    FormulaBox degree = typeset_in(formula.parts[1], setting.script().script());
    const double tick = height - std::min(0.52 * height, 0.66 * em) - top;  // where the sign begins
    const double room = 0.3 * sign.width;
    box.width = std::max(0.0, degree.width - room);
    box.take_inside(std::move(degree), {std::max(0.0, room - degree.width) * 0.5, tick - 0.04 * em});
  }
  const double start = box.width + sign.width, width = inside.width + inside.overhang + 0.06 * em;
  FormulaBox drawn = shape_box(sign.outline, sign.width, top, height - top);
  drawn.rules.push_back({QRectF(sign.width, -top, width, rule), {}});
  paint(drawn, setting.owner);
  box.take_inside(std::move(drawn), {box.width, 0});
  box.take_inside(std::move(inside), {start + 0.03 * em, 0});
  box.width = start + width;
  return box;
}

FormulaBox typeset_accent(const Formula& formula, const FormulaSetting& setting) {
  FormulaBox base = typeset_in(formula.parts[0], setting);
  const double em = setting.em, rule = 0.8 * setting.rule();
  const Formula* letter = single_character(formula.parts[0]);
  double left = 0, right = base.width, lean = 0;
  if (letter && letter->kind == FormulaKind::atom) {
    const bool slanted = letter->alphabet == Alphabet::italic || letter->alphabet == Alphabet::bold_italic;
    const Glyph used =
        glyph(QString::fromStdString(character(*letter)), slanted ? GlyphFace::italic : GlyphFace::upright);
    left = used.ink.left() * em;
    right = used.ink.right() * em;
    lean = slanted ? 0.11 * base.ascent : 0;  // the middle of a slanted letter's top is right of its own
  }
  const double middle = (left + right) / 2 + lean, width = right - left;
  const std::string& name = formula.text;
  const double gap = (name.starts_with("wide") ? 0.13 : 0.09) * em, foot = base.ascent + gap;
  FormulaBox mark;  // its ink, from the baseline of the accent up
  double mark_width = 0;
  const auto bar = [&](double length) {
    mark.rules.push_back({QRectF(0, -rule, length, rule), {}});
    mark.ascent = rule;
    mark_width = length;
  };
  if (name == "bar") {
    bar(std::clamp(0.82 * width, 0.34 * em, 0.6 * em));
  } else if (name == "overline" || name == "underline") {
    bar(std::max(width, base.width));
  } else {
    constexpr std::pair<const char*, char16_t> glyphs[] = {
        {"hat", u'\u02C6'}, {"widehat", u'\u02C6'}, {"tilde", u'\u02DC'}, {"widetilde", u'\u02DC'},
        {"dot", u'\u02D9'}, {"ddot", u'\u00A8'},    {"vec", u'\u20D7'}};
    const auto* found = std::ranges::find_if(glyphs, [&](const auto& entry) { return name == entry.first; });
    const Glyph used = glyph(QString(QChar(found == std::end(glyphs) ? u'\u02C6' : found->second)), GlyphFace::upright);
    const double wider = name.starts_with("wide") ? std::clamp(0.8 * width / (used.ink.width() * em), 1.0, 4.0) : 1;
    const QTransform stretched(wider, 0, 0, 1, -used.ink.left() * wider, -used.ink.bottom());
    mark_width = used.ink.width() * wider * em;
    mark.ascent = used.ink.height() * em;
    mark.inks.push_back({stretched.map(used.outline), em, {}, {}});
  }
  const auto symbol = symbol_of(formula.parts[0]);
  paint(mark, symbol ? symbol : setting.owner);
  FormulaBox box;
  box.width = base.width;
  box.overhang = base.overhang;
  const double below = base.descent;
  box.take_inside(std::move(base), {});
  const bool over = name != "underline";
  box.take_inside(std::move(mark), {middle - mark_width / 2, over ? -foot : below + gap + rule});
  return box;
}

FormulaBox typeset_brace(const Formula& formula, const FormulaSetting& setting) {
  FormulaBox base = typeset_in(formula.parts[0], setting);
  if (formula.text.empty()) return base;
  const double em = setting.em, gap = 0.12 * em, height = lying_brace_height(em);
  const bool over = formula.text == "overbrace";
  QPainterPath path = lying_brace(std::max(base.width, 0.8 * em), em);
  if (over) path = QTransform(1, 0, 0, -1, 0, height).map(path);
  FormulaBox mark = shape_box(path, base.width, height, 0);
  paint(mark, setting.owner);
  const double at = over ? -(base.ascent + gap) : base.descent + gap + height;
  base.take_inside(std::move(mark), {0, at});
  return base;
}

FormulaBox typeset_fenced(const Formula& formula, const FormulaSetting& setting) {
  FormulaBox inside = typeset_in(formula.parts[0], setting);
  const double reach = std::max(inside.ascent - setting.axis(), inside.descent + setting.axis());
  FormulaBox left = delimiter_box(formula.text, reach, setting), right = delimiter_box(formula.close, reach, setting);
  paint(left, setting.owner);
  paint(right, setting.owner);
  FormulaBox box;
  box.tall = left.tall || right.tall;
  for (FormulaBox* part : {&left, &inside, &right}) {
    const double width = part->width + (part == &inside ? part->overhang : 0);
    box.take_inside(std::move(*part), {box.width, 0});
    box.width += width;
  }
  return box;
}

FormulaBox typeset_table(const Formula& formula, const FormulaSetting& setting) {
  const auto columns = static_cast<std::size_t>(formula.columns), rows = formula.parts.size() / columns;
  const bool aligned = formula.text == "aligned", cases = formula.text == "cases";
  const FormulaSetting inside = aligned ? setting.displayed() : setting.text();
  const double em = setting.em;
  std::vector<FormulaBox> cells;
  std::vector<double> widths(columns), ascents(rows, 0.72 * em), descents(rows, 0.28 * em);
  for (std::size_t i = 0; i < formula.parts.size(); ++i) {
    const bool goes_on = aligned && i % columns % 2 == 1;
    FormulaBox cell = goes_on && formula.parts[i].kind == FormulaKind::row
                          ? typeset_row(formula.parts[i].parts, inside, AtomClass::ordinary)
                          : typeset_in(formula.parts[i], inside);
    widths[i % columns] = std::max(widths[i % columns], cell.width + cell.overhang);
    ascents[i / columns] = std::max(ascents[i / columns], cell.ascent);
    descents[i / columns] = std::max(descents[i / columns], cell.descent);
    cells.push_back(std::move(cell));
  }
  const double line_gap = (aligned || cases ? 0.34 : 0.26) * em;
  double height = line_gap * static_cast<double>(rows - 1);
  for (std::size_t r = 0; r < rows; ++r) height += ascents[r] + descents[r];

  FormulaBox box;
  double baseline = -height / 2 - setting.axis();
  for (std::size_t r = 0; r < rows; ++r) {
    baseline += ascents[r];
    double x = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      FormulaBox& cell = cells[r * columns + c];
      const double room = widths[c] - cell.width - cell.overhang;
      const double shift = aligned ? (c % 2 == 0 ? room : 0) : cases ? 0 : room / 2;
      box.take_inside(std::move(cell), {x + shift, baseline});
      x += widths[c];
      box.width = std::max(box.width, x);
      x += aligned ? (c % 2 == 0 ? 0 : 2 * em) : em;
    }
    baseline += descents[r] + line_gap;
  }
  box.ascent = std::max(box.ascent, height / 2 + setting.axis());
  box.descent = std::max(box.descent, height / 2 - setting.axis());
  return box;
}

}  // namespace statescope
