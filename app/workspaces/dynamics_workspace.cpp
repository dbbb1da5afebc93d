// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_workspace.h"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QStackedWidget>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "widgets/bode_view.h"
#include "widgets/convolution_view.h"
#include "widgets/format.h"
#include "widgets/notice.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "widgets/transport_bar.h"
#include "workspaces/dynamics_controls.h"
#include "workspaces/dynamics_examples.h"
#include "workspaces/dynamics_pictures.h"
#include "workspaces/export_numbers.h"
#include "workspaces/page_commands.h"
#include "workspaces/signal_file.h"

namespace statescope {
namespace {

constexpr double theatre_steps_per_second = 1.5;  // slow enough to see the products add up
constexpr double slowest_steps_per_second = 10;
constexpr double longest_play = 30;  // seconds, however many samples there are

// The poles in the order in which `shown` has them, so that a hand keeps its own while others pass it: first those that
// stand still, then each the nearest.
void keep_order(std::vector<Complex>& poles, const std::vector<Complex>& shown) {
  if (poles.size() != shown.size()) return;
  std::vector<std::optional<Complex>> kept(shown.size());
  const auto take = [&](std::size_t place, std::vector<Complex>::iterator pole) {
    kept[place] = *pole;
    poles.erase(pole);
  };
  for (std::size_t i = 0; i < shown.size(); ++i)
    if (const auto same = std::find(poles.begin(), poles.end(), shown[i]); same != poles.end()) take(i, same);
  for (std::size_t i = 0; i < shown.size(); ++i)
    if (!kept[i])
      take(i, std::min_element(poles.begin(), poles.end(),
                               [&](Complex a, Complex b) { return std::abs(a - shown[i]) < std::abs(b - shown[i]); }));
  for (const auto& pole : kept) poles.push_back(*pole);
}

}  // namespace

DynamicsWorkspace::DynamicsWorkspace(std::filesystem::path assets)
    : Workspace(QStringLiteral("dynamics"), tr("Dynamics"), QStringLiteral("dynamics")), assets_(std::move(assets)) {
  build();
  set_lengths();
  connect_all();
}

DynamicsWorkspace::~DynamicsWorkspace() = default;

void DynamicsWorkspace::connect_all() {
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &DynamicsWorkspace::set_lengths);
  connect(&document_, &DynamicsDocument::scene_changed, this, &DynamicsWorkspace::show_scene);
  connect(&document_, &DynamicsDocument::result_changed, this, [this] {
    if (!complaint_.isEmpty() && document_.result()->run == document_.run()) {  // what could not be is not asked for
      if (notice().message() == complaint_) notice().dismiss();
      complaint_.clear();
    }
    show_result();
  });
  connect(&document_, &DynamicsDocument::cursor_changed, this, &DynamicsWorkspace::show_cursor);
  connect(&document_, &DynamicsDocument::settled_changed, this, &Workspace::settled_changed);
  connect(&document_, &DynamicsDocument::opened, this, [this] {
    if (!std::exchange(keep_notice_, false)) notice().dismiss();
    s_plane_->reset_zoom();
    z_plane_->reset_zoom();
    phase_->reset_zoom();
    Q_EMIT opened();
  });
  connect(&document_, &DynamicsDocument::failed, this, [this](const QString& sentence) {
    say_error(sentence);
    complaint_ = sentence;
    Q_EMIT failed(sentence);
  });
  connect(pages_, &SegmentedControl::selected, this, [this](int page) { show_page(static_cast<LtiView::Page>(page)); });
  connect(examples_, &QComboBox::activated, this, &DynamicsWorkspace::open_example);
  for (int i = 0; i < 3; ++i)
    connect(axes_[i], &QComboBox::activated, this, [this, i](int state) { choose_axes(i, state); });
  connect(space_, &SegmentedControl::selected, this, [this](int space) {
    LtiView view = document_.scene().view;
    view.three_d = space == 1;
    document_.change_view(view, tr("change the portrait"));
    show_result();
  });
  connect(s_plane_, &PolePlaneView::pole_moved, this, [this](int pole, Complex place, bool finished) {
    if (!holding_ && document_.result()) {
      held_ = s_plane_->data()->poles[static_cast<std::size_t>(pole)];
      holding_ = true;
    }
    document_.move_eigenvalue(held_, place, finished);
    if (finished) holding_ = false;
  });
  connect(s_plane_, &PolePlaneView::pole_selected, z_plane_, &PolePlaneView::set_selected);
  connect(phase_, &PhaseView::start_moved, this, &DynamicsWorkspace::move_start);
  connect(phase_, &PhaseView::point_clicked, this, [this](qint64 point) { document_.set_cursor(point); });
  for (CurvesView* view : {states_, static_cast<CurvesView*>(input_), output_, kernel_, step_})
    connect(view, &CurvesView::point_clicked, this, [this](int, qint64 point) { document_.set_cursor(point); });
  connect(states_, &CurvesView::point_clicked, states_, [this](int curve, qint64) { states_->set_highlighted(curve); });
  connect(convolution_, &ConvolutionView::step_clicked, this, [this](qint64 step) { document_.set_cursor(step); });
  connect(bode_, &BodeView::frequency_chosen, bode_, &BodeView::set_cursor);
  connect(input_, &SignalView::drawn, this, [this](const std::vector<double>& values, bool finished) {
    drawing_ = !finished;
    LtiRun run = document_.run();
    run.input.kind = SignalKind::drawn;
    run.input.amplitude = 1;
    run.input.length = document_.result()->length();  // where a run diverges, the picture ends there
    run.input.values = values;
    document_.change_run(run, tr("draw the input"), finished);
  });
  connect(controls_, &DynamicsControls::file_requested, this, &DynamicsWorkspace::choose_file);
  Transport& transport = transport_bar().transport();
  transport_bar().set_position_text([this](int position, int length) {
    if (length == 0) return tr("no samples");
    return tr("t = %1 s").arg(format_tick(position * document_.run().rule.delta, 4));
  });
  connect(&transport, &Transport::position_changed, this, [this](int position) {
    if (!fitting_) document_.set_cursor(position);
  });
  connect(&transport, &Transport::phase_changed, this, &DynamicsWorkspace::show_cursor);
}

void DynamicsWorkspace::enter() {
  if (document_.result() || !document_.settled()) return;
  keep_notice_ = !notice().message().isEmpty();
  complaint_.clear();
  open_example(0);
}

bool DynamicsWorkspace::shows(const Scene& scene) const {
  return std::holds_alternative<LtiScene>(scene);
}

// Paths of files no longer depend on where the scene lay.
LtiScene DynamicsWorkspace::at_home(const Scene& scene, const std::filesystem::path& base) {
  LtiScene wanted = std::get<LtiScene>(scene);
  if (std::string& file = wanted.run.input.file; !file.empty()) file = (base / file).string();
  return wanted;
}

bool DynamicsWorkspace::play_scene(const Scene& scene, const std::filesystem::path& base) {
  document_.play_scene(at_home(scene, base));
  return true;
}

void DynamicsWorkspace::open_scene(const Scene& scene, const std::filesystem::path& base) {
  const LtiScene wanted = at_home(scene, base);
  document_.open_scene(wanted, document_.result() ? tr("open a scene") : QString());
}

Scene DynamicsWorkspace::scene(const std::filesystem::path& folder) const {
  if (!document_.result()) throw Error("there is no system yet; wait until one is shown");
  LtiScene scene = document_.scene();
  scene.run.input.file = path_from(folder, scene.run.input.file);
  return scene;
}

WorkspaceFacts DynamicsWorkspace::facts() const {
  WorkspaceFacts facts;
  const auto& result = document_.result();
  if (!result) return facts;
  const auto* preset = std::get_if<Preset>(&result->run.system);
  facts.title = preset ? QString::fromUtf8(preset_info(preset->id).name) : tr("Own system");
  const std::int64_t N = result->states_count();
  facts.chips = {{QStringLiteral("states"), N == 1 ? tr("1 state") : tr("%1 states").arg(N), tr("N"), false, 3},
                 {QStringLiteral("samples"),
                  result->length() == 1 ? tr("1 sample") : tr("%L1 samples").arg(result->length()), tr("L"), false, 2}};
  if (result->diverges_at >= 0)
    facts.chips.push_back({QStringLiteral("diverges"),
                           tr("leaves double precision at sample %L1").arg(result->diverges_at),
                           tr("The state grows beyond 10¹⁵⁰, so the run ends there"), true, 4});
  facts.status = QString::fromStdString(agreement_sentence(*result));
  facts.device = tr("double precision · CPU");
  return facts;
}

std::vector<WorkspaceCommand> DynamicsWorkspace::commands() {
  std::vector<WorkspaceCommand> commands = page_commands(*this, *pages_);
  const auto examples = dynamics_examples();
  for (int i = 0; i < static_cast<int>(examples.size()); ++i) {
    const DynamicsExample& example = examples[static_cast<std::size_t>(i)];
    commands.push_back({tr("Example"),
                        QFileInfo(example.file).completeBaseName(),
                        example.title,
                        {},
                        [this, i] { open_example(i); },
                        true});
  }
  for (WorkspaceCommand& command : signal_file_commands(*this, [this](SignalKind kind) { choose_file(kind); }))
    commands.push_back(std::move(command));
  commands.push_back(
      {tr("File"), QStringLiteral("dynamics_export"), tr("Export the numbers of the system (JSON)…"), {}, [this] {
         export_numbers(*this, files_, assets_);
       }});
  return commands;
}

bool DynamicsWorkspace::accepts(const QFileInfo& file) const {
  return signal_kind_of(file).has_value();
}

void DynamicsWorkspace::open_file(const QFileInfo& file) {
  LtiScene scene = document_.scene();
  Signal& input = scene.run.input;
  input = Signal();
  input.kind = signal_kind_of(file).value_or(SignalKind::csv);
  input.file = file.absoluteFilePath().toStdString();
  const std::int64_t N = document_.result() ? document_.result()->states_count() : 2;
  input.length = std::min(max_signal_length, max_state_samples / N);
  scene.cursor = 0;
  document_.open_scene(scene, tr("open %1").arg(file.fileName()));
}

void DynamicsWorkspace::choose_file(SignalKind kind) {
  const QString path = choose_signal_file(this, kind);
  if (!path.isEmpty()) open_file(QFileInfo(path));
}

void DynamicsWorkspace::open_example(int index) {
  const auto examples = dynamics_examples();
  if (index < 0 || index >= static_cast<int>(examples.size())) return;
  const DynamicsExample& example = examples[static_cast<std::size_t>(index)];
  try {
    const Scene scene = load_scene(assets_ / "scenes" / example.file.toStdString());
    example_ = index;
    example_run_ = std::get<LtiScene>(scene).run;
    open_scene(scene, {});
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

void DynamicsWorkspace::set_for_export(bool for_export) {
  input_->set_drawable(!for_export);
  examples_->setVisible(!for_export);
}

void DynamicsWorkspace::show_page(LtiView::Page page) {
  if (!document_.result()) {  // the first scene is under way, and brings a page of its own
    connect(
        this, &Workspace::opened, this, [this, page] { show_page(page); }, Qt::SingleShotConnection);
    return;
  }
  LtiView view = document_.scene().view;
  view.page = page;
  document_.change_view(view, tr("show another page"));
}

void DynamicsWorkspace::show_scene() {
  const LtiView& view = document_.scene().view;
  const auto shown = static_cast<int>(view.page);
  const bool other_page = stack_->currentIndex() != shown;
  pages_->set_current(shown);
  stack_->setCurrentIndex(shown);
  space_->set_current(view.three_d ? 1 : 0);
  axes_[2]->setVisible(view.three_d);
  if (other_page) {
    show_result();  // the pictures of the other page have waited
    fit_transport();
  }
}

// Only what is on the screen: the other pages get their numbers when they come to the front.
void DynamicsWorkspace::show_result() {
  const auto& result = document_.result();
  if (!result) return;
  const LtiView& view = document_.scene().view;
  show_poles();
  switch (view.page) {
    case LtiView::Page::motion:
      states_->set_data(states_of(document_.series()));
      if (!drawing_) input_->set_data(input_of(document_.series()));
      output_->set_data(input_output_of(document_.series()));
      break;
    case LtiView::Page::convolution:
      convolution_->set_data(convolution_of(document_.series()));
      kernel_->set_data(kernel_of(document_.series()));
      break;
    case LtiView::Page::frequency:
      bode_->set_data(bode_of(*result));
      step_->set_data(step_response_of(document_.series()));
      break;
  }
  if (result->length() == 0) {  // in place of what was there before
    const QString sentence = tr("The state leaves double precision at the first sample; take a smaller input or step");
    phase_->set_message(sentence);
    phase_->set_data({});
    convolution_->set_message(sentence);
    convolution_->set_data({});
    for (CurvesView* curves : {states_, output_, kernel_, step_}) {
      curves->set_message(sentence);
      curves->set_data({});
    }
  }
  const std::int64_t N = result->states_count();
  phase_box_->setVisible(N >= 3 && view.page == LtiView::Page::motion);
  for (int i = 0; i < 3; ++i) {
    if (axes_[i]->count() != N + 3 || axes_[i]->itemText(0) != state_name(*result, 0)) {
      axes_[i]->clear();
      for (std::int64_t n = 0; n < N; ++n) axes_[i]->addItem(state_name(*result, n));
      for (int n = 1; n <= 3; ++n) {
        axes_[i]->addItem(QStringLiteral("p%1").arg(subscript(n)));
        axes_[i]->setItemData(axes_[i]->count() - 1, tr("The direction in which the state moves most, or next to most"),
                              Qt::ToolTipRole);
      }
    }
    axes_[i]->setCurrentIndex(
        static_cast<int>(view.axes[i] < 0 ? N - 1 - view.axes[i] : std::min<std::int64_t>(view.axes[i], N - 1)));
  }
  show_verdict();
  fit_transport();
  show_cursor();
  Q_EMIT facts_changed();
}

// What an example is for, while it is what its author made it; then what the numbers say.
void DynamicsWorkspace::show_verdict() {
  const LtiResult& result = *document_.result();
  QStringList said;
  const bool untouched = example_ >= 0 && result.run == example_run_;
  if (untouched) said << dynamics_examples()[static_cast<std::size_t>(example_)].sentence;
  examples_->setCurrentIndex(untouched ? example_ : -1);
  said << QString::fromStdString(stability_sentence(result));
  const bool aliased =
      std::any_of(result.modes.begin(), result.modes.end(), [](const Mode& mode) { return mode.beyond_nyquist; });
  if (aliased && !untouched) said << QString::fromStdString(sampling_sentence(result));
  verdict_->setText(said.join(QLatin1Char(' ')));
}

void DynamicsWorkspace::show_poles() {
  const auto& result = document_.result();
  auto s = std::make_shared<PolePlaneData>(*s_plane_of(*result));
  keep_order(s->poles, s_plane_->poles());
  s_plane_->set_data(s);
  auto z = std::make_shared<PolePlaneData>(*z_plane_of(*result));
  keep_order(z->poles, z_plane_->poles());
  z_plane_->set_data(z);
  const auto* preset = std::get_if<Preset>(&result->run.system);
  const QString id = preset ? QString::fromStdString(preset->id) : QString();
  if (std::exchange(shown_preset_, id) != id && preset) {  // another system has poles elsewhere
    s_plane_->reset_zoom();
    z_plane_->reset_zoom();
  }
}

void DynamicsWorkspace::show_cursor() {
  const auto& result = document_.result();
  if (!result || result->length() == 0) return;
  Transport& transport = transport_bar().transport();
  const std::int64_t sample = std::clamp<std::int64_t>(document_.scene().cursor, 0, result->length() - 1);
  if (transport.position() != sample) transport.set_position(static_cast<int>(sample));
  const double phase = transport.playing() ? transport.phase() : 0;
  switch (page()) {
    case LtiView::Page::motion:
      phase_->set_data(phase_of(document_.series(), document_.scene().view, sample));
      phase_->set_cursor(sample, phase);
      for (CurvesView* view : {states_, static_cast<CurvesView*>(input_), output_}) view->set_cursor(sample, phase);
      break;
    case LtiView::Page::convolution:
      convolution_->set_cursor(sample, phase);
      kernel_->set_cursor(sample, phase);
      break;
    case LtiView::Page::frequency:
      step_->set_cursor(sample, phase);
      break;
  }
}

// The scrubber shows the output; playing goes through the samples in real time where that takes neither an eternity nor
// a blink, and through the theatre slowly enough to follow.
void DynamicsWorkspace::fit_transport() {
  const auto& result = document_.result();
  if (!result) return;
  TransportBar& bar = transport_bar();
  fitting_ = true;  // a shorter sequence moves the position, which is the scene's to say
  bar.transport().set_length(static_cast<int>(result->length()));
  fitting_ = false;
  const double real_time = 1 / result->run.rule.delta;
  const double at_least = std::max(slowest_steps_per_second, static_cast<double>(result->length()) / longest_play);
  bar.set_base_speed(page() == LtiView::Page::convolution ? theatre_steps_per_second
                                                          : std::clamp(real_time, at_least, 20 * at_least));
  bar.scrubber().set_values(document_.series().strip, Scrubber::Shape::curve);
}

void DynamicsWorkspace::choose_axes(int axis, int choice) {
  LtiView view = document_.scene().view;
  const std::int64_t N = document_.result()->states_count();
  view.axes[axis] = choice < N ? choice : N - 1 - choice;  // behind the states stand the principal directions
  document_.change_view(view, tr("change the portrait"));
  show_result();
}

// What the portrait does not show of the state starts where it did.
void DynamicsWorkspace::move_start(const std::vector<double>& start, bool finished) {
  const auto& result = document_.result();
  const LtiView& view = document_.scene().view;
  if (!result) return;
  const std::int64_t N = result->states_count();
  const int axes = portrait_axes(view, N);
  if (std::ssize(start) != axes) return;
  LtiRun run = document_.run();
  run.h0.resize(static_cast<std::size_t>(N));
  Eigen::MatrixXd V(N, axes);
  for (int i = 0; i < axes; ++i) V.col(i) = portrait_axis(document_.series(), view.axes[i]).direction;
  Eigen::Map<Eigen::VectorXd> h0(run.h0.data(), N);
  h0 = portrait_point(V, h0, Eigen::Map<const Eigen::VectorXd>(start.data(), axes));
  document_.change_run(run, tr("start elsewhere"), finished);
}

}  // namespace statescope
