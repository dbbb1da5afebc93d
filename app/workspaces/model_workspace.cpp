// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/model_workspace.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "widgets/bars_view.h"
#include "widgets/curves_view.h"
#include "widgets/equation_view.h"
#include "widgets/heat_map_view.h"
#include "widgets/notice.h"
#include "widgets/prompt_bar.h"
#include "widgets/scrubber.h"
#include "widgets/segmented_control.h"
#include "widgets/token_strip.h"
#include "widgets/transport_bar.h"
#include "workspaces/model_pictures.h"

namespace statescope {
namespace {

constexpr double tokens_per_second = 2;  // at 1×: slow enough to read

SamplingChoice choice_of(const ModelRun& run) {
  return {run.sampling.temperature, run.sampling.top_k, run.sampling.top_p, run.sampling.seed, run.tokens_to_generate};
}

Sampling sampling_of(const SamplingChoice& choice) {
  return {choice.temperature, choice.top_k, choice.top_p, choice.seed};
}

// A function from 0…1 to the colour of a sequential map, for the controls that paint values themselves.
std::function<QColor(float)> color_function(Symbol symbol) {
  return [symbol](float share) {
    const ColorMap map = ColorMap::sequential(theme(), symbol);
    return QColor::fromRgb(map.color(static_cast<std::uint8_t>(1 + std::lround(std::clamp(share, 0.0f, 1.0f) * 254))));
  };
}

}  // namespace

ModelWorkspace::ModelWorkspace(ModelDocument& document, TransportBar& transport, QWidget* parent)
    : QWidget(parent), document_(document), transport_(transport) {
  setObjectName(QStringLiteral("model_workspace"));
  build_center();
  build_inspector();
  connect_views();
  connect_document();
  transport_.set_base_speed(tokens_per_second);
  transport_.set_position_text([](int position, int length) {
    return length == 0 ? tr("no tokens") : tr("token %L1 of %L2").arg(position + 1).arg(length);
  });
  show_scene();
}

void ModelWorkspace::build_center() {
  notice_ = new Notice;
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
  overview_switch_ = new QComboBox;
  overview_switch_->setAccessibleName(tr("What the overview shows"));
  for (const Summary summary : all_summaries) overview_switch_->addItem(name_of(summary));

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
                                                    {overview_switch_, "overview_switch"},
                                                    {notice_, "notice"}};
  for (const auto& [widget, name] : names) widget->setObjectName(QLatin1String(name));
  layer_map_->setAccessibleName(tr("Layer map, tokens by channels"));
  state_map_->setAccessibleName(tr("Hidden state, channels by states"));
  overview_->setAccessibleName(tr("Overview, tokens by layers"));
  channel_->setAccessibleName(tr("States of the chosen channel over the tokens"));

  auto* switches = new QHBoxLayout;
  switches->setSpacing(scaled(12));
  switches->addWidget(map_switch_);
  switches->addWidget(order_switch_);
  switches->addStretch();
  switches->addWidget(overview_switch_);

  auto* maps = new QHBoxLayout;
  maps->setSpacing(scaled(24));
  maps->addWidget(layer_map_, 1);
  maps->addWidget(state_map_, 1);
  auto* below = new QHBoxLayout;
  below->setSpacing(scaled(24));
  below->addWidget(overview_, 2);
  below->addWidget(channel_, 5);

  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(scaled(20), scaled(12), scaled(20), scaled(12));
  column->setSpacing(scaled(10));
  column->addWidget(notice_);
  column->addWidget(prompt_);
  column->addWidget(tokens_);
  column->addLayout(switches);
  column->addLayout(maps, 3);
  column->addLayout(below, 2);
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
  auto* column = new QVBoxLayout(content);
  column->setContentsMargins(scaled(18), scaled(16), scaled(18), scaled(16));
  column->setSpacing(scaled(16));
  for (QWidget* view : {static_cast<QWidget*>(equation_), static_cast<QWidget*>(candidates_),
                        static_cast<QWidget*>(half_lives_), static_cast<QWidget*>(writes_)})
    column->addWidget(view);
  column->addStretch(1);
  auto* scroll = new QScrollArea;
  scroll->setObjectName(QStringLiteral("inspector"));
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(content);
  inspector_ = scroll;
}

void ModelWorkspace::connect_views() {
  connect(prompt_, &PromptBar::run_requested, &document_, &ModelDocument::run_prompt);
  connect(prompt_, &PromptBar::generate_requested, &document_, &ModelDocument::generate);
  connect(prompt_, &PromptBar::stop_requested, &document_, &ModelDocument::stop);
  connect(prompt_, &PromptBar::sampling_changed, this,
          [this](const SamplingChoice& choice) { document_.set_sampling(sampling_of(choice), choice.tokens); });
  connect(tokens_, &TokenStrip::token_clicked, this, &ModelWorkspace::move_cursor);
  connect(&transport_.transport(), &Transport::position_changed, this,
          [this](int position) { document_.set_cursor(position); });

  const auto change_view = [this](const QString& text, auto change) {
    ModelView view = document_.scene().view;
    change(view);
    document_.set_view(view, text);
  };
  connect(map_switch_, &SegmentedControl::selected, this, [change_view](int i) {
    change_view(tr("Show tensor"), [i](ModelView& view) { view.map = map_quantities[i]; });
  });
  connect(order_switch_, &SegmentedControl::selected, this, [change_view](int i) {
    change_view(tr("Order channels"),
                [i](ModelView& view) { view.order = i == 0 ? ChannelOrder::widest : ChannelOrder::index; });
  });
  connect(overview_switch_, &QComboBox::activated, this, [change_view](int i) {
    change_view(tr("Show overview"),
                [i](ModelView& view) { view.overview = all_summaries[static_cast<std::size_t>(i)]; });
  });

  connect(overview_, &HeatMapView::cell_clicked, this, [this](qint64 layer, qint64 token) {
    const ModelView view = document_.scene().view;
    select(layer, view.channel, view.state, tr("Choose layer"));
    move_cursor(token);
  });
  connect(layer_map_, &HeatMapView::cell_clicked, this, [this](qint64 row, qint64 token) {
    const ModelView view = document_.scene().view;
    if (view.map == Quantity::B || view.map == Quantity::C)
      select(view.layer, view.channel, row, tr("Choose state"));
    else
      select(view.layer, row, view.state, tr("Choose channel"));
    move_cursor(token);
  });
  connect(state_map_, &HeatMapView::cell_clicked, this, [this](qint64 channel, qint64 state) {
    select(document_.scene().view.layer, channel, state, tr("Choose state"));
  });
  connect(channel_, &CurvesView::point_clicked, this, [this](int state, qint64 token) {
    const ModelView view = document_.scene().view;
    select(view.layer, view.channel, state, tr("Choose state"));
    move_cursor(token);
  });
  connect(half_lives_, &BarsView::bar_clicked, this, [this](qint64 state) {
    const ModelView view = document_.scene().view;
    select(view.layer, view.channel, state, tr("Choose state"));
  });
  connect(writes_, &BarsView::bar_clicked, this,
          [this](qint64 bar) { move_cursor(first_write_shown(document_.scene().cursor) + bar); });
}

void ModelWorkspace::connect_document() {
  connect(&document_, &ModelDocument::run_changed, this, &ModelWorkspace::show_run);
  connect(&document_, &ModelDocument::scene_changed, this, &ModelWorkspace::show_scene);
  connect(&document_, &ModelDocument::focus_changed, this, &ModelWorkspace::show_focus);
  connect(&document_, &ModelDocument::cursor_changed, this, &ModelWorkspace::show_cursor);
  connect(&document_, &ModelDocument::activity_changed, this, &ModelWorkspace::show_activity);
  connect(&document_, &ModelDocument::progress, this, [this](double share, const QString& text) {
    prompt_->set_progress(share < 0 ? std::nullopt : std::optional(share), text);
  });
  connect(&document_, &ModelDocument::failed, this,
          [this](const QString& sentence) { notice_->show_message(Notice::Kind::error, sentence); });
  connect(&document_, &ModelDocument::run_finished, notice_, &Notice::dismiss);
}

void ModelWorkspace::focus_prompt() {
  prompt_->setFocus(Qt::ShortcutFocusReason);
}

void ModelWorkspace::set_for_export(bool for_export) {
  prompt_->setVisible(!for_export);
  for (QWidget* control : {static_cast<QWidget*>(map_switch_), static_cast<QWidget*>(order_switch_),
                           static_cast<QWidget*>(overview_switch_)})
    control->setVisible(!for_export);
}

void ModelWorkspace::select(std::int64_t layer, std::int64_t channel, std::int64_t state, const QString& undo_text) {
  ModelView view = document_.scene().view;
  view.layer = layer;
  view.channel = channel;
  view.state = state;
  document_.set_view(view, undo_text);
}

void ModelWorkspace::move_cursor(std::int64_t token) {
  transport_.transport().set_position(static_cast<int>(token));
}

void ModelWorkspace::show_run() {
  const RunSnapshot& run = *document_.run();
  std::vector<TokenChip> chips;
  for (std::size_t t = 0; t < run.trace.tokens.size(); ++t) {
    const TokenRecord& token = *run.trace.tokens[t];
    const bool special = run.loaded->tokenizer && run.loaded->tokenizer->is_special(token.id);
    chips.push_back({run.texts[static_cast<qsizetype>(t)], token.id, special, token.generated, 0});
  }
  tokens_->set_tokens(std::move(chips));
  transport_.transport().set_length(static_cast<int>(run.trace.length()));
  transport_.scrubber().set_length(static_cast<int>(run.trace.length()));
  overview_->set_data(overview_picture(run, document_.scene().view.overview));
  show_scene();
  show_cursor();
}

// Only when the scene's prompt is another one, so that half-typed text survives everything else.
void ModelWorkspace::show_prompt() {
  const ModelRun& run = document_.scene().run;
  QString text = QString::fromStdString(run.prompt);
  if (!run.prompt_ids.empty() && document_.run()) {
    const LoadedModel& loaded = *document_.run()->loaded;
    if (loaded.tokenizer) {
      text = QString::fromStdString(loaded.tokenizer->decode(run.prompt_ids));
    } else {
      QStringList ids;
      for (const std::int32_t id : run.prompt_ids) ids.append(QString::number(id));
      text = ids.join(QStringLiteral(", "));
    }
  }
  if (text == shown_prompt_) return;
  shown_prompt_ = text;
  prompt_->set_text(text);
}

void ModelWorkspace::show_scene() {
  const Scene& scene = document_.scene();
  const ModelView& view = scene.view;
  prompt_->set_sampling(choice_of(scene.run));
  show_prompt();
  const auto map = std::find(std::begin(map_quantities), std::end(map_quantities), view.map);
  map_switch_->set_current(static_cast<int>(map - std::begin(map_quantities)));
  order_switch_->set_current(view.order == ChannelOrder::widest ? 0 : 1);
  overview_switch_->setCurrentIndex(static_cast<int>(view.overview));
  if (!document_.run()) return;

  const RunSnapshot& run = *document_.run();
  std::vector<float> values;
  for (const auto& token : run.trace.tokens)
    values.push_back(token->layers[static_cast<std::size_t>(view.layer)][view.overview]);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float top = values.empty() || *high <= 0 ? 1 : *high;
  tokens_->set_values(values, tr("underline: %1 in layer %2").arg(name_of(view.overview)).arg(view.layer), 0, top);
  for (float& value : values) value /= top;
  const auto picture = overview_picture(run, view.overview);
  tokens_->set_color_map(color_function(picture->symbol));
  transport_.scrubber().set_color_map(color_function(picture->symbol));
  transport_.scrubber().set_values(std::move(values));
  if (!overview_->data() || overview_->data()->quantity != picture->quantity ||
      overview_->data()->columns != picture->columns)
    overview_->set_data(picture);
  overview_->set_selected_row(view.layer);
  show_focus();
}

// The focus answers the last question; while another model is being shown for the first time it is of the old one.
const Focus* ModelWorkspace::current_focus() const {
  const Focus* focus = document_.focus().get();
  return focus && document_.run() && focus->run->loaded == document_.run()->loaded ? focus : nullptr;
}

void ModelWorkspace::show_focus() {
  const Focus* focus = current_focus();
  if (!focus) return;
  const ModelView& view = document_.scene().view;
  layer_map_->set_data(layer_picture(*focus, view));
  const bool by_state = focus->map_quantity == Quantity::B || focus->map_quantity == Quantity::C;
  layer_map_->set_selected_row(by_state ? view.state : focus->channel);
  channel_->set_data(channel_picture(*focus));
  channel_->set_highlighted(static_cast<int>(view.state));
  half_lives_->set_data(half_life_picture(*focus));
  half_lives_->set_selected(view.state);
  show_cursor();
}

void ModelWorkspace::show_cursor() {
  if (!document_.run() || document_.run()->trace.length() == 0) return;
  const std::int64_t cursor = document_.scene().cursor;
  transport_.transport().set_position(static_cast<int>(cursor));
  tokens_->set_cursor(static_cast<int>(cursor));
  overview_->set_cursor_column(cursor);
  layer_map_->set_cursor_column(cursor);
  channel_->set_cursor(cursor);
  candidates_->set_data(candidates_picture(*document_.run(), cursor));
  show_states();
}

// The views that change with every token.
void ModelWorkspace::show_states() {
  const Focus* focus = current_focus();
  const Scene& scene = document_.scene();
  if (!focus || scene.cursor >= focus->track->tokens) return;
  if (const auto picture = state_picture(*focus, scene.view, scene.cursor)) {
    state_map_->set_data(picture);
    state_map_->set_selected_cell(focus->channel, scene.view.state);
  }
  writes_->set_data(writes_picture(*focus, scene.view, scene.cursor));
  writes_->set_selected(scene.cursor - first_write_shown(scene.cursor));
  equation_->set_update(state_update(focus->run->model(), *focus->track, *focus->channel_states, focus->channel,
                                     scene.view.state, scene.cursor),
                        {focus->track->layer, focus->channel, scene.view.state});
}

void ModelWorkspace::show_activity() {
  const Activity activity = document_.activity();
  prompt_->set_generating(activity == Activity::generating);
  transport_.transport().set_more_coming(activity == Activity::generating);
}

}  // namespace statescope
