// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_pictures.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "widgets/format.h"

namespace statescope {
namespace {

// The words live in one translation context.
struct Words {
  Q_DECLARE_TR_FUNCTIONS(DynamicsPictures)
};
QString tr(const char* text) {
  return Words::tr(text);
}

// A vector inside the result, kept alive by the whole of it.
Series part(const LtiResultPointer& result, const std::vector<double>& values) {
  return Series::Doubles(result, &values);
}

PlaneRegion region_of(const PlanePart& part, const QString& name) {
  constexpr PlaneRegion::Shape shapes[] = {PlaneRegion::Shape::left_of, PlaneRegion::Shape::inside,
                                           PlaneRegion::Shape::outside};
  return {shapes[static_cast<std::size_t>(part.shape)], part.center, part.radius, name};
}

QString subscript(std::int64_t number) {
  QString text = QString::number(number);
  for (QChar& digit : text) digit = QChar(0x2080 + digit.digitValue());
  return text;
}

QString method_text(const LtiResult& r) {
  return QString::fromUtf8(method_name(r.run.rule.method));
}

QString sentence(const std::string& text) {
  return QString::fromStdString(text);
}

std::shared_ptr<CurvesData> curves_over_time(const LtiResult& r) {
  auto data = std::make_shared<CurvesData>();
  data->x_step = r.run.rule.delta;
  data->x_axis = QStringLiteral("t");
  data->x_unit = QStringLiteral("s");
  data->x_noun = tr("sample");
  return data;
}

bool is_mechanical(const LtiResult& r) {
  const auto* preset = std::get_if<Preset>(&r.run.system);
  return preset && (preset->id == "mass-spring-damper" || preset->id == "double-integrator");
}

// The angle along the curve without jumps of a whole turn.
std::vector<double> unwrapped(const std::vector<Complex>& values) {
  std::vector<double> angles;
  double last = 0;
  for (const Complex value : values) {
    const double angle = std::arg(value);
    if (!std::isfinite(angle)) {
      angles.push_back(angle);
      continue;
    }
    last = angle + 2 * std::numbers::pi * std::round((last - angle) / (2 * std::numbers::pi));
    angles.push_back(last);
  }
  return angles;
}

BodeCurve bode_curve(const QString& name, const std::vector<Complex>& values, Symbol symbol, bool quiet) {
  std::vector<double> magnitude;
  for (const Complex value : values) magnitude.push_back(std::abs(value));
  return {name, std::move(magnitude), unwrapped(values), symbol, quiet};
}

}  // namespace

QString state_name(const LtiResult& r, std::int64_t state) {
  if (is_mechanical(r)) return state == 0 ? tr("position") : tr("velocity");
  if (r.system.diagonal && r.system.diagonal->conjugates) {
    // Real coordinates of the modes, in their order.
    std::int64_t n = 0;
    for (std::int64_t mode = 0; mode < r.system.diagonal->modes(); ++mode) {
      const bool pair = r.system.diagonal->lambda[mode].imag() != 0 || r.system.diagonal->B[mode].imag() != 0;
      if (state == n) return (pair ? QStringLiteral("Re h%1") : QStringLiteral("h%1")).arg(subscript(mode));
      if (pair && state == n + 1) return QStringLiteral("Im h%1").arg(subscript(mode));
      n += pair ? 2 : 1;
    }
  }
  return QStringLiteral("h%1").arg(subscript(state));
}

std::shared_ptr<const PolePlaneData> s_plane_of(const LtiResultPointer& r) {
  auto data = std::make_shared<PolePlaneData>();
  for (const Mode& mode : r->modes) data->poles.push_back(mode.lambda);
  data->region = region_of(stability_region(r->run.rule), tr("dies out when stepped by %1").arg(method_text(*r)));
  data->delta = r->run.rule.delta;
  data->draggable = !std::holds_alternative<DplrSystem>(r->run.system);
  data->title = {{tr("Eigenvalues of "), {}}, {QStringLiteral("A"), Symbol::A}};
  data->subtitle = tr("left dies out, right grows, up turns; drag one");
  return data;
}

std::shared_ptr<const PolePlaneData> z_plane_of(const LtiResultPointer& r) {
  auto data = std::make_shared<PolePlaneData>();
  data->plane = PolePlaneData::Plane::z;
  for (const Mode& mode : r->modes)
    if (std::isfinite(mode.z.real()) && std::isfinite(mode.z.imag())) data->poles.push_back(mode.z);
  data->region = region_of(image_of_stable(r->run.rule), tr("where the left half-plane goes"));
  data->title = {{tr("Eigenvalues of "), {}}, {QStringLiteral("Ā"), Symbol::A}};
  data->subtitle = tr("after one step Δ: inside the circle dies out");
  return data;
}

std::shared_ptr<const PhaseData> phase_of(const LtiResultPointer& r, const LtiView& view, std::int64_t sample) {
  const std::int64_t N = r->states_count(), L = r->length();
  auto data = std::make_shared<PhaseData>();
  std::int64_t axes[3];
  for (int i = 0; i < 3; ++i) axes[i] = std::clamp<std::int64_t>(view.axes[i], 0, N - 1);
  if (N == 1) {  // over its input, for want of a second state
    data->axes = {{QStringLiteral("u"), {}, part(r, r->input)}, {state_name(*r, 0), {}, part(r, r->states[0])}};
  } else {
    const int count = view.three_d && N >= 3 ? 3 : 2;
    for (int i = 0; i < count; ++i)
      data->axes.push_back({state_name(*r, axes[i]), {}, part(r, r->states[static_cast<std::size_t>(axes[i])])});
  }
  data->step = r->run.rule.delta;
  data->step_unit = QStringLiteral("s");
  data->title = {{tr("Phase portrait of "), {}}, {QStringLiteral("h"), Symbol::h}};
  if (N == 1) {
    data->subtitle = tr("the state over its input");
    return data;
  }
  if (data->in_space()) {
    data->subtitle = tr("the state’s path; drag to turn it");
    return data;
  }
  data->startable = true;
  const std::int64_t x = axes[0], y = axes[1];
  if (!r->run.h0.empty())
    data->start = QPointF(r->run.h0[static_cast<std::size_t>(x)], r->run.h0[static_cast<std::size_t>(y)]);
  else
    data->start = QPointF(0, 0);
  if (L > 0) {
    const auto t = static_cast<std::size_t>(std::clamp<std::int64_t>(sample, 0, L - 1));
    Eigen::VectorXd h(N);
    for (std::int64_t n = 0; n < N; ++n) h[n] = r->states[static_cast<std::size_t>(n)][t];
    h[x] = h[y] = 0;
    const DenseSystem& s = r->system.dense;
    const Eigen::VectorXd rest = s.A * h + s.B * r->input[t];
    const QPointF offset(rest[x], rest[y]);
    const double xx = s.A(x, x), xy = s.A(x, y), yx = s.A(y, x), yy = s.A(y, y);
    data->field = [=](QPointF p) { return offset + QPointF(xx * p.x() + xy * p.y(), yx * p.x() + yy * p.y()); };
  }
  data->subtitle = tr("arrows say where A h + B u pushes; click to start from there");
  return data;
}

std::shared_ptr<const CurvesData> states_of(const LtiResultPointer& r) {
  auto data = curves_over_time(*r);
  const std::int64_t shown = std::min(r->states_count(), r->length() > 200'000 ? std::int64_t{4} : most_curves);
  for (std::int64_t n = 0; n < shown; ++n)
    data->curves.push_back({state_name(*r, n), part(r, r->states[static_cast<std::size_t>(n)]), {}, false});
  data->title = {{tr("Hidden state "), {}}, {QStringLiteral("h"), Symbol::h}};
  data->subtitle = shown < r->states_count()
                       ? tr("the first %1 of %2 states; click one").arg(shown).arg(r->states_count())
                       : tr("all the system knows of its past");
  data->y_axis = QStringLiteral("h");
  data->symbol = Symbol::h;
  return data;
}

std::shared_ptr<const CurvesData> input_of(const LtiResultPointer& r) {
  auto data = curves_over_time(*r);
  data->curves = {{QStringLiteral("u"), part(r, r->input), Symbol::x, false}};
  data->title = {{tr("Input "), {}}, {QStringLiteral("u"), Symbol::x}};
  data->subtitle = QString::fromUtf8(signal_kind_name(r->run.input.kind)) + tr(" · draw your own with the mouse");
  data->y_axis = QStringLiteral("u");
  data->symbol = Symbol::x;
  return data;
}

std::shared_ptr<const CurvesData> input_output_of(const LtiResultPointer& r) {
  auto data = curves_over_time(*r);
  data->curves = {{QStringLiteral("u"), part(r, r->input), Symbol::x, true},
                  {QStringLiteral("y"), part(r, r->recurrence), Symbol::y, false}};
  data->title = {{tr("Output "), {}},
                 {QStringLiteral("y"), Symbol::y},
                 {tr(" of the input "), {}},
                 {QStringLiteral("u"), Symbol::x}};
  data->subtitle = tr("y = C h + D u, step by step");
  data->y_axis = QStringLiteral("y");
  data->symbol = Symbol::y;
  data->legend = true;
  return data;
}

std::shared_ptr<const CurvesData> kernel_of(const LtiResultPointer& r) {
  auto data = curves_over_time(*r);
  std::vector<double> scaled;
  for (const double g : r->continuous_impulse) scaled.push_back(r->run.rule.delta * g);
  data->curves = {{tr("Δ · C e^(tA) B, exact"), std::move(scaled), {}, true},
                  {tr("K, %1").arg(method_text(*r)), part(r, r->kernel), Symbol::C, false}};
  data->title = {{tr("Convolution kernel "), {}}, {QStringLiteral("K"), Symbol::C}};
  data->subtitle = tr("what is left of one unit sample after a time");
  data->y_axis = QStringLiteral("K");
  data->symbol = Symbol::C;
  data->legend = true;
  return data;
}

std::shared_ptr<const CurvesData> step_response_of(const LtiResultPointer& r) {
  auto data = curves_over_time(*r);
  data->curves = {{tr("exact"), part(r, r->continuous_step), {}, true},
                  {method_text(*r), part(r, r->step_response), Symbol::y, false}};
  data->title = {{tr("Step response"), {}}};
  data->subtitle = tr("how it settles after the input jumps to 1");
  data->y_axis = QStringLiteral("y");
  data->symbol = Symbol::y;
  data->legend = true;
  return data;
}

std::shared_ptr<const BodeData> bode_of(const LtiResultPointer& r) {
  auto data = std::make_shared<BodeData>();
  data->frequency = r->frequency.omega;
  data->unit = QStringLiteral("rad/s");
  data->curves = {bode_curve(tr("continuous"), r->frequency.continuous, Symbol::y, true),
                  bode_curve(method_text(*r), r->frequency.discrete, Symbol::y, false)};
  data->nyquist = std::numbers::pi / r->run.rule.delta;
  data->title = {{tr("Frequency response"), {}}};
  data->subtitle = sentence(sampling_sentence(*r));
  return data;
}

std::shared_ptr<const ConvolutionData> convolution_of(const LtiResultPointer& r) {
  auto data = std::make_shared<ConvolutionData>();
  data->signal = part(r, r->input);
  data->kernel = part(r, r->kernel);
  data->output = part(r, r->fft);
  data->recurrence = part(r, r->recurrence);
  data->direct = r->system.dense.D;
  data->step = r->run.rule.delta;
  data->title = {{tr("Convolution and recurrence reach the same "), {}}, {QStringLiteral("y"), Symbol::y}};
  data->subtitle = tr("the turned kernel slides over the input; products add up to one output");
  return data;
}

}  // namespace statescope
