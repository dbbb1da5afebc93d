// SPDX-License-Identifier: GPL-3.0-or-later
// Nothing is cut off, in either theme and at any text size.
#include <QAbstractButton>
#include <QAbstractScrollArea>
#include <QApplication>
#include <QLabel>
#include <QScrollArea>

#include "lesson/lesson_card.h"
#include "settings.h"
#include "widgets/pole_plane_view.h"
#include "window_fixture.h"
#include "workspaces/model_workspace.h"

namespace statescope::test {
namespace {

// What a scroll area holds may reach beyond it; that is what it is for.
bool scrolls(const QWidget& widget) {
  const auto* area = qobject_cast<const QAbstractScrollArea*>(widget.parentWidget()->parentWidget());
  return area && area->viewport() == widget.parentWidget();
}

std::string name_of(const QWidget& widget) {
  std::string name;
  for (const QWidget* at = &widget; at && !at->isWindow(); at = at->parentWidget())
    name = "/" + std::string(at->metaObject()->className()) + " " + at->objectName().toStdString() + name;
  return name;
}

void expect_nothing_cut_off(const QWidget& window) {
  for (const QWidget* widget : window.findChildren<QWidget*>()) {
    if (!widget->isVisible() || widget->isWindow() || widget->window() != &window) continue;
    if (!scrolls(*widget)) {
      EXPECT_TRUE(widget->parentWidget()->rect().contains(widget->geometry())) << name_of(*widget);
    }
    if (const auto* label = qobject_cast<const QLabel*>(widget); label && !label->text().isEmpty()) {
      const int needed = label->wordWrap() ? label->heightForWidth(label->width()) : label->sizeHint().height();
      EXPECT_LE(needed, label->height()) << name_of(*widget) << ": " << label->text().toStdString();
      if (!label->wordWrap()) {
        EXPECT_LE(label->sizeHint().width(), label->width()) << name_of(*widget) << ": " << label->text().toStdString();
      }
    }
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget); button && !button->text().isEmpty()) {
      EXPECT_LE(button->fontMetrics().horizontalAdvance(button->text()), button->width()) << name_of(*widget);
    }
  }
}

bool is_drawn(const QWidget& widget) {
  const QImage image = const_cast<QWidget&>(widget).grab().toImage();
  int other = 0;
  for (int y = 0; y < image.height(); y += 4)
    for (int x = 0; x < image.width(); x += 4) other += image.pixel(x, y) != image.pixel(1, 1);
  return other > 100;
}

using LayoutTest = WindowTest;

TEST_F(LayoutTest, holds_at_1280_by_800_in_both_themes_and_at_double_text_size) {
  window->resize(1280, 800);
  open_sample();
  const QImage dark = window->grab().toImage();
  for (const double scale : {1.0, 2.0}) {
    while (text_scale() < scale) trigger("larger_text");
    for (int theme_change = 0; theme_change < 2; ++theme_change) {
      QCoreApplication::processEvents();
      SCOPED_TRACE(testing::Message() << (theme().dark() ? "dark" : "light") << " at text size " << scale);
      expect_nothing_cut_off(*window);
      for (const char* view : {"layer_map", "state_map", "overview", "channel", "equation", "candidates"})
        EXPECT_TRUE(is_drawn(find<QWidget>(view))) << view;
      trigger("theme");
    }
  }
  EXPECT_EQ(text_scale(), 2.0);
  EXPECT_EQ(Settings().text_scale(), 2.0);
  while (text_scale() > 1) trigger("smaller_text");
  EXPECT_TRUE(theme().dark());
  QCoreApplication::processEvents();
  EXPECT_EQ(window->size(), QSize(1280, 800));
  EXPECT_EQ(window->grab().toImage().size(), dark.size());
}

// What stands side by side goes on in further rows, and scrolls, before a word of it is lost.
TEST_F(LayoutTest, profile_and_selectivity_wrap_at_double_text_size) {
  window->resize(1280, 800);
  open_sample();
  while (text_scale() < 2) trigger("larger_text");
  for (const char* id : {"profile", "selectivity"}) {
    window->show_workspace(u(id));
    QCoreApplication::processEvents();
    int buttons = 0;
    for (const QAbstractButton* button : window->workspace(u(id))->findChildren<QAbstractButton*>()) {
      if (!button->isVisible() || button->text().isEmpty()) continue;
      ++buttons;
      EXPECT_LE(button->fontMetrics().horizontalAdvance(button->text()), button->width()) << name_of(*button);
      EXPECT_TRUE(button->parentWidget()->rect().contains(button->geometry())) << name_of(*button);
    }
    EXPECT_GT(buttons, 5) << id;
  }
}

TEST_F(LayoutTest, dynamics_says_all_of_it_at_double_text_size) {
  window->resize(1280, 800);
  window->show_workspace(u("dynamics"));
  ASSERT_TRUE(wait_until([this] { return window->current().settled(); }, 60000));
  const QString said = find<QLabel>("status").text();
  while (text_scale() < 2) trigger("larger_text");
  for (int pass = 0; pass < 3; ++pass) QApplication::processEvents();  // what grows moves what is beside it
  expect_nothing_cut_off(*window);
  EXPECT_EQ(find<QLabel>("status").text(), said);
  for (const char* name : {"dynamics_s_plane", "dynamics_z_plane"}) {
    const auto& plane = find<PolePlaneView>(name);
    EXPECT_LE(QFontMetricsF(font(TextRole::caption)).horizontalAdvance(plane.data()->subtitle), plane.width()) << name;
  }
}

// Before and after the text grows: the cards are as high as their width and their words need.
TEST_F(LayoutTest, the_shelf_of_lessons_fits_at_double_text_size) {
  window->resize(1280, 800);
  window->show_workspace(u("learn"));
  ASSERT_TRUE(wait_until([this] { return window->current().settled(); }));
  const auto& shelf = find<QScrollArea>("learn_shelf");
  const auto cards = [&] { return shelf.findChildren<LessonCard*>(); };
  ASSERT_GT(cards().size(), 10);
  for (const double scale : {1.0, 2.0}) {
    while (text_scale() < scale) trigger("larger_text");
    for (int pass = 0; pass < 3; ++pass) QApplication::processEvents();
    EXPECT_LE(shelf.widget()->width(), shelf.viewport()->width()) << "at text size " << scale;
    for (const LessonCard* card : cards()) {
      EXPECT_LE(card->geometry().right(), shelf.viewport()->width()) << card->accessibleName().toStdString();
      EXPECT_GE(card->height(), card->heightForWidth(card->width())) << card->accessibleName().toStdString();
    }
  }
}

TEST_F(LayoutTest, theme_is_remembered_and_changes_every_pixel_of_the_ground) {
  open_sample();
  EXPECT_LT(window->grab().toImage().pixelColor(700, 870).lightness(), 60);
  trigger("theme");
  QCoreApplication::processEvents();
  EXPECT_FALSE(theme().dark());
  EXPECT_EQ(Settings().theme_kind(), ThemeKind::light);
  EXPECT_GT(window->grab().toImage().pixelColor(700, 870).lightness(), 200);
}

TEST_F(LayoutTest, long_notice_and_progress_find_their_room) {
  window->resize(1024, 640);
  open_sample();
  window->open_path(u("/a/folder/with/a/long/name/").repeated(12));
  document().run_prompt(u("Let there be light. ").repeated(500));
  ASSERT_TRUE(wait_until([this] { return document().activity() == Activity::working; }));
  QCoreApplication::processEvents();
  ASSERT_FALSE(notice().isEmpty());
  expect_nothing_cut_off(*window);
  trigger("stop");
  ASSERT_TRUE(settled());
}

}  // namespace
}  // namespace statescope::test
