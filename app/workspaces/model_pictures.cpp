// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/model_pictures.h"

#include <QCoreApplication>
#include <algorithm>

#include "engine/io/memory.h"
#include "engine/run/readings.h"
#include "widgets/format.h"

namespace statescope {
namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("ModelWorkspace", text);
}

constexpr int candidates_shown = 6;
constexpr std::int64_t writes_shown = 48;  // more would be bars of less than a few pixels

std::function<QString(qint64)> token_labels(const RunPointer& run) {
  return [run](qint64 token) {
    return token < run->texts.size() ? visible_token(run->texts[static_cast<qsizetype>(token)]) : QString();
  };
}

std::function<QString(qint64)> numbers() {
  return [](qint64 index) { return QString::number(index); };
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

QuantityWords words_for(Quantity quantity) {
  switch (quantity) {
    case Quantity::delta:
      return {tr("Step size"), QStringLiteral("Δ"), Symbol::delta, {}, false};
    case Quantity::gate:
      return {tr("Output gate"), QStringLiteral("SiLU(z)"), Symbol::z, {}, true};
    case Quantity::conv:
      return {tr("Scan input"), QStringLiteral("x"), Symbol::x, {}, true};
    case Quantity::y:
      return {tr("Scan output"), QStringLiteral("y"), Symbol::y, {}, true};
    case Quantity::B:
      return {tr("Write direction"), QStringLiteral("B"), Symbol::B, {}, true};
    case Quantity::C:
      return {tr("Read direction"), QStringLiteral("C"), Symbol::C, {}, true};
    default:
      return {tr("State"), QStringLiteral("h"), Symbol::h, {}, true};
  }
}

QString explanation_of(Quantity quantity, StateKind kind) {
  const bool constant = kind == StateKind::per_channel, none = kind == StateKind::none;
  if (none && (quantity == Quantity::delta || quantity == Quantity::B || quantity == Quantity::C))
    return tr("%1 belongs to a state, and this model has none.").arg(words_for(quantity).symbol);
  switch (quantity) {
    case Quantity::delta:
      return constant
                 ? tr("Δ is a constant of each channel here: no token can open it wider, or leave the state alone.")
                 : tr("Δ is how wide a token opens a channel: large, it overwrites the state; near zero, it leaves "
                      "it alone.");
    case Quantity::gate:
      return tr("The gate lets a channel’s output through: near zero, the layer ignores what this channel says.");
    case Quantity::conv:
      return none ? tr("x is what a token offers to all that come after it.")
                  : tr("x is what a token offers to the state, after a short convolution over the tokens before it.");
    case Quantity::y:
      return none ? tr("y is what a channel answers at a token: what it gathers from that token and all before it.")
                  : tr("y is what a channel answers at a token: its state read along C, plus a share of x itself.");
    case Quantity::B:
      return constant ? tr("B is a constant of each channel here: every token writes in the same direction.")
                      : tr("B is where a token writes: strong colours store x in that state, in every channel alike.");
    case Quantity::C:
      return constant ? tr("C is a constant of each channel here: every token reads in the same direction.")
                      : tr("C is where a token reads: strong colours bring that state into y, in every channel alike.");
    default:
      return {};
  }
}

QString no_state_sentence(const ModelInfo& info) {
  if (info.state_kind != StateKind::none) return {};
  return tr("%1 has no step and no state: it keeps %2 of every token, and goes through all of them again at each.")
      .arg(sentence_case(QString::fromStdString(info.family)), QString::fromStdString(format_bytes(info.cache_bytes)));
}

QString name_of(Summary summary) {
  switch (summary) {
    case Summary::mean_delta:
      return tr("mean Δ");
    case Summary::state_norm:
      return tr("state norm |h|");
    case Summary::update_norm:
      return tr("update norm");
    case Summary::residual_norm:
      break;
  }
  return tr("residual norm");
}

QString sentence_case(QString text) {
  if (!text.isEmpty()) text[0] = text[0].toUpper();
  return text;
}

QString tokens_csv(const RunSnapshot& run, std::stop_token stop) {
  const std::vector<Prediction> expectations = predictions(run.model(), run.trace, 0, run.trace.length(), stop);
  QString csv = QStringLiteral("position,id,token,generated,log_probability,most_likely\n");
  for (std::size_t t = 0; t < run.trace.tokens.size(); ++t) {
    const TokenRecord& token = *run.trace.tokens[t];
    const bool first = t == 0;  // nothing was expected before it
    const QString expected =
        first ? QString() : RunSnapshot::token_text(*run.loaded, expectations[t - 1].next.front().id);
    csv += QString::number(t + 1) + QLatin1Char(',') + QString::number(token.id) + QLatin1Char(',') +
           csv_field(run.texts[static_cast<qsizetype>(t)]) + QLatin1Char(',') + QString::number(token.generated) +
           QLatin1Char(',') + (first ? QString() : csv_number(expectations[t].log_probability)) + QLatin1Char(',') +
           csv_field(expected) + QLatin1Char('\n');
  }
  return csv;
}

std::shared_ptr<const HeatMapData> overview_picture(const RunSnapshot& run, Summary summary) {
  const bool of_state = summary == Summary::mean_delta || summary == Summary::state_norm;
  if (of_state && run.model().info().state_kind == StateKind::none) return nullptr;
  auto data = std::make_shared<HeatMapData>();
  const std::int64_t layers = run.sizes().layers, T = run.trace.length();
  auto values = std::make_shared<std::vector<float>>(index(layers * T));
  for (std::int64_t t = 0; t < T; ++t)
    for (std::int64_t layer = 0; layer < layers; ++layer)
      (*values)[index(layer * T + t)] = run.trace.tokens[index(t)]->layers[index(layer)][summary];
  data->values = values;
  data->rows = layers;
  data->columns = T;
  data->title = {{sentence_case(name_of(summary)), {}}};
  data->row_axis = tr("layers");
  data->column_axis = tr("tokens");
  data->row_noun = tr("layer");
  data->column_noun = tr("token");
  data->first_column = 1;
  data->quantity = name_of(summary);
  data->row_label = numbers();
  data->column_label = [texts = run.texts](qint64 token) {
    return visible_token(texts.value(static_cast<qsizetype>(token)));
  };
  data->symbol = summary == Summary::mean_delta   ? Symbol::delta
                 : summary == Summary::state_norm ? Symbol::h
                                                  : Symbol::x;
  return data;
}

std::shared_ptr<const HeatMapData> layer_picture(const Focus& focus, const ModelView& view) {
  if (focus.map->empty()) return nullptr;
  auto data = std::make_shared<HeatMapData>();
  QuantityWords words = words_for(focus.map_quantity);
  const StateKind kind = focus.track->kind;
  if (kind == StateKind::none && focus.map_quantity == Quantity::conv) words.name = tr("Input");  // of no scan
  if (kind == StateKind::none && focus.map_quantity == Quantity::y) words.name = tr("Output");
  const bool by_state = focus.map_quantity == Quantity::B || focus.map_quantity == Quantity::C;
  const bool widest = view.order == ChannelOrder::widest && !by_state;
  data->values = focus.map;
  data->columns = focus.track->tokens;
  data->rows = data->columns == 0 ? 0 : std::ssize(*focus.map) / data->columns;
  if (widest) data->row_order.assign(focus.order.begin(), focus.order.end());
  data->title = {{words.name + QLatin1Char(' '), {}},
                 {words.symbol, words.color},
                 {tr(" in layer %1").arg(focus.track->layer), {}}};
  if (widest && kind != StateKind::none) data->subtitle = tr("widest Δ first");
  if (by_state && kind == StateKind::per_channel) data->subtitle = tr("of channel %1").arg(focus.channel);
  data->row_axis = by_state ? tr("states") : tr("channels");
  data->column_axis = tr("tokens");
  data->row_noun = by_state ? tr("state") : tr("channel");
  data->column_noun = tr("token");
  data->first_column = 1;
  data->quantity = words.symbol;
  data->unit = words.unit;
  data->column_label = token_labels(focus.run);
  data->row_label = by_state ? numbers() : std::function<QString(qint64)>();
  data->symbol = words.color;
  data->diverging = words.diverging;
  return data;
}

std::shared_ptr<const HeatMapData> state_picture(const Focus& focus, const ModelView& view, std::int64_t cursor) {
  if (cursor < focus.states_first || cursor >= focus.states_last || focus.states->empty()) return nullptr;
  auto data = std::make_shared<HeatMapData>();
  const ModelSizes& sizes = focus.run->sizes();
  const std::int64_t cells = sizes.d_inner * sizes.d_state;
  const auto begin = focus.states->begin() + (cursor - focus.states_first) * cells;
  data->values = std::make_shared<const std::vector<float>>(begin, begin + cells);
  data->rows = sizes.d_inner;
  data->columns = sizes.d_state;
  if (view.order == ChannelOrder::widest) data->row_order.assign(focus.order.begin(), focus.order.end());
  data->title = {{tr("State "), {}},
                 {QStringLiteral("h"), Symbol::h},
                 {tr(" after “%1”").arg(token_labels(focus.run)(cursor)), {}}};
  data->row_axis = tr("channels");
  const std::int64_t pairs = focus.run->model().A_imag(focus.track->layer).rows;
  data->column_axis = pairs > 0 ? tr("%1 pairs: real, then imaginary parts").arg(pairs) : tr("states");
  data->row_noun = tr("channel");
  data->column_noun = tr("state");
  data->quantity = QStringLiteral("h");
  data->column_label = numbers();
  data->symbol = Symbol::h;
  data->diverging = true;
  data->max = focus.state_range > 0 ? focus.state_range : 1;
  data->min = -data->max;
  return data;
}

std::shared_ptr<const CurvesData> channel_picture(const Focus& focus) {
  auto data = std::make_shared<CurvesData>();
  const bool states = focus.track->kind != StateKind::none;
  for (std::size_t n = 0; states && n < focus.channel_curves.size(); ++n)
    data->curves.push_back({tr("state %1").arg(n), focus.channel_curves[n]});
  if (states)
    data->title = {{tr("Channel %1: its ").arg(focus.channel), {}},
                   {QStringLiteral("h"), Symbol::h},
                   {tr(" over the text, %1 states").arg(focus.channel_curves.size()), {}}};
  if (!states) {
    data->curves = {{QStringLiteral("x"), focus.channel_curves[0], Symbol::x},
                    {QStringLiteral("y"), focus.channel_curves[1], Symbol::y}};
    data->title = {{tr("Channel %1: its ").arg(focus.channel), {}},
                   {QStringLiteral("x"), Symbol::x},
                   {tr(" and "), {}},
                   {QStringLiteral("y"), Symbol::y},
                   {tr(" over the text"), {}}};
  }
  data->x_axis = tr("tokens");
  data->y_axis = states ? QStringLiteral("h") : QString();
  data->x_noun = tr("token");
  data->first_point = 1;
  data->x_label = token_labels(focus.run);
  data->symbol = Symbol::h;
  return data;
}

std::shared_ptr<const BarsData> candidates_picture(const Focus& focus, std::int64_t cursor) {
  if (cursor < focus.states_first || cursor >= focus.states_last) return nullptr;
  auto data = std::make_shared<BarsData>();
  const std::vector<Candidate>& next = focus.predictions[index(cursor - focus.states_first)].next;
  for (std::size_t i = 0; i < next.size() && i < candidates_shown; ++i)
    data->bars.push_back({visible_token(RunSnapshot::token_text(*focus.run->loaded, next[i].id)), next[i].probability});
  data->title = {{tr("Next token"), {}}};
  data->subtitle = tr("probability");
  data->quantity = tr("probability");
  data->symbol = Symbol::y;
  data->percent = true;
  data->noun = tr("token");
  return data;
}

std::shared_ptr<const BarsData> half_life_picture(const Focus& focus) {
  auto data = std::make_shared<BarsData>();
  data->shape = BarsData::Shape::columns;
  for (std::size_t n = 0; n < focus.half_lives.size(); ++n)
    data->bars.push_back({QString::number(n), focus.half_lives[n]});
  data->title = {{tr("Memory half-life"), {}}};
  data->subtitle = tr("in tokens, at its mean Δ");
  data->noun = tr("state");
  data->quantity = tr("half-life");
  data->unit = tr("tokens");
  data->symbol = Symbol::A;
  data->logarithmic = true;
  return data;
}

std::int64_t first_write_shown(std::int64_t cursor) {
  return std::max<std::int64_t>(cursor - writes_shown * 5 / 6, 0);
}

std::shared_ptr<const BarsData> writes_picture(const Focus& focus, const ModelView& view, std::int64_t cursor) {
  auto data = std::make_shared<BarsData>();
  data->shape = BarsData::Shape::columns;
  const std::function<QString(qint64)> label = token_labels(focus.run);
  const std::int64_t first = first_write_shown(cursor);
  for (std::int64_t t = first; t < std::min(first + writes_shown, focus.track->tokens); ++t)
    data->bars.push_back({label(t), write(*focus.track, focus.run->sizes(), focus.channel, view.state, t)});
  data->title = {{tr("What writes into it"), {}}};
  data->subtitle = tr("Δ·B·x by token");
  data->noun = tr("token");
  data->quantity = QStringLiteral("Δ·B·x");
  data->symbol = Symbol::B;
  data->first_bar = first + 1;
  data->faint_from = cursor + 1 - first;
  return data;
}

}  // namespace statescope
