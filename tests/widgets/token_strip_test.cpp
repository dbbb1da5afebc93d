// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <QElapsedTimer>
#include <QSignalSpy>
#include <cmath>

#include "controls.h"
#include "widgets/token_strip.h"

namespace statescope {
namespace {

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

}  // namespace
}  // namespace statescope
