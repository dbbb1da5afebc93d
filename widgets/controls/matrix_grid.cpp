// SPDX-License-Identifier: GPL-3.0-or-later
#include "matrix_grid.h"

#include <QHelpEvent>
#include <QImage>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "paint.h"
#include "widgets/colormap.h"
#include "widgets/format.h"

namespace statescope {
namespace {

constexpr int most_numbers = 8;  // rows or columns of A; beyond, a picture says more than digits
constexpr Symbol blocks[] = {Symbol::A, Symbol::B, Symbol::C, Symbol::D};

QFont number_font() {
  QFont result = font(TextRole::numbers);
  result.setPixelSize(scaled(11));
  return result;
}

double number_width() {
  return std::ceil(QFontMetricsF(number_font()).horizontalAdvance(QStringLiteral("−0.000"))) + scaled(8);
}

double label_height() {
  return std::ceil(QFontMetricsF(font(TextRole::strong)).height()) + scaled(4);
}

double block_gap() {
  return scaled(8);
}

}  // namespace

MatrixGrid::MatrixGrid(QWidget* parent) : QWidget(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Matrices A, B, C, D"));
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Preferred);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    updateGeometry();
    update();
  });
}

void MatrixGrid::set_matrices(const StateMatrices& matrices) {
  const bool reshaped = matrices.A.rows != matrices_.A.rows || matrices.B.columns != matrices_.B.columns ||
                        matrices.C.rows != matrices_.C.rows;
  matrices_ = matrices;
  const MatrixValues& chosen = matrices_[selected_.matrix];
  if (selected_.row >= chosen.rows || selected_.column >= chosen.columns) selected_ = {};
  if (reshaped) updateGeometry();
  update();
}

void MatrixGrid::select(const Cell& cell) {
  const MatrixValues& chosen = matrices_[cell.matrix];
  if (cell.row < 0 || cell.column < 0 || cell.row >= chosen.rows || cell.column >= chosen.columns) return;
  selected_ = cell;
  setAccessibleDescription(tr("%1, row %2, column %3: %4")
                               .arg(symbol_text(cell.matrix))
                               .arg(cell.row)
                               .arg(cell.column)
                               .arg(format_number(value(cell))));
  update();
  Q_EMIT selection_changed();
}

MatrixGrid::Cell MatrixGrid::cell_of(int row, int column) const {
  const int states = matrices_.A.rows;
  const bool lower = row >= states, right = column >= states;
  return {blocks[(lower ? 2 : 0) + (right ? 1 : 0)], lower ? row - states : row, right ? column - states : column};
}

bool MatrixGrid::shows_numbers() const {
  return matrices_.A.rows <= most_numbers && cell_size(width()).width() >= number_width();
}

QSizeF MatrixGrid::cell_size(double width) const {
  const double room = (width - block_gap()) / std::max(1, columns());
  if (matrices_.A.rows <= most_numbers && room >= number_width()) {
    return {std::min<double>(room, scaled(64)), static_cast<double>(scaled(26))};
  }
  const double side = std::clamp<double>(room, 1, scaled(26));
  return {side, side};
}

QRectF MatrixGrid::cell_rect(const Cell& cell) const {
  const QSizeF size = cell_size(width());
  const bool lower = cell.matrix == Symbol::C || cell.matrix == Symbol::D;
  const bool right = cell.matrix == Symbol::B || cell.matrix == Symbol::D;
  const double x = (right ? matrices_.A.columns * size.width() + block_gap() : 0) + cell.column * size.width();
  const double y = label_height() + (lower ? matrices_.A.rows * size.height() + label_height() + scaled(4) : 0) +
                   cell.row * size.height();
  return {QPointF(x, y), size};
}

std::optional<MatrixGrid::Cell> MatrixGrid::cell_at(const QPointF& place) const {
  for (const Symbol symbol : blocks) {
    const MatrixValues& values = matrices_[symbol];
    if (values.rows == 0 || values.columns == 0) continue;
    const QRectF first = cell_rect({symbol, 0, 0});
    const double row = std::floor((place.y() - first.top()) / first.height());
    const double column = std::floor((place.x() - first.left()) / first.width());
    if (row >= 0 && column >= 0 && row < values.rows && column < values.columns) {
      return Cell{symbol, static_cast<int>(row), static_cast<int>(column)};
    }
  }
  return std::nullopt;
}

void MatrixGrid::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const ColorMap map = ColorMap::diverging(theme());
  const bool numbers = shows_numbers();
  for (const Symbol symbol : blocks) {
    const MatrixValues& values = matrices_[symbol];
    if (values.rows == 0 || values.columns == 0) continue;
    const QRectF first = cell_rect({symbol, 0, 0});
    painter.setFont(statescope::font(TextRole::strong));
    painter.setPen(theme().symbol(symbol));
    painter.drawText(
        QRectF(first.left() + (numbers ? scaled(4) : 0), first.top() - label_height(), scaled(40), label_height()),
        Qt::AlignLeft | Qt::AlignVCenter, symbol_text(symbol));
    float largest = 0;
    for (const double value : values.values) {
      if (std::isfinite(value)) largest = std::max(largest, static_cast<float>(std::fabs(value)));
    }
    const ValueRange range{largest > 0 ? -largest : -1, largest > 0 ? largest : 1};
    painter.setFont(number_font());
    const double gap = first.width() >= 6 ? 1 : 0;
    if (gap == 0) {  // thousands of cells are one picture
      QImage cells(values.columns, values.rows, QImage::Format_RGB32);
      for (int row = 0; row < values.rows; ++row)
        for (int column = 0; column < values.columns; ++column)
          cells.setPixel(column, row, map.color(range.index(static_cast<float>(values.at(row, column)))));
      painter.drawImage(QRectF(first.topLeft(), QSizeF(values.columns * first.width(), values.rows * first.height())),
                        cells);
      continue;
    }
    for (int row = 0; row < values.rows; ++row) {
      for (int column = 0; column < values.columns; ++column) {
        const double value = values.at(row, column);
        const QRectF box = first.translated(column * first.width(), row * first.height()).adjusted(0, 0, -gap, -gap);
        if (!numbers) {
          painter.fillRect(box, QColor(map.color(range.index(static_cast<float>(value)))));
          continue;
        }
        const QColor own = theme().symbol(symbol);
        painter.fillRect(box, mix(theme().surface, own, value == 0 ? 0.05 : 0.14));
        painter.setPen(value == 0 ? theme().muted : theme().text);
        painter.drawText(box.adjusted(0, 0, -scaled(6), 0), Qt::AlignRight | Qt::AlignVCenter, format_tick(value, 3));
      }
    }
  }
  if (matrices_.A.rows == 0) return;
  const QRectF chosen = cell_rect(selected_);
  const double grow = numbers ? 0 : 1.5;
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(hasFocus() ? theme().accent : theme().muted, hasFocus() ? 2 : 1.5));
  painter.drawRect(chosen.adjusted(-grow + 0.5, -grow + 0.5, grow - 1.5, grow - 1.5));
}

void MatrixGrid::walk(int rows_down, int columns_right) {
  const int states = matrices_.A.rows;
  const bool lower = selected_.matrix == Symbol::C || selected_.matrix == Symbol::D;
  const bool right = selected_.matrix == Symbol::B || selected_.matrix == Symbol::D;
  const int row = std::clamp(selected_.row + (lower ? states : 0) + rows_down, 0, std::max(0, rows() - 1));
  const int column = std::clamp(selected_.column + (right ? states : 0) + columns_right, 0, std::max(0, columns() - 1));
  select(cell_of(row, column));
}

void MatrixGrid::mousePressEvent(QMouseEvent* event) {
  if (const auto cell = cell_at(event->position())) select(*cell);
}

void MatrixGrid::mouseDoubleClickEvent(QMouseEvent* event) {
  if (cell_at(event->position())) Q_EMIT edit_requested({});
}

void MatrixGrid::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) return Q_EMIT copy_requested();
  if (event->matches(QKeySequence::Paste)) return Q_EMIT paste_requested();
  switch (event->key()) {
    case Qt::Key_Left:
      return walk(0, -1);
    case Qt::Key_Right:
      return walk(0, 1);
    case Qt::Key_Up:
      return walk(-1, 0);
    case Qt::Key_Down:
      return walk(1, 0);
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_F2:
      return Q_EMIT edit_requested({});
    default:
      break;
  }
  const QString text = event->text();
  const bool number = text.size() == 1 && (text[0].isDigit() || QStringLiteral("+-−.,").contains(text[0]));
  if (number && event->modifiers() <= Qt::KeypadModifier) return Q_EMIT edit_requested(text);
  QWidget::keyPressEvent(event);
}

void MatrixGrid::focusInEvent(QFocusEvent* event) {
  QWidget::focusInEvent(event);
  update();
}

void MatrixGrid::focusOutEvent(QFocusEvent* event) {
  QWidget::focusOutEvent(event);
  update();
}

bool MatrixGrid::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    if (const auto cell = cell_at(help->pos())) {
      QToolTip::showText(help->globalPos(),
                         tr("%1, row %2, column %3: %4")
                             .arg(symbol_text(cell->matrix))
                             .arg(cell->row)
                             .arg(cell->column)
                             .arg(format_number(value(*cell), 6)),
                         this);
      return true;
    }
  }
  return QWidget::event(event);
}

int MatrixGrid::heightForWidth(int width) const {
  return static_cast<int>(std::ceil(rows() * cell_size(width).height() + 2 * label_height() + scaled(6)));
}

QSize MatrixGrid::sizeHint() const {
  const int width = static_cast<int>(std::min(columns(), 5) * number_width() + block_gap());
  return {width, heightForWidth(width)};
}

QSize MatrixGrid::minimumSizeHint() const {
  return {scaled(120), scaled(60)};
}

}  // namespace statescope
