// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QApplication>
#include <QDir>
#include <QDoubleSpinBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QPlainTextEdit>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTest>
#include <QVBoxLayout>
#include <cmath>
#include <limits>

#include "widgets/button.h"
#include "widgets/command_palette.h"
#include "widgets/fuzzy.h"
#include "widgets/icons.h"
#include "widgets/navigation_rail.h"
#include "widgets/notice.h"
#include "widgets/prompt_bar.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/theme.h"
#include "widgets/token_strip.h"
#include "widgets/top_bar.h"
#include "widgets/transport.h"
#include "widgets/transport_bar.h"

namespace statescope {
namespace {

QString u(const char* text) {
  return QString::fromUtf8(text);
}

/// Saves a picture of the widget for people to look at, when STATESCOPE_GRABS names a folder.
void save_grab(QWidget& widget, const QString& name, double ratio = 1) {
  const QString folder = qEnvironmentVariable("STATESCOPE_GRABS");
  if (folder.isEmpty()) return;
  QDir().mkpath(folder);
  QImage image(widget.size() * ratio, QImage::Format_RGB32);
  image.setDevicePixelRatio(ratio);
  image.fill(theme().background);
  widget.render(&image, QPoint(), QRegion(), QWidget::DrawChildren | QWidget::DrawWindowBackground);
  EXPECT_TRUE(image.save(folder + u("/") + name + u(".png")));
}

/// Passes messages on, except that the offscreen platform lacks something (raising windows, size hints).
QtMessageHandler next_handler = nullptr;
void drop_platform_gaps(QtMsgType type, const QMessageLogContext& context, const QString& message) {
  if (!message.startsWith(u("This plugin does not support")) && next_handler) next_handler(type, context, message);
}

class Controls : public testing::Test {
 protected:
  void SetUp() override {
    next_handler = qInstallMessageHandler(drop_platform_gaps);
    set_motion(false);
    set_text_scale(1);
    apply_theme(*qApp, ThemeKind::dark);
  }
  void TearDown() override {
    set_text_scale(1);
    set_motion(true);
    qInstallMessageHandler(next_handler);
  }
};

template <typename Widget>
Widget* child(QWidget& parent, const char* name) {
  auto* found = parent.findChild<Widget*>(QLatin1String(name));
  EXPECT_NE(found, nullptr) << name;
  return found;
}

void click(QWidget& parent, const char* name) {
  QTest::mouseClick(child<QWidget>(parent, name), Qt::LeftButton);
}

std::vector<TokenChip> sentence() {
  std::vector<TokenChip> tokens;
  const char* texts[] = {"C", "all", " me", " Is", "hm", "a", "el", ".", " Some", " years", " ago"};
  for (int i = 0; i < 11; ++i) {
    TokenChip chip;
    chip.text = u(texts[i]);
    chip.id = 100 + i;
    chip.value = 0.7f - 0.05f * static_cast<float>(i);
    chip.generated = i >= 8;
    tokens.push_back(chip);
  }
  return tokens;
}

std::vector<TokenChip> long_text(int count) {
  std::vector<TokenChip> tokens(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    TokenChip& chip = tokens[static_cast<size_t>(i)];
    chip.text = u(i % 3 == 0 ? " the" : "token") + QString::number(i);
    chip.id = i;
    chip.value = 0.5f + 0.5f * std::sin(static_cast<float>(i) * 0.1f);
  }
  return tokens;
}

// ---- transport -------------------------------------------------------------------------------------------------

class TransportTime : public testing::Test {
 protected:
  double now = 100;
  Transport transport{nullptr, [this] { return now; }};

  void SetUp() override {
    set_motion(true);
    transport.set_length(10);
    transport.set_speed(4);
  }
  void pass(double seconds) {
    now += seconds;
    transport.advance();
  }
};

TEST_F(TransportTime, position_follows_the_clock_at_the_given_speed) {
  transport.play();
  pass(0.5);
  EXPECT_EQ(transport.position(), 2);
  EXPECT_NEAR(transport.phase(), 0.0, 1e-9);
  pass(0.125);
  EXPECT_EQ(transport.position(), 2);
  EXPECT_NEAR(transport.phase(), 0.5, 1e-9);
}

TEST_F(TransportTime, late_frame_skips_instead_of_slowing_down) {
  QSignalSpy moved(&transport, &Transport::position_changed);
  transport.play();
  pass(1.5);
  EXPECT_EQ(transport.position(), 6);
  EXPECT_EQ(moved.count(), 1);
}

TEST_F(TransportTime, end_stops_and_the_next_play_starts_over) {
  transport.play();
  pass(100);
  EXPECT_EQ(transport.position(), 9);
  EXPECT_FALSE(transport.playing());
  EXPECT_EQ(transport.phase(), 0);
  transport.play();
  EXPECT_EQ(transport.position(), 0);
  EXPECT_TRUE(transport.playing());
}

TEST_F(TransportTime, loop_gives_the_last_step_its_full_time_then_wraps) {
  transport.set_loop(true);
  transport.set_position(9);
  transport.play();
  pass(0.2);
  EXPECT_EQ(transport.position(), 9);
  pass(0.1);
  EXPECT_EQ(transport.position(), 0);
  pass(2.5 * 1000);  // a thousand whole rounds
  EXPECT_EQ(transport.position(), 0);
  EXPECT_TRUE(transport.playing());
}

TEST_F(TransportTime, appended_steps_are_played_without_a_jump) {
  transport.set_more_coming(true);
  transport.play();
  pass(60);
  EXPECT_EQ(transport.position(), 9);
  EXPECT_TRUE(transport.playing()) << "waits for what is to come";
  transport.set_length(20);
  pass(0.25);
  EXPECT_EQ(transport.position(), 10) << "the time spent waiting does not count";
  transport.set_more_coming(false);
  pass(60);
  EXPECT_EQ(transport.position(), 19);
  EXPECT_FALSE(transport.playing());
}

TEST_F(TransportTime, changing_speed_keeps_what_has_passed) {
  transport.play();
  now += 0.5;
  transport.set_speed(1);
  EXPECT_EQ(transport.position(), 2);
  pass(1);
  EXPECT_EQ(transport.position(), 3);
  transport.set_speed(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(transport.speed(), 1);
}

TEST_F(TransportTime, stepping_pauses_and_holds_at_the_ends) {
  transport.play();
  pass(0.8);
  transport.step(1);
  EXPECT_EQ(transport.position(), 4);
  EXPECT_FALSE(transport.playing());
  transport.step(std::numeric_limits<int>::max());
  EXPECT_EQ(transport.position(), 9);
  transport.step(std::numeric_limits<int>::min());
  EXPECT_EQ(transport.position(), 0);
}

TEST_F(TransportTime, shortening_clamps_and_emptying_stops) {
  transport.set_position(8);
  transport.set_length(5);
  EXPECT_EQ(transport.position(), 4);
  transport.set_position(1);
  transport.play();
  transport.set_length(0);
  EXPECT_FALSE(transport.playing());
  EXPECT_EQ(transport.position(), 0);
  transport.play();
  EXPECT_FALSE(transport.playing());
}

TEST_F(TransportTime, reduced_motion_hides_the_phase_only) {
  set_motion(false);
  transport.play();
  pass(0.625);
  EXPECT_EQ(transport.position(), 2);
  EXPECT_EQ(transport.phase(), 0);
  set_motion(true);
  EXPECT_NEAR(transport.phase(), 0.5, 1e-9);
}

TEST_F(Controls, transport_bar_keys_drive_the_transport) {
  TransportBar bar;
  bar.resize(1200, bar.sizeHint().height());
  Transport& transport = bar.transport();
  transport.set_length(11);
  QSignalSpy factor(&bar, &TransportBar::speed_factor_changed);
  QTest::keyClick(&bar, Qt::Key_Right);
  QTest::keyClick(&bar, Qt::Key_Right);
  QTest::keyClick(&bar, Qt::Key_Left);
  EXPECT_EQ(transport.position(), 1);
  QTest::keyClick(&bar, Qt::Key_End);
  EXPECT_EQ(transport.position(), 10);
  QTest::keyClick(&bar, Qt::Key_Home);
  EXPECT_EQ(transport.position(), 0);
  QTest::keyClick(&bar, Qt::Key_L);
  EXPECT_TRUE(transport.loop());
  EXPECT_TRUE(child<Button>(bar, "loop")->isChecked());
  QTest::keyClick(&bar, Qt::Key_Plus);
  EXPECT_EQ(bar.speed_factor(), 2);
  EXPECT_EQ(transport.speed(), 4);
  EXPECT_EQ(factor.count(), 1);
  bar.set_speed_factor(0.25);
  EXPECT_EQ(factor.count(), 1) << "setters do not emit";
  QTest::keyClick(&bar, Qt::Key_Space);
  EXPECT_TRUE(transport.playing());
  click(bar, "play");
  EXPECT_FALSE(transport.playing());
}

TEST_F(Controls, scrubber_maps_pixels_to_steps_and_back) {
  Scrubber scrubber;
  scrubber.resize(616, 56);
  for (const int length : {1, 7, 11, 600, 601, 5000}) {
    scrubber.set_length(length);
    for (const int step : {0, length / 2, length - 1}) EXPECT_EQ(scrubber.step_at(scrubber.x_of(step)), step) << length;
    EXPECT_EQ(scrubber.step_at(-50), 0);
    EXPECT_EQ(scrubber.step_at(5000), length - 1);
  }
  scrubber.set_length(11);
  QSignalSpy scrubbed(&scrubber, &Scrubber::scrubbed);
  QTest::mouseClick(&scrubber, Qt::LeftButton, Qt::NoModifier, QPoint(int(scrubber.x_of(7)), 20));
  ASSERT_EQ(scrubbed.count(), 1);
  EXPECT_EQ(scrubbed[0][0].toInt(), 7);
}

TEST_F(Controls, scrubber_keeps_a_single_spike_among_thousands_of_steps) {
  Scrubber scrubber;
  scrubber.resize(616, 56);
  scrubber.set_length(20000);
  scrubber.set_color_map([](float value) { return value > 0.9f ? QColor(Qt::red) : QColor(Qt::darkGray); });
  std::vector<float> values(20000, 0.1f);
  values[4321] = 1;
  scrubber.set_values(values);
  scrubber.set_position(19999);
  const QImage image = scrubber.grab().toImage();
  int red = 0;
  for (int x = 0; x < image.width(); ++x) red += image.pixelColor(x, image.height() / 2) == QColor(Qt::red);
  EXPECT_EQ(red, 1);
}

// ---- token strip -----------------------------------------------------------------------------------------------

TEST(TokenPieces, make_the_invisible_visible) {
  const auto joined = [](const char* text) {
    QString result;
    for (const TokenPiece& piece : token_pieces(u(text))) {
      result += piece.sign ? u("[") + piece.text + u("]") : piece.text;
    }
    return result;
  };
  EXPECT_EQ(joined(" me"), u("[·]me"));
  EXPECT_EQ(joined("to me"), u("to me"));
  EXPECT_EQ(joined("a\n\tb"), u("a[⏎⇥]b"));
  EXPECT_EQ(joined("  "), u("[··]"));
  EXPECT_EQ(joined("\x01"), u("[␁]"));
  EXPECT_EQ(joined(""), u("[∅]"));
}

TEST_F(Controls, token_click_moves_the_cursor_to_that_token) {
  TokenStrip strip;
  strip.resize(900, strip.sizeHint().height());
  strip.set_tokens(sentence());
  strip.set_cursor(2);
  QSignalSpy clicked(&strip, &TokenStrip::token_clicked);
  for (const int index : {0, 5, 10}) {
    QTest::mouseClick(&strip, Qt::LeftButton, Qt::NoModifier, strip.chip_rect(index).center().toPoint());
    EXPECT_EQ(strip.cursor(), index);
    EXPECT_EQ(clicked.takeFirst()[0].toInt(), index);
  }
  QTest::keyClick(&strip, Qt::Key_Left);
  EXPECT_EQ(clicked.takeFirst()[0].toInt(), 9);
  QTest::keyClick(&strip, Qt::Key_Home);
  EXPECT_EQ(clicked.takeFirst()[0].toInt(), 0);
  strip.set_cursor(4);
  EXPECT_EQ(clicked.count(), 0) << "setters do not emit";
}

TEST_F(Controls, token_description_names_id_text_and_value) {
  TokenStrip strip;
  strip.set_tokens(sentence());
  strip.set_values({0.1f, 0.2f, 0.1234f}, u("mean Δ"));
  EXPECT_EQ(strip.describe(2), u("token 3 · id 102 · “·me” · mean Δ: 0.123"));
  EXPECT_EQ(strip.describe(3), u("token 4 · id 103 · “·Is”")) << "a missing value is not shown as zero";
}

TEST_F(Controls, cursor_stays_visible_in_a_long_text_at_every_zoom) {
  TokenStrip strip;
  strip.resize(908, 80);
  strip.set_tokens(long_text(4000));
  strip.append_tokens(long_text(96));
  EXPECT_EQ(strip.count(), 4096);
  for (const double zoom : {0.1, 0.25, 1.0, 2.0}) {
    strip.set_zoom(zoom);
    for (const int index : {0, 1, 700, 4095, 2048, 2047, 0}) {
      strip.set_cursor(index);
      const QRectF chip = strip.chip_rect(index);
      EXPECT_GE(chip.left(), 0) << index << " at zoom " << zoom;
      EXPECT_LE(chip.right(), strip.width()) << index << " at zoom " << zoom;
      EXPECT_EQ(strip.chip_at(chip.center()), index);
    }
  }
}

TEST_F(Controls, strip_glides_to_the_cursor_with_motion_and_jumps_without) {
  TokenStrip strip;
  strip.resize(908, 80);
  strip.set_tokens(long_text(4096));
  strip.show();
  const auto in_view = [&strip](int index) { return strip.rect().contains(strip.chip_rect(index).center().toPoint()); };
  strip.set_cursor(2000);
  EXPECT_TRUE(in_view(2000));
  set_motion(true);
  strip.set_cursor(3000);
  EXPECT_FALSE(in_view(3000));
  EXPECT_TRUE(QTest::qWaitFor([&] { return in_view(3000); }, 3000));
}

TEST_F(Controls, long_text_paints_only_what_is_visible) {
  TokenStrip strip;
  strip.resize(908, 80);
  strip.set_tokens(long_text(4096));
  strip.set_cursor(3000);
  const auto [first, end] = strip.visible_range();
  EXPECT_LE(first, 3000);
  EXPECT_GT(end, 3000);
  EXPECT_LT(end - first, 25);
  QImage image(strip.size(), QImage::Format_ARGB32_Premultiplied);
  QElapsedTimer timer;
  timer.start();
  for (int i = 0; i < 20; ++i) {
    strip.set_cursor(3000 + i);
    strip.render(&image);
  }
  // Painting all 4,096 chips takes more than 100 ms a frame; 20 visible ones a few milliseconds.
  EXPECT_LT(timer.elapsed() / 20, 30);
}

// ---- palette ---------------------------------------------------------------------------------------------------

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

// ---- prompt bar ------------------------------------------------------------------------------------------------

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
  QTest::keyClicks(edit, u("Call me"));
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

// ---- the rest --------------------------------------------------------------------------------------------------

TEST_F(Controls, every_icon_has_ink_in_the_asked_colour) {
  const QStringList wanted =
      u("learn dynamics memory selectivity model profile gallery open save theme palette play pause step-back "
        "step-forward restart loop stop generate settings copy export close warning info undo redo chevron-down")
          .split(u' ');
  for (const QString& name : wanted) {
    const QImage image = icon_pixmap(name, QColor(0xF0A93A), 24, 2).toImage();
    ASSERT_EQ(image.width(), 48) << name.toStdString();
    int ink = 0;
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < 48; ++x) {
        const QColor c = image.pixelColor(x, y);
        if (c.alpha() == 255) ink += std::abs(c.red() - 0xF0) < 4 && std::abs(c.blue() - 0x3A) < 4;
        const bool border = x == 0 || y == 0 || x == 47 || y == 47;
        EXPECT_FALSE(border && c.alpha() > 0) << name.toStdString() << " is cut off";
      }
    }
    EXPECT_GT(ink, 40) << name.toStdString();
  }
  EXPECT_TRUE(icon_pixmap(u("no such icon"), Qt::red, 24).isNull());
}

TEST_F(Controls, rail_is_usable_by_keyboard_and_mouse) {
  NavigationRail rail;
  for (const char* id : {"learn", "dynamics", "memory"}) rail.add_entry(u(id), u(id), u(id));
  rail.add_tool(u("open"), u("Open a checkpoint"), u("open"), u("Ctrl+O"));
  rail.set_current(u("learn"));
  rail.resize(rail.sizeHint());
  rail.show();
  rail.activateWindow();
  QApplication::processEvents();
  QSignalSpy activated(&rail, &NavigationRail::activated), tool(&rail, &NavigationRail::tool_activated);
  child<QWidget>(rail, "rail_learn")->setFocus();
  QTest::keyClick(rail.focusWidget(), Qt::Key_Down);
  EXPECT_EQ(activated.count(), 0) << "moving is not yet choosing";
  QTest::keyClick(rail.focusWidget(), Qt::Key_Return);
  ASSERT_EQ(activated.count(), 1);
  EXPECT_EQ(activated[0][0].toString(), u("dynamics"));
  EXPECT_EQ(rail.current(), u("dynamics"));
  click(rail, "rail_memory");
  EXPECT_EQ(rail.current(), u("memory"));
  click(rail, "tool_open");
  ASSERT_EQ(tool.count(), 1);
  EXPECT_EQ(tool[0][0].toString(), u("open"));
  EXPECT_EQ(activated.count(), 2);
}

void fill(TopBar& bar) {
  bar.set_title(u("mamba-lab"));
  bar.set_chips({{u("model"), u("Mamba-1 · 8 layers · 4.5 M parameters"), {}, false, 2},
                 {u("device"), u("CPU · AVX-512 · 2 threads"), {}, false, 1},
                 {u("conflicts"), u("2 config conflicts"), u("config.json and the tensors disagree"), true, 0}});
  bar.set_speed(u("412 tokens/s"));
}

TEST_F(Controls, top_bar_never_clips_or_overlaps_and_drops_the_least_important_first) {
  TopBar bar;
  fill(bar);
  bar.show();
  for (const double scale : {1.0, 2.0}) {
    set_text_scale(scale);
    for (int width = bar.minimumSizeHint().width(); width <= 2400; width += 37) {
      bar.resize(width, bar.sizeHint().height());
      std::vector<QRect> boxes;
      for (const Button* button : bar.findChildren<Button*>()) {
        if (!button->isVisible()) continue;
        EXPECT_TRUE(bar.rect().contains(button->geometry())) << width;
        for (const QRect& other : boxes) EXPECT_FALSE(other.intersects(button->geometry())) << width;
        boxes.push_back(button->geometry());
      }
      EXPECT_TRUE(child<Button>(bar, "palette_button")->isVisible());
      const bool device = child<Button>(bar, "chip_device")->isVisible();
      const bool model = child<Button>(bar, "chip_model")->isVisible();
      const bool conflicts = child<Button>(bar, "chip_conflicts")->isVisible();
      EXPECT_TRUE(!device || model) << width;
      EXPECT_TRUE(!model || conflicts) << width;
    }
  }
  set_text_scale(1);
  bar.resize(1208, bar.sizeHint().height());
  EXPECT_TRUE(child<Button>(bar, "chip_device")->isVisible());
  QSignalSpy clicked(&bar, &TopBar::chip_clicked), palette(&bar, &TopBar::palette_requested);
  click(bar, "chip_conflicts");
  click(bar, "chip_model");
  ASSERT_EQ(clicked.count(), 1) << "a plain fact is not a button";
  EXPECT_EQ(clicked[0][0].toString(), u("conflicts"));
  click(bar, "palette_button");
  EXPECT_EQ(palette.count(), 1);
}

TEST_F(Controls, segments_choose_exactly_one_by_arrow_or_click) {
  SegmentedControl control(u("Quantity"));
  control.set_options({{u("Δ"), Symbol::delta}, {u("gate"), {}}, {u("y"), Symbol::y}});
  control.resize(control.sizeHint());
  control.show();
  QSignalSpy selected(&control, &SegmentedControl::selected);
  control.set_current(1);
  EXPECT_EQ(selected.count(), 0);
  QTest::keyClick(&control, Qt::Key_Right);
  QTest::keyClick(&control, Qt::Key_Right);
  EXPECT_EQ(selected.count(), 1) << "the end holds";
  EXPECT_EQ(control.current(), 2);
  click(control, "segment_0");
  EXPECT_EQ(selected.takeLast()[0].toInt(), 0);
  int checked = 0;
  for (const auto* segment : control.findChildren<QAbstractButton*>()) checked += segment->isChecked();
  EXPECT_EQ(checked, 1);
}

TEST_F(Controls, notice_wraps_shows_markup_as_written_and_esc_closes_it) {
  QWidget window;
  auto* column = new QVBoxLayout(&window);
  auto* notice = new Notice;
  column->addWidget(notice);
  column->addStretch();
  window.resize(900, 300);
  window.show();
  notice->show_message(Notice::Kind::error, u("<b>model.safetensors</b> ends at byte 4,096."));
  EXPECT_EQ(child<QLabel>(*notice, "notice_text")->textFormat(), Qt::PlainText);
  QApplication::processEvents();
  const int low = notice->heightForWidth(900);
  EXPECT_EQ(notice->height(), low);
  EXPECT_GT(low, 0);
  notice->show_message(Notice::Kind::info, u("word ").repeated(100));
  EXPECT_GT(notice->heightForWidth(400), 2 * low);
  QSignalSpy dismissed(notice, &Notice::dismissed);
  window.activateWindow();
  QApplication::processEvents();
  QTest::keyClick(&window, Qt::Key_Escape);
  EXPECT_EQ(dismissed.count(), 1);
  EXPECT_TRUE(notice->isHidden());
  EXPECT_EQ(notice->message(), QString());
}

// ---- pictures for people ---------------------------------------------------------------------------------------

struct Frame {
  QWidget window;
  NavigationRail rail{&window};
  TopBar top{&window};
  Notice notice{&window};
  PromptBar prompt{&window};
  TokenStrip strip{&window};
  TransportBar transport{&window};
  SegmentedControl quantity{u("Quantity"), &window};

  explicit Frame(QSize size) {
    for (const char* name : {"Learn", "Dynamics", "Memory", "Selectivity", "Model", "Profile", "Gallery"}) {
      rail.add_entry(u(name).toLower(), u(name), u(name).toLower());
    }
    rail.add_tool(u("open"), u("Open a checkpoint"), u("open"), u("Ctrl+O"));
    rail.add_tool(u("theme"), u("Light or dark"), u("theme"), u("Ctrl+T"));
    rail.add_tool(u("palette"), u("All actions"), u("palette"), u("Ctrl+K"));
    rail.set_current(u("model"));
    fill(top);
    notice.show_message(Notice::Kind::error,
                        u("config.json names 8 layers but model.safetensors holds 6: layers.6.mixer.in_proj.weight is "
                          "missing; copy the whole checkpoint folder and open it again."));
    prompt.set_progress(0.256, u("reading prompt 512 of 2,000 tokens"));
    prompt.set_generating(true);
    prompt.set_text(u("Call me Ishmael. Some years ago"));
    strip.set_tokens(sentence());
    strip.set_values({0.62f, 0.5f, 0.55f, 0.52f, 0.6f, 0.45f, 0.4f, 0.3f, 0.7f, 0.8f, 0.97f}, u("mean Δ in layer 3"));
    strip.set_cursor(7);
    quantity.set_options({{u("Δ"), Symbol::delta},
                          {u("gate"), {}},
                          {u("conv"), {}},
                          {u("y"), Symbol::y},
                          {u("B"), Symbol::B},
                          {u("C"), Symbol::C}});
    transport.transport().set_length(11);
    transport.scrubber().set_values({0.3f, 0.25f, 0.24f, 0.26f, 0.3f, 0.22f, 0.2f, 0.18f, 0.36f, 0.5f, 0.9f});
    transport.set_position_text(
        [](int position, int length) { return u("token %1 of %2").arg(position + 1).arg(length); });
    transport.transport().set_position(7);
    transport.transport().set_loop(true);
    window.resize(size);
    arrange();
    window.show();
  }

  void arrange() {
    const int rail_width = rail.sizeHint().width(), inspector = scaled(300);
    const int width = window.width() - rail_width;
    rail.setGeometry(0, 0, rail_width, window.height());
    top.setGeometry(rail_width, 0, width, top.sizeHint().height());
    const int bottom = transport.sizeHint().height();
    transport.setGeometry(rail_width, window.height() - bottom, width, bottom);
    const int inner = width - inspector;
    int y = top.height();
    notice.setGeometry(rail_width, y, inner, notice.heightForWidth(inner));
    y += notice.height() + 16;
    const int left = rail_width + 20;
    prompt.setGeometry(left, y, inner - 40, prompt.sizeHint().height());
    y += prompt.height() + 16;
    strip.setGeometry(left, y, inner - 40, strip.sizeHint().height());
    y += strip.height() + 16;
    quantity.setGeometry(left, y, quantity.sizeHint().width(), quantity.sizeHint().height());
  }
};

TEST_F(Controls, frame_fits_1280_by_720_in_both_themes_and_at_double_text_size) {
  for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light}) {
    apply_theme(*qApp, kind);
    const QString name = kind == ThemeKind::dark ? u("dark") : u("light");
    for (const double scale : {1.0, 2.0}) {
      set_text_scale(scale);
      Frame frame(QSize(1280, 720));
      QApplication::processEvents();
      frame.arrange();
      save_grab(frame.window, u("frame-%1-%2x").arg(name).arg(scale));
      if (scale == 1) save_grab(frame.window, u("frame-%1-dpr2").arg(name), 2);
      for (const QWidget* part : frame.window.findChildren<QWidget*>()) {
        if (!part->isVisible() || part->isWindow() || qobject_cast<const Button*>(part) == nullptr) continue;
        EXPECT_TRUE(part->parentWidget()->rect().contains(part->geometry())) << part->objectName().toStdString();
      }
    }
    set_text_scale(1);
  }
}

TEST_F(Controls, strip_in_its_special_states_can_be_looked_at) {
  for (const ThemeKind kind : {ThemeKind::dark, ThemeKind::light}) {
    apply_theme(*qApp, kind);
    const QString name = kind == ThemeKind::dark ? u("dark") : u("light");
    QWidget window;
    window.resize(868, 460);
    std::vector<TokenChip> odd = sentence();
    odd.insert(odd.begin(), TokenChip{u("<|endoftext|>"), 0, true, false, 0.2f});
    odd.push_back(TokenChip{u("\n\n"), 3, false, true, 0.4f});
    odd.push_back(TokenChip{u("\t"), 4, false, true, 0.6f});
    odd.push_back(TokenChip{u("日本"), 5, false, true, 0.9f});
    int y = 10;
    const auto add = [&](TokenStrip* strip, int cursor, double zoom) {
      strip->set_values(
          [&] {
            std::vector<float> values;
            for (int i = 0; i < strip->count(); ++i) values.push_back(0.5f + 0.45f * std::sin(float(i) * 0.7f));
            return values;
          }(),
          u("mean Δ in layer 3"));
      strip->set_zoom(zoom);
      strip->setGeometry(20, y, 828, strip->sizeHint().height());
      strip->set_cursor(cursor);
      y += strip->height() + 12;
    };
    auto* first = new TokenStrip(&window);
    first->set_tokens(odd);
    add(first, 13, 1);
    auto* many = new TokenStrip(&window);
    many->set_tokens(long_text(4096));
    add(many, 1234, 1);
    auto* far_out = new TokenStrip(&window);
    far_out->set_tokens(long_text(4096));
    add(far_out, 1234, 0.1);
    auto* near_by = new TokenStrip(&window);
    near_by->set_tokens(odd);
    add(near_by, 5, 1.5);
    add(new TokenStrip(&window), -1, 1);
    window.show();
    EXPECT_EQ(first->visible_range().first, 0);
    EXPECT_GT(far_out->visible_range().second - far_out->visible_range().first, 30);
    save_grab(window, u("strip-") + name);
  }
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

TEST_F(Controls, scrubber_with_thousands_of_steps_and_as_a_curve_can_be_looked_at) {
  apply_theme(*qApp, ThemeKind::light);
  QWidget window;
  window.resize(1208, 2 * 90);
  int y = 0;
  for (const auto shape : {Scrubber::Shape::bars, Scrubber::Shape::curve}) {
    auto* bar = new TransportBar(&window);
    bar->setGeometry(0, y, 1208, bar->sizeHint().height());
    y += bar->height() + 10;
    std::vector<float> values;
    for (int i = 0; i < 3000; ++i) {
      const float t = static_cast<float>(i) * 0.01f;
      values.push_back(0.5f + 0.3f * std::sin(t) + 0.15f * std::sin(t * 5.3f) + 0.03f * std::sin(t * 71));
    }
    bar->transport().set_length(3000);
    bar->scrubber().set_values(values, shape);
    bar->transport().set_position(1900);
    EXPECT_EQ(bar->scrubber().step_at(bar->scrubber().x_of(1900)), 1900);
  }
  window.show();
  save_grab(window, u("scrubber-light"));
}

}  // namespace
}  // namespace statescope
