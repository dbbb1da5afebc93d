// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QLineEdit>
#include <QListView>
#include <QSignalSpy>

#include "controls.h"
#include "widgets/command_palette.h"
#include "widgets/fuzzy.h"

namespace statescope {
namespace {

TEST(FuzzyMatch, prefers_word_starts_and_runs) {
  const auto score = [](const char* pattern, const char* text) {
    const auto match = fuzzy_match(u(pattern), u(text));
    return match ? match->score : -1000;
  };
  EXPECT_GT(score("op", "Open checkpoint"), score("op", "Stop"));
  EXPECT_GT(score("oc", "Open checkpoint"), score("oc", "Invoice"));
  EXPECT_GT(score("play", "Play"), score("play", "Pause a lazy way"));
  EXPECT_FALSE(fuzzy_match(u("xyz"), u("Open")).has_value());
  EXPECT_FALSE(fuzzy_match(u("openn"), u("open")).has_value());
  EXPECT_EQ(score("", "anything"), 0);
}

TEST(FuzzyMatch, takes_the_best_of_several_ways) {
  // The first "c" is inside a word; the one that starts a word is the better match.
  const auto match = fuzzy_match(u("oc"), u("Force open checkpoint"));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->positions, (std::vector<int>{6, 11}));
  EXPECT_EQ(fuzzy_match(u("DARK th"), u("Use dark theme"))->positions, (std::vector<int>{4, 5, 6, 7, 9, 10}));
}

TEST(FuzzyMatch, bounds_its_work_on_huge_input) {
  const QString huge(100000, u'a');
  EXPECT_TRUE(fuzzy_match(huge, huge).has_value());
}

TEST(FindCommands, ranks_names_before_categories_and_keeps_the_order_of_an_empty_query) {
  const QStringList names = {u("Zoom in"), u("Open checkpoint"), u("View source"), u("Reset zoom")};
  const QStringList categories = {u("View"), u("File"), u("Help"), u("View")};
  const auto all = find_commands({}, names, categories);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[2].command, 2);
  EXPECT_EQ(find_commands(u("view"), names, categories)[0].command, 2);
  const auto zoom = find_commands(u("view reset"), names, categories);
  ASSERT_EQ(zoom.size(), 1u);
  EXPECT_EQ(zoom[0].command, 3);
  EXPECT_EQ(zoom[0].positions, (std::vector<int>{0, 1, 2, 3, 4}));
}

struct PaletteWindow {
  QWidget window;
  QLineEdit before{&window};
  QAction open{u("&Open checkpoint…")}, dark{u("Use dark theme")}, off{u("Open nothing")};
  CommandPalette palette{&window};

  PaletteWindow() {
    window.resize(900, 500);
    off.setEnabled(false);
    open.setShortcut(QKeySequence(u("Ctrl+O")));
    dark.setShortcut(QKeySequence(u("Ctrl+T")));
    palette.set_commands({{&off, u("File")}, {&open, u("File")}, {&dark, u("View")}});
    window.show();
    before.setFocus();
    QApplication::processEvents();
  }
  QLineEdit& query() { return *child<QLineEdit>(palette, "palette_query"); }
};

TEST_F(Controls, palette_runs_the_best_enabled_action_by_keyboard_and_returns_the_focus) {
  PaletteWindow w;
  QSignalSpy opened(&w.open, &QAction::triggered), off(&w.off, &QAction::triggered);
  w.palette.open();
  EXPECT_EQ(w.window.focusWidget(), &w.query());
  QTest::keyClicks(&w.query(), u("open"));
  save_grab(w.window, u("palette-dark"));
  QTest::keyClick(&w.query(), Qt::Key_Return);
  EXPECT_EQ(opened.count(), 1);
  EXPECT_EQ(off.count(), 0);
  EXPECT_FALSE(w.palette.isVisible());
  EXPECT_EQ(w.window.focusWidget(), &w.before);
}

TEST_F(Controls, palette_says_when_nothing_matches_and_esc_closes_it) {
  apply_theme(*qApp, ThemeKind::light);
  PaletteWindow w;
  w.palette.open();
  save_grab(w.window, u("palette-light-all"));
  QTest::keyClicks(&w.query(), u("qqq"));
  EXPECT_FALSE(child<QListView>(w.palette, "palette_list")->isVisible());
  save_grab(w.window, u("palette-light-none"));
  QTest::keyClick(&w.query(), Qt::Key_Return);
  EXPECT_TRUE(w.palette.isVisible());
  QTest::keyClick(&w.query(), Qt::Key_Escape);
  EXPECT_FALSE(w.palette.isVisible());
}

TEST_F(Controls, palette_survives_an_action_that_is_gone) {
  PaletteWindow w;
  auto gone = std::make_unique<QAction>(u("Gone"));
  w.palette.set_commands({{gone.get(), u("File")}, {&w.dark, u("View")}});
  w.palette.open();
  gone.reset();
  QTest::keyClick(&w.query(), Qt::Key_Return);
  QTest::keyClicks(&w.query(), u("dark"));
  QSignalSpy dark(&w.dark, &QAction::triggered);
  QTest::keyClick(&w.query(), Qt::Key_Return);
  EXPECT_EQ(dark.count(), 1);
}

}  // namespace
}  // namespace statescope
