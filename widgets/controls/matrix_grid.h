// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

#include "widgets/matrix_editor.h"

namespace statescope {

/// The block [A B; C D] with one chosen cell. Draws and walks; what is typed goes to the editor.
class MatrixGrid : public QWidget {
  Q_OBJECT
 public:
  struct Cell {
    Symbol matrix = Symbol::A;
    int row = 0, column = 0;
    bool operator==(const Cell&) const = default;
  };

  explicit MatrixGrid(QWidget* parent = nullptr);

  void set_matrices(const StateMatrices& matrices);
  const StateMatrices& matrices() const { return matrices_; }
  void select(const Cell& cell);
  const Cell& selected() const { return selected_; }
  double value(const Cell& cell) const { return matrices_[cell.matrix].at(cell.row, cell.column); }
  QRectF cell_rect(const Cell& cell) const;
  std::optional<Cell> cell_at(const QPointF& place) const;
  /// Whether cells have room for numbers.
  bool shows_numbers() const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;

 Q_SIGNALS:
  void selection_changed();
  /// Enter, F2, a double click, or the first character of a number.
  void edit_requested(const QString& first_text);
  void copy_requested();
  void paste_requested();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  bool event(QEvent* event) override;

 private:
  int rows() const { return matrices_.A.rows + matrices_.C.rows; }
  int columns() const { return matrices_.A.columns + matrices_.B.columns; }
  Cell cell_of(int row, int column) const;
  QSizeF cell_size(double width) const;
  void walk(int rows, int columns);

  StateMatrices matrices_;
  Cell selected_;
};

}  // namespace statescope
