// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/hippo.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using Index = Eigen::Index;

double root(Index n) {
  return std::sqrt(2 * static_cast<double>(n) + 1);
}

// Length of the window; of the families without one, nothing to speak of.
double window_seconds(const Hippo& hippo) {
  return hippo.window == HippoWindow::halved ? 2 * hippo.theta : hippo.theta;
}

HippoMatrices legs(Index N) {
  HippoMatrices m{Eigen::MatrixXd::Zero(N, N), Eigen::VectorXd(N)};
  for (Index n = 0; n < N; ++n) {
    for (Index k = 0; k < n; ++k) m.A(n, k) = -root(n) * root(k);
    m.A(n, n) = -static_cast<double>(n + 1);
    m.B(n) = root(n);
  }
  return m;
}

HippoMatrices legt(Index N) {
  HippoMatrices m{Eigen::MatrixXd(N, N), Eigen::VectorXd(N)};
  for (Index n = 0; n < N; ++n) {
    for (Index k = 0; k < N; ++k) m.A(n, k) = -root(n) * root(k) * (n >= k || (k - n) % 2 == 0 ? 1 : -1);
    m.B(n) = root(n);
  }
  return m;
}

HippoMatrices lmu(Index N) {
  HippoMatrices m{Eigen::MatrixXd(N, N), Eigen::VectorXd(N)};
  for (Index i = 0; i < N; ++i) {
    const double scale = 2 * static_cast<double>(i) + 1;
    for (Index j = 0; j < N; ++j) m.A(i, j) = scale * (i < j || (i - j) % 2 == 0 ? -1 : 1);
    m.B(i) = i % 2 == 0 ? scale : -scale;
  }
  return m;
}

HippoMatrices lagt(Index N) {
  HippoMatrices m{Eigen::MatrixXd::Zero(N, N), Eigen::VectorXd::Ones(N)};
  for (Index n = 0; n < N; ++n) {
    m.A.row(n).head(n).setConstant(-1);
    m.A(n, n) = -0.5;
  }
  return m;
}

// A = S − B Bᵀ on the window [0, 2], doubled to [0, 1].
HippoMatrices fout(Index N) {
  HippoMatrices m{Eigen::MatrixXd::Zero(N, N), Eigen::VectorXd::Zero(N)};
  for (Index n = 0; n < N; n += 2) m.B(n) = n == 0 ? 1 : std::numbers::sqrt2;
  m.A = -m.B * m.B.transpose();
  for (Index n = 0; n < N; n += 2) {
    const double frequency = std::numbers::pi * static_cast<double>(n / 2);
    m.A(n, n + 1) -= frequency;
    m.A(n + 1, n) += frequency;
  }
  return {2 * m.A, 2 * m.B};
}

// P_n(x) for n < size: (n+1) P_{n+1} = (2n+1) x P_n − n P_{n−1}, stable on [−1, 1], where all |P_n| ≤ 1.
void legendre(double x, std::span<double> p) {
  for (std::size_t n = 0; n < p.size(); ++n) {
    const auto m = static_cast<double>(n);
    p[n] = n == 0 ? 1 : n == 1 ? x : ((2 * m - 1) * x * p[n - 1] - (m - 1) * p[n - 2]) / m;
  }
}

// e^{−x/2} L_n(x): n l_n = (2n−1−x) l_{n−1} − (n−1) l_{n−2}. All |l_n| ≤ 1. The exponential underflows from x = 1490
// on, where the functions below n = 372 are smaller than 1e-300 anyway.
void laguerre(double x, std::span<double> l) {
  for (std::size_t n = 0; n < l.size(); ++n) {
    const auto m = static_cast<double>(n);
    l[n] = n == 0 ? std::exp(-x / 2) : n == 1 ? (1 - x) * l[0] : ((2 * m - 1 - x) * l[n - 1] - (m - 1) * l[n - 2]) / m;
  }
}

}  // namespace

std::string hippo_family_id(HippoFamily family) {
  constexpr const char* names[] = {"legs", "legs-lti", "legt", "lmu", "lagt", "fout"};  // in the order of the enum
  return names[static_cast<std::size_t>(family)];
}

HippoFamily parse_hippo_family(std::string_view text) {
  for (const HippoFamily family : all_hippo_families)
    if (hippo_family_id(family) == text) return family;
  throw Error("unknown HiPPO family " + in_quotes(std::string(text)) +
              "; choose legs, legs-lti, legt, lmu, lagt or fout");
}

std::string hippo_window_id(HippoWindow window) {
  return window == HippoWindow::unit ? "unit" : "halved";
}

HippoWindow parse_hippo_window(std::string_view text) {
  if (text == "unit") return HippoWindow::unit;
  if (text == "halved") return HippoWindow::halved;
  throw Error("unknown window convention " + in_quotes(std::string(text)) + "; choose unit or halved");
}

bool has_window(HippoFamily family) {
  return family == HippoFamily::legt || family == HippoFamily::lmu || family == HippoFamily::fout;
}

void check_hippo(const Hippo& hippo) {
  if (hippo.order < 1 || hippo.order > max_hippo_order)
    throw Error("the order N = " + std::to_string(hippo.order) + " is outside 1 to " + std::to_string(max_hippo_order) +
                (hippo.order < 1 ? "; choose one coefficient or more" : "; choose fewer coefficients"));
  if (hippo.family == HippoFamily::fout && hippo.order % 2 != 0)
    throw Error("FouT pairs a cosine with every sine, so N = " + std::to_string(hippo.order) +
                " must be even; choose one more");
  if (!(hippo.theta > 0) || !std::isfinite(hippo.theta))
    throw Error("the window θ must be a positive number of seconds");
  if (hippo.window == HippoWindow::halved && !has_window(hippo.family))
    throw Error("the convention \"halved\" belongs to a window, which " + hippo_family_id(hippo.family) +
                " does not have; choose unit");
}

HippoMatrices hippo_matrices(const Hippo& hippo) {
  check_hippo(hippo);
  const Index N = hippo.order;
  const auto unit = [&] {
    switch (hippo.family) {
      case HippoFamily::legs:
      case HippoFamily::legs_lti:
        return legs(N);
      case HippoFamily::legt:
        return legt(N);
      case HippoFamily::lmu:
        return lmu(N);
      case HippoFamily::lagt:
        return lagt(N);
      case HippoFamily::fout:
        return fout(N);
    }
    return HippoMatrices();
  }();
  if (hippo.family == HippoFamily::legs) return unit;
  const double seconds = has_window(hippo.family) ? window_seconds(hippo) : hippo.theta;
  return {unit.A / seconds, unit.B / seconds};
}

std::string hippo_formula(const Hippo& hippo) {
  switch (hippo.family) {
    case HippoFamily::legs:
    case HippoFamily::legs_lti:
      return "A_nk = −√((2n+1)(2k+1)) for n > k, −(n+1) for n = k, 0 for n < k; B_n = √(2n+1)";
    case HippoFamily::legt:
      return "A_nk = −√((2n+1)(2k+1)) · (1 for n ≥ k, (−1)^(n−k) for n < k); B_n = √(2n+1)";
    case HippoFamily::lmu:
      return "A_nk = (2n+1) · (−1 for n < k, (−1)^(n−k+1) for n ≥ k); B_n = (−1)^n (2n+1)";
    case HippoFamily::lagt:
      return "A_nk = −1 for n > k, −½ for n = k, 0 for n < k; B_n = 1";
    case HippoFamily::fout:
      return "A = S − B Bᵀ/2, S = 2π · blockdiag [[0, −k], [k, 0]]; B = (2, 0, 2√2, 0, 2√2, 0, …)";
  }
  return {};
}

std::string hippo_convention(const Hippo& hippo) {
  if (hippo.family == HippoFamily::legs) return "scaled: x' = (A x + B f) / t, no time scale";
  if (hippo.family == HippoFamily::legs_lti)
    return "time-invariant, as in S4: x' = (A x + B f) / θ, measure e^(−s/θ)/θ";
  if (hippo.family == HippoFamily::lagt) return "x' = (A x + B f) / θ, β = 1, as lagt in s4's hippo.py";
  const std::string unit =
      hippo.family == HippoFamily::lmu ? " as in the LMU" : " as in hippo-code and s4's visualizations.py";
  return hippo.window == HippoWindow::unit ? "x' = (A x + B f) / θ, window [0, θ]," + unit
                                           : "x' = ½ (A x + B f) / θ, window [0, 2θ], as in s4's hippo.py and s4.py";
}

double hippo_reach(const Hippo& hippo, double past) {
  return has_window(hippo.family) ? std::min(past, window_seconds(hippo)) : past;
}

void hippo_basis(const Hippo& hippo, double s, double past, std::span<double> g) {
  const auto normalise = [&](double sign) {
    double factor = 1;
    for (std::size_t n = 0; n < g.size(); ++n, factor *= sign) g[n] *= factor * root(static_cast<Index>(n));
  };
  switch (hippo.family) {
    case HippoFamily::legs:
      legendre(past > 0 ? 1 - 2 * s / past : 1, g);
      return normalise(1);
    case HippoFamily::legs_lti:
      legendre(2 * std::exp(-s / hippo.theta) - 1, g);
      return normalise(1);
    case HippoFamily::legt:
      legendre(1 - 2 * s / window_seconds(hippo), g);
      return normalise(1);
    case HippoFamily::lmu:
      return legendre(2 * s / window_seconds(hippo) - 1, g);
    case HippoFamily::lagt:
      return laguerre(s / hippo.theta, g);
    case HippoFamily::fout: {
      const double angle = 2 * std::numbers::pi * s / window_seconds(hippo);
      for (std::size_t n = 0; n < g.size(); ++n) {
        const double phase = static_cast<double>(n / 2) * angle;
        g[n] = n == 0 ? 1 : n == 1 ? 0 : std::numbers::sqrt2 * (n % 2 == 0 ? std::cos(phase) : std::sin(phase));
      }
      return;
    }
  }
}

Eigen::MatrixXd hippo_basis(const Hippo& hippo, const Eigen::VectorXd& s, double past) {
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows(s.size(), hippo.order);
  for (Index i = 0; i < s.size(); ++i)
    hippo_basis(hippo, s(i), past, {rows.row(i).data(), static_cast<std::size_t>(hippo.order)});
  return rows;
}

double hippo_measure(const Hippo& hippo, double s, double past) {
  if (s < 0) return 0;
  switch (hippo.family) {
    case HippoFamily::legs:
      return s <= past && past > 0 ? 1 / past : 0;
    case HippoFamily::legs_lti:
      return std::exp(-s / hippo.theta) / hippo.theta;
    case HippoFamily::lagt:
      return 1 / hippo.theta;
    case HippoFamily::legt:
    case HippoFamily::lmu:
    case HippoFamily::fout:
      return s <= window_seconds(hippo) ? 1 / window_seconds(hippo) : 0;
  }
  return 0;
}

double hippo_weight(const Hippo& hippo, double s, double past) {
  double g0 = 0;
  hippo_basis(hippo, s, past, {&g0, 1});
  return g0 * g0 * hippo_measure(hippo, s, past);
}

// ∫ P_n = (P_{n+1} − P_{n−1}) / (2n+1), so a held sample needs the polynomials at its two ends only.
Eigen::VectorXd legs_projection(std::int64_t order, std::span<const double> signal) {
  Eigen::VectorXd c = Eigen::VectorXd::Zero(order);
  const auto count = static_cast<std::size_t>(order) + 1;
  std::vector<double> low(count), high(count);
  const auto samples = static_cast<double>(signal.size());
  legendre(-1, high);
  for (std::size_t k = 0; k < signal.size(); ++k) {
    std::swap(low, high);
    legendre(2 * static_cast<double>(k + 1) / samples - 1, high);
    c(0) += signal[k] * (high[1] - low[1]) / 2;
    for (Index n = 1; n < order; ++n) {
      const auto i = static_cast<std::size_t>(n);
      c(n) += signal[k] * ((high[i + 1] - low[i + 1]) - (high[i - 1] - low[i - 1])) / (2 * root(n));
    }
  }
  return c;
}

}  // namespace statescope
