// SPDX-License-Identifier: GPL-3.0-or-later
// Beside the theatre's stage: what lies in slow memory, what in registers, what travels between them, and the counts.
#pragma once

#include "engine/profile/theatre.h"
#include "widgets/canvas.h"

namespace statescope {

/// A moment of a theatre: `step` steps are done, and of the next the share `phase`.
struct TheatreMoment {
  const Theatre& theatre;
  int step = 0;
  double phase = 0;
  /// The step that is spoken about; 0 before the first.
  int doing() const { return phase > 0 && step < std::ssize(theatre.steps) ? step + 1 : step; }
};

/// A column for a wide page.
void draw_theatre_memory(Canvas& canvas, const QRectF& area, const TheatreMoment& moment);
/// The counts alone, in a row for a narrow one, and how high it is.
void draw_theatre_counts(Canvas& canvas, const QRectF& area, const TheatreMoment& moment);
double theatre_counts_height(const Canvas& canvas);

}  // namespace statescope
