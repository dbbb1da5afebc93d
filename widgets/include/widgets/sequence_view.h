// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "widgets/rich_text.h"
#include "widgets/view.h"

namespace statescope {

/// One token of a sequence.
struct SequenceCell {
  enum class Look { quiet, plain, right, wrong };  // right and wrong: an answer
  QString text;                                    // a letter or two
  Look look = Look::plain;
  QString readout;  // all there is to say about it
};

/// A short line of tokens over the same columns as a heat map below it. Immutable once handed to a view.
struct SequenceData {
  std::vector<SequenceCell> cells;
  std::vector<double> shares;  // one per cell: 0 leaves it empty, 1 fills it with the symbol's colour; or none
  Symbol symbol = Symbol::h;
  RichText title;
  QString subtitle;
  QString shares_name;  // for the CSV
};

/// The line as cells of equal width: a click moves the cursor; on an editable line a second click on the same token, or
/// Enter, asks for another token, and typing replaces it. Where a cell is too narrow for its text only colours stay.
class SequenceView : public View {
  Q_OBJECT
 public:
  explicit SequenceView(QWidget* parent = nullptr);

  void set_data(std::shared_ptr<const SequenceData> data);
  const std::shared_ptr<const SequenceData>& data() const { return data_; }
  void set_cursor(qint64 cell);
  void set_editable(bool editable) { editable_ = editable; }

  QRectF cell_rect(qint64 cell) const;
  std::optional<qint64> cell_at(const QPointF& point) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void cell_clicked(qint64 cell);
  /// Another token is wanted here; `place` is where the cell ends on the screen.
  void edit_requested(qint64 cell, const QPoint& place);
  void typed(qint64 cell, const QString& text);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  QRectF body(const QRectF& area) const;
  QRectF cell_in(const QRectF& body, qint64 cell) const;
  qint64 count() const { return data_ ? static_cast<qint64>(data_->cells.size()) : 0; }
  void draw_cell(QPainter& painter, const QRectF& box, const SequenceCell& cell, double share) const;
  void request_edit(qint64 cell);

  std::shared_ptr<const SequenceData> data_;
  qint64 cursor_ = -1;
  std::optional<qint64> hover_;
  bool editable_ = false;
};

}  // namespace statescope
