// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/inspector.h"

#include <QEvent>
#include <QLayout>
#include <QScrollArea>

namespace statescope {
namespace {

// As high as what it holds needs to be at its width, which QScrollArea does not ask for.
class ScrollingColumn : public QScrollArea {
 protected:
  void resizeEvent(QResizeEvent* event) override {
    QScrollArea::resizeEvent(event);
    fit();
  }
  bool eventFilter(QObject* object, QEvent* event) override {
    if (object == widget() && event->type() == QEvent::LayoutRequest) fit();
    return QScrollArea::eventFilter(object, event);
  }

 private:
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
  scroll->setFocusPolicy(Qt::WheelFocus);
  scroll->setProperty("surface", QStringLiteral("surface"));
  scroll->setProperty("edge", QStringLiteral("left"));
  return scroll;
}

}  // namespace statescope
