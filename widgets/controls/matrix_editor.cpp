// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/matrix_editor.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QRegularExpression>
#include <QStyle>
#include <QVBoxLayout>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "matrix_grid.h"
#include "widgets/format.h"

namespace statescope {

const MatrixValues& StateMatrices::operator[](Symbol symbol) const {
  switch (symbol) {
    case Symbol::B:
      return B;
    case Symbol::C:
      return C;
    case Symbol::D:
      return D;
    default:
      return A;
  }
}

MatrixValues& StateMatrices::operator[](Symbol symbol) {
  return const_cast<MatrixValues&>(std::as_const(*this)[symbol]);
}

std::optional<double> parse_number(const QString& text) {
  QString plain = text.trimmed();
  plain.replace(QChar(0x2212), QLatin1Char('-'));
  if (plain.count(QLatin1Char(',')) == 1 && !plain.contains(QLatin1Char('.'))) {
    plain.replace(QLatin1Char(','), QLatin1Char('.'));
  }
  const QStringList parts = plain.split(QLatin1Char('/'));
  if (parts.size() > 2) return std::nullopt;
  double value = 1;
  for (qsizetype i = 0; i < parts.size(); ++i) {
    bool good = false;
    const double number = QLocale::c().toDouble(parts[i].trimmed(), &good);
    if (!good) return std::nullopt;
    value = i == 0 ? number : value / number;
  }
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

MatrixValues parse_matrix(const QString& text) {
  // A comma parts cells only where nothing else does: "1,5<tab>2" holds decimal commas.
  const bool tabs = text.contains(QLatin1Char('\t')), semicolons = text.contains(QLatin1Char(';'));
  static const QRegularExpression line_end(QStringLiteral("\\r?\\n")), blanks(QStringLiteral("[,\\s]+"));
  const auto cells_of = [&](const QString& line) {
    if (tabs) return line.split(QLatin1Char('\t'));
    if (semicolons) return line.split(QLatin1Char(';'));
    return line.split(blanks, Qt::SkipEmptyParts);
  };
  MatrixValues result;
  for (const QString& line : text.split(line_end)) {
    if (line.trimmed().isEmpty()) continue;
    const QStringList cells = cells_of(line);
    if (result.rows > 0 && cells.size() != result.columns) {
      throw Error(QStringLiteral("row %1 of what is pasted has %2 numbers and the first has %3; make them equal")
                      .arg(result.rows + 1)
                      .arg(cells.size())
                      .arg(result.columns)
                      .toStdString());
    }
    result.columns = static_cast<int>(cells.size());
    ++result.rows;
    for (const QString& cell : cells) {
      const auto value = parse_number(cell);
      if (!value) {
        throw Error(QStringLiteral("“%1” in row %2 of what is pasted is not a number; copy numbers only")
                        .arg(cell.trimmed().left(20))
                        .arg(result.rows)
                        .toStdString());
      }
      result.values.push_back(*value);
    }
  }
  return result;
}

MatrixEditor::MatrixEditor(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Matrix editor"));
  grid_ = new MatrixGrid;
  grid_->setObjectName(QStringLiteral("matrix_grid"));
  cell_name_ = new QLabel;
  cell_name_->setProperty("role", QStringLiteral("numbers"));
  cell_ = new QLineEdit;
  cell_->setObjectName(QStringLiteral("matrix_cell"));
  cell_->setAccessibleName(tr("Value of the chosen cell"));
  cell_->installEventFilter(this);
  message_ = new QLabel;
  message_->setObjectName(QStringLiteral("matrix_message"));
  message_->setWordWrap(true);
  message_->hide();
  auto* line = new QHBoxLayout;
  line->setContentsMargins({});
  line->addWidget(cell_name_);
  line->addWidget(cell_, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins({});
  column->setSpacing(scaled(8));
  column->addWidget(grid_);
  column->addLayout(line);
  column->addWidget(message_);

  connect(grid_, &MatrixGrid::selection_changed, this, &MatrixEditor::show_cell);
  connect(grid_, &MatrixGrid::edit_requested, this, [this](const QString& first_text) {
    if (!editable_) return;
    cell_->setFocus(Qt::OtherFocusReason);
    if (first_text.isEmpty()) {
      cell_->selectAll();
    } else {
      cell_->setText(first_text);
    }
  });
  connect(grid_, &MatrixGrid::copy_requested, this, [this] {
    const MatrixValues& values = matrices()[grid_->selected().matrix];
    QString text;
    for (int row = 0; row < values.rows; ++row) {
      for (int i = 0; i < values.columns; ++i)
        text += (i ? QStringLiteral("\t") : QString()) + csv_number(values.at(row, i));
      text += QLatin1Char('\n');
    }
    QGuiApplication::clipboard()->setText(text);
  });
  connect(grid_, &MatrixGrid::paste_requested, this, [this] { paste(QGuiApplication::clipboard()->text()); });
  connect(cell_, &QLineEdit::returnPressed, this, &MatrixEditor::commit);
  connect(cell_, &QLineEdit::editingFinished, this, [this] {
    if (!cell_->hasFocus() && cell_->isModified()) commit();
  });
}

const StateMatrices& MatrixEditor::matrices() const {
  return grid_->matrices();
}

void MatrixEditor::set_matrices(const StateMatrices& matrices) {
  const auto& [A, B, C, D] = matrices;
  for (const MatrixValues* values : {&A, &B, &C, &D}) {
    if (values->values.size() != static_cast<std::size_t>(values->rows) * static_cast<std::size_t>(values->columns)) {
      throw Error("matrices: a matrix has not as many numbers as rows times columns");
    }
  }
  if (A.rows != A.columns || B.rows != A.rows || C.columns != A.columns || D.rows != C.rows || D.columns != B.columns) {
    throw Error("matrices: A must be square, B as high as A, C as wide as A, and D fit both");
  }
  if (matrices == this->matrices()) return;
  grid_->set_matrices(matrices);
  show_error({});
  // What is being typed stays.
  if (!(cell_->hasFocus() && cell_->isModified())) show_cell();
}

void MatrixEditor::set_editable(bool editable, const QString& reason) {
  editable_ = editable;
  reason_ = reason;
  cell_->setReadOnly(!editable);
  show_error({});
}

void MatrixEditor::select(Symbol matrix, int row, int column) {
  grid_->select({matrix, row, column});
}

void MatrixEditor::show_error(const QString& sentence) {
  const QString shown = sentence.isEmpty() ? reason_ : sentence;
  // A style is expensive to change, and while something is dragged this is asked for every picture.
  if (shown == message_->text() && cell_->property("invalid").toBool() == !sentence.isEmpty()) return;
  message_->setText(shown);
  message_->setProperty("role", sentence.isEmpty() ? QStringLiteral("caption") : QStringLiteral("danger"));
  message_->style()->unpolish(message_);
  message_->style()->polish(message_);
  message_->setVisible(!shown.isEmpty());
  cell_->setProperty("invalid", !sentence.isEmpty());
  cell_->style()->unpolish(cell_);
  cell_->style()->polish(cell_);
}

QRect MatrixEditor::cell_rect(Symbol matrix, int row, int column) const {
  return grid_->cell_rect({matrix, row, column}).toRect().translated(grid_->pos());
}

void MatrixEditor::show_cell() {
  if (matrices().A.rows == 0) return;
  const MatrixGrid::Cell cell = grid_->selected();
  cell_name_->setText(QStringLiteral("%1[%2, %3]").arg(symbol_text(cell.matrix)).arg(cell.row).arg(cell.column));
  cell_->setText(csv_number(grid_->value(cell)));
  cell_->setCursorPosition(0);
  if (message_->property("role").toString() == QStringLiteral("danger")) show_error({});
}

void MatrixEditor::commit() {
  if (!editable_ || matrices().A.rows == 0) return;
  const auto value = parse_number(cell_->text());
  if (!value) {
    show_error(tr("“%1” is not a number; write, for example, -0.5, 1e-3 or 2/3.").arg(cell_->text().left(20)));
    return;
  }
  const MatrixGrid::Cell cell = grid_->selected();
  StateMatrices next = matrices();
  next[cell.matrix].at(cell.row, cell.column) = *value;
  cell_->setModified(false);
  if (cell_->hasFocus()) grid_->setFocus(Qt::OtherFocusReason);
  accept(next);
}

void MatrixEditor::accept(const StateMatrices& next) {
  const bool changed = next != matrices();
  grid_->set_matrices(next);
  show_cell();
  if (changed) Q_EMIT edited(matrices());
}

void MatrixEditor::paste(const QString& text) {
  if (!editable_ || matrices().A.rows == 0) return;
  const MatrixGrid::Cell cell = grid_->selected();
  StateMatrices next = matrices();
  try {
    const MatrixValues block = parse_matrix(text);
    MatrixValues& target = next[cell.matrix];
    if (block.rows == 0) return show_error(tr("There is nothing to paste; copy numbers first."));
    if (cell.row + block.rows > target.rows || cell.column + block.columns > target.columns) {
      return show_error(tr("The pasted block of %1 × %2 does not fit into %3 from row %4, column %5; choose its upper "
                           "left cell first.")
                            .arg(block.rows)
                            .arg(block.columns)
                            .arg(symbol_text(cell.matrix))
                            .arg(cell.row)
                            .arg(cell.column));
    }
    for (int row = 0; row < block.rows; ++row) {
      for (int i = 0; i < block.columns; ++i) target.at(cell.row + row, cell.column + i) = block.at(row, i);
    }
  } catch (const Error& error) {
    QString sentence = QString::fromUtf8(error.what());
    sentence[0] = sentence[0].toUpper();
    return show_error(sentence + QLatin1Char('.'));
  }
  accept(next);
}

bool MatrixEditor::eventFilter(QObject* watched, QEvent* event) {
  if (watched == cell_ && event->type() == QEvent::KeyPress &&
      static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
    cell_->setModified(false);
    show_cell();
    grid_->setFocus(Qt::OtherFocusReason);
    return true;
  }
  return QWidget::eventFilter(watched, event);
}

}  // namespace statescope
