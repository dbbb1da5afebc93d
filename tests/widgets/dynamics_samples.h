// SPDX-License-Identifier: GPL-3.0-or-later
// The views of linear systems, filled with what a damped oscillator and a memory of a signal look like.
#pragma once

#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

#include "widgets/bode_view.h"
#include "widgets/convolution_view.h"
#include "widgets/curves_view.h"
#include "widgets/phase_view.h"
#include "widgets/pole_plane_view.h"
#include "widgets/signal_view.h"

namespace statescope::samples {

/// A pair, two real poles and a zero; forward Euler with a step of half a second.
inline std::shared_ptr<PolePlaneData> s_plane() {
  auto data = std::make_shared<PolePlaneData>();
  data->poles = {{-0.4, 2}, {-0.4, -2}, {-1, 0}, {-3, 0}};
  data->zeros = {{-2, 0}};
  data->region = {PlaneRegion::Shape::inside, -2, 2, QStringLiteral("stable with forward Euler, Δ = 0.5 s")};
  data->delta = 0.5;
  data->draggable = true;
  data->title = {{QStringLiteral("Eigenvalues of "), {}}, {QStringLiteral("A"), Symbol::A}};
  return data;
}

inline std::shared_ptr<PolePlaneData> z_plane() {
  auto data = std::make_shared<PolePlaneData>();
  data->plane = PolePlaneData::Plane::z;
  const auto continuous = s_plane();
  for (const auto& pole : continuous->poles) data->poles.push_back(1.0 + 0.5 * pole);
  data->region = {PlaneRegion::Shape::left_of, 1, 0, QStringLiteral("image of the left half-plane")};
  data->title = {{QStringLiteral("Eigenvalues of Ā"), Symbol::A}};
  return data;
}

/// A long signal, two memories of it at a cursor, and what one of them weighs.
inline std::shared_ptr<CurvesData> memory(qint64 points) {
  std::vector<double> signal, whole, window, weights;
  const qint64 now = points * 3 / 4, since = points / 2;
  for (qint64 i = 0; i < points; ++i) {
    const double t = 4.0 * static_cast<double>(i) / static_cast<double>(points);
    const double slow = std::sin(2.5 * t) + 0.4 * std::cos(5 * t);
    signal.push_back(slow + 0.15 * std::sin(91.0 * t) * std::sin(37.0 * t));
    whole.push_back(i <= now ? slow * 0.9 : std::nan(""));
    window.push_back(i <= now && i >= since ? slow + 0.05 : std::nan(""));
    weights.push_back(i <= now ? std::exp((t - 3) * 0.8) : 0);
  }
  auto data = std::make_shared<CurvesData>();
  data->curves = {{QStringLiteral("signal"), std::move(signal), {}, true},
                  {QStringLiteral("LegS"), std::move(whole), Symbol::h},
                  {QStringLiteral("LegT"), std::move(window), Symbol::A}};
  data->band = WeightBand{QStringLiteral("what the state remembers"), std::move(weights), {}, Symbol::h};
  data->x_step = 4.0 / static_cast<double>(points);
  data->title = {{QStringLiteral("LegS remembers everything, coarsely"), {}}};
  data->x_axis = QStringLiteral("t");
  data->x_unit = QStringLiteral("s");
  data->cursor_label = QStringLiteral("now");
  data->faint_future = data->legend = true;
  return data;
}

/// A damped oscillator x'' = −x − 0.2 x' from (1.6, 0), or a spiral that climbs.
inline std::shared_ptr<PhaseData> oscillation(qint64 points, bool in_space) {
  constexpr double damping = 0.1, step = 0.05;
  std::vector<double> position, velocity, third;
  for (qint64 i = 0; i < points; ++i) {
    const double t = step * static_cast<double>(i);
    position.push_back(1.6 * std::exp(-damping * t) * std::cos(t));
    velocity.push_back(-1.6 * std::exp(-damping * t) * (std::sin(t) + damping * std::cos(t)));
    third.push_back(2 * (1 - std::exp(-damping * t / 2)));
  }
  auto data = std::make_shared<PhaseData>();
  data->axes = {{QStringLiteral("position"), QStringLiteral("m"), std::move(position)},
                {QStringLiteral("velocity"), QStringLiteral("m/s"), std::move(velocity)}};
  if (in_space) data->axes.push_back({QStringLiteral("heat"), QStringLiteral("J"), std::move(third)});
  data->field = [](QPointF at) { return QPointF(at.y(), -at.x() - 2 * damping * at.y()); };
  data->start = {1.6, -0.16};
  if (in_space) data->start.push_back(0);
  data->startable = true;
  data->step = step;
  data->step_unit = QStringLiteral("s");
  data->title = {{QStringLiteral("Phase portrait"), {}}};
  return data;
}

/// A square wave through an exponential forgetting, both ways.
inline std::shared_ptr<ConvolutionData> forgetting(qint64 length) {
  std::vector<double> signal, kernel, output, recurrence;
  constexpr double keep = 0.85;
  double h = 0;
  for (qint64 t = 0; t < length; ++t) {
    signal.push_back(t % 24 < 10 ? 1 : t % 24 < 16 ? -0.4 : 0.2);
    kernel.push_back(0.2 * std::pow(keep, static_cast<double>(t)));
    recurrence.push_back(h = keep * h + 0.2 * signal.back());
  }
  for (qint64 t = 0; t < length; ++t) {
    double sum = 0;
    for (qint64 j = 0; j <= t; ++j)
      sum += kernel[static_cast<std::size_t>(t - j)] * signal[static_cast<std::size_t>(j)];
    output.push_back(sum);
  }
  auto data = std::make_shared<ConvolutionData>();
  data->signal = std::move(signal);
  data->kernel = std::move(kernel);
  data->output = std::move(output);
  data->recurrence = std::move(recurrence);
  data->title = {{QStringLiteral("Convolution: the same number twice"), {}}};
  return data;
}

/// 1 / (s² + 0.4 s + 1) and a sampled version that ends at its Nyquist frequency.
inline std::shared_ptr<BodeData> resonance() {
  auto data = std::make_shared<BodeData>();
  std::vector<double> continuous[2], sampled[2];
  constexpr double nyquist = 8;
  for (int i = 0; i < 400; ++i) {
    const double w = std::pow(10.0, -2 + 4.0 * i / 399);
    data->frequency.push_back(w);
    const auto response = [](double at) { return 1.0 / std::complex<double>(1 - at * at, 0.4 * at); };
    continuous[0].push_back(std::abs(response(w)));
    continuous[1].push_back(std::arg(response(w)));
    const double bent =
        w < nyquist ? 2 * nyquist / std::numbers::pi * std::tan(w / nyquist * std::numbers::pi / 2) : NAN;
    sampled[0].push_back(w < nyquist ? std::abs(response(bent)) : NAN);
    sampled[1].push_back(w < nyquist ? std::arg(response(bent)) : NAN);
  }
  data->unit = QStringLiteral("rad/s");
  data->curves = {{QStringLiteral("continuous"), continuous[0], continuous[1], Symbol::y, true},
                  {QStringLiteral("bilinear, Δ = 0.39 s"), sampled[0], sampled[1], Symbol::delta}};
  data->nyquist = nyquist;
  data->title = {{QStringLiteral("Frequency response"), {}}};
  return data;
}

}  // namespace statescope::samples
