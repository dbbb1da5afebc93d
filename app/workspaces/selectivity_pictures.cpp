// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/selectivity_pictures.h"

#include <QCoreApplication>
#include <algorithm>
#include <limits>
#include <numeric>

#include "widgets/format.h"

namespace statescope {
namespace {

constexpr std::int32_t letters = 26;

QString tr(const char* text) {
  return QCoreApplication::translate("SelectivityPictures", text);
}

bool copies(const TaskRecipe& task) {
  return task.kind == "copying" || task.kind == "selective-copying";
}

QChar letter(std::int32_t index) {
  return QChar(static_cast<char16_t>(u'a' + index));
}

// With what the knobs hold.
QString system_title(const SystemReading& system) {
  const Knobs& knobs = system.system.knobs;
  QStringList frozen;
  if (knobs.freeze_delta) frozen << QStringLiteral("Δ");
  if (knobs.freeze_B) frozen << QStringLiteral("B");
  if (knobs.freeze_C) frozen << QStringLiteral("C");
  const QString name = system_name(system.recipe.network);
  return frozen.isEmpty() ? name : tr("%1, %2 frozen").arg(name, frozen.join(QStringLiteral(", ")));
}

QString layer_text(const SelectivityFrame& frame, std::size_t system) {
  const auto layers = std::ssize(frame.reading->systems[system].probe.layers);
  const std::int64_t layer = std::min<std::int64_t>(frame.view.layer, layers - 1) + 1;
  const auto& channel = frame.view.channels[system];
  return channel ? tr("layer %1, channel %2").arg(layer).arg(*channel) : tr("layer %1, all channels").arg(layer);
}

QString inner_title(InnerKind inner) {
  if (inner == InnerKind::s6) return tr("S6");
  if (inner == InnerKind::s4d_real) return tr("S4D (real)");
  if (inner == InnerKind::s4d_complex) return tr("S4D");
  QString name = QString::fromStdString(inner_name(inner));
  name[0] = name[0].toUpper();
  return name;
}

// The largest share of a token in either system, which both strips give the full colour.
double largest_share(const SelectivityFrame& frame) {
  double largest = 0;
  for (const SystemFrame& system : frame.systems) {
    const double sum = std::accumulate(system.kept.begin(), system.kept.end(), 0.0);
    if (sum > 0) largest = std::max(largest, *std::max_element(system.kept.begin(), system.kept.end()) / sum);
  }
  return largest;
}

}  // namespace

QString task_name(const std::string& kind) {
  if (kind == "selective-copying") return tr("Selective copying");
  if (kind == "copying") return tr("Copying");
  if (kind == "induction-heads") return tr("Induction heads");
  return kind == "associative-recall" ? tr("Associative recall") : QString::fromStdString(kind);
}

QString system_name(const NetworkRecipe& network) {
  QString inner = inner_title(network.inner);
  if (network.inner == InnerKind::s6) {
    QStringList constants;
    if (!network.selective_delta) constants << QStringLiteral("Δ");
    if (!network.selective_B) constants << QStringLiteral("B");
    if (!network.selective_C) constants << QStringLiteral("C");
    if (!constants.isEmpty()) inner += tr(" with constant %1").arg(constants.join(QStringLiteral(", ")));
  }
  if (network.block == BlockKind::h3) return tr("%1 in an H3 block").arg(inner);
  return network.block == BlockKind::mamba ? tr("%1 in a Mamba block").arg(inner) : tr("%1 alone").arg(inner);
}

QString token_text(const TaskRecipe& task, std::int32_t id) {
  const bool asks = task.kind != "associative-recall";
  if (asks && id == task.vocab - 1) return QStringLiteral("?");
  if (copies(task)) {
    if (id == 0) return QStringLiteral("·");
    return id <= letters ? QString(letter(id - 1)) : QString::number(id);
  }
  if (asks) return id < letters ? QString(letter(id)) : QString::number(id);
  // Keys in small letters, values in capitals.
  const auto half = static_cast<std::int32_t>(task.vocab / 2);
  if (id < half) return id < letters ? QString(letter(id)) : QString::number(id);
  return id - half < letters ? QString(letter(id - half)).toUpper() : QString::number(id);
}

std::int32_t token_of(const TaskRecipe& task, const QString& text) {
  const QString wanted = text == QLatin1String(".") ? QStringLiteral("·") : text;
  for (std::int32_t id = 0; id < std::min<std::int64_t>(task.vocab, 4 * letters); ++id)
    if (token_text(task, id) == wanted) return id;
  const std::int64_t last = task.vocab - 1;
  return wanted == QLatin1String("?") && token_text(task, static_cast<std::int32_t>(last)) == wanted
             ? static_cast<std::int32_t>(last)
             : -1;
}

QString token_meaning(const TaskRecipe& task, std::int32_t id) {
  const QString text = token_text(task, id);
  if (text == QLatin1String("·")) return tr("noise");
  if (text == QLatin1String("?")) return tr("the question");
  return tr("“%1”").arg(text);
}

namespace {

std::shared_ptr<SequenceData> sequence_of(const SelectivityReading& reading) {
  auto data = std::make_shared<SequenceData>();
  const auto needed = std::count(reading.rule.needed.begin(), reading.rule.needed.end(), true);
  data->title = {{tr("What both read"), {}}};
  data->subtitle =
      tr("%1: %L2 tokens, %L3 of them count").arg(task_name(reading.task.kind)).arg(reading.length()).arg(needed);
  data->shares_name = tr("counts");
  data->symbol = Symbol::x;
  for (std::size_t t = 0; t < reading.tokens.size(); ++t) {
    const std::int32_t id = reading.tokens[t];
    const bool counts = reading.rule.needed[t];
    QString readout = tr("token %L1 · %2").arg(t + 1).arg(token_meaning(reading.task, id));
    if (counts) readout += tr(" · an answer needs it");
    if (reading.rule.targets[t] >= 0)
      readout += tr(" · the answer is %1").arg(token_meaning(reading.task, reading.rule.targets[t]));
    const bool quiet = copies(reading.task) ? id == 0 : !counts && reading.rule.targets[t] < 0;
    data->cells.push_back(
        {token_text(reading.task, id), quiet ? SequenceCell::Look::quiet : SequenceCell::Look::plain, readout});
    data->shares.push_back(counts ? 0.45 : 0);
  }
  return data;
}

}  // namespace

std::shared_ptr<const SequenceData> input_picture(const SelectivityReading& reading) {
  return sequence_of(reading);
}

std::shared_ptr<const SequenceData> task_picture(const SelectivityReading& reading) {
  const auto data = sequence_of(reading);
  data->title = {{tr("What is to be learnt"), {}}};
  data->subtitle += tr("; underlined: the right answers");
  for (std::size_t t = 0; t < reading.tokens.size(); ++t)
    if (reading.rule.targets[t] >= 0) {
      data->cells[t].text = token_text(reading.task, reading.rule.targets[t]);
      data->cells[t].look = SequenceCell::Look::right;
    }
  return data;
}

std::shared_ptr<const SequenceData> system_picture(const SelectivityFrame& frame, std::size_t index) {
  using Look = SequenceCell::Look;
  const SelectivityReading& reading = *frame.reading;
  const SystemReading& system = reading.systems[index];
  const std::vector<double>& kept = frame.systems[index].kept;
  const double sum = std::accumulate(kept.begin(), kept.end(), 0.0), largest = largest_share(frame);
  auto data = std::make_shared<SequenceData>();
  data->title = {{system_title(system), {}}};
  QStringList facts;
  if (system.asked > 0) facts << tr("%1 of %2 answers right").arg(system.right).arg(system.asked);
  if (!kept.empty())
    facts << (frame.view.survival ? tr("colour: how much of what a token wrote is left")
                                  : tr("colour: what each token is of the state now"));
  data->subtitle = facts.join(QStringLiteral(" · "));
  data->shares_name = frame.view.survival ? tr("share left") : tr("share of the state");
  data->symbol = Symbol::h;
  for (std::size_t t = 0; t < reading.tokens.size(); ++t) {
    const std::int32_t target = reading.rule.targets[t], answer = system.predictions[t], id = reading.tokens[t];
    SequenceCell cell{token_text(reading.task, id), Look::plain,
                      tr("token %L1 · %2").arg(t + 1).arg(token_meaning(reading.task, id))};
    if (copies(reading.task) ? id == 0 : !reading.rule.needed[t]) cell.look = Look::quiet;
    if (target >= 0) {
      cell.text = token_text(reading.task, answer);
      cell.look = answer == target ? Look::right : Look::wrong;
      cell.readout = tr("token %L1 · answers %2, ").arg(t + 1).arg(token_meaning(reading.task, answer)) +
                     (answer == target ? tr("right") : tr("right is %1").arg(token_meaning(reading.task, target)));
    }
    data->cells.push_back(cell);
    if (kept.empty()) continue;
    const double share = frame.view.survival ? kept[t] : sum > 0 ? kept[t] / sum : 0;
    if (static_cast<std::int64_t>(t) <= frame.cursor)
      data->cells.back().readout +=
          QStringLiteral(" · ") + (frame.view.survival ? tr("%1 of its writing is left").arg(format_percent(share))
                                                       : tr("%1 of the state").arg(format_percent(share)));
    data->shares.push_back(frame.view.survival ? share : largest > 0 ? share / largest : 0);
  }
  return data;
}

std::shared_ptr<const HeatMapData> quantity_picture(const SelectivityFrame& frame, std::size_t index) {
  using enum SelectivityQuantity;
  const SystemFrame& system = frame.systems[index];
  const SelectivityReading& reading = *frame.reading;
  if (system.rows == 0) return nullptr;
  const bool all = !frame.view.channels[index].has_value();
  const SelectivityQuantity quantity = frame.view.quantity;
  auto data = std::make_shared<HeatMapData>();
  data->values = system.values;
  data->rows = system.rows;
  data->columns = reading.length();
  data->row_order.assign(system.order.begin(), system.order.end());
  data->row_axis = all ? tr("channels") : quantity == delta ? QString() : tr("states");
  data->row_noun = all ? tr("channel") : tr("state");
  data->column_axis = tr("tokens");
  data->column_noun = tr("token");
  data->first_column = 1;
  data->subtitle = layer_text(frame, index);
  data->diverging = !all && (quantity == written || quantity == state);
  switch (quantity) {
    case delta:
      data->title = {{QStringLiteral("Δ"), Symbol::delta}, {tr(", how far a token moves time"), {}}};
      data->symbol = Symbol::delta;
      data->quantity = QStringLiteral("Δ");
      data->min = 0;
      break;
    case gate:
      data->title = {{tr("exp("), {}},
                     {QStringLiteral("Δ"), Symbol::delta},
                     {QStringLiteral("A"), Symbol::A},
                     {all ? tr("), what stays, mean of the states") : tr("), what stays"), {}}};
      data->symbol = Symbol::A;
      data->quantity = QStringLiteral("exp(ΔA)");
      data->min = 0;
      data->max = 1;
      break;
    case written:
      data->title = {{all ? tr("Σ |") : QString(), {}},
                     {QStringLiteral("B̄"), Symbol::B},
                     {QStringLiteral("x"), Symbol::x},
                     {all ? tr("|, what is written") : tr(", what is written"), {}}};
      data->symbol = Symbol::B;
      data->quantity = all ? QStringLiteral("Σ|B̄x|") : QStringLiteral("B̄x");
      break;
    case state:
      data->title = {{all ? QStringLiteral("|") : QString(), {}},
                     {QStringLiteral("h"), Symbol::h},
                     {all ? tr("|, the norm of the state") : tr(", the state"), {}}};
      data->symbol = Symbol::h;
      data->quantity = all ? QStringLiteral("|h|") : QStringLiteral("h");
      break;
  }
  return data;
}

QString no_states_sentence(const NetworkRecipe& network) {
  const QString sentence = network.inner == InnerKind::hyena
                               ? tr("%1 has no steps and no state: one long filter weighs all that came before by its "
                                    "distance, whatever it is")
                               : tr("%1 has no steps and no state: it keeps every token and looks all of them up");
  return sentence.arg(inner_title(network.inner));
}

namespace {

// Shares of right answers of both systems, in percent; NaN where nothing was asked.
std::shared_ptr<CurvesData> share_curves(const SelectivityReading& reading, std::array<std::vector<double>, 2> shares) {
  auto data = std::make_shared<CurvesData>();
  constexpr Symbol colors[] = {Symbol::delta, Symbol::x};
  for (std::size_t i = 0; i < shares.size(); ++i)
    data->curves.push_back({system_title(reading.systems[i]), std::move(shares[i]), colors[i]});
  data->title = {{tr("Right answers"), {}}};
  data->y_axis = tr("right");
  data->y_unit = QStringLiteral("%");
  data->y_min = 0;
  data->y_max = 104;  // the curves at the top stay whole
  data->legend = true;
  return data;
}

}  // namespace

std::shared_ptr<const CurvesData> answers_picture(const SelectivityReading& reading, const FreshFrame& fresh) {
  std::size_t places = 0;
  for (const FreshAnswers& answers : fresh.now) places = std::max(places, answers.asked.size());
  if (fresh.now[0].asked.empty()) return nullptr;
  std::array<std::vector<double>, 2> shares;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const FreshAnswers& answers = fresh.now[i];
    shares[i].assign(places, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t place = 0; place < answers.asked.size(); ++place)
      shares[i][place] = 100 * static_cast<double>(answers.right[place]) / static_cast<double>(answers.asked[place]);
  }
  const auto data = share_curves(reading, std::move(shares));
  data->x_first = 1;
  data->x_step = 1;
  data->x_axis = tr("question");
  data->x_noun = tr("question");
  return data;
}

std::shared_ptr<const CurvesData> lengths_picture(const SelectivityReading& reading, const LengthFrame& lengths) {
  if (lengths.empty()) return nullptr;
  std::array<std::vector<double>, 2> shares;
  std::vector<QString> names;
  for (const LengthAnswers& at : lengths) {
    const double thousand = at.length % 1024 == 0 ? 1024 : 1000;  // lengths are powers of two, in most tasks
    names.push_back(at.length < 1000 ? QString::number(at.length)
                                     : tr("%1k").arg(format_tick(static_cast<double>(at.length) / thousand, 2)));
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i].push_back(100 * at.systems[i].accuracy());
  }
  const auto data = share_curves(reading, std::move(shares));
  data->x_axis = tr("tokens to read");
  data->x_noun = tr("tokens");
  data->x_label = [names](qint64 point) { return names[static_cast<std::size_t>(point)]; };
  return data;
}

namespace {

QString about(const SelectivityFrame& frame, std::size_t index, bool first) {
  const SystemReading& system = frame.reading->systems[index];
  const Selection& s = frame.systems[index].selection;
  const auto needed = std::count(frame.reading->rule.needed.begin(), frame.reading->rule.needed.end(), true);
  const QString name = system_title(system);
  if (frame.systems[index].rows == 0)
    return tr("%1 has no state: %2 of %3 answers are right.").arg(name).arg(system.right).arg(system.asked);
  QString text;
  if (s.constant) {
    text = tr("%1 takes the same steps at every token").arg(name);
  } else if (s.delta_rest > 0) {
    const double ratio = s.delta_needed / s.delta_rest;
    text = ratio >= 1 ? tr("%1 steps %2 times as far at the %3 tokens that count as at the others")
                            .arg(name, format_tick(ratio, 2))
                            .arg(needed)
                      : tr("%1 steps less far, %2 times, at the %3 tokens that count")
                            .arg(name, format_tick(ratio, 2))
                            .arg(needed);
  }
  const QString share = format_percent(s.kept_needed, 0);
  text += first ? tr(": when the first question comes they are %1 of its state, and %2 of %3 answers are right.")
                : tr(": there they are %1, and %2 of %3 are right.");
  return text.arg(share).arg(system.right).arg(system.asked);
}

}  // namespace

QString selectivity_sentence(const SelectivityFrame& frame) {
  const SelectivityReading& reading = *frame.reading;
  if (reading.systems[0].asked == 0) return tr("Nothing is asked here: put a question behind the tokens to remember.");
  if (std::none_of(frame.systems.begin(), frame.systems.end(),
                   [](const SystemFrame& system) { return system.rows == 0 || system.selection.share_needed > 0; }))
    return tr("Every token in front of the first question counts, or none: %1 of %2 and %3 of %2 answers are right.")
        .arg(reading.systems[0].right)
        .arg(reading.systems[0].asked)
        .arg(reading.systems[1].right);
  return about(frame, 0, true) + QLatin1Char(' ') + about(frame, 1, frame.systems[0].rows == 0);
}

QString fresh_sentence(const FreshFrame& fresh, std::size_t index) {
  const FreshAnswers &now = fresh.now[index], &trained = fresh.as_trained[index];
  if (now.sequences == 0) return tr("Reading fresh sequences…");
  const std::int64_t asked = std::accumulate(now.asked.begin(), now.asked.end(), std::int64_t{0});
  QString text = tr("%1 of %L2 answers to fresh sequences are right").arg(format_percent(now.accuracy())).arg(asked);
  if (trained.sequences == now.sequences && trained.right != now.right)
    text += tr("; as trained %1").arg(format_percent(trained.accuracy()));
  return text;
}

QString lengths_sentence(const SelectivityReading& reading, const LengthFrame& lengths, std::size_t index) {
  if (lengths.empty()) return tr("Reading longer and longer sequences…");
  const LengthAnswers &first = lengths.front(), &last = lengths.back();
  QString text = tr("%1 right at %L2 tokens").arg(format_percent(first.systems[index].accuracy())).arg(first.length);
  if (reading.systems[index].recipe.task.length == first.length) text += tr(", which it learnt from");
  if (lengths.size() > 1)
    text += tr("; %1 at %L2").arg(format_percent(last.systems[index].accuracy())).arg(last.length);
  return text;
}

}  // namespace statescope
