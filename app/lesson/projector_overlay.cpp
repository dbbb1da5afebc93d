// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/projector_overlay.h"

#include <QCursor>
#include <QEvent>
#include <QPainter>
#include <QRadialGradient>
#include <chrono>

namespace statescope {
namespace {

constexpr int radius = 14;  // of the dot with its glow

}  // namespace

ProjectorOverlay::ProjectorOverlay(QWidget& window) : QWidget(&window) {
  using namespace std::chrono_literals;
  setObjectName(QStringLiteral("projector_overlay"));
  setAttribute(Qt::WA_TransparentForMouseEvents);
  setFocusPolicy(Qt::NoFocus);
  timer_.setInterval(16ms);
  connect(&timer_, &QTimer::timeout, this, &ProjectorOverlay::follow);
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

void ProjectorOverlay::show_or_hide() {
  setVisible(black_ || laser_);
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
  QRadialGradient glow(dot_, radius);
  glow.setColorAt(0, QColor(255, 40, 40));
  glow.setColorAt(0.4, QColor(255, 40, 40));
  glow.setColorAt(1, QColor(255, 40, 40, 0));
  painter.setPen(Qt::NoPen);
  painter.setBrush(glow);
  painter.drawEllipse(dot_, radius, radius);
}

bool ProjectorOverlay::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::Resize) resize(parentWidget()->size());
  return QWidget::eventFilter(object, event);
}

}  // namespace statescope
