// SPDX-License-Identifier: GPL-3.0-or-later
// The built program from outside.
#include <gtest/gtest.h>

#include <QImage>
#include <QProcess>
#include <nlohmann/json.hpp>

#include "engine/scene/scene.h"
#include "window_fixture.h"

namespace statescope::test {
namespace {

class Program : public testing::Test {
 protected:
  Program() {
    ModelScene scene;
    scene.run.prompt = "Call me";
    save_scene(scene, folder / "scene.json");
  }
  QString path(const char* name) const { return QString::fromStdString((folder / name).string()); }

  struct Outcome {
    int status;
    QByteArray out, err;
  };
  Outcome run(const QStringList& arguments) const {
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(u("QT_QPA_PLATFORM"), u("offscreen"));
    environment.insert(u("XDG_CONFIG_HOME"), QString::fromStdString(settings.path().string()));
    process.setProcessEnvironment(environment);
    process.start(u(STATESCOPE_PROGRAM), arguments);
    const bool ended = process.waitForFinished(20000) && process.exitStatus() == QProcess::NormalExit;
    return {ended ? process.exitCode() : -1, process.readAllStandardOutput(), process.readAllStandardError()};
  }
  void expect_failure(const QStringList& arguments, const QByteArray& in_message) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, QByteArray());
    EXPECT_EQ(outcome.err.count('\n'), 1) << outcome.err.toStdString();
    EXPECT_TRUE(outcome.err.contains(in_message)) << outcome.err.toStdString();
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator());
  }

  TemporaryFolder folder, settings;
};

TEST_F(Program, explains_itself) {
  for (const QStringList& arguments : {QStringList{u("--help")}, QStringList{u("render"), u("--help")}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_TRUE(outcome.out.contains("Usage") || outcome.out.contains("OPTIONS")) << outcome.out.toStdString();
  }
  EXPECT_EQ(run({u("--version")}).status, 0);
}

TEST_F(Program, wrong_usage_exits_with_2) {
  for (const QStringList& arguments :
       {QStringList{u("--theme"), u("pink")}, QStringList{u("render")}, QStringList{u("render"), path("scene.json")},
        QStringList{u("--measure"), u("-1")}, QStringList{u("--nonsense")},
        QStringList{u("render"), path("scene.json"), u("--out"), path("a.png"), u("--size"), u("huge")},
        QStringList{u("render"), path("scene.json"), u("--out"), path("a.png"), u("--scale"), u("99")}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments.join(u' ').toStdString();
    EXPECT_FALSE(outcome.err.isEmpty());
  }
  EXPECT_EQ(files(), 1);
}

TEST_F(Program, renders_a_scene_in_either_theme) {
  const auto rendered = [this](const char* theme, const char* name) {
    const Outcome outcome = run(
        {u("render"), path("scene.json"), u("--out"), path(name), u("--theme"), u(theme), u("--size"), u("800x600")});
    EXPECT_EQ(outcome.status, 0) << outcome.err.toStdString();
    EXPECT_EQ(outcome.err, QByteArray());
    return QImage(path(name));
  };
  const QImage dark = rendered("dark", "dark.png"), light = rendered("light", "light.png");
  EXPECT_EQ(dark.size(), QSize(800, 600));
  EXPECT_LT(dark.pixelColor(2, 2).lightness(), 60);
  EXPECT_GT(light.pixelColor(2, 2).lightness(), 200);
}

TEST_F(Program, failing_render_says_one_line_and_leaves_no_file) {
  expect_failure({u("render"), path("missing.json"), u("--out"), path("a.png")}, "missing.json");
  expect_failure({u("render"), path("scene.json"), u("--out"), path("a.gif")}, "must be .png, .svg or .pdf");
  expect_failure({u("render"), path("scene.json"), u("--out"), path("missing/a.png")}, "cannot be written");
  expect_failure({u("render"), path("scene.json"), u("--out"), path("a.pdf"), u("--handout")},
                 "--handout is for lessons");
  write_text(folder / "scene.json", "{}");
  expect_failure({u("render"), path("scene.json"), u("--out"), path("a.svg")}, "not a scene");
  EXPECT_EQ(files(), 1);
}

TEST_F(Program, measures_itself_in_one_line_of_json) {
  const Outcome outcome = run({u("--measure"), u("1")});
  ASSERT_EQ(outcome.status, 0) << outcome.err.toStdString();
  EXPECT_EQ(outcome.out.count('\n'), 1);
  const auto report = nlohmann::json::parse(outcome.out.toStdString());
  EXPECT_GT(report.at("first_picture_s").get<double>(), 0);
  EXPECT_GT(report.at("frames").get<int>(), 3);
  EXPECT_GT(report.at("paint_ms").at("median").get<double>(), 0);
  EXPECT_GE(report.at("interval_ms").at("p95").get<double>(), report.at("interval_ms").at("median").get<double>());
}

}  // namespace
}  // namespace statescope::test
