// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "widgets/view.h"

namespace statescope {

struct Bar {
  QString label;  // e.g. a token
  double value;
};

/// Named values. Immutable once handed to a view.
struct BarsData {
  enum class Shape {
    rows,    // horizontal bars, one line each: label, bar, number
    columns  // vertical bars side by side, negative ones hanging below zero
  };
  std::vector<Bar> bars;
  Shape shape = Shape::rows;
  RichText title;
  QString subtitle;
  QString noun;               // one bar, for the read-out and the CSV: "state", "token"; "" : labels only
  qint64 first_bar = 0;       // the number that the read-out gives the first bar
  QString quantity, unit;     // "half-life", "tokens"
  Symbol symbol = Symbol::y;  // colour; negative values take the diverging map's orange
  bool percent = false;       // values are shares of one
  bool logarithmic = false;   // columns of positive values over decades
  qint64 faint_from = -1;     // bars from here on are drawn faint (tokens after the cursor); −1: none
  double max = std::numeric_limits<double>::quiet_NaN();  // value of a full bar; NaN: the largest
};

class BarsView : public View {
  Q_OBJECT
 public:
  explicit BarsView(QWidget* parent = nullptr);

  void set_data(std::shared_ptr<const BarsData> data);
  const std::shared_ptr<const BarsData>& data() const { return data_; }
  /// −1: none.
  void set_selected(qint64 bar);
  qint64 selected() const { return selected_; }

  std::optional<qint64> bar_at(const QPointF& place) const;
  /// "token “And” · 21.1 %"
  QString readout(qint64 bar) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void bar_hovered(qint64 bar);
  /// A click, or an arrow key that moved the selection.
  void bar_clicked(qint64 bar);
  /// Enter or double click.
  void bar_activated(qint64 bar);

 protected:
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Axis;

  QRectF body_of(const QRectF& area) const;
  QRectF columns_of(const QRectF& body) const;
  Axis axis() const;
  QString value_text(double value) const;
  QColor bar_color(qint64 bar) const;
  void draw_rows(QPainter& painter, const QRectF& body, bool for_export) const;
  void draw_columns(QPainter& painter, const QRectF& body) const;
  void set_hover(std::optional<qint64> bar, const QPointF& place);

  std::shared_ptr<const BarsData> data_;
  qint64 selected_ = -1;
  std::optional<qint64> hover_;
  QPointF hover_place_;
};

}  // namespace statescope
