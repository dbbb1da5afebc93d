// SPDX-License-Identifier: GPL-3.0-or-later
// What stands where in the Memory workspace, and what follows what.
#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "widgets/bars_view.h"
#include "widgets/button.h"
#include "widgets/curves_view.h"
#include "widgets/flow_layout.h"
#include "widgets/heat_map_view.h"
#include "widgets/pole_plane_view.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/transport_bar.h"
#include "workspaces/inspector.h"
#include "workspaces/memory_controls.h"
#include "workspaces/memory_examples.h"
#include "workspaces/memory_pictures.h"
#include "workspaces/memory_workspace.h"
#include "workspaces/signal_file.h"

namespace statescope {
namespace {

using Page = MemoryState::Page;

}  // namespace

void MemoryWorkspace::build_controls() {
  pages_ = new SegmentedControl(tr("Page"));
  pages_->setObjectName(QStringLiteral("memory_pages"));
  pages_->set_wrapping(true);
  pages_->set_options({{tr("Signal"), {}, tr("What a few numbers remember of a signal")},
                       {tr("S4 kernel"), {}, tr("From a HiPPO matrix to a convolution")}});
  examples_ = new QComboBox;
  examples_->setObjectName(QStringLiteral("memory_examples"));
  examples_->setAccessibleName(tr("Examples"));
  examples_->setPlaceholderText(tr("Examples"));
  examples_->setMaxVisibleItems(20);
  for (const MemoryExample& example : memory_examples()) {
    examples_->addItem(example.title);
    examples_->setItemData(examples_->count() - 1, example.sentence, Qt::ToolTipRole);
  }
  examples_->setCurrentIndex(-1);
  signals_ = new QComboBox;
  signals_->setObjectName(QStringLiteral("memory_signal"));
  signals_->setAccessibleName(tr("Signal"));
  signals_->setMaxVisibleItems(20);
  for (const MemorySignal& made : memory_signals(1, 1)) signals_->addItem(made.name);
  signals_->addItem(tr("WAV file…"), static_cast<int>(SignalKind::wav));
  signals_->addItem(tr("CSV column…"), static_cast<int>(SignalKind::csv));
  draw_ = new Button(Button::Look::raised, {}, tr("Draw"));
  draw_->setCheckable(true);
  draw_->setObjectName(QStringLiteral("memory_draw"));
  draw_->set_hint(tr("Draw the signal with the mouse, in any picture of it"));
  add_ = new Button(Button::Look::plain, {}, tr("+ Compare"));
  add_->setObjectName(QStringLiteral("memory_add"));
  add_->set_hint(tr("One more method beside the others"));
  remove_ = new Button(Button::Look::plain, QStringLiteral("close"), {});
  remove_->setObjectName(QStringLiteral("memory_remove"));
  remove_->set_hint(tr("Take the chosen method away"));
  explanation_ = new QLabel;
  explanation_->setObjectName(QStringLiteral("memory_explanation"));
  explanation_->setProperty("role", QStringLiteral("muted"));
  explanation_->setWordWrap(true);
  memory_tools_ = new QWidget;
  auto* row = new FlowLayout(memory_tools_);
  for (QWidget* tool : std::initializer_list<QWidget*>{signals_, draw_, add_, remove_}) row->addWidget(tool);
  tools_ = new FlowLayout;
  for (QWidget* tool : std::initializer_list<QWidget*>{pages_, examples_, memory_tools_}) tools_->addWidget(tool);
}

void MemoryWorkspace::build_memory_page() {
  panel_grid_ = new QGridLayout;
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    panels_[i] = new SignalView;
    panels_[i]->setObjectName(QStringLiteral("memory_panel_%1").arg(i));
    panels_[i]->setAccessibleName(tr("Signal and memory of method %1").arg(i + 1));
    panels_[i]->set_highlighted(1);
    panels_[i]->hide();
    panel_grid_->addWidget(panels_[i], static_cast<int>(i / 2), static_cast<int>(i % 2));
  }
  coefficients_ = new BarsView;
  error_ago_ = new CurvesView;
  error_orders_ = new CurvesView;
  coefficients_->setObjectName(QStringLiteral("memory_coefficients"));
  error_ago_->setObjectName(QStringLiteral("memory_error_ago"));
  error_orders_->setObjectName(QStringLiteral("memory_error_orders"));
  coefficients_->setAccessibleName(tr("Coefficients after the sample at the cursor"));
  error_ago_->setAccessibleName(tr("Error against how long ago"));
  error_orders_->setAccessibleName(tr("Error against the number of coefficients"));
  error_orders_->set_message(tr("Measuring every order…"));
  below_ = new QHBoxLayout;
  below_->addWidget(coefficients_, 1);
  below_->addWidget(error_ago_, 1);
  below_->addWidget(error_orders_, 1);
  memory_column_ = new QVBoxLayout;
  memory_column_->addLayout(panel_grid_, 5);
  memory_column_->addLayout(below_, 2);
  for (QWidget* view : std::initializer_list<QWidget*>{coefficients_, error_ago_, error_orders_})
    view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
  for (SignalView* panel : panels_) panel->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
}

void MemoryWorkspace::build_chain_page() {
  chain_matrix_ = new HeatMapView;
  chain_normal_ = new HeatMapView;
  chain_spectrum_ = new PolePlaneView;
  chain_kernel_ = new CurvesView;
  const std::pair<View*, const char*> names[] = {{chain_matrix_, "chain_matrix"},
                                                 {chain_normal_, "chain_normal"},
                                                 {chain_spectrum_, "chain_spectrum"},
                                                 {chain_kernel_, "chain_kernel"}};
  for (const auto& [view, name] : names) {
    view->setObjectName(QLatin1String(name));
    view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
  }
  chain_matrix_->setAccessibleName(tr("The HiPPO matrix"));
  chain_normal_->setAccessibleName(tr("The matrix plus its low-rank term"));
  chain_spectrum_->setAccessibleName(tr("Eigenvalues in the complex plane"));
  chain_kernel_->setAccessibleName(tr("The convolution kernel"));
  chain_kernel_->set_highlighted(0);
  links_ = new QHBoxLayout;
  links_->addWidget(chain_matrix_, 1);
  links_->addWidget(chain_normal_, 1);
  links_->addWidget(chain_spectrum_, 1);
  chain_column_ = new QVBoxLayout;
  chain_column_->addLayout(links_, 3);
  chain_column_->addWidget(chain_kernel_, 3);
}

void MemoryWorkspace::build_inspector() {
  controls_ = new MemoryControls(document_);
  chain_controls_ = new ChainControls(document_);
  matrix_ = new HeatMapView;
  matrix_->setObjectName(QStringLiteral("memory_matrix"));
  matrix_->setAccessibleName(tr("Matrix of the chosen method"));
  weights_ = new CurvesView;
  weights_->setObjectName(QStringLiteral("memory_weights"));
  weights_->setAccessibleName(tr("What each method weighs"));
  basis_ = new CurvesView;
  basis_->setObjectName(QStringLiteral("memory_basis"));
  basis_->setAccessibleName(tr("Basis functions of the chosen method"));
  card_title_ = new QLabel;
  card_title_->setProperty("role", QStringLiteral("strong"));
  card_ = new QLabel;
  card_->setObjectName(QStringLiteral("memory_card"));
  chain_facts_ = new QLabel;
  chain_facts_->setObjectName(QStringLiteral("chain_facts"));
  chain_facts_->setProperty("role", QStringLiteral("muted"));
  for (QLabel* label : {card_, chain_facts_}) {
    label->setWordWrap(true);
    label->setTextFormat(Qt::RichText);
  }
  signal_title_ = new QLabel(tr("Signal"));
  signal_title_->setProperty("role", QStringLiteral("strong"));
  signal_file_ = new SignalFile(QStringLiteral("memory"));
  auto* memory = new QWidget;
  inspector_columns_[0] = new QVBoxLayout(memory);
  inspector_columns_[0]->addWidget(signal_title_);
  inspector_columns_[0]->addWidget(signal_file_);
  inspector_columns_[0]->addWidget(card_title_);
  inspector_columns_[0]->addWidget(controls_);
  inspector_columns_[0]->addWidget(card_);
  for (QWidget* view : std::initializer_list<QWidget*>{matrix_, weights_, basis_}) {
    view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    inspector_columns_[0]->addWidget(view);
  }
  inspector_columns_[0]->addStretch(1);
  auto* chain = new QWidget;
  inspector_columns_[1] = new QVBoxLayout(chain);
  auto* chain_title = new QLabel(tr("The chain"));
  chain_title->setProperty("role", QStringLiteral("strong"));
  inspector_columns_[1]->addWidget(chain_title);
  inspector_columns_[1]->addWidget(chain_controls_);
  inspector_columns_[1]->addWidget(chain_facts_);
  inspector_columns_[1]->addStretch(1);
  inspector_stack_ = new QStackedWidget;
  inspector_stack_->addWidget(memory);
  inspector_stack_->addWidget(chain);
  for (QWidget* page : {memory, chain}) page->setAutoFillBackground(false);
  set_inspector(make_inspector(inspector_stack_, QStringLiteral("memory_inspector")));
}

// Lengths that grow with the text.
void MemoryWorkspace::set_lengths() {
  column_->setContentsMargins(scaled(20), scaled(12), scaled(20), scaled(12));
  for (QVBoxLayout* column : {column_, content_}) column->setSpacing(scaled(10));
  tools_->setSpacing(scaled(12));
  memory_tools_->layout()->setSpacing(scaled(8));
  for (QVBoxLayout* page : {memory_column_, chain_column_}) {
    page->setContentsMargins(0, scaled(4), 0, 0);
    page->setSpacing(scaled(24));
  }
  panel_grid_->setHorizontalSpacing(scaled(28));
  panel_grid_->setVerticalSpacing(scaled(20));
  for (QHBoxLayout* row : {below_, links_}) row->setSpacing(scaled(28));
  for (SignalView* panel : panels_) panel->setMinimumHeight(scaled(128));
  for (QWidget* view : std::initializer_list<QWidget*>{coefficients_, error_ago_, error_orders_})
    view->setMinimumHeight(scaled(128));
  for (QWidget* view : std::initializer_list<QWidget*>{chain_matrix_, chain_normal_, chain_spectrum_, chain_kernel_})
    view->setMinimumHeight(scaled(200));
  for (QVBoxLayout* column : inspector_columns_) {
    column->setContentsMargins(scaled(18), scaled(12), scaled(18), scaled(12));
    column->setSpacing(scaled(14));
  }
  matrix_->setFixedHeight(scaled(236));
  weights_->setFixedHeight(scaled(140));
  basis_->setFixedHeight(scaled(150));
}

// One or two stand one above the other, so that their time axes can be compared; more make two columns.
void MemoryWorkspace::place_panels() {
  const std::size_t count = document_.frame()->methods.size();
  const bool narrow = count <= 2;
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    panel_grid_->removeWidget(panels_[i]);
    const int place = static_cast<int>(i);
    if (i < count) panel_grid_->addWidget(panels_[i], narrow ? place : place / 2, narrow ? 0 : place % 2);
    panels_[i]->setVisible(i < count);
  }
  for (int column = 0; column < 2; ++column) panel_grid_->setColumnStretch(column, narrow && column == 1 ? 0 : 1);
}

void MemoryWorkspace::connect_views() {
  connect(pages_, &SegmentedControl::selected, this,
          [this](int index) { show_page(index == 0 ? Page::memory : Page::chain); });
  connect(examples_, &QComboBox::activated, this, &MemoryWorkspace::show_example);
  connect(signals_, &QComboBox::activated, this, &MemoryWorkspace::choose_signal);
  connect(signal_file_, &SignalFile::file_requested, this, &MemoryWorkspace::choose_file);
  connect(signal_file_, &SignalFile::column_chosen, this, &MemoryWorkspace::choose_column);
  connect(draw_, &QAbstractButton::toggled, this, &MemoryWorkspace::set_drawing);
  connect(add_, &QAbstractButton::clicked, this, &MemoryWorkspace::add_method);
  connect(remove_, &QAbstractButton::clicked, this, &MemoryWorkspace::remove_method);
  for (std::size_t i = 0; i < panels_.size(); ++i) {
    connect(panels_[i], &CurvesView::point_clicked, this, [this, i](int, qint64 place) {
      select(i);
      if (document_.set())
        transport_bar().transport().set_position(static_cast<int>(document_.set()->sample_at(place)));
    });
    connect(panels_[i], &SignalView::drawn, this, &MemoryWorkspace::take_stroke);
  }
  connect(coefficients_, &BarsView::bar_clicked, this, [this](qint64 bar) {
    chosen_coefficient_ = bar == chosen_coefficient_ ? -1 : bar;
    show_frame();
  });
  connect(chain_kernel_, &CurvesView::point_clicked, this,
          [this](int, qint64 point) { transport_bar().transport().set_position(static_cast<int>(point)); });
  connect(&transport_bar().transport(), &Transport::position_changed, this, [this](int position) {
    if (fitting_) return;
    document_.set_cursor(position);
    if (document_.state().page == Page::chain) chain_kernel_->set_cursor(position);
  });
  transport_bar().set_position_text([this](int position, int length) {
    if (length == 0) return QString();
    // A kernel begins with a lag of nothing, as its picture does.
    if (document_.state().page == Page::chain)
      return tr("lag %1 s").arg(position * document_.state().chain.run.delta, 0, 'f', 2);
    const double delta = document_.run().delta;
    return tr("%1 s of %2 s").arg((position + 1) * delta, 0, 'f', 2).arg(length * delta, 0, 'f', 2);
  });
}

void MemoryWorkspace::connect_document() {
  connect(&document_, &MemoryDocument::state_changed, this, &MemoryWorkspace::show_state);
  connect(&document_, &MemoryDocument::set_changed, this, &MemoryWorkspace::show_set);
  connect(&document_, &MemoryDocument::frame_changed, this, &MemoryWorkspace::show_frame);
  connect(&document_, &MemoryDocument::details_changed, this, [this] {
    error_orders_->set_data(error_orders_picture(*document_.details()));
    show_card();
  });
  connect(&document_, &MemoryDocument::chain_changed, this, &MemoryWorkspace::show_chain);
  connect(&document_, &MemoryDocument::settled_changed, this, &Workspace::settled_changed);
  connect(&document_, &MemoryDocument::opened, this, [this] {
    opening_ = false;
    Q_EMIT opened();
  });
  connect(&document_, &MemoryDocument::failed, this, [this](const QString& sentence) {
    opening_ = false;
    complaint_ = sentence;
    say_error(sentence);
    Q_EMIT failed(sentence);
  });
}

}  // namespace statescope
