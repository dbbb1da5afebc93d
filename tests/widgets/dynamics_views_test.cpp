// SPDX-License-Identifier: GPL-3.0-or-later
// The views of linear systems: dragged, clicked and read back.
#include <gtest/gtest.h>

#include <QApplication>
#include <QLineF>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>
#include <algorithm>
#include <numeric>

#include "dynamics_samples.h"
#include "engine/error.h"
#include "mouse.h"
#include "view_samples.h"

namespace statescope {
namespace {

using Complex = std::complex<double>;
using test::drag;

void turn_wheel(QWidget& widget, const QPointF& at, int steps) {
  QWheelEvent wheel(at, widget.mapToGlobal(at), {}, {0, 120 * steps}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase,
                    false);
  QApplication::sendEvent(&widget, &wheel);
}

class PolePlane : public testing::Test {
 protected:
  void SetUp() override {
    view.resize(440, 380);
    view.set_data(samples::s_plane());
  }
  PolePlaneView view;
};

TEST_F(PolePlane, DraggingAPoleMovesItsConjugate) {
  QSignalSpy moved(&view, &PolePlaneView::pole_moved);
  const QPointF from = view.place_of({-0.4, 2}), to = view.place_of({-1.2, 1.5});
  drag(view, from + QPointF(2, 1), to + QPointF(2, 1));  // held beside its centre, it does not jump
  EXPECT_NEAR(std::abs(view.poles()[0] - Complex(-1.2, 1.5)), 0, 1e-9);
  EXPECT_EQ(view.poles()[1], std::conj(view.poles()[0]));
  EXPECT_EQ(view.poles()[2], Complex(-1, 0));
  ASSERT_GE(moved.count(), 5);
  EXPECT_FALSE(moved.first().at(2).toBool());
  EXPECT_TRUE(moved.last().at(2).toBool());
}

TEST_F(PolePlane, ShiftKeepsTheFrequencyAndControlTheDamping) {
  const Complex from(-0.4, 2);
  drag(view, view.place_of(from), view.place_of({-1.5, 2.4}), Qt::ShiftModifier);
  EXPECT_NEAR(std::abs(view.poles()[0]), std::abs(from), 1e-9);
  EXPECT_LT(view.poles()[0].real(), -1);
  view.set_data(samples::s_plane());
  drag(view, view.place_of(from), view.place_of({-0.2, 1.1}), Qt::ControlModifier);
  EXPECT_NEAR(std::arg(view.poles()[0]), std::arg(from), 1e-9);
  EXPECT_LT(std::abs(view.poles()[0]), 1.3);
}

TEST_F(PolePlane, RealPolesStayRealUntilTwoMeet) {
  drag(view, view.place_of({-1, 0}), view.place_of({-2, 1.5}));
  EXPECT_EQ(view.poles()[2].imag(), 0);
  EXPECT_NEAR(view.poles()[2].real(), -2, 1e-9);
  drag(view, view.place_of(view.poles()[2]), view.place_of({-3, 1}));  // above the other one, at −3
  EXPECT_NEAR(std::abs(view.poles()[2] - Complex(-3, 1)), 0, 1e-9);
  EXPECT_EQ(view.poles()[3], std::conj(view.poles()[2]));
  drag(view, view.place_of(view.poles()[2]), view.place_of({-2.5, 0.01}));
  EXPECT_EQ(view.poles()[2], view.poles()[3]);
  EXPECT_EQ(view.poles()[2].imag(), 0);
}

TEST_F(PolePlane, TakesNewDataWhileDragging) {
  QObject::connect(&view, &PolePlaneView::pole_moved, [this] {
    auto data = samples::s_plane();
    data->poles = view.poles();
    view.set_data(data);
  });
  drag(view, view.place_of({-0.4, 2}), view.place_of({-2, 1}));
  EXPECT_NEAR(std::abs(view.data()->poles[0] - Complex(-2, 1)), 0, 1e-9);
}

TEST_F(PolePlane, KeysChooseAndMove) {
  QSignalSpy selected(&view, &PolePlaneView::pole_selected);
  QTest::keyClick(&view, Qt::Key_PageDown);
  QTest::keyClick(&view, Qt::Key_PageDown);
  EXPECT_EQ(selected.last().at(0).toInt(), 1);
  QTest::keyClick(&view, Qt::Key_Left);
  EXPECT_LT(view.poles()[1].real(), -0.4);
  EXPECT_EQ(view.poles()[0], std::conj(view.poles()[1]));
}

TEST_F(PolePlane, ZoomKeepsWhatIsUnderTheMouse) {
  const QPointF mouse = view.place_of({-1, 1});
  turn_wheel(view, mouse, 3);
  EXPECT_NEAR(QLineF(view.place_of({-1, 1}), mouse).length(), 0, 1e-6);
  EXPECT_GT(view.place_of({0, 1}).x() - mouse.x(), 60);
}

TEST_F(PolePlane, FollowsPolesThatLeaveUnlessZoomedByHand) {
  auto data = samples::s_plane();
  for (Complex& pole : data->poles) pole *= 2;
  const QRectF inside(view.rect());
  const auto shown = [&](const Complex& pole) { return inside.contains(view.place_of(pole)); };
  ASSERT_FALSE(std::ranges::all_of(data->poles, shown));
  view.set_data(data);
  EXPECT_TRUE(std::ranges::all_of(data->poles, shown));
  for (Complex& pole : data->poles) pole = pole * 0.001 + 1000.0;
  view.set_data(std::make_shared<PolePlaneData>(*data));
  EXPECT_TRUE(std::ranges::all_of(data->poles, shown));
  turn_wheel(view, view.place_of({-1, 1}), 3);
  const QPointF origin = view.place_of({});
  data = samples::s_plane();
  for (Complex& pole : data->poles) pole *= 3;
  view.set_data(data);
  EXPECT_EQ(view.place_of({}), origin);
}

// A pole at the foot would stand among the letters; they make room.
TEST_F(PolePlane, TheNameOfTheRegionCoversNoPole) {
  auto data = samples::s_plane();
  data->region->shape = PlaneRegion::Shape::left_of;
  data->region->center = 1;  // far from the pole
  const auto letters_at = [&](const QPointF& place) {
    view.set_data(std::make_shared<PolePlaneData>(*data));
    const QImage image = view.picture(1);
    int found = 0;
    for (int y = -6; y <= 6; ++y)
      for (int x = -6; x <= 6; ++x) {
        const QColor c = image.pixelColor((place + QPointF(x, y)).toPoint());
        found += c.red() > 150 && c.red() > c.blue() + 60;  // the colour of Δ
      }
    return found;
  };
  const QPointF place(120, view.height() - 40);
  data->zeros.clear();
  ASSERT_GT(letters_at(place), 10);
  data->poles.push_back(view.number_at(place));
  EXPECT_EQ(letters_at(place), 0);
  // Where poles stand everywhere, the name stands nowhere.
  std::vector<QPointF> places;
  for (int y = 30; y < view.height() - 8; y += 8) places.emplace_back(view.width() / 2, y);
  for (const QPointF& each : places) data->poles.push_back(view.number_at(each));
  for (const QPointF& each : places) EXPECT_EQ(letters_at(each), 0) << each.y();
}

TEST_F(PolePlane, SaysWhatAPoleIsAndRefusesWhatIsNone) {
  EXPECT_EQ(view.readout(0).toStdString(), "pole 1 · s = −0.4000 ± 2.000i · ω = 2.040 rad/s · ζ = 0.196 · unstable");
  const auto data = samples::s_plane();
  data->poles[0] = {NAN, 1};
  EXPECT_THROW(view.set_data(data), Error);
}

TEST(PlaneRegion, KnowsInsideAndOutside) {
  const PlaneRegion backward{PlaneRegion::Shape::outside, 2, 2, {}};  // 1/Δ = 2
  EXPECT_TRUE(backward.contains({-0.1, 0}));
  EXPECT_FALSE(backward.contains({1, 1}));
  EXPECT_TRUE(backward.contains({5, 0}));
}

TEST(Phase, AClickSaysWhereToStart) {
  PhaseView view;
  view.resize(440, 380);
  view.set_data(samples::oscillation(600, false));
  QSignalSpy moved(&view, &PhaseView::start_moved);
  const QPointF place = view.place_of(100) + QPointF(30, 20), wanted = view.number_at(place);
  drag(view, place, place);
  ASSERT_GE(moved.count(), 2);
  EXPECT_EQ(moved.last().at(0).value<std::vector<double>>(), (std::vector<double>{wanted.x(), wanted.y()}));
  EXPECT_TRUE(moved.last().at(1).toBool());
  const QPointF back = view.number_at(view.place_of(100));
  EXPECT_NEAR(back.x(), view.data()->axes[0].values[100], 1e-9);
  EXPECT_NEAR(back.y(), view.data()->axes[1].values[100], 1e-9);
}

TEST(Phase, TurnsInSpaceAndFindsPoints) {
  PhaseView view;
  view.resize(440, 380);
  view.set_data(samples::oscillation(600, true));
  const QPointF before = view.place_of(0);
  drag(view, {200, 200}, {260, 230});
  EXPECT_GT(QLineF(view.place_of(0), before).length(), 10);
  QSignalSpy clicked(&view, &PhaseView::point_clicked);
  drag(view, view.place_of(0), view.place_of(0));
  ASSERT_EQ(clicked.count(), 1);
  EXPECT_LE(clicked.at(0).at(0).toLongLong(), 2);
  const QPointF turned = view.place_of(0);
  QTest::keyClick(&view, Qt::Key_Left);
  EXPECT_GT(QLineF(view.place_of(0), turned).length(), 1);
}

TEST(Phase, ShiftAndArrowsMoveTheStartInSpaceAsItIsSeen) {
  PhaseView view;
  view.resize(440, 380);
  const auto data = samples::oscillation(600, true);
  for (std::size_t i = 0; i < 3; ++i) data->start[i] = data->axes[i].values[40];
  view.set_data(data);
  drag(view, {200, 200}, {260, 230});
  const QPointF place = view.place_of(40);  // where the start is drawn
  QSignalSpy moved(&view, &PhaseView::start_moved);
  QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
  ASSERT_EQ(moved.count(), 1);
  const auto start = moved.at(0).at(0).value<std::vector<double>>(),
             clicked = view.start_at(place + QPointF(scaled(8), 0));
  ASSERT_EQ(start.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(start[i], clicked[i], 1e-12);
  EXPECT_EQ(view.place_of(40), place);  // the picture itself has not turned
}

TEST(Phase, AClickInSpaceStartsInThePlaneThatFacesTheEye) {
  PhaseView view;
  view.resize(440, 380);
  const auto data = samples::oscillation(600, true);
  for (std::size_t i = 0; i < 3; ++i) data->start[i] = data->axes[i].values[40];
  view.set_data(data);
  drag(view, {200, 200}, {260, 230});  // some view of it
  // Seen where the start is drawn, the start itself is meant.
  const std::vector<double> same = view.start_at(view.place_of(40));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(same[i], data->start[i], 1e-12);
  // Steps to the right and up are at right angles in the cube, and equally long.
  const QPointF place = view.place_of(40);
  const auto step_to = [&](double right, double up) {
    std::vector<double> step = view.start_at(place + QPointF(right, -up));
    for (std::size_t i = 0; i < 3; ++i) {
      const Extremes found = data->axes[i].values.extremes();
      const double low = std::min(0.0, data->axes[i].values[found.lowest]);
      step[i] = (step[i] - data->start[i]) / (std::max(0.0, data->axes[i].values[found.highest]) - low);
    }
    return step;
  };
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  const auto right = step_to(50, 0), up = step_to(0, 50);
  EXPECT_NEAR(product(right, up), 0, 1e-12);
  EXPECT_NEAR(product(right, right), product(up, up), 1e-12);
  EXPECT_GT(product(right, right), 1e-3);
  QSignalSpy moved(&view, &PhaseView::start_moved);
  drag(view, {20, 340}, {20, 340});
  ASSERT_EQ(moved.count(), 1);
  EXPECT_EQ(moved.last().at(0).value<std::vector<double>>(), view.start_at({20, 340}));
}

TEST(Phase, TheCursorMovesBetweenPointsAndTheFieldIsDrawn) {
  PhaseView view;
  view.resize(440, 380);
  const auto data = samples::oscillation(600, false);
  view.set_data(data);
  view.set_cursor(100);
  const QImage still = view.grab().toImage();
  view.set_cursor(100, 0.5);
  EXPECT_GT(samples::differing_pixels(still, view.grab().toImage()), 5);
  view.set_cursor(100);
  const auto bare = samples::oscillation(600, false);
  bare->field = nullptr;
  view.set_data(bare);
  EXPECT_GT(samples::differing_pixels(still, view.grab().toImage()), 1000);
}

TEST(Phase, DrawsWhatIsNotFiniteAndRefusesUnevenAxes) {
  PhaseView view;
  view.resize(300, 300);
  const auto data = samples::oscillation(50, true);
  std::vector<double> values(50, 1e300);
  values[3] = NAN;
  values[4] = HUGE_VAL;
  data->axes[1].values = values;
  view.set_data(data);
  view.set_cursor(10);
  EXPECT_FALSE(view.grab().isNull());
  const auto uneven = samples::oscillation(50, false);
  uneven->axes[0].values = std::vector<double>(3, 1.0);
  EXPECT_THROW(view.set_data(uneven), Error);
}

TEST(Phase, ALongCourseKeepsItsShapeAndItsPlaces) {
  PhaseView view;
  view.resize(320, 320);
  const auto grab = [&view](qint64 points) {
    view.set_data(samples::oscillation(points, false));
    view.set_cursor(points - 1);
    view.set_tail(1);
    return view.grab().toImage();
  };
  const QImage brief = grab(4000), whole = grab(400'000);  // the same spiral, and a long rest at its end
  EXPECT_LT(samples::differing_pixels(brief, whole), 0.02 * 320 * 320);
  EXPECT_EQ(view.point_near(view.place_of(300)), 300);
}

class Theatre : public testing::Test {
 protected:
  void SetUp() override {
    view.resize(760, 420);
    view.set_data(samples::forgetting(2048));
  }
  ConvolutionView view;
};

TEST_F(Theatre, ProductsAddUpToTheOutput) {
  view.set_cursor(700);
  double sum = 0;
  for (const QString& line : view.csv().split(QLatin1Char('\n'), Qt::SkipEmptyParts).mid(1)) {
    sum += line.section(QLatin1Char(','), 3, 3).toDouble();
  }
  EXPECT_NEAR(sum, view.data()->output[700], 1e-14);
  EXPECT_NEAR(view.data()->recurrence[700], view.data()->output[700], 1e-14);
}

TEST_F(Theatre, TheKernelSlidesAndTheSumLands) {
  using Row = ConvolutionView::Row;
  view.set_cursor(10);
  const QImage before = view.grab().toImage();
  const int kernel_row = static_cast<int>(view.place_of(Row::kernel, 2000).y());
  const int output_row = static_cast<int>(view.place_of(Row::output, 2047).y());
  view.set_cursor(10, 0.3);
  const QImage sliding = view.grab().toImage();
  EXPECT_GT(samples::differing_pixels(before, sliding, {120, kernel_row - 20, 600, 40}), 100);
  view.set_cursor(10, 0.99);
  const QImage landed = view.grab().toImage();
  const int x = static_cast<int>(view.place_of(Row::output, 11).x());
  EXPECT_GT(samples::differing_pixels(sliding, landed, {x - 5, output_row - 45, 10, 90}), 10);
}

TEST_F(Theatre, KeysAndClicksStep) {
  QSignalSpy clicked(&view, &ConvolutionView::step_clicked);
  view.set_cursor(1000);
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_EQ(clicked.last().at(0).toLongLong(), 1001);
  const QPointF place = view.place_of(ConvolutionView::Row::signal, 990);
  drag(view, place, place);
  EXPECT_EQ(clicked.last().at(0).toLongLong(), 990);
  const int before = view.window();
  turn_wheel(view, place, 2);
  EXPECT_LT(view.window(), before);
}

TEST_F(Theatre, RefusesRowsOfDifferentLength) {
  const auto data = samples::forgetting(30);
  data->recurrence = std::vector<double>(29, 1.0);
  EXPECT_THROW(view.set_data(data), Error);
}

TEST(Bode, ReadsOutDecibelsAndDegrees) {
  BodeView view;
  view.resize(440, 320);
  const auto data = samples::resonance();
  data->frequency = {0.1, 1, 10};
  for (BodeCurve& curve : data->curves) {
    curve.magnitude = std::vector<double>{1, 10, 0.01};
    curve.phase = std::vector<double>{0, -std::numbers::pi / 2, -std::numbers::pi};
  }
  view.set_data(data);
  EXPECT_EQ(view.readout(0, 1).toStdString(), "ω = 1.000 rad/s · continuous · |H| = 20.00 dB · −90.00°");
  // Equal factors are equally far apart, and so are equal numbers of decibels.
  const auto at = [&view](qint64 point) { return view.place_of(BodeView::Pane::magnitude, 0, point); };
  EXPECT_NEAR(at(1).x() - at(0).x(), at(2).x() - at(1).x(), 1e-9);
  EXPECT_NEAR(3 * (at(0).y() - at(1).y()), at(2).y() - at(1).y(), 1e-9);
  QSignalSpy chosen(&view, &BodeView::frequency_chosen);
  drag(view, at(1) + QPointF(3, 0), at(1) + QPointF(3, 0));
  EXPECT_EQ(chosen.last().at(0).toDouble(), 1);
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_EQ(view.cursor(), 10);
}

TEST(Bode, RefusesFrequenciesThatAreNot) {
  BodeView view;
  const auto data = samples::resonance();
  data->frequency[0] = 0;
  EXPECT_THROW(view.set_data(data), Error);
}

TEST(Signal, DrawsWithTheMouseAndKeepsItsLength) {
  SignalView view;
  view.resize(560, 200);
  view.set_data(samples::memory(500));
  view.set_drawable(true);
  const double untouched = view.data()->curves[0].values[20];
  QSignalSpy drawn(&view, &SignalView::drawn);
  const double y = view.number_at({0, 100}).y();
  drag(view, {view.place_of(0, 200).x(), 100}, {view.place_of(0, 400).x(), 100});
  const auto values = drawn.last().at(0).value<std::vector<double>>();
  ASSERT_EQ(values.size(), 500u);
  EXPECT_TRUE(drawn.last().at(1).toBool());
  EXPECT_NEAR(values[300], y, 1e-9);
  EXPECT_EQ(values[20], untouched);
  double step = 0;  // no jump where the stroke begins and ends
  for (std::size_t i = 150; i < 450; ++i) step = std::max(step, std::fabs(values[i + 1] - values[i]));
  EXPECT_LT(step, 0.35);
  view.set_cursor(300);
  QTest::keyClick(&view, Qt::Key_Up);
  EXPECT_GT(view.data()->curves[0].values[300], y + 0.01);
}

TEST(Signal, AStrokeInALongSignalTakesItsResolution) {
  SignalView view;
  view.resize(560, 200);
  view.set_data(samples::memory(100'000));
  view.set_drawable(true);
  view.set_resolution(1000);
  const double end = view.data()->x_at(99'999), y = view.number_at({0, 100}).y();
  QSignalSpy drawn(&view, &SignalView::drawn);
  drag(view, {view.place_of(0, 40'000).x(), 100}, {view.place_of(0, 60'000).x(), 100});
  const auto values = drawn.last().at(0).value<std::vector<double>>();
  ASSERT_EQ(values.size(), 1000u);
  EXPECT_NEAR(values[500], y, 1e-9);
  EXPECT_EQ(values[100], samples::memory(100'000)->curves[0].values[100 * 99'999 / 999]);
  EXPECT_NEAR(view.data()->x_at(999), end, 1e-9) << "the same seconds";
}

TEST(Signal, SmoothingKeepsStraightLinesAndWhatWasNotTouched) {
  std::vector<double> before(300, 1.0), stroke = before;
  std::iota(stroke.begin() + 100, stroke.begin() + 200, -50.0);
  const auto smooth = smooth_stroke(before, stroke, {100, 199}, 5);
  EXPECT_EQ(smooth[80], 1.0);
  EXPECT_EQ(smooth[220], 1.0);
  for (std::size_t i = 116; i < 184; ++i) EXPECT_NEAR(smooth[i], stroke[i], 1e-12) << i;
}

}  // namespace
}  // namespace statescope
