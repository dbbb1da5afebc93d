// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/model_workspace.h"

#include <QComboBox>
#include <QLabel>
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
#include "workspaces/device_choice.h"
#include "workspaces/model_pictures.h"

namespace statescope {
namespace {

constexpr double tokens_per_second = 2;  // at 1×: slow enough to read
constexpr int unnoticed_ms = 100;        // work shorter than this shows no progress

SamplingChoice choice_of(const ModelRun& run) {
  return {run.sampling, run.tokens_to_generate};
}

// A function from 0…1 to the colour of a sequential map, for the controls that paint values themselves.
std::function<QColor(float)> color_function(Symbol symbol) {
  return [symbol, map = ColorMap(), kind = std::optional<ThemeKind>()](float share) mutable {
    if (kind != theme().kind) {
      map = ColorMap::sequential(theme(), symbol);
      kind = theme().kind;
    }
    return QColor::fromRgb(map.color(static_cast<std::uint8_t>(1 + std::lround(std::clamp(share, 0.0f, 1.0f) * 254))));
  };
}

// True when `run` is `before` with perhaps some tokens more: then they share the records of the beginning.
bool continues(const RunSnapshot& run, const RunPointer& before) {
  if (!before || before->loaded != run.loaded || before->trace.length() > run.trace.length()) return false;
  const auto known = before->trace.tokens.size();
  return known == 0 || before->trace.tokens.back() == run.trace.tokens[known - 1];
}

}  // namespace

ModelWorkspace::ModelWorkspace(std::filesystem::path assets, const Machine& machine)
    : Workspace(QStringLiteral("model"), tr("Model"), QStringLiteral("model")),
      document_(std::move(assets), machine),
      device_(new DeviceChoice(machine)) {
  build_center();
  build_inspector();
  set_lengths();
  connect(&ThemeNotifier::instance(), &ThemeNotifier::changed, this, &ModelWorkspace::set_lengths);
  connect_views();
  connect_document();
  transport_bar().set_base_speed(tokens_per_second);
  transport_bar().set_position_text([](int position, int length) {
    return length == 0 ? tr("no tokens") : tr("token %L1 of %L2").arg(position + 1).arg(length);
  });
  show_scene();
}

void ModelWorkspace::connect_views() {
  connect(prompt_, &PromptBar::run_requested, &document_, &ModelDocument::run_prompt);
  connect(prompt_, &PromptBar::generate_requested, &document_, &ModelDocument::generate);
  connect(prompt_, &PromptBar::stop_requested, &document_, &ModelDocument::stop);
  connect(prompt_, &PromptBar::sampling_changed, this,
          [this](const SamplingChoice& choice) { document_.set_sampling(choice, choice.tokens); });
  connect(tokens_, &TokenStrip::token_clicked, this, &ModelWorkspace::move_cursor);
  connect(&transport_bar().transport(), &Transport::position_changed, this,
          [this](int position) { document_.set_cursor(position); });
  connect(&transport_bar().transport(), &Transport::phase_changed, this, [this] {
    const Transport& transport = transport_bar().transport();
    if (transport.position() == document_.scene().cursor) channel_->set_cursor(transport.position(), transport.phase());
  });

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
  connect(&document_, &ModelDocument::progress, this, &ModelWorkspace::show_progress);
  connect(&document_, &ModelDocument::failed, this, [this](const QString& sentence) {
    say_error(sentence);
    Q_EMIT failed(sentence);
  });
  connect(device_, &DeviceChoice::chosen, &document_, &ModelDocument::set_device);
  connect(&document_, &ModelDocument::device_failed, this, [this](const QString& sentence) {
    device_->set_device(document_.device());
    entered_ = true;  // the user is asked; no sample comes by itself
    notice().show_message(Notice::Kind::error, sentence, tr("Run on the CPU"), [this] {
      document_.go_on_on_cpu();
      device_->set_device(document_.device());
    });
    Q_EMIT failed(sentence);
  });
  connect(&document_, &ModelDocument::run_finished, this, [this] {
    if (!std::exchange(keep_notice_, false)) notice().dismiss();
    if (isVisible() && !for_export_) transport_bar().transport().play();
    Q_EMIT opened();
  });
  connect(&document_, &ModelDocument::speed_measured, this, [this](double speed) {
    speed_ = speed;
    Q_EMIT facts_changed();
  });
  connect(&document_, &ModelDocument::run_changed, this, &Workspace::facts_changed);
  connect(&document_, &ModelDocument::scene_changed, this, &Workspace::facts_changed);
  for (const auto signal : {&ModelDocument::focus_changed, &ModelDocument::activity_changed})
    connect(&document_, signal, this, &Workspace::settled_changed);
  progress_delay_.setSingleShot(true);
  progress_delay_.setInterval(unnoticed_ms);
  connect(&progress_delay_, &QTimer::timeout, this, [this] { prompt_->set_progress(progress_share_, progress_text_); });
}

void ModelWorkspace::select(std::int64_t layer, std::int64_t channel, std::int64_t state, const QString& undo_text) {
  ModelView view = document_.scene().view;
  view.layer = layer;
  view.channel = channel;
  view.state = state;
  document_.set_view(view, undo_text);
}

void ModelWorkspace::move_cursor(std::int64_t token) {
  transport_bar().transport().set_position(static_cast<int>(token));
}

// Work that is over before anyone could read about it does not make the prompt bar flicker.
void ModelWorkspace::show_progress(double share, const QString& text) {
  progress_share_ = share < 0 ? std::nullopt : std::optional(share);
  progress_text_ = text;
  if (text.isEmpty()) {
    progress_delay_.stop();
    prompt_->set_progress(std::nullopt, {});
  } else if (!progress_delay_.isActive()) {
    prompt_->showing_progress() ? prompt_->set_progress(progress_share_, text) : progress_delay_.start();
  }
}

void ModelWorkspace::show_run() {
  const RunSnapshot& run = *document_.run();
  const bool grown = continues(run, shown_run_);
  std::vector<TokenChip> chips;
  for (std::size_t t = grown ? shown_run_->trace.tokens.size() : 0; t < run.trace.tokens.size(); ++t) {
    const TokenRecord& token = *run.trace.tokens[t];
    const bool special = run.loaded->tokenizer && run.loaded->tokenizer->is_special(token.id);
    chips.push_back({run.texts[static_cast<qsizetype>(t)], token.id, special, token.generated, 0});
  }
  if (grown)
    tokens_->append_tokens(chips);
  else
    tokens_->set_tokens(std::move(chips));
  if (!shown_run_) views_->parentWidget()->show();
  if (!shown_run_ || shown_run_->loaded != run.loaded) show_kind(run.model().info());
  shown_run_ = document_.run();
  transport_bar().transport().set_length(static_cast<int>(run.trace.length()));
  show_summary();
  show_cursor();
}

// A model without a state says so where others show theirs.
void ModelWorkspace::show_kind(const ModelInfo& info) {
  const QString sentence = no_state_sentence(info);
  for (View* view : std::initializer_list<View*>{layer_map_, state_map_, overview_, equation_})
    view->set_message(sentence);
  for (View* view : {half_lives_, writes_}) view->setVisible(sentence.isEmpty());
  order_switch_->setEnabled(sentence.isEmpty());  // without Δ there is one order
  explanation_->setText(explanation_of(document_.scene().view.map, info.state_kind));
}

// What is said about whole layers: under the tokens, along the scrubber and in the overview.
void ModelWorkspace::show_summary() {
  const ModelView& view = document_.scene().view;
  const RunSnapshot& run = *document_.run();
  const SummaryPlace place{document_.run(), view.overview, view.layer};
  if (place == shown_summary_) return;
  const bool other_picture = place.run != shown_summary_.run || place.summary != shown_summary_.summary;
  shown_summary_ = place;

  std::vector<float> values;
  for (const auto& token : run.trace.tokens)
    values.push_back(token->layers[static_cast<std::size_t>(view.layer)][view.overview]);
  const auto high = std::max_element(values.begin(), values.end());
  const float top = high == values.end() || *high <= 0 ? 1 : *high;
  tokens_->set_values(values, tr("%1 in layer %2").arg(name_of(view.overview)).arg(view.layer), 0, top);
  for (float& value : values) value /= top;
  transport_bar().scrubber().set_values(std::move(values));
  if (other_picture) {
    const auto picture = overview_picture(run, view.overview);
    const auto colors = color_function(picture ? picture->symbol : Symbol::x);
    tokens_->set_color_map(colors);
    transport_bar().scrubber().set_color_map(colors);
    overview_->set_data(picture);
  }
  overview_->set_selected_row(view.layer);
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
  const ModelScene& scene = document_.scene();
  const ModelView& view = scene.view;
  prompt_->set_sampling(choice_of(scene.run));
  show_prompt();
  const auto map = std::find(std::begin(map_quantities), std::end(map_quantities), view.map);
  map_switch_->set_current(static_cast<int>(map - std::begin(map_quantities)));
  order_switch_->set_current(view.order == ChannelOrder::widest ? 0 : 1);
  overview_switch_->setCurrentIndex(static_cast<int>(view.overview));
  const RunPointer& run = document_.run();
  explanation_->setText(explanation_of(view.map, run ? run->model().info().state_kind : StateKind::per_token));
  if (!run) return;
  show_summary();
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
  // The same numbers are not drawn again: a long text has millions of them.
  if (focus->map != shown_map_ || view.order != shown_order_) layer_map_->set_data(layer_picture(*focus, view));
  shown_map_ = focus->map;
  shown_order_ = view.order;
  const bool by_state = focus->map_quantity == Quantity::B || focus->map_quantity == Quantity::C;
  layer_map_->set_selected_row(by_state ? view.state : focus->channel);
  if (focus->channel_states != shown_channel_) {
    channel_->set_data(channel_picture(*focus));
    half_lives_->set_data(half_life_picture(*focus));
  }
  shown_channel_ = focus->channel_states;
  channel_->set_highlighted(focus->track->kind == StateKind::none ? -1 : static_cast<int>(view.state));
  half_lives_->set_selected(view.state);
  show_cursor();
}

void ModelWorkspace::show_cursor() {
  if (!document_.run() || document_.run()->trace.length() == 0) return;
  const std::int64_t cursor = document_.scene().cursor;
  Transport& transport = transport_bar().transport();
  if (transport.position() != cursor) transport.set_position(static_cast<int>(cursor));  // else it keeps its phase
  tokens_->set_cursor(static_cast<int>(cursor));
  overview_->set_cursor_column(cursor);
  layer_map_->set_cursor_column(cursor);
  channel_->set_cursor(cursor, transport.playing() ? transport.phase() : 0);
  show_states();
}

// The views that change with every token.
void ModelWorkspace::show_states() {
  const Focus* focus = current_focus();
  const ModelScene& scene = document_.scene();
  if (!focus || scene.cursor >= focus->track->tokens) return;
  if (const auto picture = candidates_picture(*focus, scene.cursor)) candidates_->set_data(picture);
  const bool states = focus->track->kind != StateKind::none;
  if (const auto picture = state_picture(*focus, scene.view, scene.cursor); picture || !states) {
    state_map_->set_data(picture);
    if (picture) state_map_->set_selected_cell(focus->channel, scene.view.state);
  }
  if (!states) return equation_->set_update({}, {});
  writes_->set_data(writes_picture(*focus, scene.view, scene.cursor));
  writes_->set_selected(scene.cursor - first_write_shown(scene.cursor));
  equation_->set_update(state_update(focus->run->model(), *focus->track, *focus->channel_states, focus->channel,
                                     scene.view.state, scene.cursor),
                        {focus->track->layer, focus->channel, scene.view.state});
}

void ModelWorkspace::show_activity() {
  const Activity activity = document_.activity();
  prompt_->set_generating(activity == Activity::generating);
  if (!document_.run())
    tokens_->set_empty_text(activity == Activity::idle ? tr("Open a model to see text") : QString());
  Transport& transport = transport_bar().transport();
  transport.set_more_coming(activity == Activity::generating);
  // Who has seen the last token sees the new ones come.
  if (activity == Activity::generating && transport.position() + 1 == transport.length()) transport.play();
}

}  // namespace statescope
