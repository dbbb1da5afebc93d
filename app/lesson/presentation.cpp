// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/presentation.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QScreen>
#include <QWidget>
#include <algorithm>
#include <utility>

#include "lesson/lesson_guide.h"
#include "lesson/presenter_window.h"
#include "lesson/projector_overlay.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

constexpr double larger = 1.35;  // text, from the last row

}  // namespace

Presentation::Presentation(QWidget& window, LessonGuide& guide, std::vector<QWidget*> chrome)
    : window_(window), guide_(guide), chrome_(std::move(chrome)) {}

Presentation::~Presentation() = default;

bool Presentation::black() const {
  return overlay_ && overlay_->black();
}
bool Presentation::laser() const {
  return overlay_ && overlay_->laser();
}

bool Presentation::keys_shown() const {
  return overlay_ && overlay_->keys();
}

void Presentation::start() {
  if (running_ || !guide_.active()) return;
  running_ = true;
  hidden_.clear();
  for (QWidget* part : chrome_)
    if (!part->isHidden()) {
      part->hide();
      hidden_.push_back(part);
    }
  theme_before_ = theme().kind;
  text_scale_before_ = text_scale();
  set_text_scale(std::min(text_scale_before_ * larger, 2.0));
  guide_.panel().set_presenting(true);
  full_screen_before_ = window_.isFullScreen();
  window_.setWindowState(window_.windowState() | Qt::WindowFullScreen);
  overlay_ = new ProjectorOverlay(window_);
  overlay_->show_hint();
  qApp->installEventFilter(this);
  // With a second display the presenter's window has a place of its own from the start.
  if (QApplication::screens().size() > 1) show_presenter(true);
  Q_EMIT changed(true);
}

void Presentation::stop() {
  if (!running_) return;
  running_ = false;
  qApp->removeEventFilter(this);
  show_presenter(false);
  delete std::exchange(overlay_, nullptr);
  guide_.panel().set_presenting(false);
  set_text_scale(text_scale_before_);
  set_contrast(false);
  for (QWidget* part : hidden_) part->show();
  if (!full_screen_before_) window_.setWindowState(window_.windowState() & ~Qt::WindowFullScreen);
  Q_EMIT changed(false);
}

void Presentation::set_contrast(bool contrast) {
  if (contrast == contrast_) return;
  contrast_ = contrast;
  apply_theme(*qApp, contrast ? ThemeKind::projector : theme_before_);
}

void Presentation::show_presenter(bool shown) {
  if (!shown) return presenter_.reset();
  presenter_ = std::make_unique<PresenterWindow>(guide_.player());
  const QList<QScreen*> screens = QApplication::screens();
  const auto other = std::find_if(screens.begin(), screens.end(), [&](QScreen* s) { return s != window_.screen(); });
  if (other != screens.end()) presenter_->setGeometry((*other)->availableGeometry().adjusted(80, 80, -80, -80));
  presenter_->show();
}

bool Presentation::eventFilter(QObject* object, QEvent* event) {
  // A shortcut of the window would take the key before the filter sees it pressed.
  if (event->type() == QEvent::ShortcutOverride || event->type() == QEvent::KeyPress) {
    const auto& key = *static_cast<QKeyEvent*>(event);
    const bool typing = qobject_cast<QLineEdit*>(QApplication::focusWidget()) && key.key() != Qt::Key_Escape;
    const bool plain = key.modifiers() == Qt::NoModifier || key.key() == Qt::Key_Question;
    if (object->isWidgetType() && !typing && plain) {
      if (event->type() == QEvent::KeyPress) return take_key(key);
      event->accept();
    }
  }
  return QObject::eventFilter(object, event);
}

bool Presentation::take_key(const QKeyEvent& event) {
  switch (event.key()) {
    case Qt::Key_PageDown:
    case Qt::Key_Right:
    case Qt::Key_Down:
    case Qt::Key_Space:
    case Qt::Key_Return:
    case Qt::Key_Enter:
      overlay_->set_black(false);
      guide_.player().forward();
      return true;
    case Qt::Key_PageUp:
    case Qt::Key_Left:
    case Qt::Key_Up:
    case Qt::Key_Backspace:
      overlay_->set_black(false);
      guide_.player().back();
      return true;
    case Qt::Key_B:
    case Qt::Key_Period:
      overlay_->set_black(!overlay_->black());
      return true;
    case Qt::Key_L:
      overlay_->set_laser(!overlay_->laser());
      return true;
    case Qt::Key_C:
      set_contrast(!contrast_);
      return true;
    case Qt::Key_H:
    case Qt::Key_Question:
      overlay_->set_keys(!overlay_->keys());
      return true;
    case Qt::Key_N:
      show_presenter(!presenter_);
      return true;
    case Qt::Key_Escape:
      if (overlay_->keys()) {
        overlay_->set_keys(false);
        return true;
      }
      [[fallthrough]];
    case Qt::Key_F5:
      stop();
      return true;
    default:
      return false;
  }
}

}  // namespace statescope
