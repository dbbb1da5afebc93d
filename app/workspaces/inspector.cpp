// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/inspector.h"

#include <QAbstractSlider>
#include <QComboBox>
#include <QEvent>
#include <QLayout>
#include <QScrollArea>
#include <QScrollBar>

namespace statescope {
namespace {

// As high as what it holds needs to be at its width, which QScrollArea does not ask for. The wheel scrolls it: a slider
// or a choice that comes under the pointer on the way changes only when it was chosen before.
class ScrollingColumn : public QScrollArea {
 protected:
  void resizeEvent(QResizeEvent* event) override {
    QScrollArea::resizeEvent(event);
    fit();
  }
  void showEvent(QShowEvent* event) override {
    QScrollArea::showEvent(event);
    for (QWidget* control : widget()->findChildren<QWidget*>())
      if (turns_with_the_wheel(control)) {
        control->setFocusPolicy(Qt::StrongFocus);
        control->installEventFilter(this);
      }
  }
  bool eventFilter(QObject* object, QEvent* event) override {
    if (object == widget() && event->type() == QEvent::LayoutRequest) fit();
    const auto* control = qobject_cast<QWidget*>(object);
    if (event->type() == QEvent::Wheel && control && turns_with_the_wheel(control) && !control->hasFocus()) {
      event->ignore();  // so that it goes on to this column
      return true;
    }
    return QScrollArea::eventFilter(object, event);
  }

 private:
  static bool turns_with_the_wheel(const QWidget* widget) {
    return (qobject_cast<const QAbstractSlider*>(widget) && !qobject_cast<const QScrollBar*>(widget)) ||
           qobject_cast<const QComboBox*>(widget);
  }
  void fit() {
    const QLayout* layout = widget() ? widget()->layout() : nullptr;
    if (!layout || !layout->hasHeightForWidth()) return;
    const int least = layout->totalMinimumHeightForWidth(viewport()->width());
    if (widget()->minimumHeight() != least) widget()->setMinimumHeight(least);
  }
};

}  // namespace

QScrollArea* make_scrolling(QWidget* content) {
  auto* scroll = new ScrollingColumn;
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setFocusPolicy(Qt::NoFocus);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(content);
  content->setAutoFillBackground(false);
  return scroll;
}

QScrollArea* make_inspector(QWidget* content, const QString& object_name) {
  QScrollArea* scroll = make_scrolling(content);
  scroll->setObjectName(object_name);
  scroll->setFocusPolicy(Qt::TabFocus);  // a click beside its controls chooses nothing
  scroll->setProperty("surface", QStringLiteral("surface"));
  scroll->setProperty("edge", QStringLiteral("left"));
  return scroll;
}

}  // namespace statescope
