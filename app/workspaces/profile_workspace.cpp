// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/profile_workspace.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

#include "engine/error.h"
#include "widgets/button.h"
#include "widgets/flow_layout.h"
#include "widgets/format.h"
#include "widgets/imgui_view.h"
#include "widgets/notice.h"
#include "widgets/profile/stage_look.h"
#include "widgets/profile/units.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/transport_bar.h"
#include "workspaces/device_choice.h"
#include "workspaces/inspector.h"
#include "workspaces/model_workspace.h"
#include "workspaces/profile_inspector.h"

namespace statescope {
namespace {

constexpr double steps_per_second = 1;  // of the theatre at 1×: a sentence a second is quick enough to read
constexpr std::array prompt_choices{0, 64, 512, 2048, 8192};
constexpr std::array generate_choices{0, 8, 32, 128, 512};
constexpr std::array precision_choices{Precision::f32, Precision::bf16, Precision::f16, Precision::i8};
constexpr std::array theatre_lengths{4, 8, 11, 16, 32, 64};
constexpr std::array theatre_chunks{2, 4, 8};
constexpr std::array sweep_ends{4096, 16384, 65536, 262144};

QString tokens_text(int tokens) {
  return ProfileWorkspace::tr("%L1 tokens").arg(tokens);
}

}  // namespace

ProfileWorkspace::ProfileWorkspace(ModelWorkspace& model, const std::filesystem::path& assets, const Machine& machine)
    : Workspace(QStringLiteral("profile"), tr("Profile"), QStringLiteral("profile")),
      model_workspace_(model),
      model_(model.document()),
      document_(assets, machine),
      device_(new DeviceChoice(machine)) {
  tabs_ = new SegmentedControl(tr("Profile view"));
  tabs_->setObjectName(QStringLiteral("profile_tabs"));
  tabs_->set_options({{tr("Timeline"), {}, tr("Every stage of every layer, down to nanoseconds")},
                      {tr("Stages"), {}, tr("Where the time goes, and how even it is")},
                      {tr("Roofline"), {}, tr("What keeps each stage from being faster")},
                      {tr("Memory"), {}, tr("The state against a key-value cache")},
                      {tr("Compare"), {}, tr("Two runs side by side")},
                      {tr("Scan theatre"), {}, tr("Scan algorithms step by step")},
                      {tr("Sweep"), {}, tr("Time against length, measured here")}});
  tabs_->set_wrapping(true);
  view_ = new ImGuiView;
  view_->setObjectName(QStringLiteral("profile_view"));
  build_controls();
  inspector_ = new ProfileInspector;
  set_inspector(make_inspector(inspector_, QStringLiteral("profile_inspector")));
  tab_row_ = new QHBoxLayout;
  tab_row_->addWidget(tabs_);
  tab_row_->addWidget(progress_, 1);
  auto* content = new QWidget;
  auto* page = new QVBoxLayout(content);
  page->setContentsMargins(0, 0, 0, 0);
  page->addLayout(tab_row_);
  for (QWidget* controls : controls_) page->addWidget(controls);
  page->addWidget(view_, 1);
  column_ = new QVBoxLayout(this);
  notice_row_ = new QVBoxLayout;
  notice_row_->addWidget(&notice());
  column_->addLayout(notice_row_);
  column_->addWidget(make_scrolling(content), 1);
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    set_lengths();
    show_selection();
  });
  const QString recording_empty = tr("Press Run to record where the time goes.");
  timeline_.set_empty_text(recording_empty);
  stages_.set_empty_text(recording_empty);
  roofline_.set_empty_text(tr("Press Run: the stages appear here once the machine’s limits have been measured."));
  memory_.set_empty_text(recording_empty);
  compare_.set_empty_text(tr("Keep a run as A, change something, run again: both stand here side by side."));
  theatre_.set_empty_text(tr("Let the model read a text first: the theatre plays its numbers."));
  sweep_.set_empty_text(tr("Measure how long every way to scan takes as the text grows, and attention beside it."));
  transport_bar().set_base_speed(steps_per_second);
  connect_all();
  theatre_wish_ = wanted_theatre();
  show_tab(timeline);
  show_work();
}

ProfileWorkspace::~ProfileWorkspace() {
  view_->show_page(nullptr);
}

QWidget* ProfileWorkspace::labelled(const QString& text, QWidget* control) {
  auto* box = new QWidget;
  auto* row = new QHBoxLayout(box);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(scaled(6));
  auto* label = new QLabel(text);
  label->setProperty("role", QStringLiteral("caption"));
  row->addWidget(label);
  row->addWidget(control);
  control->setAccessibleName(text);
  return box;
}

void ProfileWorkspace::build_controls() {
  const auto choice = [](const char* name) {
    auto* box = new QComboBox;
    box->setObjectName(QLatin1String(name));
    box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    return box;
  };
  prompt_ = choice("profile_prompt");
  for (const int tokens : prompt_choices) prompt_->addItem(tokens == 0 ? tr("as typed") : tokens_text(tokens), tokens);
  generate_ = choice("profile_generate");
  for (const int tokens : generate_choices) generate_->addItem(tokens_text(tokens), tokens);
  generate_->setCurrentIndex(2);
  precision_ = choice("profile_precision");
  for (const Precision each : precision_choices)
    precision_->addItem(QString::fromStdString(precision_name(each)), static_cast<int>(each));
  threads_ = choice("profile_threads");
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int n = cores; n >= 1; n = n > 1 ? n / 2 : 0) threads_->addItem(QString::number(n), n);
  run_ = new Button(Button::Look::primary, {}, tr("Run"));
  run_->setObjectName(QStringLiteral("profile_run"));
  run_->set_hint(tr("Record a run of the model and text of the Model workspace"));
  keep_ = new Button(Button::Look::raised, {}, tr("Keep as A"));
  keep_->setObjectName(QStringLiteral("profile_keep"));
  keep_->set_hint(tr("Compare later runs with this one"));
  save_ = new Button(Button::Look::plain, QStringLiteral("export"), {});
  save_->setObjectName(QStringLiteral("profile_export"));
  save_->set_hint(tr("Save the recording: profile, Perfetto trace or CSV"));
  open_ = new Button(Button::Look::plain, QStringLiteral("open"), {});
  open_->setObjectName(QStringLiteral("profile_open"));
  open_->set_hint(tr("Open a saved profile"));
  progress_ = new QLabel;
  progress_->setProperty("role", QStringLiteral("caption"));
  progress_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  progress_->setObjectName(QStringLiteral("profile_progress"));

  const auto row_of = [](std::initializer_list<QWidget*> widgets) {
    auto* box = new QWidget;
    auto* row = new FlowLayout(box);
    for (QWidget* widget : widgets) row->addWidget(widget);
    return box;
  };
  controls_[0] =
      row_of({run_, labelled(tr("Read"), prompt_), labelled(tr("Generate"), generate_), device_,
              labelled(tr("Precision"), precision_), labelled(tr("Threads"), threads_), keep_, save_, open_});

  algorithm_ = new SegmentedControl(tr("Scan algorithm"));
  algorithm_->setObjectName(QStringLiteral("profile_algorithm"));
  std::vector<SegmentedControl::Option> options;
  for (const ScanAlgorithm each : kernels::scan_algorithms)
    options.push_back({QString::fromStdString(kernels::scan_algorithm_name(each)),
                       {},
                       QString::fromStdString(scan_algorithm_sentence(each))});
  algorithm_->set_options(options);
  algorithm_->set_current(2);
  theatre_length_ = choice("profile_theatre_length");
  for (const int tokens : theatre_lengths) theatre_length_->addItem(tokens_text(tokens), tokens);
  theatre_length_->setCurrentIndex(1);
  theatre_chunk_ = choice("profile_theatre_chunk");
  for (const int tokens : theatre_chunks) theatre_chunk_->addItem(QString::number(tokens), tokens);
  theatre_chunk_->setCurrentIndex(1);
  controls_[1] = row_of({algorithm_, labelled(tr("First"), theatre_length_), labelled(tr("Chunk"), theatre_chunk_)});

  measure_ = new Button(Button::Look::primary, {}, tr("Measure"));
  measure_->setObjectName(QStringLiteral("profile_measure"));
  sweep_range_ = choice("profile_sweep_range");
  for (const int end : sweep_ends) sweep_range_->addItem(tr("up to %L1 tokens").arg(end), end);
  controls_[2] = row_of({measure_, labelled(tr("Lengths"), sweep_range_)});
}

void ProfileWorkspace::set_lengths() {
  // The view reaches out as far as its focus outline; everything else stands where its page begins.
  const int reach = ImGuiView::focus_margin(), edge = scaled(20) - reach;
  column_->setContentsMargins(edge, scaled(12), edge, scaled(12) - reach);
  tab_row_->setSpacing(scaled(16));
  for (QLayout* row : {static_cast<QLayout*>(tab_row_), static_cast<QLayout*>(notice_row_)})
    row->setContentsMargins(reach, 0, reach, 0);
  column_->setSpacing(scaled(12));
  view_->parentWidget()->layout()->setSpacing(scaled(12) - reach);
  for (QWidget* controls : controls_) {
    controls->setContentsMargins(reach, reach, reach, 0);
    controls->layout()->setSpacing(scaled(12));
  }
}

void ProfileWorkspace::show_controls() {
  const std::size_t shown = tab() == theatre ? 1 : tab() == sweep ? 2 : 0;
  for (std::size_t i = 0; i < controls_.size(); ++i) controls_[i]->setVisible(i == shown && !for_export_);
}

void ProfileWorkspace::connect_all() {
  connect(tabs_, &SegmentedControl::selected, this, [this](int tab) { show_tab(static_cast<Tab>(tab)); });
  connect(run_, &QAbstractButton::clicked, this, [this] {
    if (document_.work() == ProfileDocument::Work::none)
      run();
    else
      document_.stop();
  });
  connect(keep_, &QAbstractButton::clicked, &document_, &ProfileDocument::keep);
  connect(save_, &QAbstractButton::clicked, this, &ProfileWorkspace::export_data);
  connect(open_, &QAbstractButton::clicked, this, &ProfileWorkspace::choose_profile);
  connect(measure_, &QAbstractButton::clicked, this, [this] {
    if (document_.work() == ProfileDocument::Work::none)
      start_sweep();
    else
      document_.stop();
  });
  connect(algorithm_, &SegmentedControl::selected, this, &ProfileWorkspace::change_theatre);
  for (QComboBox* box : {theatre_length_, theatre_chunk_})
    connect(box, &QComboBox::activated, this, &ProfileWorkspace::change_theatre);
  connect(&document_, &ProfileDocument::recording_changed, this, &ProfileWorkspace::show_recording);
  connect(&document_, &ProfileDocument::kept_changed, this, &ProfileWorkspace::show_kept);
  connect(&document_, &ProfileDocument::theatre_changed, this, &ProfileWorkspace::show_theatre);
  connect(&document_, &ProfileDocument::sweep_changed, this, &ProfileWorkspace::show_sweep);
  connect(&document_, &ProfileDocument::work_changed, this, &ProfileWorkspace::show_work);
  connect(&document_, &ProfileDocument::progress, progress_, &QLabel::setText);
  connect(&document_, &ProfileDocument::failed, this, [this](const QString& sentence) {
    if (opening_) bring_back(std::exchange(opening_, nullptr)->before);
    say_error(sentence);
    Q_EMIT failed(sentence);
  });
  connect(&document_, &ProfileDocument::device_failed, this, &ProfileWorkspace::offer_cpu);
  connect(&document_, &ProfileDocument::work_changed, this, &ProfileWorkspace::end_opening);
  connect(&document_, &ProfileDocument::theatre_changed, this, &ProfileWorkspace::end_opening);
  connect(&document_, &ProfileDocument::kept_changed, this, &ProfileWorkspace::end_opening);
  for (const auto signal :
       {&ProfileDocument::work_changed, &ProfileDocument::theatre_changed, &ProfileDocument::kept_changed})
    connect(&document_, signal, this, &Workspace::settled_changed);
  connect(&model_, &ModelDocument::run_changed, this, [this] { scene_text_.reset(); });
  connect(&model_, &ModelDocument::focus_changed, this, [this] {
    if (!isVisible()) return;
    if (!entered_) enter();
    if (tab() == theatre && !scene_text_) play_theatre();
  });
  connect(view_, &ImGuiView::interacted, this, &ProfileWorkspace::show_selection);
  Transport& transport = transport_bar().transport();
  connect(&transport, &Transport::position_changed, this, &ProfileWorkspace::show_step);
  connect(&transport, &Transport::phase_changed, this, &ProfileWorkspace::show_step);
  connect(&transport, &Transport::playing_changed, this, &ProfileWorkspace::show_step);
}

ProfileWorkspace::Tab ProfileWorkspace::tab() const {
  return static_cast<Tab>(tabs_->current());
}

void ProfileWorkspace::show_tab(Tab wanted) {
  tabs_->set_current(wanted);
  Page* const pages[] = {&timeline_, &stages_, &roofline_, &memory_, &compare_, &theatre_, &sweep_};
  show_controls();
  view_->show_page(pages[wanted]);
  if (wanted == theatre && !opening_) play_theatre();
  fit_transport();
  show_selection();
  view_->set_live(living() && isVisible());
}

void ProfileWorkspace::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  view_->set_live(living());
}

void ProfileWorkspace::hideEvent(QHideEvent* event) {
  QWidget::hideEvent(event);
  view_->set_live(false);
}

// Frames follow each other only while something changes by itself.
bool ProfileWorkspace::living() const {
  return document_.work() == ProfileDocument::Work::recording && tab() < compare;
}

void ProfileWorkspace::start_sweep() {
  SweepRequest request;
  request.lengths = sweep_lengths(256, sweep_range_->currentData().toInt());
  request.devices.clear();
  for (const Device& device : device_->devices()) request.devices.push_back(device.id);
  document_.sweep(request);
}

// Zones come thirty times a second while a model runs; words and the transport follow when the sums do.
void ProfileWorkspace::show_recording() {
  const Recording& recording = document_.recording();
  const QString title = recording.summary ? recording.summary->title : QString();
  timeline_.set_recording(recording.lanes, title, recording.summary ? recording.summary->ceilings : Ceilings());
  if (!view_->live()) view_->refresh();  // else the next frame comes by itself
  const std::pair now{recording.lanes, recording.summary};
  if (std::exchange(summed_, now) == now) return;
  stages_.set_summary(recording.summary);
  roofline_.set_summary(recording.summary);
  memory_.set_summary(recording.summary);
  show_kept();
  show_selection();
  fit_transport();
  keep_->setEnabled(recording.profile != nullptr);
  save_->setEnabled(recording.profile != nullptr);
  Q_EMIT facts_changed();
}

void ProfileWorkspace::show_kept() {
  const Recording &a = document_.kept(), &b = document_.recording();
  const bool both = a.profile && b.profile && a.profile != b.profile;
  compare_.set_sides({both ? a.lanes : nullptr, both ? a.summary->title : QString()},
                     {both ? b.lanes : nullptr, both ? b.summary->title : QString()});
  compare_.set_differences(both ? document_.differences() : std::vector<StageComparison>());
  compare_.set_empty_text(
      a.profile ? tr("This run is kept as A. Change something and run again: both stand here side by side.")
                : tr("Keep a run as A, change something, run again: both stand here side by side."));
  keep_->setText(a.profile && a.profile == b.profile ? tr("Kept as A") : tr("Keep as A"));
  view_->refresh();
}

void ProfileWorkspace::show_theatre() {
  theatre_.set_theatre(document_.theatre());
  const TheatreRun& run = document_.theatre_run();
  theatre_.set_source(run.pairs.empty()
                          ? tr("layer %1, channel %2, state %3").arg(run.layer).arg(run.channel).arg(run.state)
                          : tr("pairs of the scene"));
  const auto first = static_cast<qsizetype>(run.first);
  const auto& model_run = model_.run();
  // The words of the text, where it is the one of the Model workspace.
  theatre_.set_tokens(!scene_text_ && model_run ? model_run->texts.mid(first, static_cast<qsizetype>(run.length))
                                                : QStringList());
  fit_transport();
  show_selection();
  if (next_step_) transport_bar().transport().set_position(*std::exchange(next_step_, {}));
  show_step();
}

// The theatre's transport walks through its steps; everywhere else through the passes of the recording.
void ProfileWorkspace::fit_transport() {
  Transport& transport = transport_bar().transport();
  if (tab() == theatre) {
    const auto& played = document_.theatre();
    transport_bar().set_position_text([&transport](int position, int length) {
      if (length == 0) return tr("no steps");
      // A step that is under way is the one that the theatre speaks about.
      const bool under_way = position == transport.position() && transport.playing() && transport.phase() > 0;
      return tr("step %L1 of %L2").arg(std::min(position + (under_way ? 1 : 0), length - 1)).arg(length - 1);
    });
    std::vector<float> values;
    std::int64_t most = 1;
    if (played)
      for (const TheatreStep& step : played->steps) most = std::max(most, step.bytes_read + step.bytes_written);
    if (played) values.push_back(0);
    if (played)
      for (const TheatreStep& step : played->steps)
        values.push_back(static_cast<float>(step.bytes_read + step.bytes_written) / static_cast<float>(most));
    transport.set_length(played ? static_cast<int>(played->steps.size()) + 1 : 0);
    transport_bar().scrubber().set_values(std::move(values));
    transport_bar().scrubber().set_color_map([](float share) {
      return mix(mix(theme().surface, theme().symbol(Symbol::y), 0.4), theme().symbol(Symbol::y), share);
    });
    return;
  }
  const auto& lanes = document_.recording().lanes;
  static const std::vector<LaneSpan> none;
  const std::vector<LaneSpan>& passes = lanes ? lanes->passes() : none;
  transport_bar().set_position_text([](int position, int length) {
    return length == 0 ? tr("no recording") : tr("pass %L1 of %L2").arg(position + 1).arg(length);
  });
  double longest = 1;
  for (const LaneSpan& pass : passes) longest = std::max(longest, static_cast<double>(pass.end - pass.begin));
  std::vector<float> values;
  for (const LaneSpan& pass : passes)
    values.push_back(static_cast<float>(static_cast<double>(pass.end - pass.begin) / longest));
  transport.set_length(static_cast<int>(passes.size()));
  transport_bar().scrubber().set_values(std::move(values));
  transport_bar().scrubber().set_color_map([](float share) {
    return mix(mix(theme().surface, theme().symbol(Symbol::h), 0.4), theme().symbol(Symbol::h), share);
  });
}

void ProfileWorkspace::show_step() {
  const Transport& transport = transport_bar().transport();
  if (tab() == theatre) {
    theatre_.set_step(transport.position(), transport.playing() ? transport.phase() : 0);
  } else if (const auto& lanes = document_.recording().lanes; lanes && !lanes->passes().empty()) {
    const auto& passes = lanes->passes();
    const LaneSpan& pass = passes[std::min(static_cast<std::size_t>(transport.position()), passes.size() - 1)];
    const double phase = transport.playing() ? transport.phase() : 0;
    timeline_.set_cursor(static_cast<double>(pass.begin) + phase * static_cast<double>(pass.end - pass.begin));
  }
  view_->refresh();
}

void ProfileWorkspace::show_sweep() {
  if (document_.sweep_points().empty()) sweep_.clear();
  for (std::size_t i = sweep_.points().size(); i < document_.sweep_points().size(); ++i)
    sweep_.add_point(document_.sweep_points()[i]);
  sweep_.set_findings(document_.sweep_findings());
  view_->refresh();
}

void ProfileWorkspace::show_work() {
  const bool busy = document_.work() != ProfileDocument::Work::none;
  run_->setText(busy ? tr("Stop") : tr("Run"));
  measure_->setText(busy ? tr("Stop") : tr("Measure"));
  sweep_.set_empty_text(
      document_.work() == ProfileDocument::Work::sweeping
          ? tr("Measuring the first length…")
          : tr("Measure how long every way to scan takes as the text grows, and attention beside it."));
  view_->set_live(living() && isVisible());
  view_->refresh();
}

// The words beside the pictures.
void ProfileWorkspace::show_selection() {
  view_->refresh();
  if (tab() != theatre)
    inspector_->show_recording(document_.recording(), selection_.stage);
  else if (document_.theatre())
    inspector_->show_theatre(*document_.theatre(), document_.theatre_run());
  else
    inspector_->show_nothing();
}

}  // namespace statescope
