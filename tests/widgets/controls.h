// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the controls share.
#pragma once

#include <gtest/gtest.h>

#include <QApplication>
#include <QDir>
#include <QPainter>
#include <QTest>
#include <cmath>
#include <vector>

#include "widgets/theme.h"
#include "widgets/token_strip.h"
#include "widgets/top_bar.h"

namespace statescope {

inline QString u(const char* text) {
  return QString::fromUtf8(text);
}

/// Saves a picture of the widget for people to look at, when STATESCOPE_GRABS names a folder.
inline void save_grab(QWidget& widget, const QString& name, double ratio = 1) {
  const QString folder = qEnvironmentVariable("STATESCOPE_GRABS");
  if (folder.isEmpty()) return;
  QDir().mkpath(folder);
  QImage image(widget.size() * ratio, QImage::Format_RGB32);
  image.setDevicePixelRatio(ratio);
  image.fill(theme().background);
  widget.render(&image, QPoint(), QRegion(), QWidget::DrawChildren | QWidget::DrawWindowBackground);
  EXPECT_TRUE(image.save(folder + u("/") + name + u(".png")));
}

class Controls : public testing::Test {
 protected:
  void SetUp() override {
    set_motion(false);
    set_text_scale(1);
    apply_theme(*qApp, ThemeKind::dark);
  }
  void TearDown() override {
    set_text_scale(1);
    set_motion(true);
  }
};

template <typename Widget>
Widget* child(QWidget& parent, const char* name) {
  auto* found = parent.findChild<Widget*>(QLatin1String(name));
  EXPECT_NE(found, nullptr) << name;
  return found;
}

inline void click(QWidget& parent, const char* name) {
  QTest::mouseClick(child<QWidget>(parent, name), Qt::LeftButton);
}

inline std::vector<TokenChip> sentence() {
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

inline std::vector<TokenChip> long_text(int count) {
  std::vector<TokenChip> tokens(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    TokenChip& chip = tokens[static_cast<size_t>(i)];
    chip.text = u(i % 3 == 0 ? " the" : "token") + QString::number(i);
    chip.id = i;
    chip.value = 0.5f + 0.5f * std::sin(static_cast<float>(i) * 0.1f);
  }
  return tokens;
}

inline void fill(TopBar& bar) {
  bar.set_title(u("mamba-lab"));
  bar.set_chips({{u("model"), u("Mamba-1 · 8 layers · 4.5 M parameters"), {}, false, 2},
                 {u("device"), u("CPU · AVX-512 · 2 threads"), {}, false, 1},
                 {u("conflicts"), u("2 config conflicts"), u("config.json and the tensors disagree"), true, 0}});
  bar.set_speed(u("412 tokens/s"));
}

}  // namespace statescope
