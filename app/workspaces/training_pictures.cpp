// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/training_pictures.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <limits>

#include "widgets/format.h"

namespace statescope {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t averaged = 20;  // steps of a mean

QString tr(const char* text) {
  return QCoreApplication::translate("TrainingPictures", text);
}

Symbol color_of(std::size_t run) {
  constexpr Symbol colors[] = {Symbol::x, Symbol::A, Symbol::B, Symbol::C, Symbol::y};
  return colors[run % std::size(colors)];
}

// The run under way has the colour of Δ, which it is about.
std::shared_ptr<CurvesData> curves(const TrainingRuns& runs, const QString& title,
                                   const std::function<std::vector<double>(const TrainingRun&)>& values) {
  auto data = std::make_shared<CurvesData>();
  std::size_t steps = 2;
  for (const auto& run : runs) steps = std::max(steps, run->loss.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::vector<double> drawn = values(*runs[i]);
    drawn.resize(steps, nan);
    data->curves.push_back({runs[i]->name, std::move(drawn), i + 1 == runs.size() ? Symbol::delta : color_of(i)});
  }
  data->title = {{title, {}}};
  data->x_first = 1;
  data->x_step = 1;
  data->x_axis = tr("step");
  data->x_noun = tr("step");
  data->legend = runs.size() > 1;
  return data;
}

// The mean over the steps before: a batch is a noisy witness.
std::vector<double> running_mean(const std::vector<double>& values) {
  std::vector<double> result;
  double sum = 0;
  for (std::int64_t i = 0; i < std::ssize(values); ++i) {
    sum += values[static_cast<std::size_t>(i)];
    if (i >= averaged) sum -= values[static_cast<std::size_t>(i - averaged)];
    result.push_back(sum / static_cast<double>(std::min(i + 1, averaged)));
  }
  return result;
}

// Straight lines between the evaluations.
std::vector<double> joined(const std::vector<double>& fresh) {
  std::vector<double> result(fresh.size(), nan);
  std::size_t last = fresh.size();
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (std::isnan(fresh[i])) continue;
    result[i] = 100 * fresh[i];
    for (std::size_t j = last; last < i && j < i; ++j)
      result[j] =
          result[last] + (result[i] - result[last]) * static_cast<double>(j - last) / static_cast<double>(i - last);
    last = i;
  }
  return result;
}

}  // namespace

std::shared_ptr<const CurvesData> loss_picture(const TrainingRuns& runs) {
  auto data =
      curves(runs, tr("Loss on what it learns from"), [](const TrainingRun& run) { return running_mean(run.loss); });
  data->subtitle = tr("mean of %1 steps").arg(averaged);
  data->y_axis = tr("loss");
  data->y_unit = tr("nats");
  data->y_min = 0;
  return data;
}

std::shared_ptr<const CurvesData> fresh_picture(const TrainingRuns& runs) {
  auto data = curves(runs, tr("Right on sequences it has never seen"),
                     [](const TrainingRun& run) { return joined(run.fresh); });
  data->y_axis = tr("right");
  data->y_unit = QStringLiteral("%");
  data->y_min = 0;
  data->y_max = 104;  // the curve at the top stays whole
  return data;
}

QString training_sentence(const TrainingSnapshot& snapshot, std::int64_t layer) {
  const TrainingRun& run = *snapshot.run;
  const SelectivityFrame& frame =
      snapshot.layers[static_cast<std::size_t>(std::min<std::int64_t>(layer, std::ssize(snapshot.layers) - 1))];
  const Selection& s = frame.systems[0].selection;
  QString text = snapshot.step() == 0 ? tr("Nothing learnt yet")
                                      : tr("Step %L1 of %L2").arg(snapshot.step()).arg(run.recipe.optimiser.steps);
  const auto last = std::find_if(run.fresh.rbegin(), run.fresh.rend(), [](double value) { return !std::isnan(value); });
  if (last != run.fresh.rend()) text += tr(": %1 of fresh answers are right").arg(format_percent(*last));
  if (s.constant)
    return text + tr("; it cannot choose its steps, Δ is the same at every token, and the tokens that count are %1 of "
                     "what this layer keeps.")
                      .arg(format_percent(s.kept_needed, 0));
  if (s.delta_rest <= 0) return text + QLatin1Char('.');
  const QString ratio = format_tick(s.delta_needed / s.delta_rest, 2);
  const QString times = ratio == QLatin1String("1") ? tr("as large") : tr("%1 times as large").arg(ratio);
  return text +
         tr("; Δ is %1 at the tokens that count as at the others, and they are %2 of what this layer keeps until "
            "the first question.")
             .arg(times, format_percent(s.kept_needed, 0));
}

}  // namespace statescope
