// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bars_view.h"

#include <gtest/gtest.h>

#include <QSignalSpy>
#include <QTest>

#include "view_samples.h"
#include "widgets/colormap.h"

namespace statescope {
namespace {

int count_pixels(const QImage& image, const QColor& color, const QRect& area) {
  int count = 0;
  for (int y = area.top(); y <= area.bottom(); ++y) {
    for (int x = area.left(); x <= area.right(); ++x) count += image.pixel(x, y) == color.rgb();
  }
  return count;
}

TEST(Bars, AreAsLongAsTheirValues) {
  BarsView view;
  view.resize(300, 190);
  view.set_data(samples::candidates());
  const QImage image = view.grab().toImage();
  const auto pixels = [&](int y) { return count_pixels(image, theme().symbol(Symbol::y), {0, y, 300, 1}); };
  std::vector<int> lengths;  // of the bars, found by their colour
  for (int y = 1; y < 190; ++y) {
    if (view.bar_at(QPointF(5, y)) != view.bar_at(QPointF(5, y - 1))) lengths.push_back(0);
    if (!lengths.empty()) lengths.back() = std::max(lengths.back(), pixels(y));
  }
  ASSERT_GE(lengths.size(), 5U);
  EXPECT_NEAR(static_cast<double>(lengths[1]) / lengths[0], 0.144 / 0.211, 0.03);
  EXPECT_NEAR(static_cast<double>(lengths[2]) / lengths[0], 0.047 / 0.211, 0.03);
}

TEST(Bars, HangBelowZeroInOrangeWhereNegative) {
  BarsView view;
  view.resize(300, 140);
  view.set_data(samples::contributions());
  const QImage image = view.grab().toImage();
  EXPECT_GT(count_pixels(image, mix(negative_color(theme()), theme().background, 0.0), image.rect()), 20);
}

TEST(Bars, ClickAndKeysChooseABar) {
  BarsView view;
  view.resize(300, 190);
  view.set_data(samples::candidates());
  QSignalSpy clicked(&view, &BarsView::bar_clicked), activated(&view, &BarsView::bar_activated);
  int y = 0;
  while (view.bar_at(QPointF(20, y)) != 2) ++y;
  QTest::mouseClick(&view, Qt::LeftButton, {}, QPoint(20, y + 4));
  EXPECT_EQ(view.selected(), 2);
  QTest::keyClick(&view, Qt::Key_Up);
  QTest::keyClick(&view, Qt::Key_Return);
  EXPECT_EQ(clicked.last(), QVariantList{qint64{1}});
  EXPECT_EQ(activated.last(), QVariantList{qint64{1}});
}

TEST(Bars, ReadOutAndCsvCarryTheSameValue) {
  BarsView view;
  view.set_data(samples::half_lives());
  EXPECT_EQ(view.readout(2).toStdString(), "state 2 · half-life = 2.300 tokens");
  EXPECT_EQ(view.csv().section(QLatin1Char('\n'), 3, 3), QStringLiteral("2,2.3"));
  view.set_data(samples::contributions());
  EXPECT_EQ(view.readout(7).toStdString(), "token 7 “.” · Δ·B·x = −0.03000");
}

}  // namespace
}  // namespace statescope
