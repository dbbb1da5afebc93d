// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson/lesson_render.h"

#include <QDir>
#include <QFileInfo>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "lesson/handout.h"
#include "lesson/lesson_stage.h"
#include "picture.h"

namespace statescope {
namespace {

constexpr double most_frames = 36000;  // ten minutes at 60 a second

std::filesystem::path path_of(const QString& text) {
  return text.toStdString();
}

// The pictures of a step in time, as NAME-0001.png … beside `out`. Answers with how many there are.
int write_frames(LessonStage& stage, int step, const LessonRenderOptions& options, const QString& stem) {
  const double seconds = stage.lesson().steps.at(static_cast<std::size_t>(step)).duration();
  const double frames = std::floor(seconds * options.fps) + 1;
  if (frames > most_frames) throw Error("the step has more than 36,000 pictures; choose fewer a second");
  for (int i = 0; i < static_cast<int>(frames); ++i) {
    stage.show(step, i / options.fps);
    save_picture_of(stage.parts(), QStringLiteral("%1-%2.png").arg(stem).arg(i + 1, 4, 10, QLatin1Char('0')),
                    options.scale);
    if (options.progress) options.progress(i + 1, static_cast<int>(frames));
  }
  return static_cast<int>(frames);
}

// H.264 as every player takes it: sides of an even number of pixels, half the colours, and which red is red said so.
QStringList mp4_arguments() {
  return QStringLiteral(
             "-vf scale=trunc(iw/2)*2:trunc(ih/2)*2:out_color_matrix=bt709,format=yuv420p -colorspace bt709 "
             "-color_primaries bt709 -color_trc bt709 -crf 18 -movflags +faststart")
      .split(u' ');
}

// The 256 colours of this film, without dots in its plain areas, and of each picture only what has changed: a
// hundredth of what a GIF has by default.
QStringList gif_arguments() {
  return {QStringLiteral("-vf"),
          QStringLiteral("split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none:diff_mode=rectangle")};
}

// A film from pictures that lie in a folder of their own, so that nothing is left when it fails.
void write_film(LessonStage& stage, int step, const LessonRenderOptions& options) {
  const QString ffmpeg = QStandardPaths::findExecutable(QStringLiteral("ffmpeg"));
  if (ffmpeg.isEmpty())
    throw Error(options.out.toStdString() + " needs ffmpeg, which is not installed; install it, or write NAME.png");
  const QTemporaryDir folder;
  write_frames(stage, step, options, folder.filePath(QStringLiteral("frame")));
  const QString made = folder.filePath(QStringLiteral("film.") + QFileInfo(options.out).suffix());
  QStringList arguments{QStringLiteral("-loglevel"),  QStringLiteral("error"),
                        QStringLiteral("-framerate"), QString::number(options.fps),
                        QStringLiteral("-i"),         folder.filePath(QStringLiteral("frame-%04d.png"))};
  arguments << (options.out.endsWith(QLatin1String(".mp4"), Qt::CaseInsensitive) ? mp4_arguments() : gif_arguments())
            << made;
  QProcess process;
  process.start(ffmpeg, arguments);
  process.closeWriteChannel();
  if (!process.waitForFinished(-1) || process.exitStatus() != QProcess::NormalExit || process.exitCode() != 0)
    throw Error("ffmpeg could not write " + options.out.toStdString() + ": " +
                process.readAllStandardError().simplified().left(300).toStdString());
  QFile::remove(options.out);
  if (!QFile::copy(made, options.out)) throw Error(options.out.toStdString() + " cannot be written");
}

}  // namespace

void render_lesson(const LessonRenderOptions& options, const std::filesystem::path& assets) {
  // On paper a picture is 174 mm wide: as small on the screen, its labels can be read.
  const QSize size = options.handout ? QSize(1060, 540) : options.size;
  LessonStage stage(path_of(options.lesson), size, options.picture_only || options.handout, assets, options.whose);
  if (options.handout) return write_handout(stage, options, assets);
  const int step = options.step - 1;
  if (options.fps > 0) {
    stage.show(step, 0);
    const QString suffix = QFileInfo(options.out).suffix().toLower();
    if (suffix == QLatin1String("png")) {
      write_frames(stage, step, options, options.out.chopped(4));
      return;
    }
    if (suffix != QLatin1String("mp4") && suffix != QLatin1String("gif"))
      throw Error(options.out.toStdString() + ": a step in time is written as .png, .mp4 or .gif");
    return write_film(stage, step, options);
  }
  stage.show(step, 0);
  stage.show(step, options.time.value_or(stage.lesson().steps[static_cast<std::size_t>(step)].duration()));
  if (options.answered) stage.answer();
  save_picture_of(stage.parts(), options.out, options.scale);
}

}  // namespace statescope
