// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/value_slider.h"

#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "widgets/format.h"
#include "widgets/theme.h"

namespace statescope {
namespace {

// Where large text leaves little room a number gives way before its name is cut.
constexpr int widest_field = 96, beside_text = 24;  // of the latter the frame and what is between it and the text

void set_width_of(QLineEdit& field) {
  field.setMinimumWidth(scaled(56));
  field.setMaximumWidth(scaled(widest_field));
}

constexpr int steps = 1000;
constexpr int most_digits = 5, least_digits = 2;

}  // namespace

ValueSlider::ValueSlider(const QString& name, const Range& range, QWidget* parent)
    : QWidget(parent),
      range_(range),
      name_(new QLabel(name)),
      field_(new QLineEdit),
      slider_(new QSlider(Qt::Horizontal)) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setVerticalSpacing(0);
  grid->setHorizontalSpacing(scaled(8));
  name_->setProperty("role", QStringLiteral("caption"));
  name_->setBuddy(field_);
  name_->setWordWrap(true);
  field_->setAlignment(Qt::AlignRight);
  set_width_of(*field_);
  field_->setAccessibleName(name);
  slider_->setAccessibleName(name);
  slider_->setRange(0, steps);
  grid->addWidget(name_, 0, 0);
  grid->addWidget(field_, 0, 1);
  grid->addWidget(slider_, 1, 0, 1, 2);
  grid->setColumnStretch(0, 1);
  connect(slider_, &QSlider::valueChanged, this, [this](int step) {
    value_ = at(step);
    field_->setText(text());
    Q_EMIT value_changed(value_, !slider_->isSliderDown());
  });
  connect(slider_, &QSlider::sliderReleased, this, [this] { Q_EMIT value_changed(value_, true); });
  connect(field_, &QLineEdit::editingFinished, this, &ValueSlider::take_text);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] { set_width_of(*field_); });
  set_value(range.least);
}

QString ValueSlider::name() const {
  return name_->text();
}

bool ValueSlider::logarithmic() const {
  return range_.slider_least > 0 && range_.slider_most / range_.slider_least > 1000;
}

double ValueSlider::at(int step) const {
  const double share = static_cast<double>(step) / slider_->maximum();
  const double low = range_.slider_least, high = range_.slider_most;
  const double value = logarithmic() ? low * std::pow(high / low, share) : std::lerp(low, high, share);
  if (range_.whole) return std::round(value);
  // Three digits are what a hand on a slider means.
  if (value == 0) return 0;
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
  return std::round(value / unit) * unit;
}

int ValueSlider::step_of(double value) const {
  const double low = range_.slider_least, high = range_.slider_most;
  if (!(high > low)) return 0;
  const double share =
      logarithmic() ? std::log(std::max(value, low) / low) / std::log(high / low) : (value - low) / (high - low);
  return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * slider_->maximum()));
}

void ValueSlider::set_range(const Range& range) {
  range_ = range;
  set_value(value_);
}

void ValueSlider::set_value(double value) {
  value_ = std::clamp(value, range_.least, range_.most);
  show_value();
}

void ValueSlider::show_value() {
  const QSignalBlocker silent(slider_);
  const double span = range_.slider_most - range_.slider_least;
  slider_->setMaximum(range_.whole && span >= 1 && span <= steps && !logarithmic() ? static_cast<int>(span) : steps);
  slider_->setValue(step_of(value_));
  if (field_->hasFocus() && field_->isModified()) return;
  if (const QString shown = text(); shown != field_->text()) field_->setText(shown);
}

QString ValueSlider::number(double value, int digits) const {
  const QString text = format_tick(value, digits);
  return range_.unit.isEmpty() ? text : text + QLatin1Char(' ') + range_.unit;
}

// With as many digits as there is room for: a field that is too narrow would hide the first ones.
QString ValueSlider::text() const {
  const QFontMetrics metrics(field_->font());
  QString shown;
  for (int digits = most_digits; digits >= least_digits; --digits) {
    shown = number(value_, digits);
    if (metrics.horizontalAdvance(shown) <= scaled(widest_field - beside_text)) break;
  }
  return shown;
}

// What was typed cannot be; the nearest that can, or what was there, comes back.
void ValueSlider::say_limits() const {
  QToolTip::showText(field_->mapToGlobal(QPoint(0, field_->height())),
                     tr("%1 is a number from %2 to %3")
                         .arg(name(), number(range_.least, most_digits), number(range_.most, most_digits)),
                     field_);
}

void ValueSlider::take_text() {
  if (!field_->isModified()) return;
  field_->setModified(false);
  QString text = field_->text().trimmed();
  if (!range_.unit.isEmpty() && text.endsWith(range_.unit)) text.chop(range_.unit.size());
  text.replace(QChar(0x2212), QLatin1Char('-'));  // as format_number writes it
  text.replace(QLatin1Char(','), QLatin1Char('.'));
  bool is_number = false;
  double value = text.trimmed().toDouble(&is_number);
  if (!is_number || !std::isfinite(value)) {
    say_limits();
    return show_value();
  }
  if (range_.whole) value = std::round(value);
  const double before = value_;
  set_value(value);
  if (value_ != value) say_limits();
  if (value_ != before) Q_EMIT value_changed(value_, true);
}

}  // namespace statescope
