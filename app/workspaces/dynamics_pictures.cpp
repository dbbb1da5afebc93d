// SPDX-License-Identifier: GPL-3.0-or-later
#include "workspaces/dynamics_pictures.h"

#include <Eigen/QR>
#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "widgets/format.h"

namespace statescope {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The words live in one translation context.
struct Words {
  Q_DECLARE_TR_FUNCTIONS(DynamicsPictures)
};
QString tr(const char* text) {
  return Words::tr(text);
}

PlaneRegion region_of(const PlanePart& part, const QString& name) {
  constexpr PlaneRegion::Shape shapes[] = {PlaneRegion::Shape::left_of, PlaneRegion::Shape::inside,
                                           PlaneRegion::Shape::outside};
  return {shapes[static_cast<std::size_t>(part.shape)], part.center, part.radius, name};
}

// Within a sentence, where only a proper name begins with a capital.
QString method_text(const LtiResult& r) {
  QString name = QString::fromUtf8(method_name(r.run.rule.method));
  if (r.run.rule.method != Method::mamba) name[0] = name[0].toLower();
  return name;
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

MatrixValues values_of(const Eigen::MatrixXd& matrix) {
  const RowMajor rows = matrix;
  return {static_cast<int>(rows.rows()), static_cast<int>(rows.cols()), {rows.data(), rows.data() + rows.size()}};
}

Eigen::MatrixXd matrix_of(const MatrixValues& values) {
  return Eigen::Map<const RowMajor>(values.values.data(), values.rows, values.columns);
}

}  // namespace

StateMatrices matrices_of(const DenseSystem& system) {
  return {values_of(system.A), values_of(system.B), values_of(system.C), {1, 1, {system.D}}};
}

DenseSystem system_of(const StateMatrices& matrices) {
  return {matrix_of(matrices.A), matrix_of(matrices.B), matrix_of(matrices.C), matrices.D.at(0, 0)};
}

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

std::shared_ptr<const PolePlaneData> s_plane_of(const LtiResult& r) {
  auto data = std::make_shared<PolePlaneData>();
  for (const Mode& mode : r.modes) data->poles.push_back(mode.lambda);
  data->region = region_of(stability_region(r.run.rule), tr("stable by %1").arg(method_text(r)));
  data->delta = r.run.rule.delta;
  data->draggable = !std::holds_alternative<DplrSystem>(r.run.system);
  data->title = {{tr("Eigenvalues of "), {}}, {QStringLiteral("A"), Symbol::A}};
  data->subtitle = tr("left dies out; drag one");
  return data;
}

std::shared_ptr<const PolePlaneData> z_plane_of(const LtiResult& r) {
  auto data = std::make_shared<PolePlaneData>();
  data->plane = PolePlaneData::Plane::z;
  for (const Mode& mode : r.modes)
    if (std::isfinite(mode.z.real()) && std::isfinite(mode.z.imag())) data->poles.push_back(mode.z);
  data->region = region_of(image_of_stable(r.run.rule), tr("where the left half-plane goes"));
  data->title = {{tr("Eigenvalues of "), {}}, {QStringLiteral("Ā"), Symbol::A}};
  data->subtitle = tr("inside the circle dies out");
  return data;
}

PortraitAxis portrait_axis(const LtiSeries& series, std::int64_t axis) {
  const LtiResult& r = *series.result;
  const std::int64_t N = r.states_count(), component = -1 - axis;
  if (component >= 0 && component < std::ssize(series.principal))
    return {tr("p%1 (%2)").arg(subscript(component + 1), format_percent(series.directions.shares[component], 0)),
            series.directions.V.col(component), series.principal[static_cast<std::size_t>(component)]};
  const std::int64_t state = std::clamp<std::int64_t>(axis, 0, N - 1);
  return {state_name(r, state), Eigen::VectorXd::Unit(N, state), series.states[static_cast<std::size_t>(state)]};
}

Eigen::VectorXd portrait_point(const Eigen::MatrixXd& V, const Eigen::VectorXd& h, const Eigen::VectorXd& p) {
  return h + V * (V.transpose() * V).completeOrthogonalDecomposition().solve(p - V.transpose() * h);
}

int portrait_axes(const LtiView& view, std::int64_t states) {
  return view.three_d && states >= 3 ? 3 : 2;
}

std::shared_ptr<const PhaseData> phase_of(const LtiSeries& series, const LtiView& view, std::int64_t sample) {
  const LtiResult& r = *series.result;
  const std::int64_t N = r.states_count(), L = r.length();
  auto data = std::make_shared<PhaseData>();
  data->step = r.run.rule.delta;
  data->step_unit = QStringLiteral("s");
  data->title = {{tr("Phase portrait of "), {}}, {QStringLiteral("h"), Symbol::h}};
  if (N == 1) {  // over its input, for want of a second state
    data->axes = {{QStringLiteral("u"), {}, series.input}, {state_name(r, 0), {}, series.states[0]}};
    data->subtitle = tr("the state over its input");
    return data;
  }
  const int axes = portrait_axes(view, N);
  Eigen::MatrixXd V(N, axes);
  for (int i = 0; i < axes; ++i) {
    const PortraitAxis axis = portrait_axis(series, view.axes[i]);
    data->axes.push_back({axis.name, {}, axis.values});
    V.col(i) = axis.direction;
  }
  data->startable = true;
  Eigen::VectorXd h0 = Eigen::VectorXd::Zero(N);
  if (!r.run.h0.empty()) h0 = Eigen::Map<const Eigen::VectorXd>(r.run.h0.data(), N);
  const Eigen::VectorXd start = V.transpose() * h0;
  data->start.assign(start.begin(), start.end());
  if (data->in_space()) {
    data->subtitle = tr("drag to turn, click to start there");
    return data;
  }
  if (L > 0) {  // p' = Vᵀ(A h + B u), where h has p in the plane and else what it has at the cursor
    const auto t = static_cast<std::size_t>(std::clamp<std::int64_t>(sample, 0, L - 1));
    Eigen::VectorXd h(N);
    for (std::int64_t n = 0; n < N; ++n) h[n] = r.states[static_cast<std::size_t>(n)][t];
    const DenseSystem& s = r.system.dense;
    const auto velocity = [&](const Eigen::Vector2d& p) -> Eigen::Vector2d {
      return V.transpose() * (s.A * portrait_point(V, h, p) + s.B * r.input[t]);
    };
    const Eigen::Vector2d origin = velocity({0, 0}), x = velocity({1, 0}) - origin, y = velocity({0, 1}) - origin;
    data->field = [origin, x, y](QPointF p) {
      const Eigen::Vector2d v = origin + p.x() * x + p.y() * y;
      return QPointF(v[0], v[1]);
    };
  }
  data->subtitle = tr("arrows are A h + B u");
  return data;
}

std::shared_ptr<const CurvesData> states_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = curves_over_time(r);
  const std::int64_t shown = std::min(r.states_count(), most_curves);
  for (std::int64_t n = 0; n < shown; ++n)
    data->curves.push_back({state_name(r, n), series.states[static_cast<std::size_t>(n)], {}, false});
  data->title = {{tr("Hidden state "), {}}, {QStringLiteral("h"), Symbol::h}};
  data->subtitle = shown < r.states_count()
                       ? tr("the first %1 of %2 states; click one").arg(shown).arg(r.states_count())
                       : tr("all the system knows of its past");
  data->y_axis = QStringLiteral("h");
  data->symbol = Symbol::h;
  data->family = data->legend = shown > 1;
  return data;
}

std::shared_ptr<const CurvesData> input_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = curves_over_time(r);
  data->curves = {{QStringLiteral("u"), series.input, Symbol::x, false}};
  data->title = {{tr("Input "), {}}, {QStringLiteral("u"), Symbol::x}};
  data->subtitle = QString::fromUtf8(signal_kind_name(r.run.input.kind)) + tr(" · draw on it");
  data->y_axis = QStringLiteral("u");
  data->symbol = Symbol::x;
  return data;
}

std::shared_ptr<const CurvesData> input_output_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = curves_over_time(r);
  data->curves = {{QStringLiteral("u"), series.input, Symbol::x, true},
                  {QStringLiteral("y"), series.recurrence, Symbol::y, false}};
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

std::shared_ptr<const CurvesData> kernel_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = curves_over_time(r);
  if (r.parts.continuous) data->curves.push_back({tr("Δ · C e^(tA) B, exact"), series.exact_kernel, {}, true});
  data->curves.push_back({tr("K, %1").arg(method_text(r)), series.kernel, Symbol::C, false});
  data->title = {{tr("Convolution kernel "), {}}, {QStringLiteral("K"), Symbol::C}};
  data->subtitle = tr("what is left of one unit sample after a time");
  data->y_axis = QStringLiteral("K");
  data->symbol = Symbol::C;
  data->legend = true;
  return data;
}

std::shared_ptr<const CurvesData> step_response_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = curves_over_time(r);
  if (r.parts.continuous) data->curves.push_back({tr("exact"), series.continuous_step, {}, true});
  data->curves.push_back({method_text(r), series.step_response, Symbol::y, false});
  data->title = {{tr("Step response"), {}}};
  data->subtitle = tr("how it settles after the input jumps to 1, at the end of each sample");
  data->y_axis = QStringLiteral("y");
  data->symbol = Symbol::y;
  data->legend = true;
  return data;
}

std::shared_ptr<const BodeData> bode_of(const LtiResult& r) {
  if (!r.parts.frequency) return nullptr;
  auto data = std::make_shared<BodeData>();
  data->frequency = r.frequency.omega;
  data->unit = QStringLiteral("rad/s");
  data->curves = {bode_curve(tr("continuous"), r.frequency.continuous, Symbol::y, true),
                  bode_curve(method_text(r), r.frequency.discrete, Symbol::y, false)};
  data->nyquist = std::numbers::pi / r.run.rule.delta;
  data->title = {{tr("Frequency response"), {}}};
  data->subtitle = sentence(sampling_sentence(r));
  return data;
}

std::shared_ptr<const ConvolutionData> convolution_of(const LtiSeries& series) {
  const LtiResult& r = *series.result;
  auto data = std::make_shared<ConvolutionData>();
  data->signal = series.input;
  data->kernel = series.kernel;
  data->output = series.fft;
  data->recurrence = series.recurrence;
  data->direct = r.system.dense.D;
  data->free = series.free_response;
  data->step = r.run.rule.delta;
  data->title = {{tr("Convolution and recurrence reach the same "), {}}, {QStringLiteral("y"), Symbol::y}};
  data->subtitle =
      data->free.empty()
          ? tr("the turned kernel slides over the input; products add up to one output")
          : tr("the turned kernel slides over the input; what the start h₀ ≠ 0 still gives adds to the sum");
  return data;
}

}  // namespace statescope
