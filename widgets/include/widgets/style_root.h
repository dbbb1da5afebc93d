// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

class QWidget;

namespace statescope {

/// Makes `root` carry the style sheet for itself and all in it. A change of theme or text size then costs what is
/// seen: hidden roots follow when they are next shown. While there are roots the application has no sheet of its own,
/// so every window must be one or lie in one; without roots it has (pictures without a window, single controls).
void make_style_root(QWidget& root);

}  // namespace statescope
