// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/pole_plane_view.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "plane_frame.h"
#include "plot_paint.h"
#include "widgets/format.h"
#include "widgets/text_metrics.h"

namespace statescope {
namespace {

using Complex = std::complex<double>;

// "−0.5 ± 2i": a pair by its upper member.
QString complex_text(const Complex& number) {
  if (number.imag() == 0) return format_number(number.real());
  return format_number(number.real()) + QStringLiteral(" ± ") + format_number(std::fabs(number.imag())) +
         QLatin1Char('i');
}

}  // namespace

bool PlaneRegion::contains(const Complex& place) const {
  switch (shape) {
    case Shape::left_of:
      return place.real() < center;
    case Shape::right_of:
      return place.real() > center;
    case Shape::inside:
      return std::abs(place - center) < radius;
    case Shape::outside:
      return std::abs(place - center) > radius;
  }
  return false;
}

std::optional<std::size_t> conjugate_of(const std::vector<Complex>& poles, std::size_t pole) {
  if (poles[pole].imag() == 0) return std::nullopt;
  std::optional<std::size_t> nearest;
  for (std::size_t i = 0; i < poles.size(); ++i) {
    if (i == pole || (poles[i].imag() > 0) == (poles[pole].imag() > 0) || poles[i].imag() == 0) continue;
    const auto distance = [&](std::size_t k) { return std::abs(poles[k] - std::conj(poles[pole])); };
    if (!nearest || distance(i) < distance(*nearest)) nearest = i;
  }
  return nearest;
}

std::vector<Complex> with_pole_at(std::vector<Complex> poles, std::size_t pole, Complex place, double snap) {
  const auto partner = conjugate_of(poles, pole);
  const bool off_axis = std::fabs(place.imag()) >= snap;
  if (partner) {
    if (!off_axis) place = place.real();
    poles[pole] = place;
    poles[*partner] = std::conj(place);
    return poles;
  }
  poles[pole] = place.real();
  if (!off_axis) return poles;
  for (std::size_t i = 0; i < poles.size(); ++i) {
    if (i == pole || poles[i].imag() != 0 || std::fabs(poles[i].real() - place.real()) > snap) continue;
    poles[pole] = place;
    poles[i] = std::conj(place);
    break;
  }
  return poles;
}

PolePlaneView::PolePlaneView(QWidget* parent) : View(parent) {
  setAccessibleName(tr("Poles in the complex plane"));
}

void PolePlaneView::set_data(std::shared_ptr<const PolePlaneData> data) {
  if (data == data_) return;
  if (data) {
    for (const auto* numbers : {&data->poles, &data->zeros}) {
      for (const Complex& number : *numbers) {
        if (std::isfinite(number.real()) && std::isfinite(number.imag())) continue;
        throw Error("poles '" + plain_text(data->title).toStdString() +
                    "': a pole or zero is not a finite number; change the matrix or the step");
      }
    }
  }
  const bool same_plane = data && data_ && data->plane == data_->plane;
  data_ = std::move(data);
  const bool same_poles = data_ && data_->poles.size() == poles_.size();
  if (!same_poles) dragging_ = pressed_ = false;
  if (!dragging_) poles_ = data_ ? data_->poles : std::vector<Complex>();
  if (!same_poles) {
    hover_.reset();
    trail_.clear();
    selected_ = std::min(selected_, static_cast<int>(poles_.size()) - 1);
  }
  if (!same_plane)
    reset_zoom();
  else if (!zoomed_ && !dragging_)
    reach_poles();
  if (data_) setAccessibleDescription(plain_text(data_->title) + QStringLiteral(", ") + subtitle());
  update();
}

void PolePlaneView::set_selected(int pole) {
  if (pole == selected_ || pole >= static_cast<int>(poles_.size())) return;
  selected_ = pole;
  trail_.clear();
  update();
}

void PolePlaneView::reset_zoom() {
  if (!data_) return;
  const bool in_z = data_->plane == PolePlaneData::Plane::z;
  double left = in_z ? -1 : 0, right = in_z ? 1 : 0, top = in_z ? 1 : 0;
  for (const std::vector<Complex>* numbers : {&std::as_const(poles_), &data_->zeros}) {
    for (const Complex& number : *numbers) {
      left = std::min(left, number.real());
      right = std::max(right, number.real());
      top = std::max(top, std::fabs(number.imag()));
    }
  }
  // A circle of about this size belongs to the picture; one that would shrink the poles to a dot does not.
  if (const auto& region = data_->region; region && region->shape >= PlaneRegion::Shape::inside) {
    const double extent = std::max({right - left, top, 1e-9});
    if (region->radius <= 3 * extent) {
      left = std::min(left, region->center - region->radius);
      right = std::max(right, region->center + region->radius);
      top = std::max(top, region->radius);
    }
  }
  if (right == left && top == 0) top = 1;
  center_ = (left + right) / 2;
  half_width_ = std::max(0.6 * (right - left), 0.3 * top);
  half_height_ = std::max(1.2 * top, 0.3 * (right - left));
  largest_ = 4 * std::max(half_width_, half_height_);
  zoomed_ = false;
  update();
}

void PolePlaneView::reach_poles() {
  const auto far = [this](const Complex& pole) { return std::abs(pole - center_) > largest_; };
  if (!poles_.empty() && std::all_of(poles_.begin(), poles_.end(), far)) return reset_zoom();
  double left = center_.real() - half_width_, right = center_.real() + half_width_, top = half_height_;
  const double edge = 0.1 * std::max(half_width_, half_height_);
  for (const Complex& pole : poles_) {
    if (far(pole)) continue;
    if (pole.real() < left) left = pole.real() - edge;
    if (pole.real() > right) right = pole.real() + edge;
    if (std::fabs(pole.imag()) > top) top = std::fabs(pole.imag()) + edge;
  }
  center_.real((left + right) / 2);
  half_width_ = (right - left) / 2;
  half_height_ = top;
}

QString PolePlaneView::subtitle() const {
  if (!data_->subtitle.isEmpty()) return data_->subtitle;
  return data_->plane == PolePlaneData::Plane::s ? tr("Im s (rad/s) ↑ · Re s (1/s) →") : tr("Im z ↑ · Re z →");
}

PlaneFrame PolePlaneView::frame(const QRectF& area) const {
  QRectF body = area.adjusted(0, header_height(area.width(), data_->title, subtitle()), 0, 0);
  const TextMetrics metrics(font(TextRole::caption));
  body.adjust(metrics.horizontalAdvance(QStringLiteral("−0.00")) + scaled(8), 0, 0, -caption_height() - scaled(6));
  body = body.toAlignedRect();
  const double scale = std::min(body.width() / (2 * half_width_), body.height() / (2 * half_height_));
  return {body, center_, std::max(scale, 1e-300)};
}

QPointF PolePlaneView::place_of(const Complex& number) const {
  return data_ ? frame(rect()).to_screen(number) : QPointF();
}

Complex PolePlaneView::number_at(const QPointF& place) const {
  return data_ ? frame(rect()).to_number(place) : Complex();
}

std::optional<int> PolePlaneView::pole_near(const QPointF& place) const {
  if (!data_) return std::nullopt;
  const PlaneFrame plane = frame(rect());
  std::optional<int> nearest;
  double best = scaled(14);
  for (std::size_t i = 0; i < poles_.size(); ++i) {
    const QPointF offset = plane.to_screen(poles_[i]) - place;
    // Of poles that lie on each other the chosen one is meant.
    const double distance = std::hypot(offset.x(), offset.y()) - (static_cast<int>(i) == selected_ ? 0.5 : 0);
    if (distance >= best) continue;
    best = distance;
    nearest = static_cast<int>(i);
  }
  return nearest;
}

bool PolePlaneView::stable(const Complex& pole) const {
  if (data_->plane == PolePlaneData::Plane::z) return std::abs(pole) < 1;
  return data_->region ? data_->region->contains(pole) : pole.real() < 0;
}

QString PolePlaneView::readout(int pole) const {
  const Complex& place = poles_[static_cast<std::size_t>(pole)];
  const double size = std::abs(place);
  QString text = tr("pole %1").arg(pole + 1);
  if (data_->plane == PolePlaneData::Plane::z) {
    text += tr(" · z = %1 · |z| = %2").arg(complex_text(place), format_number(size));
  } else {
    text += tr(" · s = %1 · ω = %2 rad/s").arg(complex_text(place), format_number(size));
    if (size > 0) text += tr(" · ζ = %1").arg(format_number(-place.real() / size, 3));
  }
  if (!stable(place)) text += tr(" · unstable");
  return text;
}

QString PolePlaneView::csv() const {
  if (!data_) return {};
  QString text = QStringLiteral("kind,real,imag\n");
  const auto add = [&text](const QString& kind, const std::vector<Complex>& numbers) {
    for (const Complex& number : numbers) {
      text += QStringLiteral("%1,%2,%3\n").arg(kind, csv_number(number.real()), csv_number(number.imag()));
    }
  };
  add(QStringLiteral("pole"), poles_);
  add(QStringLiteral("zero"), data_->zeros);
  return text;
}

QSize PolePlaneView::sizeHint() const {
  return {scaled(360), scaled(320)};
}
QSize PolePlaneView::minimumSizeHint() const {
  return {scaled(180), scaled(160)};
}

}  // namespace statescope
