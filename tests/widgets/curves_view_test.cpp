// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/curves_view.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QElapsedTimer>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include "engine/error.h"
#include "view_samples.h"

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
    if (data->curves[static_cast<std::size_t>(i)].values[3] >
        data->curves[static_cast<std::size_t>(highest)].values[3])
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

TEST_F(Curves, RefuseCurvesOfDifferentLengthAndAnAxisThatTurnsBack) {
  const auto uneven = samples::trajectories(3, 11);
  uneven->curves[1].values = std::make_shared<const std::vector<float>>(10, 1.0F);
  EXPECT_THROW(view.set_data(uneven), Error);
  const auto turning = samples::trajectories(1, 3);
  turning->x = {0.0, 2.0, 1.0};
  EXPECT_THROW(view.set_data(turning), Error);
}

TEST_F(Curves, StayFluidWithManyPoints) {
  view.set_data(samples::trajectories(16, 20000));
  QImage image(view.size(), QImage::Format_ARGB32_Premultiplied);
  image.fill(theme().background);
  QPainter painter(&image);
  view.draw(painter, view.rect(), false);
  QElapsedTimer timer;
  timer.start();
  for (int i = 0; i < 10; ++i) {
    view.set_cursor(100 * i);
    view.draw(painter, view.rect(), false);
  }
  RecordProperty("cursor_microseconds", static_cast<int>(timer.nsecsElapsed() / 10000));
  EXPECT_LT(timer.elapsed(), 200);
}

}  // namespace
}  // namespace statescope
