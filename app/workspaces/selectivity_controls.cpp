// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/selectivity_controls.h"

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "widgets/button.h"
#include "widgets/curves_view.h"
#include "widgets/flow_layout.h"
#include "widgets/segmented_control.h"
#include "widgets/theme.h"
#include "widgets/value_slider.h"
#include "workspaces/selectivity_pictures.h"

namespace statescope {
namespace {

constexpr int most_layer_segments = 7;

QLabel* labelled(const QString& text, const char* role) {
  auto* label = new QLabel(text);
  label->setProperty("role", QLatin1String(role));
  return label;
}

}  // namespace

SelectivityControls::SelectivityControls(SelectivityDocument& document, QWidget* parent)
    : QWidget(parent), document_(document) {
  auto* column = new QVBoxLayout(this);
  build_view_choices();
  build_knobs();
  build_answers();
  set_lengths();
  column->addStretch(1);
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &SelectivityControls::set_lengths);
}

void SelectivityControls::build_view_choices() {
  auto* column = static_cast<QVBoxLayout*>(layout());
  layers_ = new SegmentedControl(tr("Layer"));
  layers_->setObjectName(QStringLiteral("selectivity_layer"));
  kept_ = new SegmentedControl(tr("Colour of the tokens"));
  kept_->setObjectName(QStringLiteral("selectivity_kept"));
  kept_->set_options({{tr("Share of state"), {}, tr("Of what is in the state now, how much each token wrote")},
                      {tr("What is left"), {}, tr("Of what each token wrote, how much is still there")}});
  kept_->set_wrapping(true);
  channels_ = labelled({}, "muted");
  channels_->setWordWrap(true);
  all_channels_ = new Button(Button::Look::raised, {}, tr("All"));
  all_channels_->setObjectName(QStringLiteral("selectivity_all_channels"));
  all_channels_->set_hint(tr("Show all channels again"));
  auto* row = new QHBoxLayout;
  row->addWidget(channels_, 1);
  row->addWidget(all_channels_);
  column->addWidget(labelled(tr("What is looked at"), "strong"));
  for (const auto& [name, control] : {std::pair(tr("Layer"), layers_), {tr("Tokens"), kept_}}) {
    auto* choice = new FlowLayout(nullptr, true);  // with large text below its name
    choice->addWidget(labelled(name, "muted"));
    choice->addWidget(control);
    column->addLayout(choice);
  }
  column->addLayout(row);
  connect(layers_, &SegmentedControl::selected, this, [this](int index) {
    change_view(tr("Layer"), [index](SelectivityView& view) {
      view.layer = index;
      view.channels = {};
    });
  });
  connect(kept_, &SegmentedControl::selected, this, [this](int index) {
    change_view(tr("Colour of the tokens"), [index](SelectivityView& view) { view.survival = index == 1; });
  });
  connect(all_channels_, &QAbstractButton::clicked, this,
          [this] { change_view(tr("All channels"), [](SelectivityView& view) { view.channels = {}; }); });
}

void SelectivityControls::build_knobs() {
  auto* column = static_cast<QVBoxLayout*>(layout());
  systems_ = new SegmentedControl(tr("Whose knobs"));
  systems_->setObjectName(QStringLiteral("selectivity_system"));
  systems_->set_options(
      {{tr("Upper"), {}, tr("The knobs of the upper system")}, {tr("Lower"), {}, tr("The knobs of the lower system")}});
  title_ = labelled({}, "muted");
  title_->setWordWrap(true);
  as_trained_ = new Button(Button::Look::plain, QStringLiteral("restart"), tr("As trained"));
  as_trained_->setObjectName(QStringLiteral("selectivity_as_trained"));
  as_trained_->set_hint(tr("Turn all knobs of this system back"));
  auto* head = new FlowLayout(nullptr, true);
  head->addWidget(labelled(tr("Knobs"), "strong"));
  head->addWidget(systems_);
  auto* named = new QHBoxLayout;
  named->addWidget(title_, 1);
  named->addWidget(as_trained_);
  column->addLayout(head);
  column->addLayout(named);

  auto* freezing = new FlowLayout(nullptr, true);
  freezing->addWidget(labelled(tr("Freeze to the mean"), "muted"));
  auto* choices = new QWidget;
  auto* boxes = new QHBoxLayout(choices);
  boxes->setContentsMargins(0, 0, 0, 0);
  boxes->setSpacing(scaled(14));
  freezing->addWidget(choices);
  const QString letters[] = {QStringLiteral("Δ"), QStringLiteral("B"), QStringLiteral("C")};
  const QString frozen[] = {tr("Freeze Δ to its mean"), tr("Freeze B to its mean"), tr("Freeze C to its mean")};
  const char* names[] = {"selectivity_freeze_delta", "selectivity_freeze_B", "selectivity_freeze_C"};
  bool Knobs::*const flags[] = {&Knobs::freeze_delta, &Knobs::freeze_B, &Knobs::freeze_C};
  for (int i = 0; i < 3; ++i) {
    freezes_[i] = new QCheckBox(letters[i]);
    freezes_[i]->setObjectName(QLatin1String(names[i]));
    freezes_[i]->setAccessibleName(frozen[i]);
    boxes->addWidget(freezes_[i]);
    connect(freezes_[i], &QCheckBox::clicked, this, [this, flag = flags[i], text = frozen[i]](bool on) {
      change_knobs(text, true, [flag, on](Knobs& knobs) { knobs.*flag = on; });
    });
  }
  column->addLayout(freezing);
  scale_ = new ValueSlider(tr("Scale of Δ"),
                           {.least = 1e-3, .most = max_delta_scale, .slider_least = 0.01, .slider_most = 100});
  scale_->setObjectName(QStringLiteral("selectivity_scale"));
  column->addWidget(scale_);
  input_ = new QComboBox;
  input_->setObjectName(QStringLiteral("selectivity_input"));
  input_->setAccessibleName(tr("How B is made discrete"));
  input_->addItems({tr("as trained"), tr("(exp(ΔA) − 1)/A · B  (ZOH)"), tr("Δ · B  (Euler)")});
  input_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  auto* row = new QHBoxLayout;
  row->addWidget(labelled(tr("B̄ is"), "muted"));
  row->addWidget(input_, 1);
  column->addLayout(row);
  connect(systems_, &SegmentedControl::selected, this, [this](int index) {
    change_view(tr("Whose knobs"), [index](SelectivityView& view) { view.system = index; });
  });
  connect(scale_, &ValueSlider::value_changed, this, [this](double value, bool finished) {
    change_knobs(tr("Scale of Δ"), finished, [value](Knobs& knobs) { knobs.delta_scale = value; });
  });
  connect(input_, &QComboBox::activated, this, [this](int index) {
    change_knobs(tr("Discretisation"), true, [index](Knobs& knobs) { knobs.input = static_cast<Knobs::Input>(index); });
  });
  connect(as_trained_, &QAbstractButton::clicked, this,
          [this] { change_knobs(tr("As trained"), true, [](Knobs& knobs) { knobs = {}; }); });
}

void SelectivityControls::build_answers() {
  auto* column = static_cast<QVBoxLayout*>(layout());
  by_ = new SegmentedControl(tr("Right answers by"));
  by_->setObjectName(QStringLiteral("selectivity_by"));
  by_->set_options({{tr("By question"), {}, tr("The first question of a sequence, the second, …")},
                    {tr("By length"), {}, tr("Longer and longer sequences, up to 16,384 tokens to read")}});
  by_->set_wrapping(true);
  fresh_ = labelled({}, "body");
  fresh_->setObjectName(QStringLiteral("selectivity_fresh"));
  fresh_->setWordWrap(true);
  answers_ = new CurvesView;
  answers_->setObjectName(QStringLiteral("selectivity_answers"));
  answers_->setAccessibleName(tr("Right answers to fresh sequences"));
  answers_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  answers_->set_message(tr("Reading…"));
  auto* head = new FlowLayout(nullptr, true);
  head->addWidget(labelled(tr("Fresh sequences"), "strong"));
  head->addWidget(by_);
  column->addLayout(head);
  column->addWidget(fresh_);
  column->addWidget(answers_);
  connect(by_, &SegmentedControl::selected, this, [this](int index) {
    change_view(tr("Right answers by"), [index](SelectivityView& view) { view.by_length = index == 1; });
  });
}

void SelectivityControls::set_lengths() {
  layout()->setContentsMargins(scaled(18), scaled(12), scaled(18), scaled(12));
  layout()->setSpacing(scaled(10));
  answers_->setFixedHeight(scaled(166));
}

void SelectivityControls::change_view(const QString& text, const std::function<void(SelectivityView&)>& edit) {
  SelectivityScene next = document_.state();
  edit(next.view);
  document_.change(next, text);
}

void SelectivityControls::change_knobs(const QString& text, bool finished, const std::function<void(Knobs&)>& edit) {
  SelectivityScene next = document_.state();
  edit(next.run.systems[system()].knobs);
  document_.change(next, text, finished);
}

void SelectivityControls::show_state() {
  const SelectivityScene& state = document_.state();
  const Knobs& knobs = state.run.systems[system()].knobs;
  kept_->set_current(state.view.survival ? 1 : 0);
  by_->set_current(state.view.by_length ? 1 : 0);
  systems_->set_current(static_cast<int>(system()));
  const bool flags[] = {knobs.freeze_delta, knobs.freeze_B, knobs.freeze_C};
  for (int i = 0; i < 3; ++i) freezes_[i]->setChecked(flags[i]);
  scale_->set_value(knobs.delta_scale);
  const QSignalBlocker quiet(input_);
  input_->setCurrentIndex(static_cast<int>(knobs.input));
  as_trained_->setEnabled(!(knobs == Knobs{}));
  layers_->set_current(static_cast<int>(state.view.layer));
  const auto& channels = state.view.channels;
  const auto named = [](const std::optional<std::int64_t>& channel) {
    return channel ? tr("channel %1").arg(*channel) : tr("all channels");
  };
  all_channels_->setEnabled(channels[0] || channels[1]);
  channels_->setText(channels[0] || channels[1] ? tr("Upper: %1; lower: %2").arg(named(channels[0]), named(channels[1]))
                                                : tr("All channels; click one in a map to see its states"));
  show_frame();
  show_fresh();
}

void SelectivityControls::show_frame() {
  if (!document_.frame()) return;
  const SelectivityReading& reading = *document_.frame()->reading;
  const SystemReading& chosen = reading.systems[std::min<std::size_t>(system(), 1)];
  title_->setText(system_name(chosen.recipe.network));
  // What the layer does not choose for itself cannot be frozen.
  const NetworkRecipe& network = chosen.recipe.network;
  const bool s6 = network.inner == InnerKind::s6;
  const bool selective[] = {s6 && network.selective_delta, s6 && network.selective_B, s6 && network.selective_C};
  for (int i = 0; i < 3; ++i) {
    freezes_[i]->setEnabled(selective[i]);
    freezes_[i]->setToolTip(selective[i] ? QString() : tr("It is the same at every token in this system"));
  }
  const bool has_states = document_.frame()->systems[std::min<std::size_t>(system(), 1)].rows > 0;
  scale_->setEnabled(has_states);
  input_->setEnabled(has_states);
  int layers = 1;
  for (const SystemReading& one : reading.systems)
    layers = std::max(layers, static_cast<int>(std::ssize(one.probe.layers)));
  layers = std::min(layers, most_layer_segments);
  if (layers != shown_layers_) {
    shown_layers_ = layers;
    std::vector<SegmentedControl::Option> options;
    for (int i = 1; i <= std::max(2, layers); ++i) options.push_back({QString::number(i)});
    layers_->set_options(options);
    layers_->setEnabled(layers > 1);
    layers_->set_current(static_cast<int>(document_.state().view.layer));
  }
}

void SelectivityControls::show_fresh() {
  if (!document_.frame()) return;
  const SelectivityReading& reading = *document_.frame()->reading;
  const bool by_length = document_.state().view.by_length;
  fresh_->setText(by_length ? lengths_sentence(reading, document_.lengths(), system())
                            : fresh_sentence(document_.fresh(), system()));
  answers_->set_data(by_length ? lengths_picture(reading, document_.lengths())
                               : answers_picture(reading, document_.fresh()));
}

}  // namespace statescope
