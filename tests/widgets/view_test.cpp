// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/view.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QClipboard>
#include <QFile>
#include <QHelpEvent>
#include <QTemporaryDir>
#include <QTest>
#include <QToolTip>
#include <set>
#include <thread>

#include "view_samples.h"

namespace statescope {
namespace {

TEST(View, ControlCCopiesTheData) {
  EquationView view;
  view.set_update(samples::update(), samples::place);
  QApplication::clipboard()->clear();
  QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier);
  EXPECT_EQ(QApplication::clipboard()->text(), view.csv());
  EXPECT_FALSE(view.csv().isEmpty());
}

TEST(View, SavesPngAndSvgByTheEndingOfTheName) {
  const QTemporaryDir folder;
  HeatMapView view;
  view.resize(300, 200);
  view.set_data(samples::states(8, 16));
  view.save_picture(folder.filePath(QStringLiteral("h.png")));
  view.save_picture(folder.filePath(QStringLiteral("h.svg")));
  EXPECT_EQ(QImage(folder.filePath(QStringLiteral("h.png"))).size(), QSize(600, 400));
  QFile svg(folder.filePath(QStringLiteral("h.svg")));
  ASSERT_TRUE(svg.open(QIODevice::ReadOnly));
  EXPECT_TRUE(samples::svg_text(svg.readAll()).contains(QStringLiteral("State ")));
}

TEST(View, ExportLeavesOutHoverAndFocus) {
  HeatMapView view;
  view.resize(300, 200);
  view.set_data(samples::states(8, 16));
  const QImage before = view.picture();
  samples::hover(view, view.cell_rect(3, 3).center());
  const QImage hovered = view.grab().toImage();
  EXPECT_EQ(samples::differing_pixels(before, view.picture()), 0);
  samples::hover(view, {2, 2});
  EXPECT_GT(samples::differing_pixels(hovered, view.grab().toImage()), 500);
}

// Two views of a window: when one is painted, so is the other, on threads of their own.
class PaintedAhead : public testing::Test {
 protected:
  PaintedAhead() {
    map.setGeometry(0, 0, 300, 200);
    map.set_data(samples::states(8, 16));
    equation.setGeometry(0, 200, 300, 260);
    equation.set_update(samples::update(), samples::place);
    window.show();
    View::paint_with([this](int count, const std::function<void(int)>& paint) {
      painted += count;
      std::vector<std::jthread> threads;
      for (int i = 0; i < count; ++i) threads.emplace_back(paint, i);
    });
    equation.update();
    map.update();
    equation.grab();
  }
  ~PaintedAhead() override { View::paint_with({}); }

  QWidget window;
  HeatMapView map{&window};
  EquationView equation{&window};
  int painted = 0;
};

TEST_F(PaintedAhead, ShowsWhatIsTrueNow) {
  ASSERT_EQ(painted, 2);
  const QImage before = map.grab().toImage();
  map.update();
  equation.update();
  equation.grab();
  map.set_cursor_column(3);  // of which the picture that is ready knows nothing
  const QImage after = map.grab().toImage();
  EXPECT_GT(samples::differing_pixels(before, after), 100);
  View::paint_with({});
  map.update();
  EXPECT_EQ(samples::differing_pixels(after, map.grab().toImage()), 0);
}

TEST_F(PaintedAhead, ToolTipsAreThere) {
  const auto tips = [this] {
    std::set<QString> found;
    for (int y = 0; y < equation.height(); y += 4) {
      for (int x = 0; x < equation.width(); x += 4) {
        QHelpEvent event(QEvent::ToolTip, {x, y}, equation.mapToGlobal(QPoint(x, y)));
        QApplication::sendEvent(&equation, &event);
        if (QToolTip::isVisible()) found.insert(QToolTip::text());
      }
    }
    return found;
  };
  ASSERT_EQ(painted, 2);
  const std::set<QString> ahead = tips();
  EXPECT_GE(ahead.size(), 6U);
  View::paint_with({});
  equation.update();
  equation.grab();
  EXPECT_TRUE(tips() == ahead);
}

}  // namespace
}  // namespace statescope
