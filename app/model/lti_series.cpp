// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/lti_series.h"

#include <QThreadPool>
#include <algorithm>

namespace statescope {

std::shared_ptr<const LtiResult> shared_result(LtiResult&& result) {
  return {new LtiResult(std::move(result)),
          [](const LtiResult* last) { QThreadPool::globalInstance()->start([last] { delete last; }); }};
}

LtiSeries::LtiSeries(std::shared_ptr<const LtiResult> made, const LtiView& view) : result(std::move(made)) {
  const LtiResult& r = *result;
  // A vector inside the result, kept alive by the whole of it.
  const auto part = [this](const std::vector<double>& values) { return Series(Series::Doubles(result, &values)); };
  for (const std::vector<double>& state : r.states) states.push_back(part(state));
  const bool wanted = std::any_of(std::begin(view.axes), std::end(view.axes), [](auto axis) { return axis < 0; });
  if (wanted && r.states_count() >= 3) {
    directions = principal_directions(r.states, 3);
    for (std::int64_t i = 0; i < directions.V.cols(); ++i) {
      Eigen::VectorXd along = Eigen::VectorXd::Zero(r.length());
      for (std::int64_t n = 0; n < r.states_count(); ++n) {
        const std::vector<double>& state = r.states[static_cast<std::size_t>(n)];
        along += directions.V(n, i) * Eigen::Map<const Eigen::VectorXd>(state.data(), r.length());
      }
      principal.emplace_back(std::vector<double>(along.begin(), along.end()));
    }
  }
  input = part(r.input);
  recurrence = part(r.recurrence);
  fft = part(r.fft);
  kernel = part(r.kernel);
  free_response = part(r.free_response);
  step_response = part(r.step_response);
  continuous_step = part(r.continuous_step);
  std::vector<double> exact;
  exact.reserve(r.continuous_impulse.size());
  for (const double g : r.continuous_impulse) exact.push_back(r.run.rule.delta * g);
  exact_kernel = Series(std::move(exact));
  strip.reserve(r.recurrence.size());
  const double share = r.scale > 0 ? 0.5 / r.scale : 0;
  for (const double y : r.recurrence) strip.push_back(static_cast<float>(0.5 + y * share));
}

}  // namespace statescope
