// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "widgets/series.h"
#include "widgets/view.h"

namespace statescope {

/// One output computed twice. Immutable once handed to a view.
struct ConvolutionData {
  Series signal;      // u, [L]
  Series kernel;      // K, up to L; what lies behind its end counts as zero
  Series output;      // y_t = Σ_j K_{t−j} u_j + D u_t + free_t, [L]
  Series recurrence;  // the same by h_t = Ā h_{t−1} + B̄ u_t, y_t = C h_t + D u_t, [L]
  double direct = 0;  // D
  Series free;        // what the initial state gives, C Ā^{t+1} h0, [L]; empty for h0 = 0
  double step = 0;    // seconds between two samples, for the read-out; 0: none
  RichText title;
  QString subtitle;

  qint64 length() const { return signal.size(); }
};

/// The convolution theatre. In rows: the signal; the kernel, turned round and slid so that K_0 stands at the cursor;
/// the products of both, lit up; the output, on which their sum lands; and the recurrence's row, which reaches the same
/// number at the same step. Shows a window of samples about the cursor; what lies to its left is summed up in words.
/// Keys: left and right step, + − 0 widen and narrow the window.
class ConvolutionView : public View {
  Q_OBJECT
 public:
  explicit ConvolutionView(QWidget* parent = nullptr);

  /// Throws `Error` when the rows differ in length or the kernel is longer than the signal.
  void set_data(std::shared_ptr<const ConvolutionData> data);
  const std::shared_ptr<const ConvolutionData>& data() const { return data_; }

  /// The output that is being computed. `phase` 0…1 on the way to the next one: the kernel slides, then the products
  /// light up, then the sum lands.
  void set_cursor(qint64 step, double phase = 0);
  qint64 cursor() const { return cursor_; }
  /// How many samples are visible, 12 to 400.
  void set_window(int samples);
  int window() const { return window_; }

  enum class Row { signal, kernel, products, output, recurrence };
  /// The top of the bar of sample `j` in a row, as drawn.
  QPointF place_of(Row row, qint64 j) const;
  /// "sample 4 · u = 0.5 · K₃ = 0.2 · product = 0.1"
  QString readout(qint64 j) const;

  /// Every sample with the product it contributes at the cursor.
  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void step_clicked(qint64 step);

 protected:
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Stage;

  Stage stage(const QRectF& area) const;
  double product(qint64 j, qint64 step) const;
  std::optional<qint64> sample_at(const QPointF& place) const;
  void draw_row_frame(QPainter& painter, const Stage& stage, Row row) const;
  void draw_bars(QPainter& painter, const Stage& stage, Row row, bool for_export) const;
  void draw_sum(QPainter& painter, const Stage& stage) const;

  std::shared_ptr<const ConvolutionData> data_;
  double largest_[5] = {1, 1, 1, 1, 1};  // of each row, by size
  qint64 cursor_ = 0;
  double phase_ = 0;
  int window_ = 48;
  std::optional<qint64> hover_;
  QPointF hover_place_;
};

}  // namespace statescope
