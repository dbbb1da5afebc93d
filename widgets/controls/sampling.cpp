// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/sampling.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpressionValidator>
#include <QSlider>
#include <QSpinBox>
#include <algorithm>
#include <cmath>

#include "paint.h"

namespace statescope {
namespace {

constexpr double hottest = 2.0, smallest_top_p = 0.05;
constexpr int largest_top_k = 200, most_tokens = 1024;

double bounded(double value, double low, double high, double fallback) {
  return std::isfinite(value) ? std::clamp(value, low, high) : fallback;
}

}  // namespace

QString describe(const SamplingChoice& choice) {
  if (choice.temperature <= 0) return SamplingForm::tr("Greedy: always the most likely token.");
  QString from = SamplingForm::tr("all tokens");
  const QString percent = QString::number(std::round(choice.top_p * 100));
  if (choice.top_k == 1) return SamplingForm::tr("Top-k of 1 is greedy: always the most likely token.");
  if (choice.top_k > 0 && choice.top_p < 1) {
    from = SamplingForm::tr("the %1 most likely tokens, cut to those that make up %2 % of the probability")
               .arg(choice.top_k)
               .arg(percent);
  } else if (choice.top_k > 0) {
    from = SamplingForm::tr("the %1 most likely tokens").arg(choice.top_k);
  } else if (choice.top_p < 1) {
    from = SamplingForm::tr("the likeliest tokens that make up %1 % of the probability").arg(percent);
  }
  QString how = SamplingForm::tr("with the model's own probabilities");
  if (choice.temperature < 1) how = SamplingForm::tr("with likely tokens favoured more than the model says");
  if (choice.temperature > 1) how = SamplingForm::tr("with unlikely tokens given more of a chance");
  return SamplingForm::tr("Draws from %1, %2.").arg(from, how);
}

SamplingForm::SamplingForm(QWidget* parent)
    : QWidget(parent),
      temperature_(new QDoubleSpinBox(this)),
      top_p_(new QDoubleSpinBox(this)),
      top_k_(new QSpinBox(this)),
      tokens_(new QSpinBox(this)),
      seed_(new QLineEdit(this)),
      meaning_(new QLabel(this)) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(12);
  grid->setVerticalSpacing(8);
  grid->setColumnStretch(1, 1);

  const auto add_row = [&](const QString& name, const QString& help, QWidget* field, QSlider* slider) {
    const int row = grid->rowCount();
    auto* label = new QLabel(name, this);
    label->setBuddy(field);
    for (QWidget* widget : {static_cast<QWidget*>(label), field, static_cast<QWidget*>(slider)}) {
      if (widget != nullptr) widget->setToolTip(help);
    }
    field->setAccessibleName(name);
    grid->addWidget(label, row, 0);
    if (slider != nullptr) {
      slider->setAccessibleName(name);
      slider->setMinimumWidth(110);
      grid->addWidget(slider, row, 1);
      grid->addWidget(field, row, 2);
    } else {
      grid->addWidget(field, row, 1, 1, 2);
    }
  };
  // A slider in steps of the spin box beside it; each follows the other.
  const auto slider_for = [this](auto* spin, double step) {
    auto* slider = new QSlider(Qt::Horizontal, this);
    slider->setRange(int(std::lround(spin->minimum() / step)), int(std::lround(spin->maximum() / step)));
    connect(slider, &QSlider::valueChanged, spin, [spin, step](int value) {
      if (std::lround(spin->value() / step) != value)
        spin->setValue(static_cast<decltype(spin->value())>(value * step));
    });
    connect(spin, &std::remove_pointer_t<decltype(spin)>::valueChanged, slider,
            [slider, step](auto value) { slider->setValue(int(std::lround(value / step))); });
    return slider;
  };

  temperature_->setRange(0, hottest);
  temperature_->setSingleStep(0.05);
  top_p_->setRange(smallest_top_p, 1);
  top_p_->setSingleStep(0.05);
  top_k_->setRange(0, largest_top_k);
  top_k_->setSpecialValueText(tr("all"));
  tokens_->setRange(1, most_tokens);
  seed_->setValidator(new QRegularExpressionValidator(QRegularExpression(QStringLiteral("[0-9]{1,20}")), seed_));
  const std::pair<QWidget*, const char*> names[] = {
      {temperature_, "temperature"}, {top_k_, "top_k"}, {top_p_, "top_p"}, {tokens_, "tokens"}, {seed_, "seed"}};
  for (const auto& [widget, name] : names) widget->setObjectName(QStringLiteral("sampling_") + QLatin1String(name));

  add_row(tr("Temperature"), tr("0 always takes the most likely token; 1 follows the model; more is bolder"),
          temperature_, slider_for(temperature_, 0.05));
  add_row(tr("Top-k"), tr("Draw only from the k most likely tokens"), top_k_, slider_for(top_k_, 1));
  add_row(tr("Top-p"), tr("Draw only from the likeliest tokens whose probabilities add up to p"), top_p_,
          slider_for(top_p_, 0.05));
  add_row(tr("Tokens"), tr("How many tokens to generate"), tokens_, slider_for(tokens_, 1));
  add_row(tr("Seed"), tr("The same seed gives the same text again"), seed_, nullptr);
  meaning_->setObjectName(QStringLiteral("sampling_meaning"));
  meaning_->setProperty("role", QStringLiteral("caption"));
  meaning_->setWordWrap(true);
  meaning_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  grid->addWidget(meaning_, grid->rowCount(), 0, 1, 3);

  connect(temperature_, &QDoubleSpinBox::valueChanged, this, &SamplingForm::edited);
  connect(top_p_, &QDoubleSpinBox::valueChanged, this, &SamplingForm::edited);
  connect(top_k_, &QSpinBox::valueChanged, this, &SamplingForm::edited);
  connect(tokens_, &QSpinBox::valueChanged, this, &SamplingForm::edited);
  connect(seed_, &QLineEdit::textEdited, this, &SamplingForm::edited);
  connect(seed_, &QLineEdit::editingFinished, this, &SamplingForm::show_choice);
  show_choice();
  // Three lines, so that the popover does not change its height while a slider moves.
  const auto fix_height = [this] {
    meaning_->setMinimumHeight(3 * QFontMetrics(statescope::font(TextRole::caption)).lineSpacing());
  };
  fix_height();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, fix_height);
}

void SamplingForm::set_choice(const SamplingChoice& choice) {
  choice_.temperature = bounded(choice.temperature, 0, hottest, 0);
  choice_.top_k = std::clamp(choice.top_k, 0, largest_top_k);
  choice_.top_p = bounded(choice.top_p, smallest_top_p, 1, 1);
  choice_.seed = choice.seed;
  choice_.tokens = std::clamp(choice.tokens, 1, most_tokens);
  show_choice();
}

void SamplingForm::show_choice() {
  quiet_ = true;
  temperature_->setValue(choice_.temperature);
  top_k_->setValue(choice_.top_k);
  top_p_->setValue(choice_.top_p);
  tokens_->setValue(choice_.tokens);
  seed_->setText(QString::number(choice_.seed));
  meaning_->setText(describe(choice_));
  quiet_ = false;
}

void SamplingForm::edited() {
  if (quiet_) return;
  SamplingChoice now = choice_;
  now.temperature = temperature_->value();
  now.top_k = top_k_->value();
  now.top_p = top_p_->value();
  now.tokens = tokens_->value();
  bool fits = false;
  const quint64 seed = seed_->text().toULongLong(&fits);
  if (fits) now.seed = seed;  // half-typed or too large: the last good one stays and returns when the field is left
  if (now == choice_) return;
  choice_ = now;
  meaning_->setText(describe(choice_));
  Q_EMIT changed(choice_);
}

}  // namespace statescope
