// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/memory_workspace.h"

#include <QComboBox>
#include <QFileInfo>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "engine/error.h"
#include "widgets/bars_view.h"
#include "widgets/button.h"
#include "widgets/curves_view.h"
#include "widgets/flow_layout.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/pole_plane_view.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/transport_bar.h"
#include "workspaces/export_numbers.h"
#include "workspaces/inspector.h"
#include "workspaces/memory_controls.h"
#include "workspaces/memory_examples.h"
#include "workspaces/memory_pictures.h"
#include "workspaces/memory_words.h"
#include "workspaces/page_commands.h"
#include "workspaces/signal_file.h"

namespace statescope {
namespace {

using Page = MemoryState::Page;

std::vector<float> strip_values(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double span = *high > *low ? *high - *low : 1;
  std::vector<float> shares;
  shares.reserve(values.size());
  for (const double value : values) shares.push_back(static_cast<float>((value - *low) / span));
  return shares;
}

}  // namespace

MemoryWorkspace::MemoryWorkspace(std::filesystem::path assets)
    : Workspace(QStringLiteral("memory"), tr("Memory"), QStringLiteral("memory")), assets_(std::move(assets)) {
  build_controls();
  build_memory_page();
  build_chain_page();
  build_inspector();
  page_stack_ = new QStackedWidget;
  for (QVBoxLayout* layout : {memory_column_, chain_column_}) {
    auto* page = new QWidget;
    page->setLayout(layout);
    page_stack_->addWidget(page);
  }
  auto* content = new QWidget;
  content_ = new QVBoxLayout(content);
  content_->setContentsMargins(0, 0, 0, 0);
  content_->addLayout(tools_);
  content_->addWidget(explanation_);
  content_->addWidget(page_stack_, 1);
  column_ = new QVBoxLayout(this);
  column_->addWidget(&notice());
  column_->addWidget(make_scrolling(content), 1);
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, [this] {
    set_lengths();
    show_card();
  });
  connect_views();
  connect_document();
  page_stack_->hide();  // until there is something to see
}

void MemoryWorkspace::enter() {
  if (document_.set() || opening_) return;
  complaint_.clear();  // it says why the example came
  show_example(0);
}

bool MemoryWorkspace::shows(const Scene& scene) const {
  return std::holds_alternative<HippoScene>(scene) || std::holds_alternative<S4Scene>(scene);
}

void MemoryWorkspace::open_scene(const Scene& scene, const std::filesystem::path& base) {
  opening_ = true;
  document_.open_scene(scene, base);
}

bool MemoryWorkspace::play_scene(const Scene& scene, const std::filesystem::path& base) {
  document_.play_scene(scene, base);
  return true;
}

Scene MemoryWorkspace::scene(const std::filesystem::path& folder) const {
  const MemoryState& state = document_.state();
  if (state.page == Page::chain) return state.chain;
  if (!document_.set()) throw Error("there is no signal yet; choose an example");
  HippoScene scene = state.memory;
  if (!scene.run.input.file.empty()) scene.run.input.file = path_from(folder, scene.run.input.file);
  return scene;
}

WorkspaceFacts MemoryWorkspace::facts() const {
  WorkspaceFacts facts;
  const HippoRun& run = document_.run();
  const MemoryState& state = document_.state();
  if (state.page == Page::chain && document_.chain()) {
    const S4Run& chain = document_.chain()->run;
    facts.chips = {
        {QStringLiteral("order"), tr("N = %1").arg(chain.hippo.order), tr("States"), false, 1},
        {QStringLiteral("kernel"), tr("%L1 samples").arg(chain.length), tr("Length of the kernel"), false, 2}};
  } else if (document_.set()) {
    const QString signal = run.input.file.empty() ? QString::fromLatin1(signal_kind_name(run.input.kind))
                                                  : QFileInfo(QString::fromStdString(run.input.file)).fileName();
    facts.chips.push_back({QStringLiteral("signal"),
                           tr("%1, %2").arg(signal, seconds_text(document_.set()->duration())),
                           tr("%L1 samples").arg(document_.set()->length()), false, 2});
    QStringList names;
    for (const MemoryMethod& method : run.methods) names.append(name_of(method.hippo.family));
    names.removeDuplicates();
    facts.chips.push_back(
        {QStringLiteral("methods"), names.join(tr(" against ")), tr("The methods side by side"), false, 1});
  }
  facts.device = tr("double precision · CPU");
  return facts;
}

std::vector<WorkspaceCommand> MemoryWorkspace::commands() {
  const QString file = tr("File"), edit = tr("Edit");
  std::vector<WorkspaceCommand> list = {
      {file,
       QStringLiteral("memory_export"),
       tr("Export the numbers of the memory (JSON)…"),
       {},
       [this] { export_numbers(*this, files_, assets_); }},
      {edit, QStringLiteral("memory_draw_signal"), tr("Draw the signal"), tr("Ctrl+D"), [this] { draw_->toggle(); }},
      {edit, QStringLiteral("memory_add_method"), tr("Compare one more method"), {}, [this] { add_method(); }},
      {edit, QStringLiteral("memory_remove_method"), tr("Remove the chosen method"), {}, [this] { remove_method(); }}};
  for (auto&& made :
       {page_commands(*this, *pages_), signal_file_commands(*this, [this](SignalKind kind) { choose_file(kind); })})
    list.insert(list.end(), made.begin(), made.end());
  for (int i = 0; i < static_cast<int>(memory_examples().size()); ++i)
    list.push_back({tr("Example"),
                    QStringLiteral("memory_example_%1").arg(i),
                    memory_examples()[static_cast<std::size_t>(i)].title,
                    {},
                    [this, i] { show_example(i); },
                    true});
  return list;
}

void MemoryWorkspace::set_for_export(bool for_export) {
  draw_->setVisible(!for_export);
  add_->setVisible(!for_export);
  remove_->setVisible(!for_export);
  examples_->setVisible(!for_export);
}

void MemoryWorkspace::show_example(int index) {
  if (index < 0 || index >= static_cast<int>(memory_examples().size())) return;
  const MemoryExample& example = memory_examples()[static_cast<std::size_t>(index)];
  try {
    const Scene scene = load_scene(assets_ / "scenes" / example.file.toStdString());
    example_ = index;
    example_scene_ = scene;
    if (!document_.set()) return open_scene(scene, assets_ / "scenes");
    MemoryState next = document_.state();
    if (const auto* memory = std::get_if<HippoScene>(&scene)) {
      next.memory = *memory;
      next.page = Page::memory;
    } else {
      next.chain = std::get<S4Scene>(scene);
      next.page = Page::chain;
    }
    document_.change(next, tr("Example"));
  } catch (const Error& error) {
    say_error(QString::fromUtf8(error.what()));
  }
}

void MemoryWorkspace::select(std::size_t method) {
  if (method == selected() || method >= document_.run().methods.size()) return;
  MemoryState next = document_.state();
  next.memory.view.method = static_cast<std::int64_t>(method);
  document_.change(next, tr("Choose a method"));
}

// The next family that is not there yet, with the numbers of the chosen method.
void MemoryWorkspace::add_method() {
  MemoryState next = document_.state();
  std::vector<MemoryMethod>& methods = next.memory.run.methods;
  if (methods.size() >= max_memory_methods) return;
  MemoryMethod added = methods[selected()];
  constexpr HippoFamily wished[] = {HippoFamily::legs, HippoFamily::legt, HippoFamily::fout, HippoFamily::lagt};
  for (const HippoFamily family : wished)
    if (std::none_of(methods.begin(), methods.end(), [&](const MemoryMethod& m) { return m.hippo.family == family; })) {
      added.hippo.family = family;
      break;
    }
  if (!has_window(added.hippo.family)) added.hippo.window = HippoWindow::unit;
  added.hippo.order += added.hippo.order % 2;
  methods.push_back(added);
  next.memory.view.method = std::ssize(methods) - 1;
  document_.change(next, tr("Compare"));
}

void MemoryWorkspace::remove_method() {
  MemoryState next = document_.state();
  std::vector<MemoryMethod>& methods = next.memory.run.methods;
  if (methods.size() < 2) return;
  methods.erase(methods.begin() + static_cast<std::ptrdiff_t>(selected()));
  next.memory.view.method = std::min<std::int64_t>(next.memory.view.method, std::ssize(methods) - 1);
  document_.change(next, tr("Remove a method"));
}

void MemoryWorkspace::show_page(MemoryState::Page page) {
  if (!document_.set()) {  // the first scene is under way, and brings a page of its own
    connect(
        this, &Workspace::opened, this, [this, page] { show_page(page); }, Qt::SingleShotConnection);
    return;
  }
  MemoryState next = document_.state();
  next.page = page;
  document_.change(next, tr("Page"));
}

void MemoryWorkspace::show_state() {
  const MemoryState& state = document_.state();
  pages_->set_current(state.page == Page::memory ? 0 : 1);
  const bool other_page = page_stack_->currentIndex() != static_cast<int>(state.page);
  page_stack_->setCurrentIndex(static_cast<int>(state.page));
  inspector_stack_->setCurrentIndex(static_cast<int>(state.page));
  memory_tools_->setVisible(state.page == Page::memory);
  add_->setEnabled(state.memory.run.methods.size() < max_memory_methods);
  remove_->setEnabled(state.memory.run.methods.size() > 1);
  controls_->show_state();
  chain_controls_->show_state();
  show_signal();
  fit_transport();
  if (other_page) Q_EMIT facts_changed();
  if (document_.frame() && shown_method_ != selected()) {
    show_frame();
    show_card();
  }
  show_explanation();
}

// What could not be computed is no longer asked for.
void MemoryWorkspace::calm_down() {
  if (const QString past = std::exchange(complaint_, {}); !past.isEmpty() && past == notice().message())
    notice().dismiss();
}

void MemoryWorkspace::show_set() {
  calm_down();
  if (!stroke_held_) stroke_.clear();
  page_stack_->show();
  place_panels();
  show_signal();
  fit_transport();
  show_frame();
  show_card();
  Q_EMIT facts_changed();
}

void MemoryWorkspace::show_frame() {
  const MemoryFrame& frame = *document_.frame();
  const MemorySet& set = *frame.set;
  const std::size_t method = std::min(selected(), frame.methods.size() - 1);
  shown_method_ = selected();
  for (std::size_t i = 0; i < frame.methods.size(); ++i) {
    std::shared_ptr<const CurvesData> picture = memory_picture(frame, i);
    if (stroke_.size() == set.x.size() && panels_[i]->data()) {
      auto drawn = std::make_shared<CurvesData>(*picture);
      drawn->curves.front().values = stroke_;
      drawn->y_min = panels_[i]->data()->y_min;
      drawn->y_max = panels_[i]->data()->y_max;
      picture = drawn;
    }
    panels_[i]->set_data(picture);
    panels_[i]->set_cursor(set.place_of(frame.cursor));
  }
  coefficients_->set_data(coefficients_picture(frame, method));
  coefficients_->set_selected(chosen_coefficient_);
  error_ago_->set_data(error_ago_picture(frame));
  weights_->set_data(weights_picture(frame));
  basis_->set_data(basis_picture(frame, method, chosen_coefficient_));
  const std::int64_t shown = std::min<std::int64_t>(chosen_coefficient_, 6);
  basis_->set_highlighted(static_cast<int>(shown < set.run.methods[method].hippo.order ? shown : -1));
  show_explanation();
}

void MemoryWorkspace::show_card() {
  if (!document_.set()) return;
  const MemorySet& set = *document_.set();
  const std::size_t method = std::min(selected(), set.run.methods.size() - 1);
  const Hippo& hippo = set.run.methods[method].hippo;
  card_title_->setText(tr("Method %1: <span style=\"color:%2\">%3</span>")
                           .arg(method + 1)
                           .arg(theme().symbol(color_of(method)).name(), name_of(hippo.family)));
  const bool known = document_.details() && document_.details()->set == document_.set();
  card_->setText(matrix_card(hippo, known ? &document_.details()->eigenvalues[method] : nullptr));
  matrix_->set_data(matrix_picture(set.matrices[method].A, {{tr("The matrix "), {}}, {QStringLiteral("A"), Symbol::A}},
                                   tr("N = %1").arg(hippo.order)));
}

void MemoryWorkspace::show_chain() {
  calm_down();
  const S4Result& chain = *document_.chain();
  const bool s4 = !chain.run.diagonal;
  chain_matrix_->setVisible(s4);
  chain_normal_->setVisible(s4);
  chain_matrix_->set_data(chain_matrix_picture(chain));
  chain_normal_->set_data(chain_normal_picture(chain));
  chain_spectrum_->set_data(chain_spectrum_picture(chain));
  chain_spectrum_->reset_zoom();
  chain_kernel_->set_data(chain_kernel_picture(chain));
  chain_facts_->setText(chain_facts(chain));
  fit_transport();
  Q_EMIT facts_changed();
  show_explanation();
}

// One strip for both pages: the signal, or the kernel.
void MemoryWorkspace::fit_transport() {
  const MemoryState state = document_.state();
  const bool memory = state.page == Page::memory;
  if (memory ? !document_.set() : !document_.chain()) return;
  const std::vector<double>& values = memory ? *document_.set()->signal : document_.chain()->dense;
  const auto length = std::ssize(values);
  Transport& transport = transport_bar().transport();
  fitting_ = true;  // what moves now is not the user's doing
  transport_bar().set_base_speed(1 / (memory ? document_.set()->run.delta : document_.chain()->run.delta));
  transport.set_length(static_cast<int>(length));
  transport.set_position(static_cast<int>(std::min(memory ? state.memory.cursor : state.chain.cursor, length - 1)));
  fitting_ = false;
  if (!memory) chain_kernel_->set_cursor(transport.position());
  if (strip_ == values.data()) return;
  strip_ = values.data();
  transport_bar().scrubber().set_values(strip_values(values), Scrubber::Shape::curve);
}

bool MemoryWorkspace::example_untouched() const {
  const MemoryState& state = document_.state();
  if (example_ < 0) return false;
  if (const auto* memory = std::get_if<HippoScene>(&example_scene_))
    return state.page == Page::memory && memory->run == state.memory.run;
  return state.page == Page::chain && std::get<S4Scene>(example_scene_).run == state.chain.run;
}

// What an example is for, while it is what its author made it; else what the numbers say.
void MemoryWorkspace::show_explanation() {
  const MemoryState& state = document_.state();
  const bool untouched = example_untouched();
  examples_->setCurrentIndex(untouched ? example_ : -1);
  if (draw_->isChecked() && state.page == Page::memory)
    return explanation_->setText(tr(
        "Drag across any picture of the signal; Up and Down bend it at the cursor. Draw once more when you are done."));
  if (untouched) return explanation_->setText(memory_examples()[static_cast<std::size_t>(example_)].sentence);
  if (state.page == Page::chain) {
    if (document_.chain()) explanation_->setText(chain_sentence(*document_.chain()));
    return;
  }
  if (document_.frame()) explanation_->setText(memory_sentence(*document_.frame()));
}

}  // namespace statescope
