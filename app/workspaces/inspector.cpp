// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/inspector.h"

#include <QScrollArea>

namespace statescope {

QScrollArea* make_inspector(QWidget* content, const QString& object_name) {
  auto* scroll = new QScrollArea;
  scroll->setObjectName(object_name);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setProperty("surface", QStringLiteral("surface"));
  scroll->setProperty("edge", QStringLiteral("left"));
  scroll->setWidget(content);
  content->setAutoFillBackground(false);
  return scroll;
}

}  // namespace statescope
