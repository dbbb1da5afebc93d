// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QWidget>
#include <optional>
#include <vector>

#include "widgets/theme.h"

class QLabel;
class QLineEdit;

namespace statescope {

/// Numbers by row: value (r, c) is values[r · columns + c].
struct MatrixValues {
  int rows = 0, columns = 0;
  std::vector<double> values;

  double& at(int row, int column) { return values[static_cast<std::size_t>(row * columns + column)]; }
  double at(int row, int column) const { return values[static_cast<std::size_t>(row * columns + column)]; }
  bool operator==(const MatrixValues&) const = default;
};

/// x' = A x + B u, y = C x + D u. Shapes [N, N], [N, inputs], [outputs, N], [outputs, inputs].
struct StateMatrices {
  MatrixValues A, B, C, D;
  /// By one of the symbols A, B, C, D.
  const MatrixValues& operator[](Symbol symbol) const;
  MatrixValues& operator[](Symbol symbol);
  bool operator==(const StateMatrices&) const = default;
};

/// A number as people write it: "-0.5", "−0,5", "1e-3", "2/3". Nothing where it is none, or not finite.
std::optional<double> parse_number(const QString& text);
/// Rows of numbers as a spreadsheet or a text file has them: cells apart by tabs, semicolons, commas or spaces. Throws
/// `Error` with a sentence that says which cell is no number, or that rows differ in length.
MatrixValues parse_matrix(const QString& text);

class MatrixGrid;

/// The four matrices as one block [A B; C D], each in its colour, and a line that edits the chosen cell. Where cells
/// are too small for numbers they are a heat map. Arrow keys walk, typing or Enter edits, Esc gives up, Ctrl+C copies
/// the chosen matrix, Ctrl+V pastes a block with its upper left corner at the chosen cell.
class MatrixEditor : public QWidget {
  Q_OBJECT
 public:
  explicit MatrixEditor(QWidget* parent = nullptr);

  /// Throws `Error` when the shapes do not fit. Keeps the chosen cell where it still exists.
  void set_matrices(const StateMatrices& matrices);
  const StateMatrices& matrices() const;
  /// Without editing the numbers can still be read and copied; `reason` says why, in place of messages.
  void set_editable(bool editable, const QString& reason = {});

  /// The chosen cell of one of the symbols A, B, C, D.
  void select(Symbol matrix, int row, int column);
  /// A sentence below: what is wrong with what was entered or computed from it. Empty: nothing is.
  void show_error(const QString& sentence);
  /// Where a cell is, in the editor.
  QRect cell_rect(Symbol matrix, int row, int column) const;

 Q_SIGNALS:
  /// Every accepted change.
  void edited(const StateMatrices& matrices);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void show_cell();
  void commit();
  void paste(const QString& text);
  void accept(const StateMatrices& matrices);

  bool editable_ = true;
  QString reason_;
  MatrixGrid* grid_;
  QLabel *cell_name_, *message_;
  QLineEdit* cell_;
};

}  // namespace statescope
