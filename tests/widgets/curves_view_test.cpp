// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/curves_view.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include "dynamics_samples.h"
#include "engine/error.h"
#include "view_samples.h"
#include "widgets/colormap.h"

namespace statescope {
namespace {

class Curves : public testing::Test {
 protected:
  void SetUp() override { view.resize(760, 240); }
  CurvesView view;
};

TEST_F(Curves, DrawTheChosenCurveThroughItsPoints) {
  view.set_data(samples::trajectories(16, 11));
  view.set_highlighted(6);
  const QImage image = view.grab().toImage();
  for (const qint64 point : {2, 5, 8}) {
    const QPointF place = view.place_of(6, point);
    const QRgb pixel = image.pixel(static_cast<int>(place.x()), static_cast<int>(place.y()));
    EXPECT_EQ(pixel, theme().symbol(Symbol::h).rgb()) << point;
  }
}

TEST_F(Curves, CursorChangesPixelsOnlyAtItsPoint) {
  view.set_data(samples::trajectories(4, 11));
  view.set_highlighted(1);
  const QImage before = view.grab().toImage();
  view.set_cursor(5);
  const QImage after = view.grab().toImage();
  const int x = view.place_of(1, 5).toPoint().x();
  EXPECT_GT(samples::differing_pixels(before, after, {x - 3, 40, 6, 150}), 60);
  EXPECT_EQ(samples::differing_pixels(before, after, {60, 30, x - 100, 180}), 0);
}

TEST_F(Curves, ClickFindsTheNearestCurveAndPoint) {
  view.set_data(samples::trajectories(16, 11));
  QSignalSpy clicked(&view, &CurvesView::point_clicked);
  const auto data = view.data();
  // The curve that is highest at token 3 has no other above it.
  int highest = 0;
  for (int i = 1; i < 16; ++i) {
    if (data->curves[static_cast<std::size_t>(i)].values[3] > data->curves[static_cast<std::size_t>(highest)].values[3])
      highest = i;
  }
  QTest::mouseClick(&view, Qt::LeftButton, {}, view.place_of(highest, 3).toPoint() - QPoint(0, 3));
  ASSERT_EQ(clicked.count(), 1);
  EXPECT_EQ(clicked.at(0), (QVariantList{highest, qint64{3}}));
}

TEST_F(Curves, KeysStepThroughPointsAndCurves) {
  view.set_data(samples::trajectories(4, 11));
  view.set_highlighted(1);
  view.set_cursor(4);
  QSignalSpy clicked(&view, &CurvesView::point_clicked);
  QTest::keyClick(&view, Qt::Key_Right);
  QTest::keyClick(&view, Qt::Key_Down);
  EXPECT_EQ(clicked.last(), (QVariantList{2, qint64{5}}));
}

TEST_F(Curves, WheelZoomsAndZeroResets) {
  view.set_data(samples::trajectories(4, 400));
  const QPointF mouse = view.place_of(0, 200);
  const double before = view.place_of(0, 201).x() - mouse.x();
  QWheelEvent wheel(mouse, view.mapToGlobal(mouse), {}, {0, 480}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase,
                    false);
  QApplication::sendEvent(&view, &wheel);
  EXPECT_GT(view.place_of(0, 201).x() - view.place_of(0, 200).x(), 1.5 * before);
  EXPECT_NEAR(view.place_of(0, 200).x(), mouse.x(), 0.01);
  QTest::keyClick(&view, Qt::Key_0);
  EXPECT_NEAR(view.place_of(0, 201).x() - view.place_of(0, 200).x(), before, 1e-9);
}

TEST_F(Curves, CsvReadsBackAsTheSameNumbers) {
  const auto data = samples::trajectories(3, 11);
  view.set_data(data);
  const QStringList lines = view.csv().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
  ASSERT_EQ(lines.size(), 12);
  EXPECT_EQ(lines[0], QStringLiteral("tokens,label,state 0,state 1,state 2"));
  EXPECT_EQ(lines[8].split(QLatin1Char(',')).at(3).toFloat(), data->curves[1].values[7]);
}

TEST_F(Curves, ReadOutNamesPointCurveAndUnit) {
  const auto data = samples::trajectories(7, 11);
  data->curves[6].values = std::make_shared<const std::vector<float>>(11, -0.00061F);
  view.set_data(data);
  EXPECT_EQ(view.readout(6, 7).toStdString(), "token 7 “.” · state 6 · h = −0.0006100 dimensionless");
}

TEST_F(Curves, LeaveAGapWhereAValueIsNotANumber) {
  const auto data = samples::trajectories(1, 11);
  std::vector<float> values(11, 0.5F);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  data->curves[0].values = std::make_shared<const std::vector<float>>(values);
  view.set_data(data);
  view.set_highlighted(0);
  const QImage image = view.grab().toImage();
  const QPointF a = view.place_of(0, 2), b = view.place_of(0, 3), c = view.place_of(0, 4), d = view.place_of(0, 6);
  EXPECT_EQ(image.pixel(((a + b) / 2).toPoint()), theme().symbol(Symbol::h).rgb());
  EXPECT_NE(image.pixel(((c + d) / 2).toPoint()), theme().symbol(Symbol::h).rgb());
}

TEST_F(Curves, DecadesAreEquallyHighAndWhatHasNoneIsAGap) {
  auto data = std::make_shared<CurvesData>();
  data->curves = {{QStringLiteral("error"), std::vector<double>{5, 0.05, 0.0005, 0, -1}, {}, false}};
  data->y_logarithmic = true;
  view.set_data(data);
  const double first = view.place_of(0, 0).y(), second = view.place_of(0, 1).y(), third = view.place_of(0, 2).y();
  EXPECT_GT(second, first + 20);
  EXPECT_NEAR(third - second, second - first, 1e-9);
  EXPECT_TRUE(std::isnan(view.place_of(0, 3).y()));
  EXPECT_TRUE(std::isnan(view.place_of(0, 4).y()));
  EXPECT_NEAR(view.number_at(view.place_of(0, 1)).y(), 0.05, 1e-12);
}

TEST_F(Curves, OfAFamilyEveryCurveHasItsColour) {
  const auto data = std::make_shared<CurvesData>(*samples::trajectories(3, 11));
  for (int i = 0; i < 3; ++i)
    data->curves[static_cast<std::size_t>(i)].values = std::vector<double>(11, static_cast<double>(i + 1));
  data->family = data->legend = true;
  view.set_data(data);
  for (int i = 0; i < 3; ++i) {
    view.set_highlighted(i);  // broad enough for pixels of nothing else
    const QPointF place = view.place_of(i, 5);
    EXPECT_EQ(view.grab().toImage().pixel(static_cast<int>(place.x()), static_cast<int>(place.y())),
              family_color(theme(), data->symbol, i, 3).rgb())
        << i;
  }
}

TEST_F(Curves, RefuseCurvesOfDifferentLengthAndAnAxisThatTurnsBack) {
  const auto uneven = samples::trajectories(3, 11);
  uneven->curves[1].values = std::make_shared<const std::vector<float>>(10, 1.0F);
  EXPECT_THROW(view.set_data(uneven), Error);
  const auto turning = samples::trajectories(1, 3);
  turning->x = {0.0, 2.0, 1.0};
  EXPECT_THROW(view.set_data(turning), Error);
}

TEST_F(Curves, ShowEverySpikeOfAMillionSamplesAndReadThemExactly) {
  apply_theme(*qApp, ThemeKind::dark);  // where a curve is bluer than what is behind it
  std::vector<double> values(1000000, 0.0);
  const qint64 spikes[] = {0, 123457, 500000, 999998};
  for (const qint64 spike : spikes) values[static_cast<std::size_t>(spike)] = 0.1 + static_cast<double>(spike) * 1e-7;
  const auto data = std::make_shared<CurvesData>();
  data->curves = {{QStringLiteral("signal"), values}};
  data->x_step = 1 / 48000.0;
  data->x_axis = QStringLiteral("t");
  data->x_unit = QStringLiteral("s");
  view.set_data(data);
  view.set_highlighted(0);
  const QImage image = view.grab().toImage();
  const auto colored_above = [&](qint64 point) {  // halfway up the spike, within a pixel of it
    const QPoint place =
        (view.place_of(0, point) + QPointF(view.place_of(0, point).x(), view.place_of(0, 7).y())).toPoint() / 2;
    for (int x = place.x() - 1; x <= place.x() + 1; ++x) {
      if (QColor(image.pixel(x, place.y())).blueF() > QColor(theme().background).blueF() + 0.2) return true;
    }
    return false;
  };
  for (const qint64 spike : spikes) EXPECT_TRUE(colored_above(spike)) << spike;
  EXPECT_FALSE(colored_above(300000));
  EXPECT_EQ(view.readout(0, 123457).toStdString(), "t = 2.572 s · signal · 0.1123");
  EXPECT_TRUE(view.csv().contains(QStringLiteral("\n2.572020833333333,0.1123457\n")));
}

// On the screen broad lines are drawn strip by strip; an export draws them whole. Two roundings of transparent edges.
TEST_F(Curves, LookTheSameOnTheScreenAndExported) {
  auto data = std::make_shared<CurvesData>();
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) values.push_back(i == 140 ? std::nan("") : std::sin(0.3 * i) + std::sin(0.011 * i * i));
  data->curves = {{QStringLiteral("a"), values, Symbol::h, false}, {QStringLiteral("b"), values, {}, true}};
  view.set_data(data);
  view.set_highlighted(0);
  const QImage screen = view.grab().toImage().convertToFormat(QImage::Format_RGB32);
  const QImage whole = view.picture(1).convertToFormat(QImage::Format_RGB32);
  ASSERT_EQ(screen.size(), whole.size());
  // Text has other edges in a pixmap that is kept; the curves lie between these.
  const int left = static_cast<int>(view.place_of(0, 0).x()), right = static_cast<int>(view.place_of(0, 299).x());
  const int top = static_cast<int>(view.place_of(0, 0).y()) - 80;
  int curve = 0;
  for (int y = top; y < screen.height() - 30; ++y)
    for (int x = left; x <= right; ++x) {
      const QColor a = screen.pixelColor(x, y), b = whole.pixelColor(x, y);
      curve += a.rgb() != theme().background.rgb();
      ASSERT_LE(std::max({std::abs(a.red() - b.red()), std::abs(a.green() - b.green()), std::abs(a.blue() - b.blue())}),
                2)
          << x << ", " << y;
    }
  EXPECT_GT(curve, 1000);
}

TEST_F(Curves, DrawTheSameHoweverOftenAPointIsRepeated) {
  // More points than show, and three times as many in the same places: columns keep their extremes, so that only
  // shades of edges may differ, here less than half a percent of the picture.
  const auto wave = [](int copies) {
    std::vector<double> values, x;
    for (int i = 0; i < 5000; ++i) {
      for (int copy = 0; copy < copies; ++copy) {
        values.push_back(std::sin(0.37 * i) * std::cos(0.001 * i));
        x.push_back(i + 1e-7 * copy);
      }
    }
    auto data = std::make_shared<CurvesData>();
    data->curves = {{QStringLiteral("wave"), values}};
    data->x = x;
    return data;
  };
  view.set_data(wave(1));
  const QImage once = view.grab().toImage();
  view.set_data(wave(3));
  EXPECT_LT(samples::differing_pixels(once, view.grab().toImage()), once.width() * once.height() / 200);
}

TEST_F(Curves, ShadeTheWeightAndWashTheFuture) {
  const auto data = samples::memory(400);
  view.set_data(data);
  view.set_cursor(300);
  const QImage image = view.grab().toImage();
  const auto ground = [&](qint64 point) {
    const QPointF place = view.place_of(-1, point);
    return QColor(image.pixel(static_cast<int>(place.x()) + 1, static_cast<int>(view.place_of(0, 0).y()) + 40));
  };
  const QColor old = ground(40), recent = ground(290), future = ground(350);
  EXPECT_GT(recent.blueF() - recent.redF(), old.blueF() - old.redF() + 0.03);
  EXPECT_LT(future.blueF() - future.redF(), 0.06);
  EXPECT_TRUE(view.csv().startsWith(QStringLiteral("t,signal,LegS,LegT,what the state remembers\n")));
  const auto uneven = samples::memory(400);
  uneven->band->weights = std::vector<double>(3, 1.0);
  EXPECT_THROW(view.set_data(uneven), Error);
}

}  // namespace
}  // namespace statescope
