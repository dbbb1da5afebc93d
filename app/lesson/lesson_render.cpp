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
  }
  return static_cast<int>(frames);
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
                        QStringLiteral("-i"),         folder.filePath(QStringLiteral("frame-%04d.png")),
                        QStringLiteral("-vf"),        QStringLiteral("scale=trunc(iw/2)*2:trunc(ih/2)*2")};
  if (options.out.endsWith(QLatin1String(".mp4"), Qt::CaseInsensitive))
    arguments << QStringLiteral("-pix_fmt") << QStringLiteral("yuv420p");
  arguments << made;
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
  const QSize size = options.handout ? QSize(1060, 600) : options.size;
  LessonStage stage(path_of(options.lesson), size, options.picture_only || options.handout, assets);
  if (options.handout) return write_handout(stage, options.out, assets);
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
  save_picture_of(stage.parts(), options.out, options.scale);
}

}  // namespace statescope
