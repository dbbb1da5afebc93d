// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/equation_view.h"

#include <QPainter>
#include <QResizeEvent>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

// A piece of a formula. `level` 1 is raised and small (exponent), −1 lowered and small (index).
struct Run {
  QString text;
  std::optional<Symbol> symbol;
  int level = 0;
  bool italic = false;
  QString tip;
};
using Runs = std::vector<Run>;

QFont run_font(const Run& run, const QFont& base) {
  QFont result = base;
  result.setItalic(run.italic);
  // Exponents of numbers stay larger than those of symbols: they are there to be read.
  const double share = run.text.front().isLetter() ? 0.68 : 0.8;
  if (run.level != 0) result.setPixelSize(std::max(8, static_cast<int>(std::lround(base.pixelSize() * share))));
  return result;
}

double width_of(const Runs& runs, const QFont& base) {
  double width = 0;
  for (const Run& run : runs) width += TextMetrics(run_font(run, base)).horizontalAdvance(run.text);
  return width;
}

// Calls `found(run, rect)` with the place of each run on a line whose baseline starts at `start`.
template <typename Found>
void place_runs(const Runs& runs, const QFont& base, QPointF start, const Found& found) {
  for (const Run& run : runs) {
    const QFont used = run_font(run, base);
    const TextMetrics metrics(used);
    const double width = metrics.horizontalAdvance(run.text);
    const double rise = run.level > 0 ? 0.42 : run.level < 0 ? -0.2 : 0.0;
    const double baseline = start.y() - rise * base.pixelSize();
    found(run, used, QPointF(start.x(), baseline),
          QRectF(start.x(), baseline - metrics.ascent(), width, metrics.height()));
    start.rx() += width;
  }
}

Run op(const QString& text) {
  return {text, std::nullopt, 0, false, {}};
}

Runs symbolic_line() {
  // As in formulas, Latin letters lean and capital Greek ones stand.
  const auto letter = [](Symbol symbol, int level = 0) {
    return Run{symbol_text(symbol), symbol, level, symbol != Symbol::delta, {}};
  };
  // Hair spaces after italics keep letters from leaning into what follows.
  const QString thin(QChar(0x2009));
  return {letter(Symbol::h),
          {QStringLiteral("t"), Symbol::h, -1, true, {}},
          op(thin + QStringLiteral("= ")),
          {QStringLiteral("e"), std::nullopt, 0, true, {}},
          letter(Symbol::delta, 1),
          letter(Symbol::A, 1),
          op(thin),
          letter(Symbol::h),
          {QStringLiteral("t−1"), Symbol::h, -1, true, {}},
          op(QStringLiteral(" + ")),
          letter(Symbol::delta),
          op(thin),
          letter(Symbol::B),
          op(thin),
          letter(Symbol::x)};
}

// The numbers in three groups that may become lines of their own: what is kept, what is written, and its last factor.
struct NumberLines {
  Runs gate_left, gate_right, left, kept, written, last_factor;
};

NumberLines number_lines(const StateUpdate& update) {
  const auto number = [](double value, std::optional<Symbol> symbol, const QString& tip, int level = 0) {
    return Run{format_number(value), symbol, level, false, tip};
  };
  const auto tr = [](const char* text) { return EquationView::tr(text); };
  const QString times = QStringLiteral(" × ");
  const Run gate = number(update.gate, std::nullopt, tr("gate: the share of the old state that is kept"));
  const Run delta = number(update.delta, Symbol::delta, tr("Δ: step size of this channel at this token"));
  const Run small_times{times, std::nullopt, 1, false, {}};
  NumberLines lines;
  lines.gate_left = {gate};
  lines.gate_right = {
      op(QStringLiteral("e")), number(update.delta, Symbol::delta, delta.tip, 1), small_times,
      number(update.A, Symbol::A, tr("A: decay rate of this state, learned, the same at every token"), 1)};
  lines.left = {number(update.h, Symbol::h, tr("h: the state after this token"))};
  lines.kept = {gate, op(times), number(update.h_prev, Symbol::h, tr("h before this token"))};
  lines.written = {delta, op(times),
                   number(update.B, Symbol::B, tr("B: how strongly this token writes into this state"))};
  lines.last_factor = {op(times), number(update.x, Symbol::x, tr("x: input of this channel at this token"))};
  return lines;
}

QString kept_text(double gate) {
  const double percent = gate * 100;
  const int decimals = percent >= 99.9 ? 2 : (percent >= 99 || percent < 1) ? 1 : 0;
  return QString::number(percent, 'f', decimals) + QStringLiteral("\u00A0%");
}

// A word and the plain punctuation behind it, which no line's end parts from it.
struct SentenceWord {
  QString text;
  bool strong = false;
  QString mark;
};

std::vector<SentenceWord> words_of(const Sentence& sentence) {
  std::vector<SentenceWord> words;
  for (const auto& [text, strong] :
       {std::pair(sentence.before, false), {sentence.strong, true}, {sentence.after, false}}) {
    bool marks = !strong && !words.empty() && !text.startsWith(QLatin1Char(' '));
    for (const QString& word : text.split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
      if (marks)
        words.back().mark = word;
      else
        words.push_back({word, strong, {}});
      marks = false;
    }
  }
  return words;
}

Runs joined(std::initializer_list<Runs> parts) {
  Runs all;
  for (const Runs& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

Sentence memory_sentence(double gate) {
  const auto tr = [](const char* text) { return EquationView::tr(text); };
  if (!std::isfinite(gate)) return {tr("The gate is not a finite number: "), tr("the state is lost"), tr(".")};
  if (gate > 1) {
    return {tr("The old value grows by %1. ").arg(format_percent(gate - 1)), tr("This state is unstable"),
            tr(": A is positive.")};
  }
  if (gate < 0.001) return {{}, tr("Nothing of the old value is kept"), tr(": what this token writes replaces it.")};
  // The n that solves gate^n = 1/2.
  const double half_life = gate < 1 ? std::log(0.5) / std::log(gate) : std::numeric_limits<double>::infinity();
  if (half_life >= 1000) {
    return {tr("Nearly all of the old value is kept. At this rate a value written now is "),
            tr("kept for thousands of tokens"), tr(".")};
  }
  const QString kept = tr("%1 of the old value is kept. ").arg(kept_text(gate));
  if (half_life < 1.05) {
    return {kept + tr("At this rate a value written now is "),
            half_life < 0.95 ? tr("more than halved by the next token") : tr("halved by the next token"), tr(".")};
  }
  const QString tokens = half_life < 10 ? QString::number(half_life, 'f', 1) : QString::number(std::lround(half_life));
  return {kept + tr("At this rate a value written now is halved after "), tr("%1 tokens").arg(tokens), tr(".")};
}

EquationView::EquationView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("One state, one update"));
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void EquationView::set_update(const std::optional<StateUpdate>& update, const StatePlace& place) {
  place_ = place;
  update_ = update;
  if (std::exchange(tallest_at_, width()) != width()) tallest_ = 0;
  if (update_) tallest_ = heightForWidth(width());
  if (update_) setAccessibleDescription(memory_sentence(update_->gate).plain());
  updateGeometry();
  View::update();
}

// Draws when given a painter, and returns the height that is needed at the width of `area` in any case, so that layout
// and picture cannot disagree.
double EquationView::paint(QPainter* painter, const QRectF& area) const {
  const RichText title = {{tr("One state, one update"), std::nullopt}};
  const auto place = [this](const QString& words) {
    return words.arg(place_.layer).arg(place_.channel).arg(place_.state);
  };
  QString subtitle = place(tr("layer %1 · channel %2 · state %3"));
  const double long_width = TextMetrics(font(TextRole::caption)).horizontalAdvance(subtitle) + scaled(16);
  if (text_width(title, font(TextRole::strong)) + long_width > area.width()) {
    subtitle = place(tr("layer %1 · ch %2 · n %3"));
  }
  if (painter) draw_header(*painter, area, title, subtitle);
  double y = area.top() + header_height(area.width(), title, subtitle);
  const auto draw_runs = [&](const Runs& runs, const QFont& base, QPointF start) {
    if (!painter) return;
    place_runs(runs, base, start, [&](const Run& run, const QFont& used, QPointF baseline, const QRectF& rect) {
      painter->setFont(used);
      painter->setPen(run.symbol ? theme().symbol(*run.symbol) : theme().text);
      painter->drawText(baseline, run.text);
      if (!run.tip.isEmpty()) add_tip(rect, run.tip);
    });
  };
  const auto fit = [&](QFont base, const Runs& runs, double room) {
    const double width = width_of(runs, base);
    if (width > room) base.setPixelSize(std::max(9, static_cast<int>(base.pixelSize() * room / width)));
    return base;
  };

  // The symbols, in a card.
  const double padding = scaled(14);
  const Runs symbols = symbolic_line();
  const QFont math = fit(font(TextRole::math), symbols, area.width() - 2 * padding);
  const TextMetrics math_metrics(math);
  const QRectF card(area.left(), y, area.width(), std::ceil(math_metrics.height() + 1.4 * padding));
  if (painter) {
    painter->setPen(Qt::NoPen);
    painter->setBrush(theme().raised);
    painter->drawRoundedRect(card, 8, 8);
  }
  draw_runs(symbols, math,
            {card.left() + padding, card.center().y() + (math_metrics.ascent() - math_metrics.descent()) / 2});
  y = card.bottom() + scaled(12);

  // The numbers, aligned at the equals sign, on as few lines as the width allows.
  const NumberLines numbers = number_lines(*update_);
  QFont mono = font(TextRole::numbers);
  const Runs equals = {op(QStringLiteral(" = "))}, plus = {op(QStringLiteral(" + "))};
  const auto indent_of = [&] { return std::max(width_of(numbers.left, mono), width_of(numbers.gate_left, mono)); };
  const double sign = width_of(equals, mono);
  const auto room = [&] { return area.width() - indent_of() - sign; };
  std::vector<std::pair<Runs, Runs>> lines = {{equals, numbers.gate_right}};
  const Runs sum = joined({numbers.kept, plus, numbers.written, numbers.last_factor});
  const Runs product = joined({numbers.written, numbers.last_factor});
  if (width_of(sum, mono) <= room()) {
    lines.emplace_back(equals, sum);
  } else {
    lines.emplace_back(equals, numbers.kept);
    // A slightly smaller font is better than a third line.
    if (0.88 * width_of(product, mono) <= room()) {
      lines.emplace_back(plus, product);
    } else {
      const Runs last(numbers.last_factor.begin() + 1, numbers.last_factor.end());
      lines.emplace_back(plus, numbers.written);
      lines.emplace_back(Runs{numbers.last_factor.front()}, last);
    }
  }
  Runs widest;
  for (const auto& line : lines) {
    const Runs whole = joined({numbers.left, line.first, line.second});
    if (width_of(whole, mono) > width_of(widest, mono)) widest = whole;
  }
  mono = fit(mono, widest, area.width());
  const TextMetrics mono_metrics(mono);
  // Of the font before it was fitted: what follows stays in its place from token to token.
  const double line_height = std::ceil(TextMetrics(font(TextRole::numbers)).height() * 1.35);
  const double indent = indent_of();
  for (std::size_t i = 0; i < lines.size(); ++i, y += line_height) {
    const double baseline = y + mono_metrics.ascent() + (i == 0 ? 0.1 * line_height : 0);
    const Runs* left = i == 0 ? &numbers.gate_left : i == 1 ? &numbers.left : nullptr;
    if (left) draw_runs(*left, mono, {area.left() + indent - width_of(*left, mono), baseline});
    draw_runs(joined({lines[i].first, lines[i].second}), mono, {area.left() + indent, baseline});
  }
  y += scaled(10);

  // The sentence, word by word because one phrase of it is bold.
  Sentence sentence = memory_sentence(update_->gate);
  if (update_->turn != 0)
    sentence.after += tr(" The pair turns by %1° at every token as well: what stood before is shown turned.")
                          .arg(format_number(update_->turn * 180 / std::numbers::pi));
  const QFont plain = font(TextRole::body), bold = font(TextRole::strong);
  const TextMetrics plain_metrics(plain);
  const double step = std::ceil(plain_metrics.height() * 1.25),
               space = plain_metrics.horizontalAdvance(QStringLiteral(" "));
  double x = area.left();
  const auto draw_word = [&](const QString& word, bool strong) {
    const TextMetrics metrics(strong ? bold : plain);
    if (painter) {
      painter->setFont(strong ? bold : plain);
      painter->setPen(strong ? theme().text : theme().muted);
      painter->drawText(QPointF(x, y + metrics.ascent()), word);
    }
    x += metrics.horizontalAdvance(word);
  };
  for (const SentenceWord& word : words_of(sentence)) {
    const double width = TextMetrics(word.strong ? bold : plain).horizontalAdvance(word.text) +
                         plain_metrics.horizontalAdvance(word.mark);
    if (x > area.left()) x += space;
    if (x > area.left() && x + width > area.right() + 0.5) {
      x = area.left();
      y += step;
    }
    draw_word(word.text, word.strong);
    if (!word.mark.isEmpty()) draw_word(word.mark, false);
  }
  return y + step - area.top();
}

void EquationView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!update_) {
    draw_message(painter, area);
    return;
  }
  paint(&painter, area);
  if (hasFocus() && !for_export) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(theme().accent, 2));
    painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 4, 4);
  }
}

int EquationView::heightForWidth(int width) const {
  if (!update_) return minimumSizeHint().height();
  const int needed = static_cast<int>(std::ceil(paint(nullptr, QRectF(0, 0, width, 1))));
  return width == tallest_at_ ? std::max(needed, tallest_) : needed;
}

QString EquationView::csv() const {
  if (!update_) return {};
  const std::pair<const char*, double> rows[] = {
      {"delta", update_->delta},   {"A", update_->A},         {"gate", update_->gate},
      {"h_prev", update_->h_prev}, {"turn", update_->turn},   {"B", update_->B},
      {"x", update_->x},           {"write", update_->write}, {"h", update_->h}};
  QString text = QStringLiteral("quantity,value\n");
  for (const auto& [name, value] : rows) {
    text += QLatin1String(name) + QLatin1Char(',') + csv_number(value) + QLatin1Char('\n');
  }
  return text;
}

QSize EquationView::sizeHint() const {
  // In a column narrower than that the formula takes more lines.
  return {scaled(300), update_ ? heightForWidth(std::min(scaled(300), width())) : scaled(200)};
}
void EquationView::resizeEvent(QResizeEvent* event) {
  View::resizeEvent(event);
  if (event->size().width() != event->oldSize().width()) updateGeometry();
}
QSize EquationView::minimumSizeHint() const {
  return {scaled(200), scaled(160)};
}

}  // namespace statescope
