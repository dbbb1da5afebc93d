// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/sequence_view.h"

#include <gtest/gtest.h>

#include <QSignalSpy>
#include <QTest>

namespace statescope {
namespace {

std::shared_ptr<const SequenceData> sample() {
  using Look = SequenceCell::Look;
  auto data = std::make_shared<SequenceData>();
  data->cells = {{QStringLiteral("a"), Look::plain, {}},
                 {QStringLiteral("·"), Look::quiet, {}},
                 {QStringLiteral("a"), Look::right, {}},
                 {QStringLiteral("b"), Look::wrong, {}}};
  data->shares = {0.75, 0, 0.25, 0};
  data->shares_name = QStringLiteral("kept");
  return data;
}

TEST(SequenceView, ClicksMoveAndASecondClickEdits) {
  SequenceView view;
  view.resize(400, 40);
  view.set_data(sample());
  view.set_editable(true);
  view.show();
  QSignalSpy clicked(&view, &SequenceView::cell_clicked), edited(&view, &SequenceView::edit_requested),
      typed(&view, &SequenceView::typed);
  const auto click = [&](qint64 cell) {
    QTest::mouseClick(&view, Qt::LeftButton, Qt::NoModifier, view.cell_rect(cell).center().toPoint());
  };
  click(2);
  ASSERT_EQ(clicked.size(), 1);
  EXPECT_EQ(clicked[0][0].toLongLong(), 2);
  view.set_cursor(2);
  click(2);
  EXPECT_EQ(edited.size(), 1);
  QTest::keyClick(&view, Qt::Key_Right);
  EXPECT_EQ(clicked.back()[0].toLongLong(), 3);
  QTest::keyClicks(&view, QStringLiteral("c"));
  ASSERT_EQ(typed.size(), 1);
  EXPECT_EQ(typed[0][1].toString(), QStringLiteral("c"));
  view.set_editable(false);
  QTest::keyClicks(&view, QStringLiteral("c"));
  EXPECT_EQ(typed.size(), 1);
  EXPECT_EQ(view.csv(), QStringLiteral("token,text,answer,kept\n0,a,,0.75\n1,·,,0\n2,a,right,0.25\n3,b,wrong,0\n"));
}

// Right and wrong differ in more than colour: in shades of grey too.
TEST(SequenceView, WrongAnswersAreMarkedWithoutColour) {
  SequenceView view;
  view.resize(400, 40);
  auto data = std::make_shared<SequenceData>(*sample());
  data->cells[3].text = data->cells[2].text;
  data->shares.clear();
  view.set_data(data);
  const QImage grey = view.picture(1).convertToFormat(QImage::Format_Grayscale8);
  int different = 0;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 100; ++x) different += grey.pixelColor(200 + x, y) != grey.pixelColor(300 + x, y);
  EXPECT_GT(different, 150) << "a frame and a stroke";
}

}  // namespace
}  // namespace statescope
