// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/view.h"

#include <gtest/gtest.h>

#include <QClipboard>
#include <QFile>
#include <QGuiApplication>
#include <QTemporaryDir>
#include <QTest>

#include "view_samples.h"

namespace statescope {
namespace {

TEST(View, ControlCCopiesTheData) {
  EquationView view;
  view.set_update(samples::update(), samples::place);
  QGuiApplication::clipboard()->clear();
  QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier);
  EXPECT_EQ(QGuiApplication::clipboard()->text(), view.csv());
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

}  // namespace
}  // namespace statescope
