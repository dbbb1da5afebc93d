// SPDX-License-Identifier: GPL-3.0-or-later
// How the Model workspace is laid out: which views and controls there are, where they stand, how they grow.
#include <QAbstractItemView>
#include <QComboBox>
#include <QFontMetrics>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QScrollArea>
#include <QVBoxLayout>

#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/flow_layout.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/prompt_bar.h"
#include "widgets/segmented_control.h"
#include "widgets/token_strip.h"
#include "workspaces/device_choice.h"
#include "workspaces/inspector.h"
#include "workspaces/model_pictures.h"
#include "workspaces/model_workspace.h"

namespace statescope {
namespace {

// A choice that stands where a title stands: it looks like one, and is as wide as what is chosen.
class TitleChoice : public QComboBox {
 public:
  TitleChoice() {
    connect(this, &QComboBox::currentIndexChanged, this, [this] { updateGeometry(); });
    setAttribute(Qt::WA_Hover);
  }
  QSize sizeHint() const override {
    const QFontMetrics metrics(statescope::font(TextRole::strong));
    return {metrics.horizontalAdvance(currentText()) + scaled(20), metrics.height()};
  }
  void showPopup() override {
    view()->setMinimumWidth(view()->sizeHintForColumn(0) + scaled(24));
    QComboBox::showPopup();
  }

 protected:
  void paintEvent(QPaintEvent*) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(statescope::font(TextRole::strong));
    painter.setPen(theme().text);
    painter.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter, currentText());
    const double x = width() - scaled(8), y = height() / 2.0, half = scaled(4);
    painter.setPen(Qt::NoPen);
    painter.setBrush(underMouse() || hasFocus() ? theme().text : theme().muted);
    painter.drawPolygon(QPolygonF({{x - half, y - half / 2}, {x + half, y - half / 2}, {x, y + half * 0.75}}));
    if (hasFocus()) painter.fillRect(QRect(0, height() - 2, width(), 2), theme().accent);
  }
};

}  // namespace

void ModelWorkspace::build_center() {
  prompt_ = new PromptBar;
  tokens_ = new TokenStrip;
  map_switch_ = new SegmentedControl(tr("Tensor of the layer"));
  std::vector<SegmentedControl::Option> options;
  for (const Quantity quantity : map_quantities) {
    const QuantityWords words = words_for(quantity);
    options.push_back({quantity == Quantity::gate ? tr("gate") : words.symbol, words.color, words.name});
  }
  map_switch_->set_options(options);
  order_switch_ = new SegmentedControl(tr("Order of the channels"));
  order_switch_->set_options({{tr("widest Δ"), {}, tr("Channels with the largest mean Δ first")},
                              {tr("index"), {}, tr("Channels as the weights number them")}});
  overview_switch_ = new TitleChoice;
  overview_switch_->setAccessibleName(tr("What the overview shows"));
  for (const Summary summary : all_summaries) overview_switch_->addItem(sentence_case(name_of(summary)));

  layer_map_ = new HeatMapView;
  state_map_ = new HeatMapView;
  overview_ = new HeatMapView;
  channel_ = new CurvesView;
  const std::pair<QWidget*, const char*> names[] = {{prompt_, "prompt"},
                                                    {tokens_, "tokens"},
                                                    {layer_map_, "layer_map"},
                                                    {state_map_, "state_map"},
                                                    {overview_, "overview"},
                                                    {channel_, "channel"},
                                                    {map_switch_, "map_switch"},
                                                    {order_switch_, "order_switch"},
                                                    {overview_switch_, "overview_switch"}};
  for (const auto& [widget, name] : names) widget->setObjectName(QLatin1String(name));
  layer_map_->setAccessibleName(tr("Layer map, tokens by channels"));
  state_map_->setAccessibleName(tr("Hidden state, channels by states"));
  overview_->setAccessibleName(tr("Overview, tokens by layers"));
  channel_->setAccessibleName(tr("States of the chosen channel over the tokens"));

  // As high as there is room for; below their least height the column scrolls.
  for (QWidget* view : std::initializer_list<QWidget*>{layer_map_, state_map_, overview_, channel_})
    view->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Ignored);

  explanation_ = new QLabel;
  explanation_->setObjectName(QStringLiteral("explanation"));
  explanation_->setProperty("role", QStringLiteral("caption"));
  explanation_->setWordWrap(true);
  overview_->set_title_control(overview_switch_);

  switches_ = new FlowLayout;
  switches_->addWidget(map_switch_);
  switches_->addWidget(order_switch_);
  controls_ = new QBoxLayout(QBoxLayout::LeftToRight);
  controls_->addLayout(switches_);
  controls_->addWidget(explanation_, 1);
  controls_->addWidget(device_, 0, Qt::AlignLeft);

  maps_ = new QHBoxLayout;
  maps_->addWidget(layer_map_, 1);
  maps_->addWidget(state_map_, 1);
  below_ = new QHBoxLayout;
  below_->addWidget(overview_, 1);
  below_->addWidget(channel_, 2);
  auto* views = new QWidget;
  views_ = new QVBoxLayout(views);
  views_->setSpacing(0);
  views_->addLayout(controls_);
  views_->addLayout(maps_, 3);
  views_->addLayout(below_, 2);
  tokens_->set_empty_text({});
  auto* scroll = new QScrollArea;
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setFocusPolicy(Qt::NoFocus);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(views);
  views->hide();  // until there is something to see
  views->setAutoFillBackground(false);

  top_ = new QVBoxLayout;
  top_->addWidget(&notice());
  top_->addWidget(prompt_);
  column_ = new QVBoxLayout(this);
  column_->addLayout(top_);
  column_->addWidget(tokens_);
  column_->addWidget(scroll, 1);
  QWidget* const in_order[] = {prompt_,    tokens_,          map_switch_, order_switch_, layer_map_,
                               state_map_, overview_switch_, overview_,   channel_};
  for (std::size_t i = 1; i < std::size(in_order); ++i) setTabOrder(in_order[i - 1], in_order[i]);
}

// Beside the switches while a line of it fits there, below them else.
void ModelWorkspace::place_explanation() {
  const int room = width() - 2 * scaled(20) - switches_->sizeHint().width();
  controls_->setDirection(room < scaled(320) ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
}

void ModelWorkspace::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  place_explanation();
}

// Lengths that grow with the text.
void ModelWorkspace::set_lengths() {
  const int edge = scaled(20), ring = scaled(TokenStrip::ring);
  column_->setContentsMargins(edge - ring, scaled(12), edge - ring, scaled(12));
  column_->setSpacing(scaled(8));
  // The strip outlines its chips; so that the chips stand in line, all else is moved in by as much.
  top_->setContentsMargins(ring, 0, ring, 0);
  top_->setSpacing(scaled(8));
  switches_->setSpacing(scaled(12));
  controls_->setSpacing(scaled(12));
  views_->setContentsMargins(ring, 0, ring, 0);
  for (QHBoxLayout* row : {maps_, below_}) row->setSpacing(scaled(24));
  maps_->setContentsMargins(0, scaled(12), 0, scaled(24));
  for (QWidget* view : {layer_map_, state_map_}) view->setMinimumHeight(scaled(152));
  for (QWidget* view : std::initializer_list<QWidget*>{overview_, channel_}) view->setMinimumHeight(scaled(120));
  inspector_column_->setContentsMargins(scaled(18), scaled(12), scaled(18), scaled(12));
  inspector_column_->setSpacing(scaled(14));
  for (QWidget* view : {half_lives_, writes_}) {
    view->setMinimumHeight(scaled(88));  // a sentence of three lines above leaves no more in a window of 800
    view->setMaximumHeight(scaled(160));
  }
  // Narrower than the views ask for: with large text they still have to stay inside the column.
  for (QWidget* view : std::initializer_list<QWidget*>{equation_, candidates_, half_lives_, writes_})
    view->setMinimumWidth(scaled(128));
  place_explanation();
}

void ModelWorkspace::build_inspector() {
  equation_ = new EquationView;
  candidates_ = new BarsView;
  half_lives_ = new BarsView;
  writes_ = new BarsView;
  equation_->setObjectName(QStringLiteral("equation"));
  candidates_->setObjectName(QStringLiteral("candidates"));
  half_lives_->setObjectName(QStringLiteral("half_lives"));
  writes_->setObjectName(QStringLiteral("writes"));
  equation_->setAccessibleName(tr("One state, one update"));
  candidates_->setAccessibleName(tr("Most likely next tokens"));
  half_lives_->setAccessibleName(tr("Memory half-life of the channel’s states"));
  writes_->setAccessibleName(tr("What each token writes into the chosen state"));

  auto* content = new QWidget;
  // Text keeps the height it needs, and the column scrolls; charts take what room there is.
  QSizePolicy as_text(QSizePolicy::Preferred, QSizePolicy::Minimum);
  candidates_->setSizePolicy(as_text);
  as_text.setHeightForWidth(true);
  equation_->setSizePolicy(as_text);
  for (QWidget* view : {half_lives_, writes_}) view->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Ignored);
  inspector_column_ = new QVBoxLayout(content);
  inspector_column_->addWidget(equation_);
  inspector_column_->addWidget(candidates_);
  inspector_column_->addWidget(half_lives_, 8);  // what room there is goes to the charts until they have enough
  inspector_column_->addWidget(writes_, 8);
  inspector_column_->addStretch(1);
  set_inspector(make_inspector(content, QStringLiteral("inspector")));
}

}  // namespace statescope
