// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSize>
#include <QString>
#include <filesystem>
#include <functional>
#include <optional>

#include "engine/lesson/lesson.h"

namespace statescope {

/// What `statescope render` makes of a lesson.
struct LessonRenderOptions {
  QString lesson, out;         // a folder; where to, its ending says what
  int step = 1;                // from 1
  std::optional<double> time;  // seconds; its end
  bool picture_only = false;   // without the column of words
  bool answered = false;       // the step at its end with the answer to its question
  bool handout = false;        // all of the lesson, to print
  LessonSeed whose;            // whose numbers
  double fps = 0;              // above 0: the step in time, a picture a frame
  QSize size{1600, 1000};      // logical pixels
  double scale = 1;
  std::function<void(int done, int all)> progress;  // pictures, of a step in time or of a handout
};

/// One step as .png, .svg or .pdf; in time as NAME-0001.png … , or as .mp4 or .gif by ffmpeg; or the whole lesson as a
/// .pdf handout with an answer sheet. In the present theme. Throws Error.
void render_lesson(const LessonRenderOptions& options, const std::filesystem::path& assets);

}  // namespace statescope
