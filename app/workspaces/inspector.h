// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

class QScrollArea;
class QWidget;

namespace statescope {

/// The column at the right edge of a workspace: `content`, which it owns, scrolls where it is too tall.
QScrollArea* make_inspector(QWidget* content, const QString& object_name);

/// What scrolls up and down where it has no room.
QScrollArea* make_scrolling(QWidget* content);

}  // namespace statescope
