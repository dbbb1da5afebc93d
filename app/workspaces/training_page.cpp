// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/training_page.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/error.h"
#include "model/state_step.h"
#include "widgets/button.h"
#include "widgets/curves_view.h"
#include "widgets/flow_layout.h"
#include "widgets/heat_map_view.h"
#include "widgets/segmented_control.h"
#include "widgets/sequence_view.h"
#include "widgets/theme.h"
#include "widgets/value_slider.h"
#include "workspaces/inspector.h"
#include "workspaces/selectivity_pictures.h"
#include "workspaces/training_pictures.h"
#include "workspaces/training_presets.h"

namespace statescope {
namespace {

using Phase = TrainingDocument::Phase;

constexpr std::array tasks{"selective-copying", "copying", "induction-heads", "associative-recall"};
constexpr std::array blocks{BlockKind::mamba, BlockKind::h3, BlockKind::plain};
constexpr std::array inners{InnerKind::s6, InnerKind::s4d_complex, InnerKind::s4d_real, InnerKind::hyena,
                            InnerKind::attention};

QLabel* caption(const QString& text, const char* role = "muted") {
  auto* label = new QLabel(text);
  label->setProperty("role", QLatin1String(role));
  return label;
}

QComboBox* choice(const char* name, const QString& accessible_name) {
  auto* box = new QComboBox;
  box->setObjectName(QLatin1String(name));
  box->setAccessibleName(accessible_name);
  return box;
}

template <class Values, class Value>
int index_of(const Values& values, const Value& value) {
  return static_cast<int>(std::find(values.begin(), values.end(), value) - values.begin());
}

ValueSlider* whole(const char* name, const QString& text, double least, double most, double slider_most) {
  auto* slider = new ValueSlider(
      text, {.least = least, .most = most, .slider_least = least, .slider_most = slider_most, .whole = true});
  slider->setObjectName(QLatin1String(name));
  return slider;
}

}  // namespace

TrainingPage::TrainingPage(std::filesystem::path users) : document_(std::move(users)) {
  column_ = new QVBoxLayout(this);
  build_tools();
  build_views();
  build_inspector();
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &TrainingPage::set_lengths);
  connect(&document_, &TrainingDocument::phase_changed, this, &TrainingPage::show_phase);
  connect(&document_, &TrainingDocument::snapshot_changed, this, &TrainingPage::show_snapshot);
  connect(&document_, &TrainingDocument::kept, this, &TrainingPage::kept);
  connect(&document_, &TrainingDocument::failed, this, &TrainingPage::failed);
  set_recipe(training_presets().front().recipe);
  show_phase();
  show_snapshot();
}

void TrainingPage::build_tools() {
  presets_ = choice("training_presets", tr("Start from"));
  presets_->setPlaceholderText(tr("Start from"));
  for (const TrainingPreset& preset : training_presets()) {
    presets_->addItem(preset.name);
    presets_->setItemData(presets_->count() - 1, preset.sentence, Qt::ToolTipRole);
  }
  const auto button = [](Button::Look look, const char* icon, const QString& text, const char* name,
                         const QString& hint) {
    auto* made = new Button(look, QLatin1String(icon), text);
    made->setObjectName(QLatin1String(name));
    made->set_hint(hint);
    return made;
  };
  start_ = button(Button::Look::primary, "play", tr("Train"), "training_start", tr("Train this recipe from the start"));
  pause_ = button(Button::Look::raised, "pause", tr("Pause"), "training_pause", tr("Hold still, or go on"));
  step_ = button(Button::Look::raised, "step-forward", tr("Step"), "training_step", tr("One batch, then hold still"));
  keep_ = button(Button::Look::raised, "save", tr("Keep"), "training_keep",
                 tr("Save the network as it is: Compare offers it then"));
  discard_ = button(Button::Look::plain, "close", tr("Discard"), "training_discard", tr("End this run and forget it"));
  forget_ = button(Button::Look::plain, "", tr("Clear earlier"), "training_forget", tr("Forget the earlier curves"));
  tools_ = new FlowLayout;
  for (QWidget* tool : std::initializer_list<QWidget*>{presets_, start_, pause_, step_, keep_, discard_, forget_})
    tools_->addWidget(tool);
  sentence_ = caption({});
  sentence_->setObjectName(QStringLiteral("training_sentence"));
  sentence_->setWordWrap(true);
  column_->addLayout(tools_);
  column_->addWidget(sentence_);
  connect(presets_, &QComboBox::activated, this,
          [this](int index) { change(training_presets()[static_cast<std::size_t>(index)].recipe, tr("Start from")); });
  connect(start_, &QAbstractButton::clicked, this, &TrainingPage::start);
  connect(pause_, &QAbstractButton::clicked, this,
          [this] { document_.phase() == Phase::paused ? document_.resume() : document_.pause(); });
  connect(step_, &QAbstractButton::clicked, this, [this] { document_.step(); });
  connect(keep_, &QAbstractButton::clicked, this, [this] { document_.keep(); });
  connect(discard_, &QAbstractButton::clicked, this, [this] { document_.discard(); });
  connect(forget_, &QAbstractButton::clicked, this, [this] { document_.forget_earlier(); });
}

void TrainingPage::build_views() {
  loss_ = new CurvesView;
  loss_->setObjectName(QStringLiteral("training_loss"));
  loss_->setAccessibleName(tr("Loss of every step"));
  accuracy_ = new CurvesView;
  accuracy_->setObjectName(QStringLiteral("training_accuracy"));
  accuracy_->setAccessibleName(tr("Right answers on fresh sequences"));
  strip_ = new SequenceView;
  strip_->setObjectName(QStringLiteral("training_strip"));
  strip_->setAccessibleName(tr("One fixed sequence and the answers to it"));
  map_ = new HeatMapView;
  map_->setObjectName(QStringLiteral("training_map"));
  map_->setAccessibleName(tr("Δ on the fixed sequence"));
  loss_->set_message(tr("Press Train: the curves grow here"));
  accuracy_->set_message(tr("Every few steps fresh sequences are answered"));
  for (View* view : std::initializer_list<View*>{loss_, accuracy_, map_})
    view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
  curves_ = new QHBoxLayout;
  curves_->addWidget(loss_, 1);
  curves_->addWidget(accuracy_, 1);
  column_->addLayout(curves_, 4);
  column_->addWidget(strip_);
  column_->addWidget(map_, 4);
}

void TrainingPage::build_inspector() {
  auto* content = new QWidget;
  inspector_column_ = new QVBoxLayout(content);
  tasks_ = choice("training_task", tr("Task"));
  for (const char* task : tasks) tasks_->addItem(task_name(task));
  blocks_ = choice("training_block", tr("Block"));
  blocks_->addItems({tr("Mamba block"), tr("H3 block"), tr("alone")});
  inners_ = choice("training_inner", tr("Inner layer"));
  inners_->addItems({tr("S6, selective"), tr("S4D, time-invariant"), tr("S4D real, time-invariant"),
                     tr("Hyena, a long filter"), tr("Attention, keeps all tokens")});
  length_ = whole("training_length", tr("Tokens to read"), 4, 4096, 256);
  memorise_ = whole("training_memorise", tr("Tokens to remember"), 1, 64, 16);
  width_ = whole("training_width", tr("Width d_model"), 4, 512, 128);
  states_ = whole("training_states", tr("States N of a channel"), 2, 64, 32);
  steps_ = whole("training_steps", tr("Steps"), 1, 1e6, 3000);
  seed_ = whole("training_seed", tr("Seed"), 0, 1e6, 20);
  rate_ = new ValueSlider(tr("Learning rate"), {.least = 1e-6, .most = 1, .slider_least = 1e-5, .slider_most = 0.1});
  rate_->setObjectName(QStringLiteral("training_rate"));
  layers_ = new SegmentedControl(tr("Layer"));
  layers_->setObjectName(QStringLiteral("training_layer"));
  layers_->set_options({{QStringLiteral("1")}, {QStringLiteral("2")}});
  facts_ = caption({});
  facts_->setWordWrap(true);
  auto* grid = new QGridLayout;
  grid->setVerticalSpacing(scaled(8));
  grid->setColumnStretch(1, 1);
  const std::pair<QString, QWidget*> rows[] = {
      {tr("Task"), tasks_}, {tr("Block"), blocks_}, {tr("Inner layer"), inners_}};
  for (int i = 0; i < static_cast<int>(std::size(rows)); ++i) {
    grid->addWidget(caption(rows[i].first), i, 0);
    grid->addWidget(rows[i].second, i, 1);
    rows[i].second->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  }
  inspector_column_->addWidget(caption(tr("What is trained next"), "strong"));
  inspector_column_->addLayout(grid);
  for (ValueSlider* slider : {length_, memorise_, width_, states_, rate_, steps_, seed_}) {
    inspector_column_->addWidget(slider);
    connect(slider, &ValueSlider::value_changed, this,
            [this, slider](double, bool finished) { take_recipe(slider->name(), finished); });
  }
  auto* row = new QHBoxLayout;
  row->addWidget(caption(tr("Layer shown")));
  row->addWidget(layers_);
  row->addStretch();
  inspector_column_->addLayout(row);
  inspector_column_->addWidget(facts_);
  inspector_column_->addStretch(1);
  for (QComboBox* box : {tasks_, blocks_, inners_})
    connect(box, &QComboBox::activated, this, [this, box] { take_recipe(box->accessibleName(), true); });
  connect(layers_, &SegmentedControl::selected, this, [this] { show_snapshot(); });
  inspector_ = make_inspector(content, QStringLiteral("training_inspector"));
}

void TrainingPage::set_lengths() {
  column_->setContentsMargins(0, 0, 0, 0);
  column_->setSpacing(scaled(12));
  tools_->setSpacing(scaled(8));
  curves_->setSpacing(scaled(28));
  inspector_column_->setContentsMargins(scaled(18), scaled(12), scaled(18), scaled(12));
  inspector_column_->setSpacing(scaled(8));
  strip_->setFixedHeight(scaled(56));
  for (View* view : std::initializer_list<View*>{loss_, accuracy_, map_}) view->setMinimumHeight(scaled(120));
}

void TrainingPage::set_recipe(const Recipe& recipe) {
  undo_stack_.clear();
  committed_ = recipe;
  show_recipe(recipe);
}

void TrainingPage::change(const Recipe& next, const QString& undo_text, bool finished) {
  if (!finished || next == committed_) return show_recipe(next);
  undo_stack_.push(new StateStep<Recipe>(committed_, next, undo_text, [this](const Recipe& recipe) {
    committed_ = recipe;
    show_recipe(recipe);
  }));
}

void TrainingPage::show_recipe(const Recipe& recipe) {
  recipe_ = recipe;
  filling_ = true;
  tasks_->setCurrentIndex(index_of(tasks, recipe_.task.kind));
  blocks_->setCurrentIndex(index_of(blocks, recipe_.network.block));
  inners_->setCurrentIndex(index_of(inners, recipe_.network.inner));
  length_->set_value(static_cast<double>(recipe_.task.length));
  memorise_->set_value(static_cast<double>(recipe_.task.memorise));
  memorise_->setEnabled(recipe_.task.kind != "induction-heads");
  width_->set_value(static_cast<double>(recipe_.network.d_model));
  states_->set_value(static_cast<double>(recipe_.network.d_state));
  rate_->set_value(recipe_.optimiser.learning_rate);
  steps_->set_value(static_cast<double>(recipe_.optimiser.steps));
  seed_->set_value(static_cast<double>(recipe_.seed));
  filling_ = false;
  if (!document_.snapshot()) show_task();
}

// Before anything is learnt: a sequence of the task, or nothing where its sizes do not fit.
void TrainingPage::show_task() {
  try {
    SelectivityReading reading;
    reading.task = recipe_.task;
    reading.tokens = make_task(recipe_.task)->batch(recipe_.seed, Split::evaluation, 0, 1).tokens;
    reading.rule = task_rule(recipe_.task, reading.tokens);
    strip_->set_data(task_picture(reading));
  } catch (const Error&) {
    strip_->set_data(nullptr);  // Train says what is wrong
  }
}

void TrainingPage::take_recipe(const QString& undo_text, bool finished) {
  if (filling_) return;
  const auto number = [](const ValueSlider* slider) { return std::llround(slider->value()); };
  Recipe next = recipe_;
  next.task.kind = tasks[static_cast<std::size_t>(tasks_->currentIndex())];
  next.task.length = number(length_);
  next.task.memorise = number(memorise_);
  next.network.block = blocks[static_cast<std::size_t>(blocks_->currentIndex())];
  next.network.inner = inners[static_cast<std::size_t>(inners_->currentIndex())];
  next.network.d_model = number(width_);
  next.network.d_state = number(states_) + number(states_) % 2;
  next.network.dt_rank = std::max<std::int64_t>(1, next.network.d_model / 16);
  next.optimiser.learning_rate = rate_->value();
  next.optimiser.steps = number(steps_);
  next.optimiser.warmup = std::min<std::int64_t>(100, next.optimiser.steps / 10);
  next.seed = static_cast<std::uint64_t>(number(seed_));
  change(next, undo_text, finished);
}

void TrainingPage::set_for_export(bool for_export) {
  for (QWidget* tool : std::initializer_list<QWidget*>{presets_, start_, pause_, step_, keep_, discard_})
    tool->setVisible(!for_export);
}

void TrainingPage::start() {
  const QString name = tr("%1, seed %2").arg(system_name(recipe_.network)).arg(recipe_.seed);
  document_.start(recipe_, name);
}

void TrainingPage::show_phase() {
  const Phase phase = document_.phase();
  const bool alive = phase == Phase::running || phase == Phase::paused;
  pause_->setEnabled(alive);
  pause_->setText(phase == Phase::paused ? tr("Go on") : tr("Pause"));
  pause_->set_icon_name(phase == Phase::paused ? QStringLiteral("play") : QStringLiteral("pause"));
  step_->setEnabled(alive);
  keep_->setEnabled(phase != Phase::idle);
  discard_->setEnabled(phase != Phase::idle);
  start_->setText(phase == Phase::idle ? tr("Train") : tr("Train anew"));
  start_->set_look(alive ? Button::Look::raised : Button::Look::primary);  // which would throw away what runs
  Q_EMIT settled_changed();
}

void TrainingPage::show_snapshot() {
  const auto& snapshot = document_.snapshot();
  TrainingRuns runs = document_.earlier();
  forget_->setVisible(!runs.empty());
  if (snapshot) runs.push_back(snapshot->run);
  const bool any = std::any_of(runs.begin(), runs.end(), [](const auto& run) { return !run->loss.empty(); });
  loss_->set_data(any ? loss_picture(runs) : nullptr);
  accuracy_->set_data(any ? fresh_picture(runs) : nullptr);
  const int last = static_cast<int>(runs.size()) - 1;
  loss_->set_highlighted(last);
  accuracy_->set_highlighted(last);
  if (!snapshot) {
    sentence_->setText(
        document_.phase() == Phase::idle
            ? tr("A network that has never seen the task learns it here, while you watch what its steps Δ "
                 "become: choose a recipe and press Train.")
            : tr("Making the first batch…"));
    show_task();
    map_->set_message(tr("Here Δ changes, token by token, while the network learns when to open"));
    map_->set_data(nullptr);
    facts_->clear();
    return;
  }
  const auto layer = std::min<std::size_t>(static_cast<std::size_t>(layers_->current()), snapshot->layers.size() - 1);
  const SelectivityFrame& frame = snapshot->layers[layer];
  sentence_->setText(training_sentence(*snapshot, static_cast<std::int64_t>(layer)));
  strip_->set_data(system_picture(frame, 0));
  strip_->set_cursor(frame.cursor);
  map_->set_message(no_states_sentence(snapshot->run->recipe.network));
  map_->set_data(quantity_picture(frame, 0));
  map_->set_cursor_column(frame.cursor);
  const Recipe& trained = snapshot->run->recipe;
  facts_->setText(tr("This run: %1, %L2 sequences a step of %L3 tokens")
                      .arg(system_name(trained.network))
                      .arg(trained.batch)
                      .arg(frame.reading->length()));
}

}  // namespace statescope
