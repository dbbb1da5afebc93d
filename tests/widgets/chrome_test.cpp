// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QAbstractItemView>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QToolTip>
#include <QVBoxLayout>

#include "controls.h"
#include "widgets/button.h"
#include "widgets/fact_table.h"
#include "widgets/icons.h"
#include "widgets/navigation_rail.h"
#include "widgets/notice.h"
#include "widgets/number_table.h"
#include "widgets/prompt_bar.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/token_strip.h"
#include "widgets/top_bar.h"
#include "widgets/transport_bar.h"
#include "widgets/value_slider.h"
#include "widgets/words.h"

namespace statescope {
namespace {

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

struct LayoutRequests : QObject {
  explicit LayoutRequests(QWidget& window) { window.installEventFilter(this); }
  bool eventFilter(QObject*, QEvent* event) override {
    count += event->type() == QEvent::LayoutRequest;
    return false;
  }
  int count = 0;
};

TEST_F(Controls, a_number_beyond_the_limits_becomes_the_nearest_and_the_slider_says_so) {
  ValueSlider slider(u("Step Δ"), {0.001, 1, 0.001, 1, false, u("s")});
  slider.show();
  auto& field = *slider.findChild<QLineEdit*>();
  QSignalSpy changed(&slider, &ValueSlider::value_changed);
  const auto type = [&](const char* text) {
    field.selectAll();
    QTest::keyClicks(&field, u(text));
    QTest::keyClick(&field, Qt::Key_Return);
  };
  type("0.5");
  EXPECT_EQ(slider.value(), 0.5);
  EXPECT_EQ(QToolTip::text(), QString());
  type("-2");
  EXPECT_EQ(slider.value(), 0.001);
  EXPECT_EQ(changed.count(), 2);
  EXPECT_EQ(QToolTip::text(), u("Step Δ is a number from 0.001 s to 1 s"));
  type("many");
  EXPECT_EQ(slider.value(), 0.001);
  EXPECT_EQ(field.text(), u("0.001 s"));
  EXPECT_EQ(changed.count(), 2);
}

TEST_F(Controls, a_number_with_a_long_unit_gives_up_digits_and_hides_none) {
  ValueSlider slider(u("Damper c"), {0, 10, 0, 10, false, u("N·s/m")});
  slider.show();
  const auto& field = *slider.findChild<QLineEdit*>();
  for (const double value : {1.3159, 0.61234, 9.3463}) {
    slider.set_value(value);
    EXPECT_EQ(slider.value(), value);
    EXPECT_LE(field.fontMetrics().horizontalAdvance(field.text()), field.maximumWidth() - 22) << value;
    EXPECT_NEAR(field.text().section(u(" "), 0, 0).toDouble(), value, 0.05 * value);
  }
}

TEST_F(Controls, new_values_of_a_fact_table_do_not_disturb_the_layout) {
  QWidget window;
  auto* column = new QVBoxLayout(&window);
  auto* table = new FactTable;
  column->addWidget(table);
  column->addStretch(1);
  table->set_rows({{u("reading"), u("4,100 tokens/s")}, {u("scan"), u("31 %"), Qt::red, true}});
  window.resize(400, 300);
  window.show();
  QApplication::processEvents();
  const int two_lines = table->height();
  const LayoutRequests requests(window);
  table->set_rows({{u("reading"), u("5,200 tokens/s")}, {u("scan"), u("29 %"), Qt::red, true}});
  QApplication::processEvents();
  EXPECT_EQ(requests.count, 0);
  EXPECT_TRUE(table->accessibleDescription().contains(u("reading: 5,200 tokens/s")));
  save_grab(window, u("fact-table"));

  // Where there is no room beside it, a value stands below its name.
  window.resize(140, 300);
  QApplication::processEvents();
  EXPECT_GT(table->height(), two_lines);
}

TEST_F(Controls, new_numbers_and_words_are_painted_and_only_another_height_asks_the_layout) {
  QWidget window;
  auto* column = new QVBoxLayout(&window);
  auto* table = new NumberTable;
  auto* words = new Words(TextRole::body);
  column->addWidget(table);
  column->addWidget(words);
  column->addStretch(1);
  const auto row = [](const char* name, const char* value) { return NumberTable::Row{{u(name), u(value)}, Qt::red}; };
  table->set_rows({u("mode"), u("ω")}, {row("λ₀", "1.25"), row("λ₁", "0.5")});
  words->set_text(u("Every mode dies out."));
  window.resize(400, 300);
  window.show();
  QApplication::processEvents();
  const QImage before = window.grab().toImage();
  const int lines = table->height(), sentence = words->height();
  {
    const LayoutRequests requests(window);
    table->set_rows({u("mode"), u("ω")}, {row("λ₀", "7.75"), row("λ₁", "0.5")});
    words->set_text(u("Every mode turns."));
    QApplication::processEvents();
    EXPECT_EQ(requests.count, 0);
  }
  const QImage after = window.grab().toImage();
  const auto changed = [&](const QWidget& widget) {
    return before.copy(widget.geometry()) != after.copy(widget.geometry());
  };
  EXPECT_TRUE(changed(*table));
  EXPECT_TRUE(changed(*words));
  EXPECT_TRUE(table->accessibleDescription().contains(u("λ₀, 7.75")));
  EXPECT_EQ(words->accessibleName(), u("Every mode turns."));

  table->set_rows({u("mode"), u("ω")}, {row("λ₀", "7.75")});
  words->set_text(u("The system is stable, but forward Euler at this Δ is not: a pole lies outside the unit circle."));
  QApplication::processEvents();
  EXPECT_EQ(table->height() * 3, lines * 2);  // of three lines with the names
  EXPECT_GT(words->height(), sentence);
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

TEST_F(Controls, a_button_that_is_on_looks_it) {
  for (const Button::Look look : {Button::Look::plain, Button::Look::raised, Button::Look::outline}) {
    Button button(look, {}, u("Draw"));
    button.setCheckable(true);
    button.resize(button.sizeHint());
    const QImage off = button.grab().toImage();
    button.setChecked(true);
    EXPECT_NE(button.grab().toImage(), off) << static_cast<int>(look);
  }
}

TEST_F(Controls, an_open_choice_shows_all_of_its_rows) {
  QWidget window;
  auto* box = new QComboBox(&window);
  for (int i = 0; i < 9; ++i) box->addItem(u("choice %1").arg(i));
  window.resize(300, 400);
  window.show();
  box->showPopup();
  QTest::qWait(0);
  const QAbstractItemView& list = *box->view();
  for (const int row : {0, 8})
    EXPECT_TRUE(list.viewport()->rect().contains(list.visualRect(box->model()->index(row, 0)))) << row;
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

TEST_F(Controls, options_that_come_late_are_reached_where_the_control_stands) {
  QWidget window;
  auto* row = new QHBoxLayout(&window);
  auto *before = new QLineEdit, *after = new QLineEdit;
  auto* control = new SegmentedControl(u("Layer"));
  for (QWidget* each : {static_cast<QWidget*>(before), static_cast<QWidget*>(control), static_cast<QWidget*>(after)})
    row->addWidget(each);
  window.show();
  control->set_options({{u("1"), {}}, {u("2"), {}}});
  before->setFocus();
  QTest::keyClick(before, Qt::Key_Tab);
  EXPECT_EQ(window.focusWidget()->objectName(), u("segment_0"));
  QTest::keyClick(window.focusWidget(), Qt::Key_Tab);
  EXPECT_EQ(window.focusWidget(), after);
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

}  // namespace
}  // namespace statescope
