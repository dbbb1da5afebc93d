// SPDX-License-Identifier: GPL-3.0-or-later
// How the convolution theatre looks.
#include <QPainter>
#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "convolution_stage.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

Symbol symbol_of(ConvolutionView::Row row) {
  switch (row) {
    case ConvolutionView::Row::signal:
      return Symbol::x;
    case ConvolutionView::Row::kernel:
      return Symbol::C;
    case ConvolutionView::Row::products:
      return Symbol::delta;
    case ConvolutionView::Row::output:
      return Symbol::y;
    case ConvolutionView::Row::recurrence:
      return Symbol::h;
  }
  return Symbol::x;
}

}  // namespace

void ConvolutionView::draw(QPainter& painter, const QRectF& area, bool for_export) const {
  if (!data_ || data_->length() == 0) {
    draw_message(painter, area);
    return;
  }
  const Stage where = stage(area);
  const bool roomy = where.rows[0].width() >= scaled(60) && where.rows[0].height() >= scaled(10);
  draw_kept(painter, std::tuple(where.rows, std::to_array(largest_), plain_text(data_->title), data_->subtitle),
            [&](QPainter& still) {
              draw_header(still, area, data_->title, data_->subtitle);
              if (!roomy) return;
              for (const Row row : all_rows) draw_row_frame(still, where, row);
            });
  if (!roomy) return;
  painter.save();
  painter.setClipRect(QRectF(where.rows[0].topLeft(), where.rows[4].bottomRight()).adjusted(0, -2, 0, 2));
  // The place where everything meets runs through all rows.
  QColor beam = theme().text;
  beam.setAlphaF(0.07F);
  painter.fillRect(QRectF(where.x_of(where.head) - where.pitch / 2, where.rows[0].top(), where.pitch,
                          where.rows[4].bottom() - where.rows[0].top()),
                   beam);
  for (const Row row : all_rows) draw_bars(painter, where, row, for_export);
  painter.restore();
  draw_sum(painter, where);
  if (for_export) return;
  if (hasFocus()) draw_focus_ring(painter, QRectF(where.rows[0].topLeft(), where.rows[4].bottomRight()));
  if (hover_) draw_readout(painter, area, hover_place_, readout(*hover_));
}

void ConvolutionView::draw_row_frame(QPainter& painter, const Stage& stage, Row row) const {
  const auto index = static_cast<std::size_t>(row);
  const QRectF& box = stage.rows[index];
  painter.fillRect(box, theme().surface);
  painter.setPen(QPen(mix(theme().hairline, theme().muted, 0.3), 1));
  const double zero = std::round(box.center().y()) + 0.5;
  painter.drawLine(QPointF(box.left(), zero), QPointF(box.right(), zero));
  if (stage.gutter.width() <= 0) return;
  painter.setFont(font(TextRole::caption));
  painter.setPen(theme().symbol(symbol_of(row)));
  const QRectF label(stage.gutter.left(), box.center().y() - caption_height(), stage.gutter.width() - scaled(12),
                     2 * caption_height());
  painter.drawText(label.adjusted(0, 0, 0, -caption_height()), Qt::AlignLeft | Qt::AlignVCenter, row_name(row));
  painter.setPen(theme().muted);
  if (box.height() > 2 * caption_height()) {
    painter.drawText(label.adjusted(0, caption_height(), 0, 0), Qt::AlignLeft | Qt::AlignVCenter,
                     QStringLiteral("±%1").arg(format_tick(largest_[index])));
  }
}

void ConvolutionView::draw_bars(QPainter& painter, const Stage& stage, Row row, bool for_export) const {
  const auto index = static_cast<std::size_t>(row);
  const QColor color = theme().symbol(symbol_of(row)), ground = theme().surface;
  const double zero = stage.y_of(index, 0), width = stage.bar_width();
  const Act& act = stage.act;
  painter.setPen(Qt::NoPen);
  const auto bar = [&](double sample, double value, const QColor& fill) {
    if (!std::isfinite(value) || value == 0) return;
    const double x = stage.x_of(sample), y = stage.y_of(index, value / largest_[index]);
    painter.setBrush(fill);
    painter.drawRect(QRectF(x - width / 2, std::min(y, zero), width, std::max(1.0, std::fabs(y - zero))));
  };
  const auto begin = std::max<qint64>(0, static_cast<qint64>(std::floor(stage.first)) - 1);
  const auto end = std::min(data_->length(), static_cast<qint64>(std::ceil(stage.first + stage.span)) + 1);
  switch (row) {
    case Row::signal:
      for (qint64 j = begin; j < end; ++j) {
        const bool met = static_cast<double>(j) <= stage.head + 0.5;
        bar(static_cast<double>(j), data_->signal[j], met ? color : mix(color, ground, 0.65));
      }
      break;
    case Row::kernel:
      // K_l stands l samples before the head.
      for (qint64 lag = 0; lag < data_->kernel.size(); ++lag) {
        const double sample = stage.head - static_cast<double>(lag);
        if (sample < stage.first - 1) break;
        bar(sample, data_->kernel[lag], color);
      }
      break;
    case Row::products: {
      const qint64 step = act.slid < 0.5 && act.moving ? cursor_ : cursor_ + (act.moving ? 1 : 0);
      const double light = !act.moving ? 1 : step == cursor_ ? 1 - act.faded : act.lit;
      for (qint64 j = begin; j < std::min(end, step + 1); ++j) {
        bar(static_cast<double>(j), product(j, step) * (step == cursor_ ? 1 : light), mix(ground, color, light));
      }
      break;
    }
    case Row::output:
    case Row::recurrence: {
      const Series& values = row == Row::output ? data_->output : data_->recurrence;
      for (qint64 j = begin; j < std::min(end, cursor_ + 1); ++j) {
        const bool newest = j == cursor_ && !act.moving;
        bar(static_cast<double>(j), values[j], newest ? color : mix(color, ground, 0.4));
      }
      if (act.moving && act.landed > 0) {
        bar(static_cast<double>(cursor_ + 1), values[cursor_ + 1] * act.landed, color);
      }
      const qint64 shown = cursor_ + (act.moving && act.landed >= 1 ? 1 : 0);
      if (std::isfinite(values[shown])) {
        painter.setPen(QPen(ground, 1.5));
        painter.setBrush(color);
        painter.drawEllipse(
            QPointF(stage.x_of(static_cast<double>(shown)), stage.y_of(index, values[shown] / largest_[index])),
            scaled(4), scaled(4));
      }
      break;
    }
  }
  if (hover_ && !for_export && row == Row::signal) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(theme().muted, 1));
    painter.drawRect(QRectF(stage.x_of(static_cast<double>(*hover_)) - stage.pitch / 2, stage.rows[0].top(),
                            stage.pitch, stage.rows[4].bottom() - stage.rows[0].top()));
  }
}

// The sum as a sentence; what the window hides is named, so that the bars and the number agree.
void ConvolutionView::draw_sum(QPainter& painter, const Stage& stage) const {
  if (stage.sum.isNull()) return;
  const qint64 step = cursor_ + (stage.act.moving && stage.act.landed >= 1 ? 1 : 0);
  const auto first = std::clamp<qint64>(static_cast<qint64>(std::ceil(stage.first - 0.25)), 0, step + 1);
  double hidden = 0;
  qint64 count = 0;
  for (qint64 j = std::max<qint64>(0, step - data_->kernel.size() + 1); j < first; ++j, ++count)
    hidden += product(j, step);
  const double difference = std::fabs(data_->output[step] - data_->recurrence[step]);
  painter.setFont(font(TextRole::caption));
  const TextMetrics metrics(painter.font());
  const std::pair<QString, QColor> parts[] = {
      {tr("y[%1] = ").arg(step), theme().muted},
      {format_number(data_->output[step], 6), theme().symbol(Symbol::y)},
      {tr("  by recurrence "), theme().muted},
      {format_number(data_->recurrence[step], 6), theme().symbol(Symbol::h)},
      {tr("  difference %1").arg(format_number(difference, 2)), theme().muted},
      {data_->direct == 0 ? QString()
                          : tr("  ·  of it D u = %1").arg(format_number(data_->direct * data_->signal[step], 3)),
       theme().muted},
      {data_->free.empty() ? QString() : tr("  ·  of it from h₀: %1").arg(format_number(data_->free[step], 3)),
       theme().muted},
      {count > 0 ? tr("  ·  %1 products further left add %2").arg(count).arg(format_number(hidden, 3)) : QString(),
       theme().muted}};
  double x = stage.sum.left();
  for (const auto& [text, color] : parts) {
    const double width = metrics.horizontalAdvance(text);
    if (x + width > stage.sum.right() + 1) break;
    painter.setPen(color);
    painter.drawText(QPointF(x, stage.sum.bottom() - metrics.descent()), text);
    x += width;
  }
}

}  // namespace statescope
