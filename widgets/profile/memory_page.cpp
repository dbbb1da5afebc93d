// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/profile/memory_page.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>
#include <cmath>

#include "chart.h"
#include "widgets/format.h"

namespace statescope {
namespace {

constexpr int header = 26, bar_height = 14, bar_block = 92, y_axis = 76, x_axis = 44, y_title = 22;
constexpr double longest_context = 1 << 20;  // tokens

QString tr(const char* text) {
  return QCoreApplication::translate("Profile", text);
}

}  // namespace

void MemoryPage::draw(Canvas& canvas, const QRectF& area, const Pointer& pointer) const {
  if (!summary_ || summary_->memory.recurrent_state <= 0) return draw_empty(canvas, area, empty_text_);
  const Theme& t = theme();
  const MemoryUse& memory = summary_->memory;
  const auto state = static_cast<double>(memory.recurrent_state);
  const auto per_token = static_cast<double>(memory.key_value_per_token);
  const auto context = static_cast<double>(std::max<std::int64_t>(summary_->tokens, 1));

  // What is held now, as parts of one bar.
  QRectF body = draw_page_header(canvas, area, tr("Held by this run"), summary_->title);
  struct Part {
    QString name;
    double bytes;
    QColor color;
  };
  const std::array parts{Part{tr("weights"), static_cast<double>(memory.weights), mix(t.muted, t.background, 0.2)},
                         Part{tr("activations"), static_cast<double>(memory.activations), t.symbol(Symbol::x)},
                         Part{tr("recurrent state"), state, t.symbol(Symbol::h)}};
  double total = 0;
  for (const Part& part : parts) total += part.bytes;
  double x = body.left();
  const double least = scaled(3);
  for (const Part& part : parts) {
    const double width = std::max(least, part.bytes / total * (body.width() - 3 * least));
    canvas.fill({x, body.top() + scaled(4), width - 2, double(scaled(bar_height))}, part.color, scaled(3));
    x += width;
  }
  x = body.left();
  const double names_y = body.top() + scaled(bar_height + 14);
  for (const Part& part : parts) {
    const double mark = scaled(8), line = canvas.line_height(TextRole::caption);
    canvas.fill({x, names_y + (line - mark) / 2, mark, mark}, part.color, scaled(2));
    const QString text = tr("%1 %2").arg(part.name, bytes_text(part.bytes));
    canvas.text({x + mark + scaled(6), names_y}, TextRole::caption, t.text, text);
    x += mark + scaled(6) + canvas.text_width(TextRole::caption, text) + scaled(24);
  }

  // How both would grow.
  const double top = area.top() + scaled(header + bar_block);
  draw_page_header(canvas, {area.left(), top, area.width(), 1}, tr("Kept from token to token"),
                   tr("attention with the same width and layers, float32"));
  LogPlot plot;
  plot.box = QRectF(QPointF(area.left() + scaled(y_axis), top + scaled(header + y_title)),
                    QPointF(area.right() - scaled(12), area.bottom() - scaled(x_axis + 64)));
  plot.x_low = 1;
  plot.x_high = longest_context;
  plot.y_low = std::min(state, per_token) / 2;
  plot.y_high = std::max(state, per_token * longest_context) * 2;
  draw_axes(canvas, plot, octave_ticks(plot.x_low, plot.x_high, std::max(3, int(plot.box.width() / scaled(64)))),
            log_ticks(plot.y_low, plot.y_high, bytes_text), tr("tokens of context →"), tr("bytes ↑"));
  canvas.push_clip(plot.box);
  const QColor cache = t.symbol(Symbol::y), recurrent = t.symbol(Symbol::h);
  canvas.line({plot.box.left(), plot.y_of(state)}, {plot.box.right(), plot.y_of(state)}, recurrent, 2.5);
  const std::array growth{QPointF(plot.box.left(), plot.y_of(per_token)),
                          QPointF(plot.box.right(), plot.y_of(per_token * longest_context))};
  canvas.polyline(growth, cache, 2.5);
  const double at = std::round(plot.x_of(context)) + 0.5;
  canvas.dashed_line({at, plot.box.top()}, {at, plot.box.bottom()}, t.text, 1, 4);
  canvas.disc({at, plot.y_of(state)}, scaled(5), recurrent);
  canvas.disc({at, plot.y_of(per_token * context)}, scaled(5), cache);
  canvas.pop_clip();
  const double line = canvas.line_height(TextRole::caption);
  const QString here = tr("this run, %L1 tokens").arg(summary_->tokens);
  const double here_width = canvas.text_width(TextRole::caption, here);
  const bool left_side = at + scaled(8) + here_width > plot.box.right();
  canvas.text({left_side ? at - scaled(8) - here_width : at + scaled(8), plot.box.top() + scaled(4)}, TextRole::caption,
              t.text, here);
  canvas.text_in({plot.box.left(), plot.y_of(state) + scaled(6), plot.box.width() - scaled(8), line}, Qt::AlignRight,
                 TextRole::caption, recurrent, tr("recurrent state, %1").arg(bytes_text(state)));
  const QString cache_name = tr("key-value cache, %1 a token").arg(bytes_text(per_token));
  // Under the line; where this run's mark would cross it, above.
  const double cache_width = canvas.text_width(TextRole::caption, cache_name);
  const QPointF named(plot.x_of(longest_context / 64), plot.y_of(per_token * longest_context / 64));
  const double right = std::min(named.x() + scaled(12), plot.box.right() - cache_width);
  const bool crossed = at > right - scaled(6) && at < right + cache_width + scaled(6);
  canvas.text(crossed ? QPointF(named.x() - cache_width - scaled(12), named.y() - line - scaled(8))
                      : QPointF(right, named.y() + scaled(4)),
              TextRole::caption, cache, cache_name);

  const double equal = state / per_token;
  const double now = per_token * context / state;
  const QString sentence =
      tr("The state holds %1 whatever the context. Attention of the same width would keep %2 after these %L3 tokens, "
         "%4 times %5; both are equal at %6.")
          .arg(bytes_text(state), bytes_text(per_token * context))
          .arg(summary_->tokens)
          .arg(format_tick(now >= 1 ? now : 1 / now, 2), now >= 1 ? tr("as much") : tr("less"),
               equal < 1.5 ? tr("one token") : tr("%L1 tokens").arg(equal, 0, 'f', 0));
  canvas.paragraph({area.left(), area.bottom() - scaled(44), area.width(), double(scaled(44))}, TextRole::body, t.text,
                   sentence);
  if (!pointer.over(plot.box)) return;
  const double tokens = std::clamp(std::round(plot.x_at(pointer.position.x())), 1.0, longest_context);
  draw_card(canvas, area, pointer.position, tr("after %L1 tokens").arg(tokens, 0, 'f', 0), t.text,
            {{tr("recurrent state"), bytes_text(state)}, {tr("key-value cache"), bytes_text(per_token * tokens)}});
}

QString MemoryPage::csv() const {
  QString text = QStringLiteral("tokens,recurrent_state_bytes,key_value_cache_bytes\n");
  if (!summary_) return text;
  const MemoryUse& memory = summary_->memory;
  for (std::int64_t tokens = 1; tokens <= static_cast<std::int64_t>(longest_context); tokens *= 2)
    text +=
        QStringLiteral("%1,%2,%3\n").arg(tokens).arg(memory.recurrent_state).arg(memory.key_value_per_token * tokens);
  return text;
}

QString MemoryPage::name() const {
  return tr("Memory: the state against a key-value cache");
}

}  // namespace statescope
