// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/preset.h"

#include <algorithm>
#include <cmath>

#include "engine/dynamics/analysis.h"
#include "engine/dynamics/hippo.h"
#include "engine/dynamics/s4.h"
#include "engine/error.h"
#include "engine/io/format.h"
#include "engine/io/utf8.h"
#include "engine/random.h"

namespace statescope {
namespace {

constexpr auto whole = PresetParameter::whole;
constexpr PresetParameter order{"N", "Coefficients N", "", 1, max_states, 8, whole};
constexpr PresetParameter theta{"theta", "Window θ", "s", 1e-3, 1e3, 1};
constexpr PresetParameter halved{"halved", "Halved matrices", "", 0, 1, 0, PresetParameter::flag};
constexpr PresetParameter delay{"delay", "Read the input before", "θ", 0, 10, 0.5};
constexpr PresetParameter modes{"modes", "Conjugate pairs", "", 1, max_states / 2, 8, whole};

DenseSystem dense_of(Eigen::MatrixXd A, Eigen::VectorXd B, Eigen::RowVectorXd C) {
  return {std::move(A), std::move(B), std::move(C), 0};
}

DenseSystem two_states(double a00, double a01, double a10, double a11, double b1) {
  return dense_of((Eigen::Matrix2d() << a00, a01, a10, a11).finished(), Eigen::Vector2d(0, b1),
                  Eigen::RowVector2d(1, 0));
}

// Normal entries, circular law of radius 1, moved so that the slowest mode decays at 0.2 a second.
DenseSystem random_stable(std::int64_t N, std::uint64_t seed) {
  constexpr double slowest = 0.2;
  Uniform uniform(seed);
  DenseSystem s{Eigen::MatrixXd(N, N), Eigen::VectorXd(N), Eigen::RowVectorXd(N), 0};
  for (double& entry : s.A.reshaped()) entry = uniform.normal() * 2 / std::sqrt(static_cast<double>(N));
  for (double& entry : s.B) entry = uniform.normal();
  for (double& entry : s.C) entry = uniform.normal() / static_cast<double>(N);
  s.A.diagonal().array() -= eigenvalues(s.A).real().maxCoeff() + slowest;
  return s;
}

std::optional<HippoFamily> family_of(const std::string& id) {
  const std::string prefix = "hippo-";
  if (id == "lmu") return HippoFamily::lmu;
  if (id == "hippo-legs") return HippoFamily::legs_lti;
  if (id.rfind(prefix, 0) != 0) return std::nullopt;
  return parse_hippo_family(id.substr(prefix.size()));
}

BuiltSystem build_hippo(const Preset& p, HippoFamily family) {
  Hippo hippo;
  hippo.family = family;
  hippo.order = static_cast<std::int64_t>(parameter(p, "N"));
  hippo.theta = parameter(p, "theta");
  if (has_window(family)) hippo.window = parameter(p, "halved") != 0 ? HippoWindow::halved : HippoWindow::unit;
  HippoMatrices matrices = hippo_matrices(hippo);
  const double past = 1;  // matters for the family that is not time-invariant only
  const double s = parameter(p, "delay") * hippo.theta;
  Eigen::RowVectorXd C = hippo_basis(hippo, Eigen::VectorXd::Constant(1, s), past).row(0);
  if (!p.C.empty())
    for (std::int64_t n = 0; n < C.size(); ++n) C[n] = p.C[static_cast<std::size_t>(n)].real();
  BuiltSystem built;
  if (family != HippoFamily::lmu) built.dplr = s4_system(nplr(hippo), C);
  built.dense = dense_of(std::move(matrices.A), std::move(matrices.B), std::move(C));
  return built;
}

BuiltSystem build_preset(const Preset& p) {
  check(p);
  const auto value = [&](const char* key) { return parameter(p, key); };
  if (const std::optional<HippoFamily> family = family_of(p.id)) return build_hippo(p, *family);
  BuiltSystem built;
  if (p.id == "leaky-integrator") {
    const double rate = 1 / value("tau");
    built.dense = dense_of(Eigen::MatrixXd::Constant(1, 1, -rate), Eigen::VectorXd::Constant(1, rate),
                           Eigen::RowVectorXd::Ones(1));
  } else if (p.id == "mass-spring-damper") {
    const double m = value("mass");
    built.dense = two_states(0, 1, -value("stiffness") / m, -value("damping") / m, 1 / m);
  } else if (p.id == "double-integrator") {
    built.dense = two_states(0, 1, 0, 0, 1);
  } else if (p.id == "oscillator") {
    built.dense = two_states(0, value("omega"), -value("omega"), 0, value("omega"));
  } else if (p.id == "random-stable") {
    built.dense = random_stable(static_cast<std::int64_t>(value("N")), static_cast<std::uint64_t>(value("seed")));
  } else {
    DiagonalSystem diagonal = s4d_system(parse_s4d_init(p.id), static_cast<std::int64_t>(value("modes")));
    for (std::size_t i = 0; i < p.C.size(); ++i) diagonal.C[static_cast<std::int64_t>(i)] = p.C[i];
    built.dense = dense(diagonal);
    built.diagonal = std::move(diagonal);
    return built;
  }
  for (std::size_t i = 0; i < p.C.size(); ++i) built.dense.C[static_cast<std::int64_t>(i)] = p.C[i].real();
  return built;
}

std::size_t index_of(const Preset& preset, const std::string& key) {
  const auto& parameters = preset_info(preset.id).parameters;
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return key == p.key; });
  if (found == parameters.end())
    throw Error("the system " + preset.id + " has no parameter " + in_quotes(key) + "; leave it out");
  return static_cast<std::size_t>(found - parameters.begin());
}

// How many numbers C has, and whether they are complex.
std::size_t outputs_of(const Preset& p, bool& complex) {
  complex = p.id.rfind("s4d-", 0) == 0;
  if (complex) return static_cast<std::size_t>(parameter(p, "modes"));
  if (p.id == "leaky-integrator") return 1;
  if (p.id == "mass-spring-damper" || p.id == "double-integrator" || p.id == "oscillator") return 2;
  return static_cast<std::size_t>(parameter(p, "N"));
}

}  // namespace

const std::vector<PresetInfo>& all_presets() {
  static const std::vector<PresetInfo> presets{
      {"leaky-integrator",
       "Leaky integrator",
       "One state that forgets: τ h′ = u − h.",
       {{"tau", "Time constant τ", "s", 1e-3, 1e3, 1}}},
      {"mass-spring-damper",
       "Mass on a spring",
       "Position and velocity of m q″ = u − k q − c q′, seen by its position.",
       {{"mass", "Mass m", "kg", 1e-3, 1e3, 1},
        {"stiffness", "Spring k", "N/m", 0, 1e4, 4},
        {"damping", "Damper c", "N·s/m", -1e3, 1e3, 0.4}}},
      {"double-integrator", "Double integrator", "Position and velocity of a free mass: q″ = u.", {}},
      {"oscillator",
       "Oscillator",
       "Two states that turn round each other and never tire.",
       {{"omega", "Frequency ω", "rad/s", 1e-3, 1e3, 2}}},
      {"random-stable",
       "Random, stable",
       "A random matrix, moved until its slowest mode decays at 0.2 a second.",
       {{"N", "States N", "", 1, max_states, 3, whole}, {"seed", "Seed", "", 0, 1e9, 1, whole}}},
      {"lmu",
       "LMU",
       "Legendre memory unit: a window of the past in Legendre polynomials, read a delay ago.",
       {order, theta, halved, delay}},
      {"hippo-legs",
       "HiPPO-LegS",
       "The whole past with exponentially fading weight, as S4 begins; time-invariant.",
       {order, theta, delay}},
      {"hippo-legt", "HiPPO-LegT", "A window of the past in Legendre polynomials.", {order, theta, halved, delay}},
      {"hippo-lagt", "HiPPO-LagT", "The past in Laguerre functions.", {order, theta, delay}},
      {"hippo-fout", "HiPPO-FouT", "A window of the past in sines and cosines.", {order, theta, halved, delay}},
      {"s4d-lin", "S4D-Lin", "Modes that all decay alike, at evenly spaced frequencies.", {modes}},
      {"s4d-inv", "S4D-Inv", "Modes that all decay alike, at frequencies that thin out upwards.", {modes}},
      {"s4d-legs", "S4D-LegS", "The diagonal of HiPPO-LegS without its low-rank part.", {modes}},
      {"s4d-real", "S4D-Real", "Modes that only decay, the n-th at rate n, as Mamba begins.", {modes}}};
  return presets;
}

const PresetInfo& preset_info(const std::string& id) {
  std::string known;
  for (const PresetInfo& preset : all_presets()) {
    if (id == preset.id) return preset;
    known += (known.empty() ? "" : ", ") + std::string(preset.id);
  }
  throw Error("there is no preset " + in_quotes(id) + "; choose one of " + known);
}

Preset make_preset(const std::string& id) {
  Preset preset{id, {}, {}};
  for (const PresetParameter& p : preset_info(id).parameters) preset.values.push_back(p.fallback);
  return preset;
}

double parameter(const Preset& preset, const std::string& key) {
  return preset.values.at(index_of(preset, key));
}

void set_parameter(Preset& preset, const std::string& key, double value) {
  preset.values.at(index_of(preset, key)) = value;
}

void check(const Preset& preset) {
  const PresetInfo& info = preset_info(preset.id);
  if (preset.values.size() != info.parameters.size())
    throw Error("the system " + preset.id + " has " + std::to_string(info.parameters.size()) +
                " parameters; give each a number");
  for (std::size_t i = 0; i < info.parameters.size(); ++i) {
    const PresetParameter& p = info.parameters[i];
    const double value = preset.values[i];
    const bool whole_only = p.kind != PresetParameter::real;
    if (!(value >= p.least && value <= p.most) || (whole_only && value != std::floor(value)))
      throw Error("\"" + std::string(p.key) + "\" of the system " + preset.id + " must be " +
                  (whole_only ? "a whole number from " : "a number from ") + short_number(p.least) + " to " +
                  short_number(p.most));
  }
  if (preset.C.empty()) return;
  bool complex = false;
  if (const std::size_t count = outputs_of(preset, complex); preset.C.size() != count)
    throw Error("C of the system " + preset.id + " has " + std::to_string(preset.C.size()) + " entries where " +
                std::to_string(count) + " are needed; correct it");
  for (const Complex c : preset.C)
    if (!std::isfinite(c.real()) || !std::isfinite(c.imag()) || (!complex && c.imag() != 0))
      throw Error("C of the system " + preset.id + " must hold finite " + (complex ? "" : "real ") +
                  "numbers; correct it");
}

BuiltSystem build(const SystemChoice& choice) {
  if (const auto* preset = std::get_if<Preset>(&choice)) return build_preset(*preset);
  if (const auto* given = std::get_if<DenseSystem>(&choice)) {
    check(*given);
    return {*given, std::nullopt, std::nullopt};
  }
  if (const auto* given = std::get_if<DiagonalSystem>(&choice)) return {dense(*given), *given, std::nullopt};
  const auto& given = std::get<DplrSystem>(choice);
  return {dense(given), std::nullopt, given};
}

Eigen::VectorXcd eigenvalues(const BuiltSystem& system) {
  if (!system.diagonal) return eigenvalues(system.dense.A);
  const DiagonalSystem& s = *system.diagonal;
  std::vector<Complex> values;
  for (const Complex lambda : s.lambda) {
    if (s.conjugates && lambda.imag() != 0) {
      values.push_back({lambda.real(), std::abs(lambda.imag())});
      values.push_back({lambda.real(), -std::abs(lambda.imag())});
    } else {
      values.push_back(lambda);
    }
  }
  return Eigen::Map<const Eigen::VectorXcd>(values.data(), std::ssize(values));
}

}  // namespace statescope
