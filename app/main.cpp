// SPDX-License-Identifier: GPL-3.0-or-later
#include <CLI/CLI.hpp>
#include <QApplication>
#include <QFileInfo>
#include <QTimer>
#include <cstdio>
#include <ctime>
#include <optional>

#include "assets.h"
#include "engine/error.h"
#include "lesson/lesson_render.h"
#include "main_window.h"
#include "picture.h"
#include "settings.h"
#include "widgets/imgui_view.h"
#include "workspace.h"

namespace {

using namespace statescope;

struct Options {
  std::string path;            // model, scene or text to open
  std::string theme;           // light, dark, or empty for the remembered one
  double measure_seconds = 0;  // play, report frame times, quit
  bool opengl = false;         // even where the CPU emulates it
  std::string window;          // its size, or empty for the remembered one
  bool render = false;
  std::string scene, out, size = "1600x1000";
  double scale = 1;
  LessonRenderOptions lesson;  // with what only lessons have
  double time = -1;            // of a lesson's step; below 0 its end
  bool progress = false;
  std::string lesson_option;  // one that was given and means something to lessons only
};

// WIDTHxHEIGHT as a size; nothing when it is not one.
std::optional<QSize> parse_size(const std::string& text) {
  int width = 0, height = 0;
  char end = 0;
  if (std::sscanf(text.c_str(), "%5dx%5d%c", &width, &height, &end) != 2 || width < 640 || height < 400 ||
      width > 8192 || height > 8192)
    return std::nullopt;
  return QSize(width, height);
}

// Exit status, or -1 to go on.
int parse(int argc, char** argv, Options& options) {
  CLI::App app{"Statescope: state space dynamics, made visible"};
  app.set_version_flag("--version", STATESCOPE_VERSION);
  app.add_option("PATH", options.path, "a checkpoint or a lesson's folder, a scene, a WAV, CSV or text file");
  app.add_option("--theme", options.theme, "light or dark")->check(CLI::IsMember({"light", "dark"}));
  app.add_option("--measure", options.measure_seconds,
                 "play for this many seconds, print start-up and frame times, quit")
      ->check(CLI::Range(0.1, 3600.0));
  const auto is_size = [](const std::string& text) {
    return parse_size(text) ? std::string() : text + " is not WIDTHxHEIGHT between 640x400 and 8192x8192";
  };
  app.add_option("--window", options.window, "WIDTHxHEIGHT of the window")->check(is_size);
  app.add_flag("--opengl", options.opengl, "draw Profile with OpenGL even where the processor has to emulate it");
  CLI::App* render = app.add_subcommand("render", "draw a scene, or a lesson, without a screen");
  render->add_option("SCENE", options.scene, "a scene file, or a lesson's folder")->required();
  render->add_option("--out", options.out, "picture.png, .svg or .pdf; of a step in time also .mp4 or .gif")
      ->required();
  render->add_option("--step", options.lesson.step, "of a lesson")->capture_default_str()->check(CLI::Range(1, 200));
  render->add_option("--time", options.time, "seconds since the step began; its end when absent")
      ->check(CLI::Range(0.0, 600.0));
  render->add_option("--fps", options.lesson.fps, "the step in time, so many pictures a second")
      ->check(CLI::Range(1.0, 60.0));
  render->add_flag("--picture-only", options.lesson.picture_only, "a lesson's picture without its words");
  render->add_flag("--answered", options.lesson.answered, "a lesson's step with the answer to its question");
  render->add_flag("--handout", options.lesson.handout, "all of a lesson, to print");
  render->add_option("--seed", options.lesson.whose.seed, "of a class, for a lesson's numbers");
  render->add_option("--name", options.lesson.whose.name, "of the student, for a lesson's numbers");
  render->add_flag("--progress", options.progress, "print \"12 of 300\" for each picture of a film or a handout");
  render->add_option("--size", options.size, "logical pixels")->capture_default_str()->check(is_size);
  render->add_option("--theme", options.theme, "light or dark")->check(CLI::IsMember({"light", "dark"}));
  render->add_option("--scale", options.scale, "pixels of a PNG per logical pixel")
      ->capture_default_str()
      ->check(CLI::Range(0.25, 8.0));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.render = render->parsed();
  for (const char* of_lessons :
       {"--step", "--time", "--fps", "--picture-only", "--answered", "--handout", "--seed", "--name", "--progress"})
    if (render->count(of_lessons) > 0 && options.lesson_option.empty()) options.lesson_option = of_lessons;
  return -1;
}

// Seconds since this process was started, from the kernel's record.
double process_age() {
  std::FILE* stat = std::fopen("/proc/self/stat", "r");
  if (!stat) return 0;
  unsigned long long start_ticks = 0;
  // The 22nd field; the second, the program's name, is in parentheses.
  const int read =
      std::fscanf(stat, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &start_ticks);
  std::fclose(stat);
  timespec now{};
  if (read != 1 || clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 -
         static_cast<double>(start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Plays for a while once the first picture is there, prints one JSON line, quits.
void measure(MainWindow& window, double seconds) {
  auto* watch = new QTimer(&window);
  auto* loop = new LoopWatch(&window);
  loop->restart();
  QObject::connect(watch, &QTimer::timeout, &window, [&window, watch, loop, seconds] {
    if (!window.current().settled() || window.frame_clock().report().frames == 0) return;
    watch->stop();
    const double start = process_age(), opening = loop->longest_block();
    window.current().set_in_motion();
    window.frame_clock().reset();
    loop->restart();
    QTimer::singleShot(static_cast<int>(seconds * 1000), &window, [&window, loop, start, opening] {
      const FrameClock::Report r = window.frame_clock().report();
      std::printf(
          "{\"first_picture_s\":%.3f,\"frames\":%zu,\"paint_ms\":{\"median\":%.2f,\"p95\":%.2f},"
          "\"interval_ms\":{\"median\":%.2f,\"p95\":%.2f},\"longest_block_ms\":{\"opening\":%.1f,\"moving\":%.1f}}\n",
          start, r.frames, r.paint_median, r.paint_95, r.interval_median, r.interval_95, opening,
          loop->longest_block());
      QApplication::quit();
    });
  });
  watch->start(5);
}

int run(int argc, char** argv) {
  Options options;
  if (const int status = parse(argc, argv, options); status >= 0) return status;
  if (options.render) {
    qputenv("QT_QPA_PLATFORM", "offscreen");  // no display of the user's
    // What Qt says about that platform is not for the reader of our one line.
    qInstallMessageHandler([](QtMsgType, const QMessageLogContext&, const QString&) {});
  }

  QApplication application(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("statescope"));
  QApplication::setApplicationName(QStringLiteral("statescope"));
  QApplication::setApplicationVersion(QStringLiteral(STATESCOPE_VERSION));
  const Settings settings;
  if (!options.render) set_text_scale(settings.text_scale());
  ThemeKind kind = options.render ? ThemeKind::dark : settings.theme_kind();
  if (options.lesson.handout) kind = ThemeKind::light;  // paper
  if (!options.theme.empty()) kind = options.theme == "light" ? ThemeKind::light : ThemeKind::dark;
  apply_theme(application, kind);

  if (options.render && QFileInfo::exists(QString::fromStdString(options.scene + "/lesson.md"))) {
    LessonRenderOptions& lesson = options.lesson;
    lesson.lesson = QString::fromStdString(options.scene);
    lesson.out = QString::fromStdString(options.out);
    if (options.time >= 0) lesson.time = options.time;
    lesson.size = *parse_size(options.size);
    lesson.scale = options.scale;
    if (options.progress)
      lesson.progress = [](int done, int all) {
        std::printf("%d of %d\n", done, all);
        std::fflush(stdout);
      };
    render_lesson(lesson, assets_folder());
    return 0;
  }
  if (options.render) {
    if (!options.lesson_option.empty() && QFileInfo(QString::fromStdString(options.scene)).isFile())
      throw Error(options.scene + " is a file, and " + options.lesson_option +
                  " is for lessons; give a lesson's folder, or leave the option out");
    render({QString::fromStdString(options.scene), QString::fromStdString(options.out), *parse_size(options.size),
            options.scale},
           assets_folder());
    return 0;
  }
  ImGuiView::allow_emulation(options.opengl);
  MainWindow window(assets_folder());
  if (!options.window.empty()) window.setGeometry(QRect(QPoint(), *parse_size(options.window)));
  if (options.path.empty())
    window.start();
  else
    window.open_path(QString::fromStdString(options.path));
  window.show();
  if (options.measure_seconds > 0) measure(window, options.measure_seconds);
  return QApplication::exec();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("statescope: there is not enough memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "statescope: %s\n", error.what());
  }
  return 1;
}
