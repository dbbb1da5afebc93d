// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/token_strip.h"

#include <QApplication>
#include <QFontMetricsF>
#include <QHash>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "token_strip_lengths.h"

namespace statescope {
namespace {

constexpr double narrowest_chip = 26, lowest_block = 14;
constexpr double smallest_zoom = 0.1, largest_zoom = 2;
constexpr int scroll_ms = 180;

}  // namespace

TokenStrip::TokenStrip(QWidget* parent)
    : QWidget(parent), empty_text_(tr("No text yet. Type a prompt to see it as tokens.")) {
  setObjectName(QStringLiteral("token_strip"));
  setAccessibleName(tr("Tokens"));
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  scroll_.setDuration(scroll_ms);
  scroll_.setEasingCurve(QEasingCurve::OutCubic);
  connect(&scroll_, &QVariantAnimation::valueChanged, this, [this](const QVariant& value) {
    offset_ = value.toDouble();
    update();
  });
  follow_theme(this, &TokenStrip::remeasure);
}

void TokenStrip::set_tokens(std::vector<TokenChip> tokens) {
  tokens_ = std::move(tokens);
  cursor_ = std::min(cursor_, count() - 1);
  hovered_ = pressed_ = -1;
  measure_from(0);
  reveal_cursor();
}

void TokenStrip::append_tokens(const std::vector<TokenChip>& tokens) {
  const size_t first = tokens_.size();
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  measure_from(first);
}

void TokenStrip::set_values(const std::vector<float>& values, const QString& caption, float low, float high) {
  for (size_t i = 0; i < tokens_.size(); ++i) tokens_[i].value = i < values.size() ? values[i] : std::nanf("");
  caption_ = caption;
  low_ = low;
  high_ = high;
  update();
}

void TokenStrip::set_color_map(ColorMap map) {
  map_ = std::move(map);
  update();
}

void TokenStrip::set_empty_text(const QString& text) {
  empty_text_ = text;
  update();
}

void TokenStrip::set_cursor(int index) {
  index = std::clamp(index, -1, count() - 1);
  if (index == cursor_) return;
  cursor_ = index;
  setAccessibleDescription(describe(cursor_));
  reveal_cursor();
  update();
}

void TokenStrip::set_zoom(double zoom) {
  if (!std::isfinite(zoom)) return;
  zoom_ = std::clamp(zoom, smallest_zoom, largest_zoom);
  updateGeometry();
  scroll_to(offset_, false);
  reveal_cursor();
  update();
}

void TokenStrip::measure_from(size_t first) {
  const QFontMetricsF metrics(chip_font());
  edges_.resize(first + 1);
  edges_.reserve(tokens_.size() + 1);
  QHash<QString, double> known;  // words come back; shaping text is what takes the time here
  for (size_t i = first; i < tokens_.size(); ++i) {
    double& text_width = known[tokens_[i].text];
    if (text_width == 0) {
      for (const TokenPiece& piece : token_pieces(tokens_[i].text)) text_width += metrics.horizontalAdvance(piece.text);
    }
    const double width = std::max(text_width + 2 * unit(chip_padding), unit(narrowest_chip));
    edges_.push_back(edges_.back() + width + unit(chip_gap));
  }
  scroll_to(wanted_offset_, false);
  update();
}

void TokenStrip::remeasure() {
  measure_from(0);
  reveal_cursor();
}

// Gaps shrink with the zoom but do not grow with it.
double TokenStrip::shown_gap() const {
  return unit(chip_gap) * std::min(1.0, zoom_);
}

// Blocks without text keep a height that can be hit.
double TokenStrip::shown_height() const {
  return unit(std::max(chip_height * zoom_, lowest_block));
}

double TokenStrip::total_width() const {
  return std::max(0.0, edges_.back() * zoom_ - shown_gap()) + 2 * unit(ring);
}

double TokenStrip::furthest_offset() const {
  return std::max(0.0, total_width() - width());
}

double TokenStrip::chips_top() const {
  return std::ceil(QFontMetricsF(statescope::font(TextRole::caption)).height()) + unit(4) + unit(ring);
}

QRectF TokenStrip::chip_rect(int index) const {
  if (index < 0 || index >= count()) return {};
  const auto i = static_cast<size_t>(index);
  const double left = edges_[i] * zoom_ - offset_ + unit(ring);
  return {left, chips_top(), (edges_[i + 1] - edges_[i]) * zoom_ - shown_gap(), shown_height()};
}

std::pair<int, int> TokenStrip::visible_range() const {
  if (tokens_.empty()) return {0, 0};
  const auto index_at = [this](double x) {
    const auto after = std::upper_bound(edges_.begin(), edges_.end(), (x + offset_ - unit(ring)) / zoom_);
    return std::clamp(static_cast<int>(after - edges_.begin()) - 1, 0, count() - 1);
  };
  return {index_at(0), index_at(width()) + 1};
}

int TokenStrip::chip_at(const QPointF& point) const {
  const auto [first, end] = visible_range();
  for (int i = first; i < end; ++i) {
    if (chip_rect(i).contains(point)) return i;
  }
  return -1;
}

void TokenStrip::reveal_cursor() {
  if (cursor_ < 0 || width() <= 0) return;
  const auto i = static_cast<size_t>(cursor_);
  const double left = edges_[i] * zoom_, right = edges_[i + 1] * zoom_ + unit(ring);
  // Some context stays visible on both sides, so that the reader sees what comes next.
  const double context = std::min(0.25 * width(), unit(160));
  double target = wanted_offset_;
  target = std::max(target, right + context - width());
  target = std::min(target, left - context);
  scroll_to(target, motion() && isVisible());
}

void TokenStrip::scroll_to(double offset, bool animated) {
  offset = std::clamp(offset, 0.0, furthest_offset());
  if (animated && offset == wanted_offset_ && scroll_.state() == QAbstractAnimation::Running) return;
  scroll_.stop();
  wanted_offset_ = offset;
  if (animated && std::abs(offset - offset_) > 0.5) {
    scroll_.setStartValue(offset_);
    scroll_.setEndValue(offset);
    scroll_.start();
  } else {
    offset_ = offset;
  }
  update();
}

double TokenStrip::share(float value) const {
  const double range = static_cast<double>(high_) - static_cast<double>(low_);
  return range > 0 ? std::clamp((static_cast<double>(value) - static_cast<double>(low_)) / range, 0.0, 1.0) : 0.0;
}

QColor TokenStrip::value_color(float value) const {
  if (!std::isfinite(value)) return Qt::transparent;
  if (map_) return map_(static_cast<float>(share(value)));
  const Theme& t = theme();
  return mix(mix(t.raised, t.symbol(Symbol::delta), 0.25), t.symbol(Symbol::delta), share(value));
}

QString TokenStrip::describe(int index) const {
  if (index < 0 || index >= count()) return {};
  const TokenChip& token = tokens_[static_cast<size_t>(index)];
  QString shown;
  for (const TokenPiece& piece : token_pieces(token.text)) shown += piece.text;
  QStringList parts = {tr("token %L1").arg(index + 1)};
  if (token.id >= 0) parts << tr("id %1").arg(token.id);
  parts << QStringLiteral("“%1”").arg(shown);
  if (token.generated) parts << tr("generated");
  if (std::isfinite(token.value) && !caption_.isEmpty()) {
    parts << QStringLiteral("%1: %2").arg(caption_, QString::number(static_cast<double>(token.value), 'g', 3));
  }
  return parts.join(QStringLiteral(" · "));
}

QSize TokenStrip::sizeHint() const {
  return {scaled(600), static_cast<int>(std::ceil(chips_top() + shown_height() + unit(ring) + unit(6)))};
}

QSize TokenStrip::minimumSizeHint() const {
  return {scaled(120), sizeHint().height()};
}

bool TokenStrip::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const int index = chip_at(help->pos());
    // Escaped: a token's text may look like markup.
    const QString text = index < 0 ? QString() : QStringLiteral("<span>%1</span>").arg(describe(index).toHtmlEscaped());
    QToolTip::showText(help->globalPos(), text, this, index < 0 ? QRect() : chip_rect(index).toAlignedRect());
    return true;
  }
  return QWidget::event(event);
}

void TokenStrip::resizeEvent(QResizeEvent*) {
  scroll_to(wanted_offset_, false);
  reveal_cursor();
}

void TokenStrip::wheelEvent(QWheelEvent* event) {
  const QPoint angle = event->angleDelta(), pixels = event->pixelDelta();
  if ((event->modifiers() & Qt::ControlModifier) != 0) {
    set_zoom(zoom_ * std::pow(1.15, angle.y() / 120.0));
    return event->accept();
  }
  // A wheel has one axis and the strip has one direction: either axis scrolls it. At an end the page scrolls on.
  const double delta = !pixels.isNull() ? (pixels.x() != 0 ? pixels.x() : pixels.y())
                                        : (angle.x() != 0 ? angle.x() : angle.y()) * unit(1.0);
  const double before = wanted_offset_;
  scroll_to(wanted_offset_ - delta, motion() && pixels.isNull());
  event->setAccepted(before != wanted_offset_);
}

void TokenStrip::choose(int index) {
  if (tokens_.empty()) return;
  index = std::clamp(index, 0, count() - 1);
  set_cursor(index);
  Q_EMIT token_clicked(index);
}

void TokenStrip::keyPressEvent(QKeyEvent* event) {
  const bool control = (event->modifiers() & Qt::ControlModifier) != 0;
  const auto [first, end] = visible_range();
  switch (event->key()) {
    case Qt::Key_Left:
      return choose(cursor_ - 1);
    case Qt::Key_Right:
      return choose(cursor_ + 1);
    case Qt::Key_Home:
      return choose(0);
    case Qt::Key_End:
      return choose(count() - 1);
    case Qt::Key_PageUp:
      return choose(cursor_ - (end - first));
    case Qt::Key_PageDown:
      return choose(cursor_ + (end - first));
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      if (control) return set_zoom(zoom_ * 1.25);
      break;
    case Qt::Key_Minus:
      if (control) return set_zoom(zoom_ / 1.25);
      break;
    case Qt::Key_0:
      if (control) return set_zoom(1);
      break;
    default:
      break;
  }
  QWidget::keyPressEvent(event);
}

void TokenStrip::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return event->ignore();
  pressed_ = chip_at(event->position());
  drag_from_ = event->position().x();
  drag_offset_ = offset_;
  dragging_ = false;
}

void TokenStrip::mouseMoveEvent(QMouseEvent* event) {
  if ((event->buttons() & Qt::LeftButton) != 0) {
    const double moved = event->position().x() - drag_from_;
    dragging_ = dragging_ || (furthest_offset() > 0 && std::abs(moved) >= QApplication::startDragDistance());
    if (dragging_) {
      setCursor(Qt::ClosedHandCursor);
      scroll_to(drag_offset_ - moved, false);
    }
    return;
  }
  const int before = hovered_;
  hovered_ = chip_at(event->position());
  if (hovered_ == before) return;
  setCursor(hovered_ >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
  update();
}

void TokenStrip::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  unsetCursor();
  if (!dragging_ && pressed_ >= 0 && chip_at(event->position()) == pressed_) choose(pressed_);
  pressed_ = -1;
  dragging_ = false;
}

void TokenStrip::leaveEvent(QEvent*) {
  hovered_ = -1;
  update();
}

}  // namespace statescope
