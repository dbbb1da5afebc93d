// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/matrix_editor.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>

#include "controls.h"
#include "engine/error.h"

namespace statescope {
namespace {

StateMatrices random_like(int states) {
  StateMatrices result{{states, states, {}}, {states, 1, {}}, {1, states, {}}, {1, 1, {0}}};
  for (int i = 0; i < states * states; ++i) result.A.values.push_back(std::sin(i + 1.0) - (i % (states + 1) == 0));
  for (int i = 0; i < states; ++i) {
    result.B.values.push_back(0.1 * i);
    result.C.values.push_back(1.0 / (i + 1));
  }
  return result;
}

class Matrices : public Controls {
 protected:
  void SetUp() override {
    Controls::SetUp();
    editor.resize(320, 260);
    editor.set_matrices(random_like(3));
    editor.show();
    editor.activateWindow();
    ASSERT_TRUE(QTest::qWaitForWindowActive(&editor));
  }
  QWidget& grid() { return *child<QWidget>(editor, "matrix_grid"); }
  QString message() { return child<QLabel>(editor, "matrix_message")->text(); }
  MatrixEditor editor;
};

TEST_F(Matrices, TypingANumberChangesTheChosenCell) {
  QSignalSpy edited(&editor, &MatrixEditor::edited);
  editor.select(Symbol::A, 1, 2);
  grid().setFocus();
  QTest::keyClicks(&grid(), u("-"));
  auto* cell = child<QLineEdit>(editor, "matrix_cell");
  EXPECT_TRUE(cell->hasFocus());
  QTest::keyClicks(cell, u("3/4"));
  QTest::keyClick(cell, Qt::Key_Return);
  EXPECT_EQ(editor.matrices().A.at(1, 2), -0.75);
  EXPECT_EQ(edited.count(), 1);
  EXPECT_TRUE(grid().hasFocus());
}

TEST_F(Matrices, ArrowsWalkFromOneMatrixIntoTheNext) {
  editor.select(Symbol::A, 2, 2);
  grid().setFocus();
  QTest::keyClick(&grid(), Qt::Key_Right);
  auto* cell = child<QLineEdit>(editor, "matrix_cell");
  EXPECT_EQ(cell->text().toDouble(), editor.matrices().B.at(2, 0));
  QTest::keyClick(&grid(), Qt::Key_Down);
  EXPECT_EQ(cell->text().toDouble(), editor.matrices().D.at(0, 0));
  QTest::keyClick(&grid(), Qt::Key_Left);
  EXPECT_EQ(cell->text().toDouble(), editor.matrices().C.at(0, 2));
}

TEST_F(Matrices, AClickChoosesACellAtEverySize) {
  for (const int states : {3, 8, 40}) {
    editor.set_matrices(random_like(states));
    qApp->processEvents();
    const QRect place = editor.cell_rect(Symbol::A, states - 1, 0);
    QTest::mouseClick(&grid(), Qt::LeftButton, {}, place.center() - grid().pos());
    EXPECT_EQ(child<QLineEdit>(editor, "matrix_cell")->text().toDouble(), editor.matrices().A.at(states - 1, 0));
    save_grab(editor, u("matrices_%1").arg(states));
  }
}

TEST_F(Matrices, WrongTextGetsASentenceAndChangesNothing) {
  const StateMatrices before = editor.matrices();
  editor.select(Symbol::A, 0, 0);
  auto* cell = child<QLineEdit>(editor, "matrix_cell");
  cell->setText(u("abc"));
  QTest::keyClick(cell, Qt::Key_Return);
  EXPECT_EQ(editor.matrices(), before);
  EXPECT_TRUE(message().startsWith(u("“abc” is not a number")));
  QTest::keyClick(cell, Qt::Key_Escape);
  EXPECT_EQ(cell->text().toDouble(), before.A.at(0, 0));
  EXPECT_TRUE(message().isEmpty());
}

TEST_F(Matrices, PasteABlockFromASpreadsheet) {
  editor.select(Symbol::A, 1, 1);
  QGuiApplication::clipboard()->setText(u("1,5\t−2\r\n3e-1\t1/4\r\n"));
  QTest::keyClick(&grid(), Qt::Key_V, Qt::ControlModifier);
  EXPECT_EQ(editor.matrices().A.at(1, 1), 1.5);
  EXPECT_EQ(editor.matrices().A.at(1, 2), -2);
  EXPECT_EQ(editor.matrices().A.at(2, 1), 0.3);
  EXPECT_EQ(editor.matrices().A.at(2, 2), 0.25);
  editor.select(Symbol::A, 2, 2);
  QTest::keyClick(&grid(), Qt::Key_V, Qt::ControlModifier);
  EXPECT_TRUE(message().contains(u("2 × 2 does not fit")));
  editor.select(Symbol::A, 0, 0);
  QTest::keyClick(&grid(), Qt::Key_C, Qt::ControlModifier);
  EXPECT_EQ(parse_matrix(QGuiApplication::clipboard()->text()), editor.matrices().A);
}

TEST_F(Matrices, RefuseShapesThatDoNotFitAndEditingWhereThereIsNone) {
  StateMatrices wrong = random_like(3);
  wrong.B.rows = 1;
  wrong.B.columns = 3;
  EXPECT_THROW(editor.set_matrices(wrong), Error);
  editor.set_editable(false, u("A diagonal system has no other entries."));
  QSignalSpy edited(&editor, &MatrixEditor::edited);
  QGuiApplication::clipboard()->setText(u("7"));
  QTest::keyClick(&grid(), Qt::Key_V, Qt::ControlModifier);
  EXPECT_EQ(edited.count(), 0);
  EXPECT_TRUE(message().startsWith(u("A diagonal system")));
}

TEST(ParseMatrix, KnowsTheUsualWritings) {
  const MatrixValues wanted{2, 2, {1, 2, 3, 4.5}};
  for (const char* text : {"1 2\n3 4.5", "1,2\n3,4.5\n", "1;2\n3;4,5", "  1\t2\n\n3\t4.5\n"}) {
    EXPECT_EQ(parse_matrix(u(text)), wanted) << text;
  }
  EXPECT_THROW(parse_matrix(u("1 2\n3")), Error);
  EXPECT_THROW(parse_matrix(u("1 x")), Error);
  for (const char* text : {"", "nan", "inf", "1/0", "1/2/3", "--1", "1 2"}) EXPECT_FALSE(parse_number(u(text))) << text;
}

}  // namespace
}  // namespace statescope
