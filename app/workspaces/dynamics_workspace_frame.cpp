// SPDX-License-Identifier: GPL-3.0-or-later
// What stands where in the Dynamics workspace.
#include <QAbstractItemView>
#include <QComboBox>
#include <QGridLayout>
#include <QLabel>
#include <QScrollArea>
#include <QStackedWidget>

#include "widgets/bode_view.h"
#include "widgets/convolution_view.h"
#include "widgets/flow_layout.h"
#include "widgets/notice.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"
#include "widgets/segmented_control.h"
#include "widgets/signal_view.h"
#include "widgets/theme.h"
#include "workspaces/dynamics_controls.h"
#include "workspaces/dynamics_examples.h"
#include "workspaces/dynamics_workspace.h"
#include "workspaces/inspector.h"

namespace statescope {
namespace {

// A box is as wide as so many letters; what is chosen among keeps its words.
void let_give_way(QComboBox* box, int letters) {
  box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  box->setMinimumContentsLength(letters);
}

template <class V>
V* named(V* view, const char* name) {
  view->setObjectName(QLatin1String(name));
  return view;
}

}  // namespace

void DynamicsWorkspace::build_tools() {
  pages_ = named(new SegmentedControl(tr("What is shown")), "dynamics_pages");
  pages_->set_wrapping(true);
  pages_->set_options({{tr("Motion"), {}, tr("Where the state goes, and what comes out")},
                       {tr("Convolution"), {}, tr("The kernel slides over the input; the recurrence agrees")},
                       {tr("Frequency"), {}, tr("What passes and what is held back, and how it settles")}});
  examples_ = named(new QComboBox, "dynamics_examples");
  examples_->setAccessibleName(tr("Examples"));
  examples_->setPlaceholderText(tr("Examples"));
  examples_->setMaxVisibleItems(20);
  for (const DynamicsExample& example : dynamics_examples()) {
    examples_->addItem(example.title);
    examples_->setItemData(examples_->count() - 1, example.sentence, Qt::ToolTipRole);
  }
  examples_->setCurrentIndex(-1);
  phase_box_ = new QWidget;
  auto* axes = new FlowLayout(phase_box_);
  auto* label = new QLabel(tr("Portrait of"));
  label->setProperty("role", QStringLiteral("caption"));
  axes->addWidget(label);
  for (int i = 0; i < 3; ++i) {
    axes_[i] = named(new QComboBox, QByteArray("dynamics_axis_").append(static_cast<char>('0' + i)).constData());
    axes_[i]->setAccessibleName(tr("State on axis %1").arg(i + 1));
    let_give_way(axes_[i], 5);
    axes->addWidget(axes_[i]);
  }
  space_ = named(new SegmentedControl(tr("Plane or space")), "dynamics_space");
  space_->set_options({{tr("2-D")}, {tr("3-D")}});
  axes->addWidget(space_);
  tools_ = new FlowLayout;
  for (QWidget* tool : std::initializer_list<QWidget*>{pages_, examples_}) tools_->addWidget(tool);
  verdict_ = named(new QLabel, "dynamics_verdict");
  verdict_->setProperty("role", QStringLiteral("muted"));
  verdict_->setWordWrap(true);
  said_ = new QBoxLayout(QBoxLayout::LeftToRight);
  said_->addWidget(verdict_, 1);
  said_->addWidget(phase_box_);
}

void DynamicsWorkspace::build() {
  s_plane_ = named(new PolePlaneView, "dynamics_s_plane");
  z_plane_ = named(new PolePlaneView, "dynamics_z_plane");
  phase_ = named(new PhaseView, "dynamics_phase");
  states_ = named(new CurvesView, "dynamics_states");
  input_ = named(new SignalView, "dynamics_input_curve");
  output_ = named(new CurvesView, "dynamics_output");
  kernel_ = named(new CurvesView, "dynamics_kernel");
  step_ = named(new CurvesView, "dynamics_step_response");
  bode_ = named(new BodeView, "dynamics_bode");
  convolution_ = named(new ConvolutionView, "dynamics_convolution");
  input_->set_drawable(true);
  input_->set_resolution(max_drawn_points);

  stack_ = new QStackedWidget;
  const auto add_page = [this] {
    auto* box = new QWidget;
    auto* grid = new QGridLayout(box);
    grid->setContentsMargins(0, 0, 0, 0);
    stack_->addWidget(box);
    grids_.push_back(grid);
    return grid;
  };
  auto* motion = add_page();
  motion->addWidget(phase_, 0, 0);
  motion->addWidget(states_, 0, 1);
  motion->addWidget(input_, 1, 0);
  motion->addWidget(output_, 1, 1);
  auto* theatre = add_page();
  theatre->addWidget(convolution_, 0, 0);
  theatre->addWidget(kernel_, 1, 0);
  theatre->setRowStretch(0, 5);
  theatre->setRowStretch(1, 2);
  auto* frequency = add_page();
  frequency->addWidget(bode_, 0, 0);
  frequency->addWidget(step_, 1, 0);
  frequency->setRowStretch(0, 5);
  frequency->setRowStretch(1, 3);
  for (int i = 0; i < 2; ++i) {
    motion->setColumnStretch(i, 1);
    motion->setRowStretch(i, 1);
  }
  planes_ = new QBoxLayout(QBoxLayout::TopToBottom);
  planes_->addWidget(s_plane_, 1);
  planes_->addWidget(z_plane_, 1);
  middle_ = new QBoxLayout(QBoxLayout::LeftToRight);
  middle_->setContentsMargins(0, 0, 0, 0);
  middle_->addLayout(planes_, 1);
  middle_->addWidget(stack_, 2);
  grids_.insert(grids_.end(), {planes_, middle_});
  for (QWidget* view : pictures()) view->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Ignored);

  auto* column = new QVBoxLayout(this);
  column->addWidget(&notice());
  build_tools();
  auto* content = new QWidget;
  content_ = new QVBoxLayout(content);
  content_->setContentsMargins(0, 0, 0, 0);
  content_->addLayout(tools_);
  content_->addLayout(said_);
  content_->addLayout(middle_, 1);
  column->addWidget(make_scrolling(content), 1);
  column_ = column;
  controls_ = new DynamicsControls(document_);
  set_inspector(make_inspector(controls_, QStringLiteral("dynamics_inspector")));
}

void DynamicsWorkspace::set_lengths() {
  const int edge = scaled(20);
  column_->setContentsMargins(edge, scaled(12), edge, scaled(12));
  for (QLayout* column : std::initializer_list<QLayout*>{column_, content_}) column->setSpacing(scaled(10));
  for (QLayout* grid : grids_) grid->setSpacing(scaled(16));
  tools_->setSpacing(scaled(12));
  said_->setSpacing(scaled(12));
  verdict_->setMinimumHeight(scaled(34));  // two lines: words that change do not move the pictures under the hand
  phase_box_->layout()->setSpacing(scaled(8));
  for (QWidget* view : pictures()) view->setMinimumHeight(scaled(150));
  convolution_->setMinimumHeight(scaled(260));
  bode_->setMinimumHeight(scaled(220));
  place_planes();
}

std::vector<QWidget*> DynamicsWorkspace::pictures() const {
  return {s_plane_, z_plane_, phase_, states_, input_, output_, kernel_, step_, bode_, convolution_};
}

// Beside the other pictures, or above them where three columns would be too narrow to read. What the portrait shows is
// then chosen right above it.
void DynamicsWorkspace::place_planes() {
  const bool narrow = width() < scaled(680);
  planes_->setDirection(narrow ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
  middle_->setDirection(narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
  for (PolePlaneView* plane : {s_plane_, z_plane_}) plane->setMinimumHeight(scaled(narrow ? 200 : 150));
  if (narrow == (middle_->indexOf(phase_box_) >= 0)) return;
  (narrow ? said_ : middle_)->removeWidget(phase_box_);
  narrow ? middle_->insertWidget(1, phase_box_) : said_->addWidget(phase_box_);
}

void DynamicsWorkspace::resizeEvent(QResizeEvent* event) {
  Workspace::resizeEvent(event);
  place_planes();
}

}  // namespace statescope
