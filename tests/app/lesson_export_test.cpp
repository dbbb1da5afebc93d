// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures, films and handouts of a lesson, from the window and from the command line.
#include "lesson/lesson_export.h"

#include <QAction>
#include <QFile>
#include <QImage>
#include <QLabel>
#include <QProcess>
#include <QSettings>
#include <QStandardPaths>

#include "lesson/reply_words.h"
#include "lesson_fixture.h"

namespace statescope::test {
namespace {

class LessonExportTest : public LessonTest {
 protected:
  LessonExportTest() {
    exporter().set_program(u(STATESCOPE_PROGRAM));
    QObject::connect(&exporter(), &LessonExport::failed, [this](const QString& sentence) { problem = sentence; });
  }
  LessonExport& exporter() { return window->lesson_export(); }
  QString path(const char* name) const { return QString::fromStdString((folder / name).string()); }
  QByteArray bytes(const char* name) const {
    QFile file(path(name));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }
  bool can(LessonExport::What what) { return exporter().actions()[static_cast<std::size_t>(what)]->isEnabled(); }
  // The program from outside; its error output.
  QByteArray render(const QStringList& arguments) const {
    QProcess process;
    process.start(u(STATESCOPE_PROGRAM),
                  QStringList{u("render"), QString::fromStdString(lesson_folder.string())} + arguments);
    EXPECT_TRUE(process.waitForFinished(60000));
    return process.readAllStandardError();
  }

  QString problem;
};

using What = LessonExport::What;

TEST_F(LessonExportTest, the_window_goes_on_meanwhile) {
  EXPECT_FALSE(can(What::picture)) << "no lesson is open";
  open();
  EXPECT_TRUE(can(What::picture));
  EXPECT_TRUE(can(What::frames));
  exporter().write(What::picture, path("step.png"));
  EXPECT_TRUE(find<QWidget>("lesson_exporting").isVisible());
  EXPECT_FALSE(can(What::picture)) << "one at a time";
  go_to(1);
  EXPECT_FALSE(can(What::frames)) << "a step without time";
  ASSERT_TRUE(wait_until([this] { return !exporter().under_way(); }, 60000));
  EXPECT_EQ(problem, QString());
  EXPECT_TRUE(notice().contains(u("step.png"))) << notice().toStdString();
  EXPECT_FALSE(find<QWidget>("lesson_exporting").isVisible());
  EXPECT_EQ(QImage(path("step.png")).size(), QSize(3200, 2000));
}

TEST_F(LessonExportTest, what_is_cancelled_leaves_nothing) {
  open();
  exporter().write(What::handout, path("lesson.pdf"));
  ASSERT_TRUE(wait_until([this] { return find<QLabel>("lesson_export_text").text().contains(u(" of 4")); }, 60000));
  find<QAbstractButton>("lesson_export_cancel").click();
  EXPECT_FALSE(exporter().under_way());
  EXPECT_FALSE(find<QWidget>("lesson_exporting").isVisible());
  EXPECT_TRUE(can(What::picture));
  EXPECT_FALSE(QFile::exists(path("lesson.pdf")));
}

TEST_F(LessonExportTest, says_why_it_failed) {
  open();
  exporter().write(What::picture, path("nowhere/step.png"));
  ASSERT_TRUE(wait_until([this] { return !problem.isEmpty(); }, 60000));
  EXPECT_TRUE(problem.contains(u("nowhere"))) << problem.toStdString();
  EXPECT_EQ(notice(), problem);
  problem.clear();
  exporter().set_program(path("missing"));
  exporter().write(What::picture, path("step.png"));
  ASSERT_TRUE(wait_until([this] { return !problem.isEmpty(); }));
}

TEST_F(LessonExportTest, a_film_has_the_same_bytes_again) {
  if (QStandardPaths::findExecutable(u("ffmpeg")).isEmpty()) GTEST_SKIP() << "ffmpeg is not installed";
  for (const char* ending : {"mp4", "gif"}) {
    const QString first = u("1.") + u(ending), second = u("2.") + u(ending);
    for (const QString& name : {first, second})
      EXPECT_EQ(render({u("--out"), path(name.toUtf8()), u("--fps"), u("3"), u("--size"), u("640x400")}), QByteArray());
    EXPECT_GT(bytes(first.toUtf8()).size(), 1000);
    EXPECT_EQ(bytes(first.toUtf8()), bytes(second.toUtf8())) << ending;
  }
}

TEST_F(LessonExportTest, a_picture_depends_on_nothing_but_its_step) {
  const QString settings = path("settings");
  qputenv("XDG_CONFIG_HOME", settings.toUtf8());
  for (const char* name : {"a.png", "b.png"})
    EXPECT_EQ(render({u("--out"), path(name), u("--step"), u("2"), u("--size"), u("640x400")}), QByteArray());
  qunsetenv("XDG_CONFIG_HOME");
  EXPECT_EQ(bytes("a.png"), bytes("b.png"));
  EXPECT_FALSE(QFile::exists(settings)) << "nothing is remembered of a learner";
}

TEST(ReplyWords, TokensAreNamedByTheirText) {
  LessonQuestion question;
  question.kind = LessonQuestion::Kind::token;
  LessonTruth truth;
  truth.values = {1, 2};
  truth.tokens = {"Call", " me", "\n"};
  const auto name = [](int place) { return u("token %1").arg(place + 1); };
  EXPECT_EQ(truth_words(question, truth, name), u("“·me” (token 2) or “↵” (token 3)"));
  EXPECT_EQ(answer_words(question, truth, std::int64_t{0}, name), u("“Call” (token 1)"));
  truth.tokens.clear();
  EXPECT_EQ(truth_words(question, truth, name), u("token 2 or token 3")) << "samples have no text";
}

}  // namespace
}  // namespace statescope::test
