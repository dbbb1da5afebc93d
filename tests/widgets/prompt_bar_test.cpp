// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <limits>

#include "controls.h"
#include "widgets/button.h"
#include "widgets/prompt_bar.h"

namespace statescope {
namespace {

TEST_F(Controls, sampling_setters_do_not_echo_and_edits_do) {
  PromptBar bar;
  QSignalSpy changed(&bar, &PromptBar::sampling_changed);
  const SamplingChoice wanted{0.85, 40, 0.9, 18446744073709551615ull, 100};
  bar.set_sampling(wanted);
  EXPECT_EQ(changed.count(), 0);
  EXPECT_EQ(bar.sampling(), wanted);
  child<QDoubleSpinBox>(bar, "sampling_temperature")->setValue(1.2);
  ASSERT_EQ(changed.count(), 1);
  SamplingChoice expected = wanted;
  expected.temperature = 1.2;
  EXPECT_EQ(changed[0][0].value<SamplingChoice>(), expected);
  auto* seed = child<QLineEdit>(bar, "sampling_seed");
  seed->selectAll();
  QTest::keyClicks(seed, u("99999999999999999999"));  // does not fit 64 bits: the last good value holds
  EXPECT_EQ(bar.sampling().seed, 9999999999999999999ull);
}

TEST_F(Controls, sampling_outside_the_ranges_is_brought_inside) {
  PromptBar bar;
  bar.set_sampling({std::numeric_limits<double>::quiet_NaN(), -5, 7, 3, 1 << 30});
  EXPECT_EQ(bar.sampling(), (SamplingChoice{0, 0, 1, 3, 1024}));
}

TEST(Sampling, is_described_in_words) {
  EXPECT_EQ(describe({}), u("Greedy: always the most likely token."));
  EXPECT_EQ(describe({1, 0, 1, 1, 48}), u("Draws from all tokens, with the model's own probabilities."));
  EXPECT_TRUE(describe({0.7, 40, 1, 1, 48}).contains(u("the 40 most likely tokens")));
  EXPECT_TRUE(describe({1.4, 0, 0.9, 1, 48}).contains(u("90 %")));
}

TEST_F(Controls, enter_runs_and_shift_enter_grows_the_box_up_to_four_lines) {
  PromptBar bar;
  bar.resize(900, 100);
  bar.show();
  QSignalSpy run(&bar, &PromptBar::run_requested);
  auto* edit = child<QPlainTextEdit>(bar, "prompt_edit");
  QTest::keyClick(edit, Qt::Key_Return);
  EXPECT_EQ(run.count(), 0) << "there is nothing to run";
  EXPECT_FALSE(child<QAbstractButton>(bar, "run")->isEnabled()) << "and it can be seen";
  QTest::keyClicks(edit, u("Call me"));
  EXPECT_TRUE(child<QAbstractButton>(bar, "run")->isEnabled());
  const int one = bar.sizeHint().height();
  QTest::keyClick(edit, Qt::Key_Return, Qt::ShiftModifier);
  QTest::keyClicks(edit, u("Ishmael"));
  const int two = bar.sizeHint().height();
  EXPECT_GT(two, one);
  QTest::keyClick(edit, Qt::Key_Return);
  ASSERT_EQ(run.count(), 1);
  EXPECT_EQ(run[0][0].toString(), u("Call me\nIshmael"));
  bar.set_text(u("1\n2\n3\n4"));
  const int four = bar.sizeHint().height();
  EXPECT_GT(four, two);
  bar.set_text(u("1\n2\n3\n4\n5\n6"));
  EXPECT_EQ(bar.sizeHint().height(), four);
}

TEST_F(Controls, generate_turns_into_stop_and_progress_can_be_cancelled) {
  PromptBar bar;
  bar.resize(900, bar.sizeHint().height());
  bar.show();
  QSignalSpy generate(&bar, &PromptBar::generate_requested), stop(&bar, &PromptBar::stop_requested);
  click(bar, "generate");
  EXPECT_EQ(generate.count(), 1);
  bar.set_generating(true);
  click(bar, "generate");
  EXPECT_EQ(stop.count(), 1);
  EXPECT_EQ(generate.count(), 1);
  EXPECT_FALSE(child<Button>(bar, "cancel")->isVisible());
  bar.set_progress(0.25, u("reading prompt 512 of 2,000 tokens"));
  EXPECT_TRUE(child<Button>(bar, "cancel")->isVisible());
  click(bar, "cancel");
  EXPECT_EQ(stop.count(), 2);
  bar.set_progress({}, {});
  EXPECT_FALSE(child<Button>(bar, "cancel")->isVisible());
}

TEST_F(Controls, sampling_form_can_be_looked_at) {
  for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light}) {
    apply_theme(*qApp, kind);
    PromptBar bar;
    bar.resize(900, bar.sizeHint().height());
    bar.set_sampling({0.8, 40, 0.9, 7, 64});
    bar.show();
    click(bar, "sampling");
    auto* popover = child<QWidget>(bar, "sampling_popover");
    EXPECT_TRUE(popover->isVisible());
    EXPECT_TRUE(child<QDoubleSpinBox>(bar, "sampling_temperature")->hasFocus());
    QApplication::processEvents();
    save_grab(*popover, kind == ThemeKind::dark ? u("sampling-dark") : u("sampling-light"));
    popover->hide();
  }
}

}  // namespace
}  // namespace statescope
