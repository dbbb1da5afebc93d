// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/theme.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QFrame>
#include <QSignalSpy>
#include <memory>

#include "controls.h"
#include "widgets/style_root.h"

namespace statescope {
namespace {

TEST(Theme, ContrastRatioIsTheOneOfWcag) {
  EXPECT_NEAR(contrast_ratio(Qt::black, Qt::white), 21.0, 1e-9);
  EXPECT_NEAR(contrast_ratio(QColor(0x777777), Qt::white), 4.48, 0.005);  // the well-known grey that just fails
}

TEST(Theme, TextAndSymbolsAreReadableOnEveryGround) {
  const std::pair<Theme, double> themes[] = {{Theme::make(ThemeKind::light), 4.5},
                                             {Theme::make(ThemeKind::dark), 4.5},
                                             {Theme::make(ThemeKind::projector), 7}};
  for (const auto& [theme, least] : themes) {
    const double enough = least;
    for (const QColor& ground : {theme.background, theme.surface, theme.raised}) {
      const auto check = [&](const QColor& color, const char* name) {
        EXPECT_GE(contrast_ratio(color, ground), enough) << name << " on " << ground.name().toStdString();
      };
      check(theme.text, "text");
      check(theme.muted, "muted");
      check(theme.accent, "accent");
      check(theme.danger, "danger");
      for (int i = 0; i < symbol_count; ++i) {
        const auto symbol = static_cast<Symbol>(i);
        check(theme.symbol(symbol), symbol_text(symbol).toUtf8().constData());
      }
    }
  }
}

TEST(Theme, NoTwoSymbolsShareAColour) {
  for (const Theme& theme :
       {Theme::make(ThemeKind::light), Theme::make(ThemeKind::dark), Theme::make(ThemeKind::projector)}) {
    for (int i = 0; i < symbol_count; ++i) {
      for (int j = 0; j < i; ++j) EXPECT_NE(theme.symbol_colors[i], theme.symbol_colors[j]);
    }
  }
}

TEST(StyleSheet, LeavesNoNameUnresolvedAndGrowsWithTheText) {
  const Theme theme = Theme::make(ThemeKind::light);
  EXPECT_FALSE(style_sheet(theme, 1.0).contains(QLatin1Char('@')));
  EXPECT_TRUE(style_sheet(theme, 1.0).contains(QStringLiteral("font-size: 18px")));
  EXPECT_TRUE(style_sheet(theme, 2.0).contains(QStringLiteral("font-size: 36px")));
}

TEST(TextScale, GrowsFontsAndLengthsAndTellsTheWidgets) {
  QSignalSpy changed(&ThemeNotifier::instance(), &ThemeNotifier::changed);
  const int before = font(TextRole::body).pixelSize();
  set_text_scale(2.0);
  EXPECT_EQ(changed.count(), 1);
  EXPECT_EQ(font(TextRole::body).pixelSize(), 2 * before);
  EXPECT_EQ(scaled(8), 16);
  EXPECT_EQ(qApp->font().pixelSize(), 2 * before);
  set_text_scale(1.0);
}

TEST(ApplyTheme, SwitchesPaletteAndCurrentTheme) {
  apply_theme(*qApp, ThemeKind::light);
  EXPECT_FALSE(theme().dark());
  EXPECT_EQ(qApp->palette().color(QPalette::Window), theme().background);
  apply_theme(*qApp, ThemeKind::dark);
  EXPECT_TRUE(theme().dark());
}

// What is hidden costs a change of theme nothing.
TEST_F(Controls, hidden_style_roots_follow_when_they_are_shown) {
  auto window = std::make_unique<QWidget>();
  auto* seen = new QFrame(window.get());
  auto* hidden = new QFrame(window.get());
  make_style_root(*seen);
  make_style_root(*hidden);
  EXPECT_TRUE(qApp->styleSheet().isEmpty());
  hidden->hide();
  window->show();
  apply_theme(*qApp, ThemeKind::light);
  EXPECT_EQ(seen->styleSheet(), style_sheet(theme(), 1));
  EXPECT_NE(hidden->styleSheet(), style_sheet(theme(), 1));
  hidden->show();
  EXPECT_EQ(hidden->styleSheet(), style_sheet(theme(), 1));
  window.reset();
  QApplication::processEvents();
  EXPECT_EQ(qApp->styleSheet(), style_sheet(theme(), 1));
}

}  // namespace
}  // namespace statescope
