// SPDX-License-Identifier: GPL-3.0-or-later
#include "window_fixture.h"

#include <QAction>
#include <QApplication>
#include <QEventLoop>
#include <QPlainTextEdit>
#include <QSettings>
#include <QSlider>
#include <QTest>
#include <QTimer>

#include "paths.h"
#include "settings.h"
#include "widgets/notice.h"
#include "widgets/prompt_bar.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"

namespace statescope::test {

bool wait_until(const std::function<bool()>& done, int milliseconds) {
  QEventLoop loop;
  QTimer end;
  end.setSingleShot(true);
  end.start(milliseconds);
  while (!done() && end.isActive()) loop.processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents);
  return done();
}

QString text_of(const RunPointer& run) {
  return run ? run->texts.join(QString()) : QString();
}

std::vector<std::int32_t> ids_of(const RunPointer& run) {
  return run ? run->trace.ids() : std::vector<std::int32_t>();
}

void expect_same_numbers(const Focus& a, const Focus& b) {
  EXPECT_EQ(a.track->layer, b.track->layer);
  EXPECT_EQ(a.track->tokens, b.track->tokens);
  for (const auto values :
       {&LayerTrack::delta, &LayerTrack::conv, &LayerTrack::y, &LayerTrack::gate, &LayerTrack::B, &LayerTrack::C})
    EXPECT_EQ(*a.track.*values, *b.track.*values);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.map_quantity, b.map_quantity);
  EXPECT_EQ(*a.map, *b.map);
  EXPECT_EQ(a.channel, b.channel);
  EXPECT_EQ(*a.channel_states, *b.channel_states);
  ASSERT_EQ(a.channel_curves.size(), b.channel_curves.size());
  for (std::size_t n = 0; n < a.channel_curves.size(); ++n) EXPECT_EQ(*a.channel_curves[n], *b.channel_curves[n]);
  EXPECT_EQ(a.half_lives, b.half_lives);
  EXPECT_EQ(a.states_first, b.states_first);
  EXPECT_EQ(a.states_last, b.states_last);
  EXPECT_EQ(*a.states, *b.states);
  EXPECT_EQ(a.state_range, b.state_range);
}

WindowTest::WindowTest() {
  QSettings().clear();
  Settings().set_motion(false);
  set_text_scale(1);
  apply_theme(*qApp, ThemeKind::dark);
  window = std::make_unique<MainWindow>(test::assets);
  window->resize(1440, 900);
  window->show();
}

WindowTest::~WindowTest() {
  window.reset();
  set_text_scale(1);
  apply_theme(*qApp, ThemeKind::dark);
}

void WindowTest::open_sample() {
  model().open_sample();
  ASSERT_TRUE(settled()) << notice().toStdString();
  transport().pause();
}

bool WindowTest::settled() {
  return wait_until([this] { return document().settled(); });
}

Transport& WindowTest::transport() {
  return model().transport_bar().transport();
}

QString WindowTest::notice() const {
  return window->current().notice().message();
}

void WindowTest::trigger(const char* action) {
  auto* found = window->findChild<QAction*>(QLatin1String(action), Qt::FindDirectChildrenOnly);
  ASSERT_NE(found, nullptr) << action;
  found->trigger();
}

void WindowTest::type_prompt(const QString& text) {
  auto& edit = find<QPlainTextEdit>("prompt_edit");
  edit.selectAll();
  QTest::keyClicks(&edit, text);
}

void WindowTest::run_prompt(const QString& text) {
  type_prompt(text);
  QTest::keyClick(&find<QPlainTextEdit>("prompt_edit"), Qt::Key_Return);
}

void WindowTest::click(QWidget& widget, const QPointF& place) {
  QTest::mouseClick(&widget, Qt::LeftButton, Qt::NoModifier, place.toPoint());
}

double WindowTest::drag_slider(const char* name, int to) {
  auto& whole = find<ValueSlider>(name);
  auto& handle = *whole.findChild<QSlider*>();
  const int from = handle.value();
  handle.setSliderDown(true);
  for (int step = 1; step <= 4; ++step) {
    handle.setValue(from + (to - from) * step / 4);
    QCoreApplication::processEvents();
  }
  handle.setSliderDown(false);
  return whole.value();
}

}  // namespace statescope::test
