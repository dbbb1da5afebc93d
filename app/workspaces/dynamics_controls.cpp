// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_controls.h"

#include <QComboBox>
#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/dynamics/edit.h"
#include "engine/io/csv.h"
#include "model/dynamics_document.h"
#include "widgets/button.h"
#include "widgets/format.h"
#include "widgets/matrix_editor.h"
#include "widgets/number_table.h"
#include "widgets/theme.h"
#include "widgets/value_slider.h"
#include "widgets/words.h"
#include "workspaces/dynamics_pictures.h"

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

bool is_file(SignalKind kind) {
  return kind == SignalKind::wav || kind == SignalKind::csv;
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
  connect(table_column_, &QComboBox::activated, this, [this] {
    LtiRun run = document_.run();
    run.input.column = table_column_->currentData().toString().toStdString();
    change(run, tr("choose a column"), true);
  });
  connect(open_, &QAbstractButton::clicked, this, [this] { Q_EMIT file_requested(document_.run().input.kind); });
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
  file_ = add_words("dynamics_file");
  open_ = new Button(Button::Look::raised, QStringLiteral("open"), tr("Choose a file…"));
  open_->setObjectName(QStringLiteral("dynamics_open"));
  column_->addWidget(open_);
  table_column_ = add_choice("dynamics_column", tr("Column of the table"));
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
  ValueSlider* seed = add_slider(input_column_, tr("Seed"), "seed");
  seed->set_range({0, 1e9, 0, 100, true});
  connect(seed, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.input.seed = static_cast<std::uint64_t>(value);
    change(run, tr("change the input"), finished);
  });
  ValueSlider* length = add_slider(input_column_, tr("Samples"), "length");
  length->set_range({1, static_cast<double>(max_signal_length), 16, 2048, true});
  connect(length, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    LtiRun run = document_.run();
    run.input.length = static_cast<std::int64_t>(value);
    change(run, tr("change the length"), finished);
  });
  input_sliders_.push_back(seed);
  input_sliders_.push_back(length);

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
  if (std::exchange(shown_preset_, id) != id || (preset && system_sliders_.empty())) {
    for (ValueSlider* slider : system_sliders_) delete slider;
    system_sliders_.clear();
    const auto parameters = preset ? preset_info(preset->id).parameters : std::vector<PresetParameter>();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const PresetParameter& p = parameters[i];
      ValueSlider* slider = add_slider(system_column_, QString::fromUtf8(p.name), p.key);
      // A hand moves about what is usual; the field takes all that is allowed.
      const bool spans_zero = p.least <= 0;
      slider->set_range({p.least, p.most,
                         spans_zero ? std::max(p.least, -p.fallback) : std::max(p.least, p.fallback / 100),
                         std::min(p.most, p.whole ? std::max(64.0, p.fallback) : std::max(p.fallback * 10, 1.0)),
                         p.whole, QString::fromUtf8(p.unit)});
      connect(slider, &ValueSlider::value_changed, this,
              [this, i](double value, bool finished) { set_parameter_value(i, value, finished); });
      system_sliders_.push_back(slider);
    }
  }
  if (preset)
    for (std::size_t i = 0; i < system_sliders_.size(); ++i) system_sliders_[i]->set_value(preset->values[i]);
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
  const std::size_t numbers = signal_numbers().size();
  for (std::size_t i = 0; i < numbers; ++i) {
    input_sliders_[i]->set_value(input.*signal_numbers()[i].member);
    input_sliders_[i]->setVisible(reads(signal_numbers()[i], input.kind));
  }
  input_sliders_[numbers]->set_value(static_cast<double>(input.seed));
  input_sliders_[numbers]->setVisible(input.kind == SignalKind::white_noise || input.kind == SignalKind::band_noise);
  input_sliders_[numbers + 1]->set_value(static_cast<double>(input.length));
  open_->setVisible(is_file(input.kind));
  file_->setVisible(is_file(input.kind) || input.kind == SignalKind::drawn);
  file_->setText(input.kind == SignalKind::drawn ? tr("Draw in the picture of the input.")
                                                 : QFileInfo(QString::fromStdString(input.file)).fileName());
  show_columns();
}

// The first line of a table names its columns; one of another name or number, from a scene, is listed as it is.
void DynamicsControls::show_columns() {
  const Signal& input = document_.run().input;
  table_column_->setVisible(input.kind == SignalKind::csv);
  if (input.kind != SignalKind::csv) return;
  if (std::exchange(shown_table_, input.file) != input.file || table_column_->count() == 0) {
    constexpr qint64 most_bytes = 1 << 16;
    QFile file(QString::fromStdString(input.file));
    const QByteArray beginning = file.open(QIODevice::ReadOnly) ? file.read(most_bytes) : QByteArray();
    table_column_->clear();
    table_column_->addItem(tr("First column of numbers"), QString());
    for (const std::string& name : csv_columns({beginning.constData(), static_cast<std::size_t>(beginning.size())}))
      table_column_->addItem(tr("Column %1").arg(QString::fromStdString(name)), QString::fromStdString(name));
  }
  const QString column = QString::fromStdString(input.column);
  if (table_column_->findData(column) < 0) table_column_->addItem(tr("Column %1").arg(column), column);
  table_column_->setCurrentIndex(table_column_->findData(column));
}

void DynamicsControls::show_result() {
  const auto& result = document_.result();
  if (!result) return;
  show_matrices();
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
  if (p.whole) {  // perhaps another number of states
    run.h0.clear();
    preset->C.clear();
  }
  change(run, tr("change %1").arg(QString::fromUtf8(p.name)), finished);
}

void DynamicsControls::choose_kind(int index) {
  const SignalKind kind = all_signal_kinds[index];
  LtiRun run = document_.run();
  if (is_file(kind) && run.input.kind != kind) {
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
  if (!is_file(run.input.kind))
    run.input.length = std::clamp<std::int64_t>(std::llround(duration_ / delta), 16, most_sampled);
  sampled_ = run.input.length;
  change(run, tr("change Δ"), finished);
}

}  // namespace statescope
