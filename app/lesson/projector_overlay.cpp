// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/projector_overlay.h"

#include <QCursor>
#include <QEvent>
#include <QPainter>
#include <QRadialGradient>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr int radius = 14;  // of the dot with its glow

QString words(const char* text) {
  return ProjectorOverlay::tr(text);
}

}  // namespace

ProjectorOverlay::ProjectorOverlay(QWidget& window) : QWidget(&window) {
  using namespace std::chrono_literals;
  setObjectName(QStringLiteral("projector_overlay"));
  setAttribute(Qt::WA_TransparentForMouseEvents);
  setFocusPolicy(Qt::NoFocus);
  timer_.setInterval(16ms);
  connect(&timer_, &QTimer::timeout, this, &ProjectorOverlay::follow);
  hint_.setSingleShot(true);
  hint_.setInterval(4s);
  connect(&hint_, &QTimer::timeout, this, &ProjectorOverlay::show_or_hide);
  window.installEventFilter(this);
  resize(window.size());
  hide();
}

void ProjectorOverlay::set_black(bool black) {
  black_ = black;
  show_or_hide();
}

void ProjectorOverlay::set_laser(bool laser) {
  laser_ = laser;
  laser ? timer_.start() : timer_.stop();
  follow();
  show_or_hide();
}

void ProjectorOverlay::set_keys(bool keys) {
  keys_ = keys;
  hint_.stop();
  show_or_hide();
}

void ProjectorOverlay::show_hint() {
  hint_.start();
  show_or_hide();
}

void ProjectorOverlay::show_or_hide() {
  setVisible(black_ || laser_ || keys_ || hint_.isActive());
  raise();
  update();
}

void ProjectorOverlay::follow() {
  const QPoint dot = mapFromGlobal(QCursor::pos());
  const QRect around(-radius, -radius, 2 * radius, 2 * radius);
  if (dot != dot_) update(around.translated(dot_));
  dot_ = dot;
  update(around.translated(dot_));
}

void ProjectorOverlay::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  if (black_) return painter.fillRect(rect(), Qt::black);
  painter.setRenderHint(QPainter::Antialiasing);
  if (keys_) paint_keys(painter);
  if (hint_.isActive()) paint_hint(painter);
  if (!laser_) return;
  QRadialGradient glow(dot_, radius);
  glow.setColorAt(0, QColor(255, 40, 40));
  glow.setColorAt(0.4, QColor(255, 40, 40));
  glow.setColorAt(1, QColor(255, 40, 40, 0));
  painter.setPen(Qt::NoPen);
  painter.setBrush(glow);
  painter.drawEllipse(dot_, radius, radius);
}

void ProjectorOverlay::paint_keys(QPainter& painter) {
  const std::pair<QString, QString> rows[] = {{words("Page down, →, Space, Enter"), words("on")},
                                              {words("Page up, ←, Backspace"), words("back")},
                                              {words("1 … 6"), words("choose an answer")},
                                              {words("B or ."), words("black screen")},
                                              {words("L"), words("laser pointer")},
                                              {words("C"), words("more contrast, for a pale projector")},
                                              {words("N"), words("window with notes and clock")},
                                              {words("H or ?"), words("these keys")},
                                              {words("Esc"), words("end")}};
  const Theme& t = theme();
  const QFont keys = statescope::font(TextRole::strong), text = statescope::font(TextRole::body);
  const QFontMetricsF metrics(keys), text_metrics(text);
  double left = 0, right = 0;
  for (const auto& [key, what] : rows) {
    left = std::max(left, metrics.horizontalAdvance(key));
    right = std::max(right, text_metrics.horizontalAdvance(what));
  }
  const double edge = scaled(24), gap = scaled(24), line = std::ceil(metrics.height() * 1.6);
  QRectF box(0, 0, left + gap + right + 2 * edge, line * static_cast<double>(std::size(rows)) + 2 * edge);
  box.moveCenter(QRectF(rect()).center());
  painter.setPen(QPen(t.hairline, 1));
  painter.setBrush(t.raised);
  painter.drawRoundedRect(box, scaled(12), scaled(12));
  QRectF row(box.left() + edge, box.top() + edge, left, line);
  for (const auto& [key, what] : rows) {
    painter.setPen(t.text);
    painter.setFont(keys);
    painter.drawText(row, Qt::AlignLeft | Qt::AlignVCenter, key);
    painter.setFont(text);
    painter.drawText(QRectF(row.right() + gap, row.top(), right, line), Qt::AlignLeft | Qt::AlignVCenter, what);
    row.translate(0, line);
  }
}

void ProjectorOverlay::paint_hint(QPainter& painter) {
  const QString hint = words("H shows the keys, Esc ends");
  painter.setFont(statescope::font(TextRole::body));
  QRectF box =
      QFontMetricsF(painter.font()).boundingRect(hint).adjusted(-scaled(16), -scaled(8), scaled(16), scaled(8));
  box.moveCenter({width() / 2.0, height() - box.height()});
  painter.setPen(Qt::NoPen);
  painter.setBrush(theme().raised);
  painter.drawRoundedRect(box, box.height() / 2, box.height() / 2);
  painter.setPen(theme().text);
  painter.drawText(box, Qt::AlignCenter, hint);
}

bool ProjectorOverlay::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::Resize) resize(parentWidget()->size());
  return QWidget::eventFilter(object, event);
}

}  // namespace statescope
