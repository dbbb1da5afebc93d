// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_controls.h"

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/dynamics/edit.h"
#include "model/dynamics_document.h"
#include "widgets/format.h"
#include "widgets/matrix_editor.h"
#include "widgets/number_table.h"
#include "widgets/theme.h"
#include "widgets/value_slider.h"
#include "widgets/words.h"
#include "workspaces/dynamics_pictures.h"
#include "workspaces/signal_file.h"

namespace statescope {
namespace {

constexpr std::int64_t most_sampled = 4096;  // samples that a smaller Δ may make of a signal
constexpr double most_dragged_states = 16;   // that the slider for own matrices reaches

const char* formula_of(Method method) {
  switch (method) {
    case Method::forward_euler:
      return "Ā = I + ΔA, B̄ = ΔB";
    case Method::backward_euler:
      return "Ā = (I − ΔA)⁻¹, B̄ = (I − ΔA)⁻¹ΔB";
    case Method::bilinear:
      return "Ā = (I − ½ΔA)⁻¹(I + ½ΔA), B̄ = (I − ½ΔA)⁻¹ΔB";
    case Method::gbt:
      return "Ā = (I − αΔA)⁻¹(I + (1−α)ΔA), B̄ = (I − αΔA)⁻¹ΔB";
    case Method::zoh:
      return "Ā = e^(ΔA), B̄ = A⁻¹(Ā − I)B";
    case Method::mamba:
      return "Ā = e^(ΔA), B̄ = ΔB, as Mamba’s code has it";
    case Method::exponential_trapezoidal:
      return "Ā = e^(ΔA), λΔB now and (1−λ)ΔĀB a step later, as in Mamba-3";
  }
  return "";
}

// The numbers of a Signal that have a slider, and the kinds that read them.
struct SignalNumber {
  double Signal::*member;
  const char *key, *name, *unit;
  double least, most, slider_least, slider_most;
  std::vector<SignalKind> kinds;  // empty: all
};

const std::vector<SignalNumber>& signal_numbers() {
  using K = SignalKind;
  static const std::vector<SignalNumber> numbers{
      {&Signal::amplitude, "amplitude", QT_TR_NOOP("Amplitude"), "", -1e6, 1e6, -3, 3, {}},
      {&Signal::start, "start", QT_TR_NOOP("Begins at"), "s", -1e6, 1e6, 0, 20, {K::impulse, K::step, K::ramp}},
      {&Signal::frequency,
       "frequency",
       QT_TR_NOOP("Frequency"),
       "Hz",
       0,
       1e6,
       0.01,
       20,
       {K::sine, K::square, K::chirp, K::band_noise}},
      {&Signal::frequency_end, "frequency_end", QT_TR_NOOP("Up to"), "Hz", 0, 1e6, 0.01, 20, {K::chirp, K::band_noise}},
      {&Signal::phase, "phase", QT_TR_NOOP("Phase"), "rad", -1e3, 1e3, 0, 6.283, {K::sine, K::square, K::chirp}}};
  return numbers;
}

bool reads(const SignalNumber& number, SignalKind kind) {
  return number.kinds.empty() || std::find(number.kinds.begin(), number.kinds.end(), kind) != number.kinds.end();
}

QString complex_text(Complex value) {
  const QString real = format_tick(value.real(), 3);
  if (value.imag() == 0) return real;
  return real + (value.imag() < 0 ? QStringLiteral(" − ") : QStringLiteral(" + ")) +
         format_tick(std::abs(value.imag()), 3) + QLatin1Char('i');
}

}  // namespace

DynamicsControls::DynamicsControls(DynamicsDocument& document) : document_(document) {
  build();
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    set_lengths();
    show_result();
  });
  connect(&document_, &DynamicsDocument::scene_changed, this, &DynamicsControls::show_scene);
  connect(&document_, &DynamicsDocument::result_changed, this, &DynamicsControls::show_result);
  connect(system_, &QComboBox::activated, this, &DynamicsControls::choose_system);
  connect(kind_, &QComboBox::activated, this, &DynamicsControls::choose_kind);
  connect(method_, &QComboBox::activated, this, [this](int index) {
    LtiRun run = document_.run();
    run.rule.method = all_methods[index];
    change(run, tr("change the method"), true);
  });
  connect(delta_, &ValueSlider::value_changed, this, &DynamicsControls::set_delta);
  connect(alpha_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.rule.alpha = value;
    change(run, tr("change α"), finished);
  });
  connect(balance_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.rule.balance = value;
    change(run, tr("change λ"), finished);
  });
  connect(matrices_, &MatrixEditor::edited, this, [this](const StateMatrices& matrices) {
    LtiRun run = document_.run();
    run.system = system_of(matrices);
    change(run, tr("edit a matrix"), true);
  });
  connect(states_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    const auto* own = std::get_if<DenseSystem>(&document_.run().system);
    if (!own) return;
    LtiRun run = document_.run();
    run.system = with_states(*own, std::llround(value));
    run.h0.clear();  // of other states
    change(run, tr("change the number of states"), finished);
  });
  connect(file_, &SignalFile::file_requested, this, &DynamicsControls::file_requested);
  connect(file_, &SignalFile::column_chosen, this, [this](const QString& column) {
    LtiRun run = document_.run();
    run.input.column = column.toStdString();
    change(run, tr("choose a column"), true);
  });
  show_scene();
}

void DynamicsControls::build() {
  column_ = new QVBoxLayout(this);
  add_heading(tr("System"));
  system_ = add_choice("dynamics_system", tr("System"));
  for (const PresetInfo& preset : all_presets())
    system_->addItem(QString::fromUtf8(preset.name), QString::fromUtf8(preset.id));
  system_->addItem(tr("Own matrices"), QStringLiteral("dense"));
  about_ = add_words("dynamics_about");
  system_column_ = new QVBoxLayout;
  column_->addLayout(system_column_);
  states_ = add_slider(column_, tr("States N"), "states");
  states_->set_range({1, static_cast<double>(max_states), 1, most_dragged_states, true});
  column_->addSpacing(scaled(6));
  matrices_ = new MatrixEditor;
  matrices_->setObjectName(QStringLiteral("dynamics_matrices"));
  column_->addWidget(matrices_);

  add_heading(tr("From time to steps"));
  method_ = add_choice("dynamics_method", tr("Discretisation"));
  for (const Method method : all_methods) method_->addItem(QString::fromUtf8(method_name(method)));
  formula_ = add_words("dynamics_formula");
  delta_ = add_slider(column_, tr("Step Δ"), "delta");
  delta_->set_range({1e-6, 1e3, 1e-3, 10, false, QStringLiteral("s")});
  alpha_ = add_slider(column_, tr("α (0 forward, 1 backward Euler)"), "alpha");
  alpha_->set_range({0, 1, 0, 1});
  balance_ = add_slider(column_, tr("λ (1 is Δ·B, ½ the trapezoid)"), "lambda");
  balance_->set_range({0, 1, 0, 1});

  add_heading(tr("Input"));
  kind_ = add_choice("dynamics_input", tr("Kind of input"));
  for (const SignalKind kind : all_signal_kinds) kind_->addItem(QString::fromUtf8(signal_kind_name(kind)));
  drawing_ = add_words("dynamics_drawing");
  drawing_->setText(tr("Draw in the picture of the input."));
  file_ = new SignalFile(QStringLiteral("dynamics"));
  column_->addWidget(file_);
  input_column_ = new QVBoxLayout;
  column_->addLayout(input_column_);
  for (std::size_t i = 0; i < signal_numbers().size(); ++i) {
    const SignalNumber& number = signal_numbers()[i];
    ValueSlider* slider = add_slider(input_column_, tr(number.name), number.key);
    slider->set_range(
        {number.least, number.most, number.slider_least, number.slider_most, false, QString::fromUtf8(number.unit)});
    input_sliders_.push_back(slider);
    connect(slider, &ValueSlider::value_changed, this, [this, &number](double value, bool finished) {
      LtiRun run = document_.run();
      run.input.*number.member = value;
      change(run, tr("change the input"), finished);
    });
  }
  seed_ = add_slider(input_column_, tr("Seed"), "seed");
  seed_->set_range({0, 1e9, 0, 100, true});
  connect(seed_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.input.seed = static_cast<std::uint64_t>(value);
    change(run, tr("change the input"), finished);
  });
  length_ = add_slider(input_column_, tr("Samples"), "length");
  connect(length_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.input.length = static_cast<std::int64_t>(value);
    change(run, tr("change the length"), finished);
  });

  add_heading(tr("What the numbers say"));
  said_ = new Words(TextRole::caption);
  said_->setObjectName(QStringLiteral("dynamics_said"));
  modes_ = new NumberTable;
  modes_->setObjectName(QStringLiteral("dynamics_modes"));
  column_->addWidget(said_);
  column_->addWidget(modes_);
  column_->addStretch(1);
}

QLabel* DynamicsControls::add_heading(const QString& text) {
  auto* label = new QLabel(text);
  label->setProperty("role", QStringLiteral("strong"));
  label->setWordWrap(true);
  if (column_->count() > 0) column_->addSpacing(scaled(14));
  column_->addWidget(label);
  return label;
}

QComboBox* DynamicsControls::add_choice(const char* object_name, const QString& name) {
  auto* box = new QComboBox;
  box->setObjectName(QLatin1String(object_name));
  box->setAccessibleName(name);
  box->setMaxVisibleItems(20);
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);  // long names do not widen the column
  column_->addWidget(box);
  return box;
}

QLabel* DynamicsControls::add_words(const char* object_name) {
  auto* label = new QLabel;
  label->setObjectName(QLatin1String(object_name));
  label->setProperty("role", QStringLiteral("caption"));
  label->setWordWrap(true);
  column_->addWidget(label);
  return label;
}

ValueSlider* DynamicsControls::add_slider(QVBoxLayout* column, const QString& name, const char* key) {
  auto* slider = new ValueSlider(name, {});
  slider->setObjectName(QStringLiteral("dynamics_") + QLatin1String(key));
  column->addWidget(slider);
  return slider;
}

// A hand moves about what is usual; the field takes all that is allowed.
QWidget* DynamicsControls::add_parameter(const PresetParameter& p, std::size_t index) {
  if (p.kind == PresetParameter::flag) {
    auto* box = new QCheckBox(QString::fromUtf8(p.name));
    box->setObjectName(QStringLiteral("dynamics_") + QLatin1String(p.key));
    system_column_->addWidget(box);
    connect(box, &QCheckBox::clicked, this, [this, index](bool on) { set_parameter_value(index, on ? 1 : 0, true); });
    return box;
  }
  ValueSlider* slider = add_slider(system_column_, QString::fromUtf8(p.name), p.key);
  const bool whole = p.kind == PresetParameter::whole, spans_zero = p.least <= 0;
  slider->set_range({p.least, p.most, spans_zero ? std::max(p.least, -p.fallback) : std::max(p.least, p.fallback / 100),
                     std::min(p.most, whole ? std::max(64.0, p.fallback) : std::max(p.fallback * 10, 1.0)), whole,
                     QString::fromUtf8(p.unit)});
  connect(slider, &ValueSlider::value_changed, this,
          [this, index](double value, bool finished) { set_parameter_value(index, value, finished); });
  return slider;
}

void DynamicsControls::set_lengths() {
  column_->setContentsMargins(scaled(18), scaled(14), scaled(18), scaled(12));
  column_->setSpacing(scaled(6));
  system_column_->setSpacing(scaled(4));
  input_column_->setSpacing(scaled(4));
}

void DynamicsControls::change(const LtiRun& run, const QString& undo_text, bool finished) {
  document_.change_run(run, undo_text, finished);
}

void DynamicsControls::show_scene() {
  show_system();
  show_rule();
  show_input();
}

void DynamicsControls::show_system() {
  const SystemChoice& choice = document_.run().system;
  const auto* preset = std::get_if<Preset>(&choice);
  const QString id = preset ? QString::fromStdString(preset->id) : QString();
  system_->setCurrentIndex(preset ? system_->findData(id) : system_->count() - 1);
  if (std::exchange(shown_preset_, id) != id || (preset && parameters_.empty())) {
    for (QWidget* parameter : std::exchange(parameters_, {})) delete parameter;
    const auto parameters = preset ? preset_info(preset->id).parameters : std::vector<PresetParameter>();
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters_.push_back(add_parameter(parameters[i], i));
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (auto* box = qobject_cast<QCheckBox*>(parameters_[i]))
      box->setChecked(preset->values[i] != 0);
    else
      static_cast<ValueSlider*>(parameters_[i])->set_value(preset->values[i]);
  }
  if (preset)
    about_->setText(QString::fromUtf8(preset_info(preset->id).sentence));
  else if (std::holds_alternative<DenseSystem>(choice))
    about_->setText(tr("Matrices of your own: choose a cell and type, paste a block, or drag an eigenvalue."));
  else if (std::holds_alternative<DiagonalSystem>(choice))
    about_->setText(tr("Eigenvalues of your own, one state or pair each: drag them in the s-plane."));
  else
    about_->setText(tr("A diagonal plus low rank, as S4 has it."));
  const auto* own = std::get_if<DenseSystem>(&choice);
  states_->setVisible(own);
  if (own) states_->set_value(static_cast<double>(own->states()));
  show_matrices();
}

// Own matrices at once, those of another choice when it has been built.
void DynamicsControls::show_matrices() {
  const SystemChoice& choice = document_.run().system;
  const auto& result = document_.result();
  const auto* own = std::get_if<DenseSystem>(&choice);
  if (!own && !(result && result->run.system == choice)) return;
  matrices_->set_matrices(matrices_of(own ? *own : result->system.dense));
  matrices_->set_editable(true, own ? QString() : tr("Change a cell and the matrices are your own."));
}

void DynamicsControls::show_rule() {
  const StepRule& rule = document_.run().rule;
  method_->setCurrentIndex(static_cast<int>(rule.method));
  formula_->setText(QString::fromUtf8(formula_of(rule.method)));
  delta_->set_value(rule.delta);
  alpha_->set_value(rule.alpha);
  balance_->set_value(rule.balance);
  alpha_->setVisible(rule.method == Method::gbt);
  balance_->setVisible(rule.method == Method::exponential_trapezoidal);
}

void DynamicsControls::show_input() {
  const Signal& input = document_.run().input;
  kind_->setCurrentIndex(static_cast<int>(input.kind));
  for (std::size_t i = 0; i < input_sliders_.size(); ++i) {
    input_sliders_[i]->set_value(input.*signal_numbers()[i].member);
    input_sliders_[i]->setVisible(reads(signal_numbers()[i], input.kind));
  }
  seed_->set_value(static_cast<double>(input.seed));
  seed_->setVisible(input.kind == SignalKind::white_noise || input.kind == SignalKind::band_noise);
  drawing_->setVisible(input.kind == SignalKind::drawn);
  show_length();
}

// Of a file it is as many samples as there are; the number in the scene is then a limit.
void DynamicsControls::show_length() {
  const Signal& input = document_.run().input;
  const auto& result = document_.result();
  const bool limited = is_read_from_file(input.kind);
  const bool known = limited && result && result->run.input == input;
  const std::int64_t samples = known ? result->samples : input.length;
  file_->show_signal(input, known ? samples : -1);
  const double most = static_cast<double>(max_signal_length);
  length_->set_range({1, most, 16, std::max(2048.0, known ? static_cast<double>(samples) : 0), true});
  length_->set_value(static_cast<double>(samples));
  length_->setToolTip(limited ? tr("As many as there are, at most %L1: fewer are the beginning").arg(input.length)
                              : QString());
}

void DynamicsControls::show_result() {
  const auto& result = document_.result();
  if (!result) return;
  show_matrices();
  show_length();
  said_->set_text(QString::fromStdString(sampling_sentence(*result) + "\n" + reach_sentence(*result) + "\n" +
                                         agreement_sentence(*result)));
  const Theme& t = theme();
  std::vector<NumberTable::Row> rows;
  constexpr std::size_t most_rows = 16;
  for (const Mode& mode : result->modes) {
    if (mode.lambda.imag() < 0) continue;  // with its conjugate
    if (rows.size() == most_rows) break;
    rows.push_back(
        {{complex_text(mode.lambda) + (mode.lambda.imag() > 0 ? QStringLiteral(" ±") : QString()),
          format_tick(mode.natural_frequency, 3), format_tick(mode.damping, 2), format_tick(mode.time_constant, 3)},
         mode.discrete_stable ? t.symbol(Symbol::A) : t.danger});
  }
  modes_->set_rows({QStringLiteral("λ"), QStringLiteral("ω rad/s"), QStringLiteral("ζ"), QStringLiteral("τ s")},
                   std::move(rows));
}

void DynamicsControls::choose_system(int index) {
  LtiRun run = document_.run();
  const QString id = system_->itemData(index).toString();
  if (id == QLatin1String("dense")) {
    if (!document_.result()) return;
    run.system = document_.result()->system.dense;
  } else {
    run.system = make_preset(id.toStdString());
    run.h0.clear();  // of other states
  }
  change(run, tr("choose a system"), true);
}

void DynamicsControls::set_parameter_value(std::size_t index, double value, bool finished) {
  LtiRun run = document_.run();
  auto* preset = std::get_if<Preset>(&run.system);
  if (!preset || index >= preset->values.size()) return;
  preset->values[index] = value;
  const PresetParameter& p = preset_info(preset->id).parameters[index];
  if (p.kind == PresetParameter::whole) {  // perhaps another number of states
    run.h0.clear();
    preset->C.clear();
  }
  change(run, tr("change %1").arg(QString::fromUtf8(p.name)), finished);
}

void DynamicsControls::choose_kind(int index) {
  const SignalKind kind = all_signal_kinds[index];
  LtiRun run = document_.run();
  if (is_read_from_file(kind) && run.input.kind != kind) {
    kind_->setCurrentIndex(static_cast<int>(run.input.kind));  // until there is a file
    Q_EMIT file_requested(kind);
    return;
  }
  run.input.kind = kind;
  if (kind == SignalKind::drawn && run.input.values.empty() && document_.result())
    run.input.values = document_.result()->input;
  if (run.input.values.size() > max_drawn_points) run.input.values.resize(max_drawn_points);
  change(run, tr("choose an input"), true);
}

// A smaller Δ samples the same signal more finely, so that what is seen of it stays.
void DynamicsControls::set_delta(double delta, bool finished) {
  LtiRun run = document_.run();
  if (run.input.length != sampled_)  // by something else
    duration_ = static_cast<double>(run.input.length) * run.rule.delta;
  run.rule.delta = delta;
  if (!is_read_from_file(run.input.kind))
    run.input.length = std::clamp<std::int64_t>(std::llround(duration_ / delta), 16, most_sampled);
  sampled_ = run.input.length;
  change(run, tr("change Δ"), finished);
}

}  // namespace statescope
