// SPDX-License-Identifier: GPL-3.0-or-later
// How the token strip looks.
#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "token_strip_lengths.h"
#include "widgets/token_strip.h"

namespace statescope {
namespace {

constexpr double chip_radius = 7, underline = 3;  // at 100 % text size and zoom 1
constexpr double text_zoom = 0.5;                 // below it letters cannot be read

/// The lowest `thickness` of a rounded box, following its corners.
QPainterPath bottom_band(const QRectF& box, double radius, double thickness) {
  const double degrees = std::asin((radius - thickness) / radius) * 180 / M_PI;
  const QRectF left(box.left(), box.bottom() - 2 * radius, 2 * radius, 2 * radius);
  const QRectF right = left.translated(box.width() - 2 * radius, 0);
  QPainterPath path;
  path.arcMoveTo(left, 180 + degrees);
  path.arcTo(left, 180 + degrees, 90 - degrees);
  path.arcTo(right, 270, 90 - degrees);
  path.closeSubpath();
  return path;
}

}  // namespace

void TokenStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  const Theme& t = theme();
  if (tokens_.empty()) {
    const QRectF box = QRectF(rect()).adjusted(unit(ring), chips_top(), -unit(ring), -unit(ring) - unit(6));
    painter.setPen(QPen(mix(t.hairline, t.muted, 0.35), 1, Qt::DashLine));
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), unit(chip_radius), unit(chip_radius));
    painter.setFont(statescope::font(TextRole::body));
    painter.setPen(t.muted);
    painter.drawText(box, Qt::AlignCenter,
                     painter.fontMetrics().elidedText(empty_text_, Qt::ElideRight, int(box.width())));
    if (hasFocus()) draw_focus_ring(painter, box, unit(chip_radius));
    return;
  }

  draw_header(painter);
  const auto [first, end] = visible_range();
  for (int i = first; i < end; ++i) {
    if (zoom_ < text_zoom) {
      draw_block(painter, i, chip_rect(i));
    } else {
      draw_chip(painter, i, chip_rect(i));
    }
  }

  // More text beyond an edge fades out there instead of being cut.
  const double top = chips_top() - unit(ring), height = shown_height() + 2 * unit(ring), fade = unit(28);
  const auto fade_edge = [&](double from, double to) {
    QLinearGradient gradient(from, 0, to, 0);
    gradient.setColorAt(0, t.background);
    gradient.setColorAt(1, with_alpha(t.background, 0));
    painter.fillRect(QRectF(std::min(from, to), top, fade, height), gradient);
  };
  if (offset_ > 0.5) fade_edge(0, fade);
  if (offset_ < furthest_offset() - 0.5) fade_edge(width(), width() - fade);

  if (cursor_ >= 0) {
    const double grow = unit(ring) - 1;
    const double radius = std::min(unit(chip_radius) * zoom_, chip_rect(cursor_).width() / 2) + grow;
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(hasFocus() ? t.accent : t.text, 2));
    painter.drawRoundedRect(chip_rect(cursor_).adjusted(-grow, -grow, grow, grow), radius, radius);
  } else if (hasFocus()) {
    draw_focus_ring(painter, rect(), unit(chip_radius));
  }

  if (furthest_offset() > 0) {
    const double thumb = std::max(unit(24), width() * width() / total_width());
    const double x = (width() - thumb) * offset_ / furthest_offset();
    fill_rounded(painter, QRectF(x, this->height() - 3, thumb, 3), 1.5, mix(t.hairline, t.muted, 0.35));
  }
}

void TokenStrip::draw_header(QPainter& painter) const {
  const Theme& t = theme();
  painter.setFont(statescope::font(TextRole::caption));
  const QFontMetrics metrics = painter.fontMetrics();
  const double line = metrics.height();
  double right = width() - unit(ring);
  if (!caption_.isEmpty()) {
    // The colour scale stands next to the words that explain it.
    const double ramp = unit(44);
    const double text_width = metrics.horizontalAdvance(tr("underline: %1").arg(caption_)) + 1;
    QLinearGradient gradient(right - ramp, 0, right, 0);
    for (int i = 0; i <= 8; ++i) {
      gradient.setColorAt(i / 8.0, value_color(low_ + (high_ - low_) * static_cast<float>(i) / 8));
    }
    painter.setPen(Qt::NoPen);
    painter.setBrush(gradient);
    painter.drawRoundedRect(QRectF(right - ramp, (line - unit(4)) / 2, ramp, unit(4)), unit(2), unit(2));
    right -= ramp + unit(8);
    const double left = std::max(0.0, right - text_width);
    painter.setPen(t.muted);
    painter.drawText(QRectF(left, 0, right - left, line), Qt::AlignRight | Qt::AlignVCenter,
                     metrics.elidedText(tr("underline: %1").arg(caption_), Qt::ElideRight, int(right - left) + 1));
    right = left - unit(16);
  }
  const int shown = hovered_ >= 0 ? hovered_ : cursor_;
  if (right < unit(80) || shown < 0) return;
  painter.setPen(hovered_ >= 0 ? t.text : t.muted);
  painter.drawText(QRectF(unit(ring), 0, right, line), Qt::AlignLeft | Qt::AlignVCenter,
                   metrics.elidedText(describe(shown), Qt::ElideRight, int(right - unit(ring))));
}

void TokenStrip::draw_chip(QPainter& painter, int index, const QRectF& box) const {
  const Theme& t = theme();
  const TokenChip& token = tokens_[static_cast<size_t>(index)];
  const double radius = unit(chip_radius) * zoom_;
  const bool future = index > cursor_;
  painter.setOpacity(future ? 0.45 : 1.0);

  painter.setPen(Qt::NoPen);
  painter.setBrush(index == hovered_ ? hover_fill() : t.raised);
  painter.drawRoundedRect(box, radius, radius);
  painter.setBrush(value_color(token.value));
  painter.drawPath(bottom_band(box, radius, unit(underline) * zoom_));
  const QColor generated_ink = t.symbol(Symbol::y);
  if (token.generated) {
    QPen dots(generated_ink, unit(1.5), Qt::DotLine, Qt::RoundCap);
    painter.setPen(dots);
    painter.drawLine(QPointF(box.left() + radius, box.top() + 1), QPointF(box.right() - radius, box.top() + 1));
  }

  const QColor ink = token.special ? t.muted : token.generated ? mix(t.text, generated_ink, 0.45) : t.text;
  QFont text_font = chip_font();
  text_font.setItalic(token.special);
  const QFontMetricsF metrics(chip_font());
  const auto pieces = token_pieces(token.text);
  double text_width = 0;
  for (const TokenPiece& piece : pieces) text_width += metrics.horizontalAdvance(piece.text);

  // Scaled by the painter, so that the cached widths hold at every zoom.
  painter.save();
  painter.translate(box.left() + (box.width() - text_width * zoom_) / 2, box.top());
  painter.scale(zoom_, zoom_);
  painter.setFont(text_font);
  const double baseline = (unit(chip_height) - unit(underline) + metrics.ascent() - metrics.descent()) / 2;
  double x = 0;
  for (const TokenPiece& piece : pieces) {
    painter.setPen(piece.sign ? mix(t.raised, t.muted, 0.75) : ink);
    painter.drawText(QPointF(x, baseline), piece.text);
    x += metrics.horizontalAdvance(piece.text);
  }
  painter.restore();
  painter.setOpacity(1);
}

void TokenStrip::draw_block(QPainter& painter, int index, const QRectF& box) const {
  const TokenChip& token = tokens_[static_cast<size_t>(index)];
  painter.setOpacity(index > cursor_ ? 0.45 : 1.0);
  painter.setPen(Qt::NoPen);
  painter.setBrush(std::isfinite(token.value) ? value_color(token.value) : theme().raised);
  painter.drawRoundedRect(box, 2, 2);
  painter.setOpacity(1);
}

}  // namespace statescope
