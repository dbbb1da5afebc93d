// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <vector>

#include "widgets/view.h"

namespace statescope {

/// A part of the plane that is bounded by a circle about a point of the real axis, or by an upright line. Whatever the
/// method, the region |R(sΔ)| < 1 of a one-step method with one pole, and the image of the left half-plane, are one of
/// these: R is a Möbius map or the exponential.
struct PlaneRegion {
  enum class Shape { left_of, right_of, inside, outside };
  Shape shape = Shape::left_of;
  double center = 0;  // the real number of the line or the circle's centre
  double radius = 1;  // of the circle
  QString name;       // "stable with forward Euler"

  bool contains(const std::complex<double>& place) const;
  bool operator==(const PlaneRegion&) const = default;
};

struct PlaneFrame;

/// Poles and zeros of a real system. Immutable once handed to a view.
struct PolePlaneData {
  enum class Plane { s, z };
  Plane plane = Plane::s;
  std::vector<std::complex<double>> poles, zeros;  // complex ones in conjugate pairs, in any order
  std::optional<PlaneRegion> region;               // shaded
  double delta = 0;                                // step in seconds; > 0: the Nyquist lines ±π/Δ of the s-plane
  bool draggable = false;                          // poles can be dragged
  RichText title;
  QString subtitle;
};

/// The other one of a conjugate pair; nothing for a real one.
std::optional<std::size_t> conjugate_of(const std::vector<std::complex<double>>& poles, std::size_t pole);

/// The poles after one of them was dragged to `place`. Its conjugate moves with it. A real pole stays real; where it
/// lies on another real one (within `snap`), pulling it off the axis splits both into a pair. A pair that comes within
/// `snap` of the axis meets on it and becomes two real poles.
std::vector<std::complex<double>> with_pole_at(std::vector<std::complex<double>> poles, std::size_t pole,
                                               std::complex<double> place, double snap);

/// The s-plane or the z-plane: poles × that can be dragged, zeros ○, lines of constant damping and natural frequency,
/// the stability region. The wheel zooms, dragging beside a pole pans. While a pole is dragged Shift keeps its natural
/// frequency and Ctrl its damping. Keys: PageUp and PageDown choose a pole, arrows move it (with the same two keys),
/// + − 0 zoom.
class PolePlaneView : public View {
  Q_OBJECT
 public:
  explicit PolePlaneView(QWidget* parent = nullptr);

  /// Data of the same plane keeps the zoom, but grows it to poles not too far outside, and finds poles that all are far
  /// away, unless it was chosen by hand; a drag goes on. Throws `Error` when a pole or zero is not finite.
  void set_data(std::shared_ptr<const PolePlaneData> data);
  const std::shared_ptr<const PolePlaneData>& data() const { return data_; }

  /// The chosen pole; −1: none.
  void set_selected(int pole);
  int selected() const { return selected_; }
  /// Shows all poles and zeros and what they relate to: the origin, the stability region, the unit circle.
  void reset_zoom();

  QPointF place_of(const std::complex<double>& number) const;
  std::complex<double> number_at(const QPointF& place) const;
  std::optional<int> pole_near(const QPointF& place) const;
  /// "pole 1 · s = −0.5 ± 2i · ω = 2.06 rad/s · ζ = 0.24"
  QString readout(int pole) const;

  QString csv() const override;
  void draw(QPainter& painter, const QRectF& area, bool for_export) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  /// A pole is dragged, or was when `finished`. `with_pole_at` was already applied: `poles()` are all of them.
  void pole_moved(int pole, std::complex<double> place, bool finished);
  void pole_selected(int pole);

 public:
  /// What is shown: the data's poles, or, while one is dragged, where they are by now.
  const std::vector<std::complex<double>>& poles() const { return poles_; }

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  PlaneFrame frame(const QRectF& area) const;
  QString subtitle() const;
  void drag_to(std::complex<double> place, Qt::KeyboardModifiers keys, bool finished);
  std::complex<double> held(std::complex<double> place, Qt::KeyboardModifiers keys) const;
  void zoom(const QPointF& center, double factor);
  void reach_poles();
  void draw_grid(QPainter& painter, const PlaneFrame& frame) const;
  void draw_region(QPainter& painter, const PlaneFrame& frame) const;
  void draw_ticks(QPainter& painter, const PlaneFrame& frame) const;
  void draw_name(QPainter& painter, const QRectF& place) const;
  void draw_marks(QPainter& painter, const PlaneFrame& frame, bool for_export) const;
  bool stable(const std::complex<double>& pole) const;

  std::shared_ptr<const PolePlaneData> data_;
  std::vector<std::complex<double>> poles_;
  std::complex<double> center_{0, 0};
  double half_width_ = 1, half_height_ = 1;  // of what is visible at least, in units of the plane
  double largest_ = 4;                       // distance of poles that are followed
  bool zoomed_ = false;                      // by hand, which stays
  int selected_ = -1;
  std::optional<int> hover_;
  std::vector<std::complex<double>> trail_;  // where the dragged pole has been
  std::complex<double> press_number_, press_center_, grab_offset_;
  QPointF press_point_, hover_point_;
  bool pressed_ = false, dragging_ = false, panning_ = false;
  bool by_keys_ = false;  // is chosen and moved, so that it is told without a mouse that points at it
};

}  // namespace statescope
