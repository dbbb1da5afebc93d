// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QSignalSpy>
#include <cmath>
#include <limits>

#include "controls.h"
#include "widgets/button.h"
#include "widgets/scrubber.h"
#include "widgets/transport.h"
#include "widgets/transport_bar.h"

namespace statescope {
namespace {

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
