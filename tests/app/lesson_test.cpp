// SPDX-License-Identifier: GPL-3.0-or-later
// A learner and a teacher with a lesson.
#include <QLabel>
#include <QSettings>
#include <QTest>
#include <QUndoStack>

#include "lesson/lesson_card.h"
#include "lesson/option_row.h"
#include "lesson/presentation.h"
#include "lesson/presenter_window.h"
#include "lesson_fixture.h"
#include "widgets/markdown_text.h"
#include "widgets/navigation_rail.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"
#include "workspaces/memory_workspace.h"

namespace statescope::test {
namespace {

TEST_F(LessonTest, plays_scenes_in_their_workspaces) {
  open();
  EXPECT_EQ(&window->current(), &dynamics());
  EXPECT_TRUE(find<QWidget>("lesson_panel").isVisible());
  EXPECT_EQ(find<QLabel>("step_title").text(), u("Watch"));
  // Motion is off: playing is at the first pause at once, and the clicker goes on from there.
  EXPECT_EQ(guide().player().seconds(), 2);
  EXPECT_EQ(shown().cursor, 60);
  EXPECT_EQ(dynamics().transport_bar().transport().position(), 60);
  trigger("lesson_forward");
  ASSERT_TRUE(ready());
  EXPECT_EQ(shown().run.rule.delta, 0.2);
  EXPECT_EQ(dynamics().undo_stack().index(), 0) << "playing is nothing to undo";
  trigger("lesson_forward");
  ASSERT_TRUE(ready());
  EXPECT_EQ(find<QLabel>("step_title").text(), u("Choose"));
  EXPECT_EQ(shown().run.rule.delta, 0.1) << "a step does not depend on what was shown before";
  trigger("lesson_backward");
  ASSERT_TRUE(ready());
  EXPECT_EQ(guide().player().step(), 0);
  go_to(3);
  EXPECT_EQ(window->current().id(), u("memory"));
}

TEST_F(LessonTest, wrong_and_right_answers_are_judged_by_the_engine) {
  open();
  go_to(1);
  EXPECT_FALSE(find<QAbstractButton>("question_send").isEnabled()) << "nothing is chosen";
  find<QAbstractButton>("question_option_0").click();
  ASSERT_TRUE(answer());
  EXPECT_TRUE(find<QLabel>("question_verdict").text().startsWith(u("Not quite")));
  EXPECT_TRUE(find<MarkdownText>("question_why").isVisible());
  EXPECT_EQ(shown().run.rule.delta, 2) << "the picture shows the answer";
  find<QAbstractButton>("question_again").click();
  ASSERT_TRUE(ready());
  EXPECT_EQ(shown().run.rule.delta, 0.1);
  find<QAbstractButton>("question_option_1").click();
  ASSERT_TRUE(answer());
  EXPECT_TRUE(find<QLabel>("question_verdict").text().startsWith(u("Right")));
  const auto answers = guide().progress().answers();
  ASSERT_EQ(answers.size(), 1u) << "the later answer counts";
  EXPECT_TRUE(answers[0].right);
  EXPECT_TRUE(guide().progress().csv().contains(u("It grows")));
}

TEST_F(LessonTest, a_place_is_answered_by_the_cursor_for_the_present_parameters) {
  open();
  go_to(2);
  LtiRun run = dynamics().document().run();
  run.input.start = 3;  // the learner moves the step: the answer moves with it
  dynamics().document().change_run(run, u("later"));
  ASSERT_TRUE(ready());
  const std::vector<double>& position = dynamics().document().result()->states[0];
  const auto farthest = static_cast<std::size_t>(std::max_element(position.begin(), position.end()) - position.begin());
  ASSERT_GT(farthest, 30u);
  dynamics().transport_bar().transport().set_position(static_cast<int>(farthest));
  ASSERT_TRUE(answer());
  EXPECT_TRUE(find<QLabel>("question_verdict").text().startsWith(u("Right")));
}

TEST_F(LessonTest, who_leaves_the_path_comes_back_with_one_key) {
  open();
  go_to(1);
  EXPECT_FALSE(find<QWidget>("lesson_left").isVisible());
  LtiRun run = dynamics().document().run();
  run.rule.delta = 0.7;
  dynamics().document().change_run(run, u("explore"));
  ASSERT_TRUE(ready());
  EXPECT_TRUE(find<QWidget>("lesson_left").isVisible());
  QTest::keyClick(window.get(), Qt::Key_Escape);
  ASSERT_TRUE(ready());
  EXPECT_EQ(shown().run.rule.delta, 0.1);
  EXPECT_FALSE(find<QWidget>("lesson_left").isVisible());
  window->show_workspace(u("memory"));
  EXPECT_TRUE(find<QWidget>("lesson_left").isVisible());
  QTest::keyClick(window.get(), Qt::Key_Escape);
  ASSERT_TRUE(ready());
  EXPECT_EQ(&window->current(), &dynamics());
}

TEST_F(LessonTest, what_a_cue_changes_is_not_the_learners_doing) {
  window->open_path(QString::fromStdString(asset("../lessons/10-reading-a-memory")));
  ASSERT_TRUE(wait_until([this] { return guide().active(); })) << notice().toStdString();
  ASSERT_TRUE(ready());
  go_to(3);
  const int changes = window->current().undo_stack().index();
  guide().player().scrub(guide().player().current().duration());
  ASSERT_TRUE(ready());
  QCoreApplication::processEvents();
  EXPECT_NE(window->current().undo_stack().index(), changes) << "the cues change what is shown as anybody would";
  EXPECT_FALSE(find<QWidget>("lesson_left").isVisible());
}

TEST_F(LessonTest, presents_with_a_clicker) {
  open();
  go_to(1);
  const double scale = text_scale();
  trigger("lesson_start_presentation");
  EXPECT_FALSE(find<QWidget>("rail").isVisible());
  EXPECT_FALSE(dynamics().transport_bar().isVisible());
  EXPECT_GT(text_scale(), scale);
  EXPECT_TRUE(find<QWidget>("selectivity_examples").isHidden()) << "the lesson chooses, and the picture needs the room";
  QTest::keyClick(window.get(), Qt::Key_PageDown);
  EXPECT_EQ(guide().player().step(), 2);
  QTest::keyClick(window.get(), Qt::Key_Left);
  EXPECT_EQ(guide().player().step(), 1);
  QTest::keyClick(window.get(), Qt::Key_B);
  EXPECT_TRUE(window->presentation().black());
  EXPECT_TRUE(window->grab().toImage().pixelColor(200, 200) == QColor(Qt::black));
  QTest::keyClick(window.get(), Qt::Key_B);
  EXPECT_FALSE(window->presentation().black());
  QTest::keyClick(window.get(), Qt::Key_L);
  EXPECT_TRUE(window->presentation().laser());
  QTest::keyClick(window.get(), Qt::Key_N);
  ASSERT_NE(window->presentation().presenter(), nullptr);
  EXPECT_EQ(window->presentation().presenter()->findChild<MarkdownText*>(u("presenter_notes"))->text().trimmed(),
            u("Ask for hands."));
  EXPECT_EQ(window->presentation().presenter()->findChild<QLabel*>(u("presenter_next"))->text(), u("Next: Place"));
  QTest::keyClick(window.get(), Qt::Key_C);
  EXPECT_TRUE(window->presentation().contrast());
  EXPECT_EQ(theme().text, QColor(Qt::black));
  QTest::keyClick(window.get(), Qt::Key_H);
  EXPECT_TRUE(window->presentation().keys_shown());
  QTest::keyClick(window.get(), Qt::Key_Escape);
  EXPECT_FALSE(window->presentation().keys_shown());
  EXPECT_TRUE(window->presentation().running()) << "the first Esc only hides the keys";
  QTest::keyClick(window.get(), Qt::Key_Escape);
  EXPECT_FALSE(window->presentation().running());
  EXPECT_FALSE(find<QWidget>("selectivity_examples").isHidden());
  EXPECT_TRUE(theme().dark()) << "as it was before";
  EXPECT_TRUE(find<QWidget>("rail").isVisible());
  EXPECT_EQ(text_scale(), scale);
}

TEST_F(LessonTest, needs_no_mouse) {
  open();
  auto& bar = find<QWidget>("lesson_steps");
  QTest::keyClick(&bar, Qt::Key_Right);
  ASSERT_TRUE(ready());
  EXPECT_EQ(guide().player().step(), 1);
  QTest::keyClick(window.get(), Qt::Key_2);
  EXPECT_TRUE(find<QAbstractButton>("question_option_1").isChecked());
  QTest::keyClick(&find<QAbstractButton>("question_send"), Qt::Key_Return);
  ASSERT_TRUE(ready());
  EXPECT_TRUE(find<QLabel>("question_verdict").text().startsWith(u("Right")));
  QTest::keyClick(&bar, Qt::Key_End);
  EXPECT_EQ(guide().player().step(), 3);
}

TEST_F(LessonTest, a_curve_can_be_drawn_by_keys) {
  std::string curve = spring_lesson;
  curve +=
      "## Draw\n```scene spring.json\n```\n```alt\nA spring.\n```\n```question\nkind: curve\nask: Draw.\nfrom: 0\n"
      "to: 1\ntruth: output_recurrence\n```\n";
  write(curve);
  open();
  go_to(4);
  auto& pad = find<SignalView>("question_curve");
  EXPECT_FALSE(find<QAbstractButton>("question_send").isEnabled());
  EXPECT_EQ(pad.data()->x_at(pad.data()->points() - 1), 99 * 0.1) << "100 samples of 0.1 s";
  for (const Qt::Key key : {Qt::Key_Right, Qt::Key_Right, Qt::Key_Up, Qt::Key_Up}) QTest::keyClick(&pad, key);
  ASSERT_TRUE(answer());
  EXPECT_TRUE(find<QLabel>("question_verdict").text().startsWith(u("Not quite")));
  // The truth's 100 points stand as they are, between them is a line, not a stair.
  const Series& truth = pad.data()->curves[1].values;
  ASSERT_EQ(truth.size(), 200);
  const std::vector<double>& y = dynamics().document().result()->recurrence;
  EXPECT_NEAR(truth[100], y[49] + (y[50] - y[49]) * (100 * 99.0 / 199 - 49), 1e-9);
}

TEST_F(LessonTest, its_words_have_the_students_numbers) {
  std::string varied = spring_lesson;
  varied.replace(varied.find("Its state is $h$."), 17,
                 "A step of {{scene.experiment.delta}} s.\n```vary\n"
                 "experiment.delta 0.3 | 0.4 | 0.5\n```\n");
  varied.replace(varied.find("A pole left the circle."), 23, "Its radius is {{max(modulus(modes.z))}}.");
  write(varied);
  guide().progress().set_seed({"class", "Ada"});
  open();
  const LessonPlayer& player = guide().player();
  const double delta = std::get<LtiScene>(scene_at(player.current(), 0, player.seed())).run.rule.delta;
  EXPECT_GT(delta, 0.2);
  EXPECT_EQ(find<MarkdownText>("lesson_prose").text(), u("A step of %1 s.").arg(delta));
  go_to(1);
  find<QAbstractButton>("question_option_1").click();
  ASSERT_TRUE(answer());
  // |1 + Δλ|² = 1 − cΔ + kΔ² of the spring with k = 4, c = 0.4 at Δ = 2.
  EXPECT_EQ(find<MarkdownText>("question_why").text(), u("Its radius is %1.").arg(std::sqrt(1 - 0.8 + 16), 0, 'f', 2));
}

TEST_F(LessonTest, large_text_leaves_the_picture_room) {
  open();
  set_text_scale(2);
  for (const QSize size : {QSize(1280, 800), QSize(1920, 1080)}) {
    window->resize(size);
    QCoreApplication::processEvents();
    EXPECT_LE(find<QWidget>("lesson_panel").width(), size.width() * 2 / 5);
    EXPECT_EQ(window->size(), size);
  }
}

TEST_F(LessonTest, follows_the_file_while_it_is_written) {
  open();
  go_to(2);
  std::string longer = spring_lesson;
  longer.replace(longer.find("Where is it farthest?"), 21, "Where is the top?");
  write(longer);
  ASSERT_TRUE(wait_until([this] { return find<MarkdownText>("question_ask").text() == u("Where is the top?"); }));
  EXPECT_EQ(guide().player().step(), 2);
  write("---\nbroken");
  ASSERT_TRUE(wait_until([this] { return !guide().problem().isEmpty(); }));
  EXPECT_EQ(find<QLabel>("step_title").text(), u("Place")) << "the last good version stays";
  write(spring_lesson);
  ASSERT_TRUE(wait_until([this] { return guide().problem().isEmpty(); }));
}

TEST_F(LessonTest, goes_on_where_it_was_left) {
  open();
  go_to(2);
  find<QAbstractButton>("lesson_close").click();
  EXPECT_FALSE(guide().active());
  EXPECT_EQ(window->current().id(), u("learn"));
  open();
  EXPECT_EQ(guide().player().step(), 2);
  EXPECT_EQ(guide().progress().done(u("lesson: A spring")), (std::set<int>{0, 2}));
}

TEST_F(LessonTest, a_broken_lesson_is_refused_with_its_line) {
  write("---\ntitle: T\nlevel: easy\n---\n");
  window->open_path(QString::fromStdString(lesson_folder.string()));
  ASSERT_TRUE(wait_until([this] { return !notice().isEmpty(); }));
  EXPECT_TRUE(notice().contains(u("lesson.md:1:"))) << notice().toStdString();
  EXPECT_FALSE(guide().active());
}

TEST_F(LessonTest, the_course_plays_from_the_shelf_to_its_last_step) {
  window->show_workspace(u("learn"));
  ASSERT_TRUE(wait_until([this] { return window->findChildren<LessonCard*>().size() >= 12; }));
  const QList<LessonCard*> cards = window->findChildren<LessonCard*>();
  // One of each workspace: springs, memory, selectivity, a language model, the scan.
  for (const int lesson : {1, 4, 7, 9, 10}) {
    const auto card =
        std::find_if(cards.begin(), cards.end(), [&](auto* each) { return each->facts().number == lesson; });
    ASSERT_NE(card, cards.end());
    window->open_path((*card)->facts().folder);
    ASSERT_TRUE(wait_until([&] {
      return guide().active() && guide().player().lesson()->folder.string() == (*card)->facts().folder.toStdString();
    }));
    ASSERT_TRUE(ready());
    for (int step = 0; step < guide().player().steps(); step += 4) {
      go_to(step);
      EXPECT_EQ(guide().problem(), QString()) << lesson << ", step " << step + 1;
    }
  }
}

}  // namespace
}  // namespace statescope::test
