// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "widgets/series.h"
#include "widgets/view.h"

namespace statescope {

struct BodeCurve {
  QString name;      // "continuous", "bilinear, Δ = 0.1 s"
  Series magnitude;  // |H|, not in decibels, [points]
  Series phase;      // radians, as it should be drawn (unwrapped), [points]
  Symbol symbol = Symbol::y;
  bool quiet = false;  // a grey line behind: what the others are compared with
};

/// Frequency responses over common frequencies. Immutable once handed to a view.
struct BodeData {
  std::vector<double> frequency;  // > 0, strictly increasing, [points]
  QString unit;                   // "rad/s"
  std::vector<BodeCurve> curves;
  double nyquist = 0;  // in the same unit; > 0: a line, beyond which nothing sampled exists
  RichText title;
  QString subtitle;

  qint64 points() const { return static_cast<qint64>(frequency.size()); }
};

/// Magnitude in decibels above, phase in degrees below, over the logarithm of the frequency. A click or the arrow keys
/// move the marker.
class BodeView : public View {
  Q_OBJECT
 public:
  explicit BodeView(QWidget* parent = nullptr);

  /// Throws `Error` when lengths differ or the frequencies are not positive and increasing.
  void set_data(std::shared_ptr<const BodeData> data);
  const std::shared_ptr<const BodeData>& data() const { return data_; }

  /// The marked frequency; 0 removes the marker.
  void set_cursor(double frequency);
  double cursor() const { return cursor_; }

  enum class Pane { magnitude, phase };
  QPointF place_of(Pane pane, int curve, qint64 point) const;
  /// "ω = 2 rad/s · continuous · 3.01 dB · −45°"
  QString readout(int curve, qint64 point) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void frequency_chosen(double frequency);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Axes;

  Axes axes(const QRectF& area) const;
  void find_ranges();
  qint64 point_at(double x) const;
  qint64 point_of(double frequency) const;
  void choose(qint64 point);
  void draw_frame(QPainter& painter, const Axes& axes) const;
  void draw_legend(QPainter& painter, const Axes& axes) const;
  void draw_curves(QPainter& painter, const Axes& axes, Pane pane) const;

  std::shared_ptr<const BodeData> data_;
  double min_[2] = {-40, -180}, max_[2] = {20, 0};  // decibels, degrees
  double cursor_ = 0;
  std::optional<std::pair<int, qint64>> hover_;
};

}  // namespace statescope
