// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QVariantAnimation>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "widgets/colormap.h"
#include "widgets/rich_text.h"
#include "widgets/view.h"

namespace statescope {

/// A matrix and everything needed to name what it shows. Immutable once handed to a view.
struct HeatMapData {
  std::shared_ptr<const std::vector<float>> values;  // [rows, columns], row-major
  qint64 rows = 0, columns = 0;
  std::vector<qint64> row_order;  // display order, top first: a permutation of 0 … rows − 1; empty: as they are

  RichText title;
  QString subtitle;               // beside the axes' names, e.g. "widest first"
  QString row_axis, column_axis;  // e.g. "channels", "tokens"; shown as "tokens → · channels ↓"
  QString row_noun, column_noun;  // e.g. "channel", "token": one of them, for the read-out
  qint64 first_column = 0;        // the number that the read-out gives the first column: people count tokens from 1
  QString quantity, unit;         // e.g. "Δ", "s"
  std::function<QString(qint64)> row_label, column_label;  // tick texts; without them there are no ticks

  Symbol symbol = Symbol::h;  // colour of a sequential map
  bool diverging = false;
  float min = std::numeric_limits<float>::quiet_NaN();  // ends of the colour scale; NaN: chosen from the values
  float max = std::numeric_limits<float>::quiet_NaN();

  float value(qint64 row, qint64 column) const { return (*values)[static_cast<std::size_t>(row * columns + column)]; }
};

struct ShadeGrid;

/// A matrix as coloured cells. Rows and columns in this interface are indices into the data, whatever the row order.
class HeatMapView : public View {
  Q_OBJECT
 public:
  explicit HeatMapView(QWidget* parent = nullptr);
  ~HeatMapView() override;

  /// Throws `Error` when the number of values or the row order does not fit the shape. New values of the same shape
  /// keep the zoom and fade in (unless motion is off). A null pointer empties the view: it shows its message.
  void set_data(std::shared_ptr<const HeatMapData> data);
  const std::shared_ptr<const HeatMapData>& data() const { return data_; }

  /// Outlines; −1 removes one.
  void set_cursor_column(qint64 column);
  void set_selected_row(qint64 row);
  void set_selected_cell(qint64 row, qint64 column);

  void reset_zoom();
  /// What part is visible, in display cells: x and width in columns, y and height in rows.
  QRectF visible_cells() const { return window_; }
  void set_visible_cells(const QRectF& cells);

  /// Cell at a point of the widget as (row, column) of the data.
  std::optional<std::pair<qint64, qint64>> cell_at(const QPointF& point) const;
  /// Where a cell of the data is drawn in the widget.
  QRectF cell_rect(qint64 row, qint64 column) const;
  /// "token 7 “.” · channel 241 · Δ = 0.1068 s"
  QString readout(qint64 row, qint64 column) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// (−1, −1) when the mouse leaves the cells.
  void cell_hovered(qint64 row, qint64 column);
  /// A click, or an arrow key that moved the selected cell.
  void cell_clicked(qint64 row, qint64 column);
  /// Enter on the selected cell.
  void cell_activated(qint64 row, qint64 column);

 protected:
  std::function<QString()> long_csv() const override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Layout;
  struct Raster;

  Layout layout(const QRectF& area) const;
  QString subtitle() const;
  const ColorMap& color_map() const;
  QImage paint_grid(const ShadeGrid& grid, QSize pixels, double ratio) const;
  QImage cells_image(QSize pixels, double ratio) const;
  void draw_ticks(QPainter& painter, const Layout& layout) const;
  void draw_scale(QPainter& painter, const Layout& layout) const;
  void draw_markers(QPainter& painter, const Layout& layout, bool for_export) const;
  QRectF cells_rect(const Layout& layout, const QRectF& display_cells) const;
  qint64 row_at(qint64 display_row) const;
  qint64 display_row_of(qint64 row) const;
  void zoom(const QPointF& center, double column_factor, double row_factor);
  void move_selection(qint64 rows, qint64 columns);
  void set_hover(std::optional<std::pair<qint64, qint64>> cell, const QPointF& point);

  std::shared_ptr<const HeatMapData> data_;
  std::vector<qint64> display_rows_;  // inverse of data_->row_order
  ValueRange range_{0, 1};
  QRectF window_;
  qint64 cursor_column_ = -1, selected_row_ = -1, cell_row_ = -1, cell_column_ = -1;
  std::optional<std::pair<qint64, qint64>> hover_;
  QPointF hover_point_, press_point_;
  QRectF press_window_;
  bool pressed_ = false, dragging_ = false;
  QVariantAnimation fade_;
  // What was drawn last on screen; rebuilt by `draw` when data, window, size or theme changed.
  std::unique_ptr<Raster> raster_;
};

}  // namespace statescope
