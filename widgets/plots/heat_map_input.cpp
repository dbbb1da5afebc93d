// SPDX-License-Identifier: GPL-3.0-or-later
// What mouse and keyboard do in a heat map.
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "cell_raster.h"
#include "plot_paint.h"
#include "widgets/heat_map_view.h"

namespace statescope {

void HeatMapView::zoom(const QPointF& center, double column_factor, double row_factor) {
  // The point under the mouse stays where it is.
  const double fx = (center.x() - window_.left()) / window_.width();
  const double fy = (center.y() - window_.top()) / window_.height();
  const double width = std::clamp(window_.width() * column_factor, 1.0, static_cast<double>(data_->columns));
  const double height = std::clamp(window_.height() * row_factor, 1.0, static_cast<double>(data_->rows));
  set_visible_cells({center.x() - fx * width, center.y() - fy * height, width, height});
}

void HeatMapView::set_hover(std::optional<std::pair<qint64, qint64>> cell, const QPointF& point) {
  hover_point_ = point;
  if (cell != hover_) {
    hover_ = cell;
    if (cell) {
      Q_EMIT cell_hovered(cell->first, cell->second);
    } else {
      Q_EMIT cell_hovered(-1, -1);
    }
  }
  update();
}

void HeatMapView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !cell_at(event->position())) return View::mousePressEvent(event);
  pressed_ = true;
  dragging_ = false;
  press_point_ = event->position();
  press_window_ = window_;
}

void HeatMapView::mouseMoveEvent(QMouseEvent* event) {
  if (!data_) return;
  const QPointF moved = event->position() - press_point_;
  const bool zoomed =
      window_.width() < static_cast<double>(data_->columns) || window_.height() < static_cast<double>(data_->rows);
  if (pressed_ && moved.manhattanLength() > drag_threshold) dragging_ = true;
  if (dragging_) {
    const QRectF one_cell = cell_rect(row_at(0), 0);
    set_visible_cells(press_window_.translated(-moved.x() / one_cell.width(), -moved.y() / one_cell.height()));
    set_hover(std::nullopt, {});
    if (zoomed) setCursor(Qt::ClosedHandCursor);
    return;
  }
  const auto cell = cell_at(event->position());
  set_hover(cell, event->position());
  setCursor(cell ? Qt::CrossCursor : Qt::ArrowCursor);
}

void HeatMapView::mouseReleaseEvent(QMouseEvent* event) {
  const bool click = pressed_ && !dragging_ && event->button() == Qt::LeftButton;
  pressed_ = dragging_ = false;
  setCursor(Qt::ArrowCursor);
  if (!click) return;
  if (const auto cell = cell_at(event->position())) {
    set_selected_cell(cell->first, cell->second);
    Q_EMIT cell_clicked(cell->first, cell->second);
  }
}

void HeatMapView::mouseDoubleClickEvent(QMouseEvent*) {
  reset_zoom();
}

void HeatMapView::wheelEvent(QWheelEvent* event) {
  const auto cell = cell_at(event->position());
  const double steps = (event->angleDelta().y() + event->angleDelta().x()) / 120.0;
  const QRectF before = window_;
  if (cell && steps != 0) {
    const double factor = std::pow(1.2, -steps);
    const QRectF one_cell = cell_rect(row_at(0), 0);
    const QPointF center((event->position().x() - one_cell.left()) / one_cell.width(),
                         (event->position().y() - one_cell.top()) / one_cell.height());
    const bool only_columns = event->modifiers().testFlag(Qt::ShiftModifier);
    const bool only_rows = event->modifiers().testFlag(Qt::ControlModifier);
    zoom(center, only_rows ? 1 : factor, only_columns ? 1 : factor);
    set_hover(cell_at(event->position()), event->position());
  }
  // Where nothing changed the page around the view may scroll.
  event->setAccepted(window_ != before);
}

void HeatMapView::move_selection(qint64 rows, qint64 columns) {
  if (data_->rows == 0 || data_->columns == 0) return;
  const qint64 row = std::clamp<qint64>(cell_row_ >= 0 ? cell_row_ : selected_row_, 0, data_->rows - 1);
  const qint64 column = std::clamp<qint64>(cell_column_ >= 0 ? cell_column_ : cursor_column_, 0, data_->columns - 1);
  const qint64 display_row = std::clamp<qint64>(display_row_of(row) + rows, 0, data_->rows - 1);
  const qint64 next_column = std::clamp<qint64>(column + columns, 0, data_->columns - 1);
  set_selected_cell(row_at(display_row), next_column);

  QRectF window = window_;
  const auto x = static_cast<double>(next_column), y = static_cast<double>(display_row);
  window.moveLeft(std::clamp(window.left(), x + 1 - window.width(), x));
  window.moveTop(std::clamp(window.top(), y + 1 - window.height(), y));
  set_visible_cells(window);
  Q_EMIT cell_clicked(cell_row_, cell_column_);
}

void HeatMapView::keyPressEvent(QKeyEvent* event) {
  if (!data_) return View::keyPressEvent(event);
  switch (event->key()) {
    case Qt::Key_Left:
      return move_selection(0, -1);
    case Qt::Key_Right:
      return move_selection(0, 1);
    case Qt::Key_Up:
      return move_selection(-1, 0);
    case Qt::Key_Down:
      return move_selection(1, 0);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      return zoom(window_.center(), 1 / 1.2, 1 / 1.2);
    case Qt::Key_Minus:
      return zoom(window_.center(), 1.2, 1.2);
    case Qt::Key_0:
      return reset_zoom();
    case Qt::Key_Return:
    case Qt::Key_Enter:
      if (cell_row_ >= 0 && cell_column_ >= 0) Q_EMIT cell_activated(cell_row_, cell_column_);
      return;
    default:
      View::keyPressEvent(event);
  }
}

void HeatMapView::leaveEvent(QEvent*) {
  set_hover(std::nullopt, {});
}

}  // namespace statescope
