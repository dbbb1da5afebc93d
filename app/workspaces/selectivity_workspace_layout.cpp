// SPDX-License-Identifier: GPL-3.0-or-later
// How the Selectivity workspace is laid out: which views and controls there are, where they stand, how they grow.
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

#include "widgets/button.h"
#include "widgets/flow_layout.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/segmented_control.h"
#include "widgets/sequence_view.h"
#include "workspaces/gated_page.h"
#include "workspaces/inspector.h"
#include "workspaces/selectivity_controls.h"
#include "workspaces/selectivity_examples.h"
#include "workspaces/selectivity_workspace.h"
#include "workspaces/training_page.h"

namespace statescope {

void SelectivityWorkspace::build_views() {
  examples_ = new QComboBox;
  examples_->setObjectName(QStringLiteral("selectivity_examples"));
  examples_->setAccessibleName(tr("Examples"));
  examples_->setPlaceholderText(tr("Examples"));
  for (const SelectivityExample& example : selectivity_examples()) {
    examples_->addItem(example.title);
    examples_->setItemData(examples_->count() - 1, example.sentence, Qt::ToolTipRole);
  }
  examples_->setCurrentIndex(-1);
  quantities_ = new SegmentedControl(tr("Quantity"));
  quantities_->setObjectName(QStringLiteral("selectivity_quantity"));
  quantities_->set_options({{tr("Δ step"), Symbol::delta, tr("How far each token moves time")},
                            {tr("Gate"), Symbol::A, tr("exp(ΔA): what stays of the state")},
                            {tr("Written"), Symbol::B, tr("Δ·B·x: what is added to the state")},
                            {tr("State"), Symbol::h, tr("h after each token")}});
  new_sequence_ = new Button(Button::Look::raised, QStringLiteral("generate"), tr("New sequence"));
  new_sequence_->setObjectName(QStringLiteral("selectivity_new"));
  new_sequence_->set_hint(tr("Both read another sequence that neither has seen"));
  explanation_ = new QLabel;
  explanation_->setObjectName(QStringLiteral("selectivity_explanation"));
  explanation_->setProperty("role", QStringLiteral("muted"));
  explanation_->setWordWrap(true);
  tools_ = new FlowLayout;
  for (QWidget* tool : std::initializer_list<QWidget*>{examples_, quantities_, new_sequence_}) tools_->addWidget(tool);

  input_ = new SequenceView;
  input_->setObjectName(QStringLiteral("selectivity_tokens"));
  input_->setAccessibleName(tr("The sequence; type to replace the token at the cursor"));
  input_->set_editable(true);
  page_column_ = new QVBoxLayout;
  page_column_->addWidget(input_);
  for (std::size_t i = 0; i < strips_.size(); ++i) {
    models_[i] = new QComboBox;
    models_[i]->setObjectName(QStringLiteral("selectivity_model_%1").arg(i));
    models_[i]->setAccessibleName(i == 0 ? tr("Upper system") : tr("Lower system"));
    models_[i]->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    models_[i]->setMinimumContentsLength(26);
    strips_[i] = new SequenceView;
    strips_[i]->setObjectName(QStringLiteral("selectivity_strip_%1").arg(i));
    strips_[i]->setAccessibleName(i == 0 ? tr("Answers and memory of the upper system")
                                         : tr("Answers and memory of the lower system"));
    maps_[i] = new HeatMapView;
    maps_[i]->setObjectName(QStringLiteral("selectivity_map_%1").arg(i));
    maps_[i]->setAccessibleName(i == 0 ? tr("Map of the upper system") : tr("Map of the lower system"));
    maps_[i]->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);
    page_column_->addWidget(strips_[i]);
    page_column_->addWidget(maps_[i], 1);
  }
  page_ = new QWidget;
  page_->setLayout(page_column_);
  compare_ = new QWidget;
  compare_column_ = new QVBoxLayout(compare_);
  compare_column_->addLayout(tools_);
  compare_column_->addWidget(explanation_);
  compare_column_->addWidget(page_, 1);
  compare_column_->addStretch();
}

void SelectivityWorkspace::build_pages() {
  pages_ = new SegmentedControl(tr("Page"));
  pages_->setObjectName(QStringLiteral("selectivity_pages"));
  pages_->set_wrapping(true);
  pages_->set_options({{tr("Compare"), {}, tr("One sequence through two trained systems")},
                       {tr("Train"), {}, tr("Watch a network learn when to open")},
                       {tr("Theorem"), {}, tr("Why selection is a gate")}});
  page_stack_ = new QStackedWidget;
  for (QWidget* page : std::initializer_list<QWidget*>{compare_, training_, theorem_})
    page_stack_->addWidget(make_scrolling(page));
  column_ = new QVBoxLayout(this);
  column_->addWidget(&notice());
  systems_ = new QWidget;
  auto* row = new QHBoxLayout(systems_);
  row->setContentsMargins(0, 0, 0, 0);
  auto* against = new QLabel(tr("against"));
  against->setProperty("role", QStringLiteral("muted"));
  against->setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Preferred);  // the choices take what room there is
  for (QWidget* part : std::initializer_list<QWidget*>{models_[0], against, models_[1]}) row->addWidget(part);
  head_ = new QHBoxLayout;
  head_->addWidget(pages_);
  head_->addStretch();
  head_->addWidget(systems_);
  column_->addLayout(head_);
  column_->addWidget(page_stack_, 1);
  controls_ = new SelectivityControls(document_);
  inspector_stack_ = new QStackedWidget;
  inspector_stack_->addWidget(make_inspector(controls_, QStringLiteral("selectivity_inspector")));
  inspector_stack_->addWidget(training_->inspector());
  inspector_stack_->addWidget(theorem_->inspector());
  set_inspector(inspector_stack_);
}

// Lengths that grow with the text.
void SelectivityWorkspace::set_lengths() {
  column_->setContentsMargins(scaled(20), scaled(12), scaled(20), scaled(12));
  column_->setSpacing(scaled(10));
  tools_->setSpacing(scaled(12));
  systems_->layout()->setSpacing(scaled(8));
  compare_column_->setContentsMargins(0, 0, 0, 0);
  compare_column_->setSpacing(scaled(10));
  page_column_->setContentsMargins(0, scaled(4), 0, 0);
  page_column_->setSpacing(scaled(10));
  input_->setFixedHeight(scaled(54));
  for (SequenceView* strip : strips_) strip->setFixedHeight(scaled(56));
  for (HeatMapView* map : maps_) map->setMinimumHeight(scaled(110));
  place_systems();
}

// Beside the pages while there is room for all, below them else; and one below the other where that is too narrow.
void SelectivityWorkspace::place_systems() {
  auto* row = static_cast<QBoxLayout*>(systems_->layout());
  int wanted = 0;
  for (int i = 0; i < row->count(); ++i) wanted += row->itemAt(i)->sizeHint().width() + (i > 0 ? row->spacing() : 0);
  const int room = width() - 2 * scaled(20);
  const auto direction = [](bool fits) { return fits ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom; };
  row->setDirection(direction(wanted <= room));
  head_->setDirection(direction(wanted + pages_->sizeHint().width() <= room));
}

void SelectivityWorkspace::resizeEvent(QResizeEvent* event) {
  Workspace::resizeEvent(event);
  place_systems();
}

}  // namespace statescope
