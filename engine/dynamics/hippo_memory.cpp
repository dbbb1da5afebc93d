// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/hippo_memory.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/io/utf8.h"

namespace statescope {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

double root(Index n) {
  return std::sqrt(2 * static_cast<double>(n) + 1);
}

// P_n at 2x − 1 for n = 0 … size − 1.
void shifted_legendre(double x, Eigen::Ref<VectorXd> p) {
  const double y = 2 * x - 1;
  for (Index n = 0; n < p.size(); ++n) {
    const auto m = static_cast<double>(n);
    p(n) = n == 0 ? 1 : n == 1 ? y : ((2 * m - 1) * y * p(n - 1) - (m - 1) * p(n - 2)) / m;
  }
}

bool triangular(HippoFamily family) {
  return family == HippoFamily::legs || family == HippoFamily::legs_lti || family == HippoFamily::lagt;
}

double gbt_alpha(const MemoryMethod& method) {
  if (method.discretisation == Method::forward_euler) return 0;
  if (method.discretisation == Method::backward_euler) return 1;
  return method.discretisation == Method::bilinear ? 0.5 : method.alpha;
}

}  // namespace

std::string legs_start_id(LegsStart start) {
  return start == LegsStart::zero ? "zero" : "first-sample";
}

LegsStart parse_legs_start(std::string_view text) {
  if (text == "zero") return LegsStart::zero;
  if (text == "first-sample") return LegsStart::first_sample;
  throw Error("unknown start " + in_quotes(std::string(text)) + "; choose first-sample or zero");
}

void check(const MemoryMethod& method) {
  check_hippo(method.hippo);
  if (!(method.alpha >= 0 && method.alpha <= 1)) throw Error("α must lie from 0 to 1");
  if (method.hippo.family == HippoFamily::legs &&
      (method.discretisation == Method::mamba || method.discretisation == Method::exponential_trapezoidal))
    throw Error(std::string("scaled LegS has no step ") + method_id(method.discretisation) +
                "; choose forward-euler, backward-euler, bilinear, gbt or zoh");
}

void legs_step(Eigen::Ref<VectorXd> c, double t, double alpha, double f) {
  const double before = (1 - alpha) / t, after = alpha / t;
  double old_sum = 0, new_sum = 0;  // Σ √(2k+1) c_k over k < n
  for (Index n = 0; n < c.size(); ++n) {
    const double s = root(n), diagonal = static_cast<double>(n + 1);
    const double x = c(n);
    const double forward = x - before * (s * old_sum + diagonal * x) + f * s / t;
    old_sum += s * x;
    c(n) = (forward - after * s * new_sum) / (1 + after * diagonal);
    new_sum += s * c(n);
  }
}

void legs_advance(Eigen::Ref<VectorXd> c, std::int64_t t, std::span<const double> samples) {
  const Index N = c.size();
  const double end = static_cast<double>(t) + static_cast<double>(samples.size());
  const double r = static_cast<double>(t) / end;
  // Row n holds P_n(r x + r − 1) in the polynomials P_k(x): n P_n(y) = (2n−1) y P_{n−1}(y) − (n−1) P_{n−2}(y), and
  // (2k+1) x P_k = (k+1) P_{k+1} + k P_{k−1}.
  VectorXd row = VectorXd::Zero(N + 1), last = row, before = row, result(N);
  for (Index n = 0; n < N; ++n) {
    const auto m = static_cast<double>(n);
    if (n == 0) {
      row(0) = 1;
    } else {
      for (Index k = 0; k <= n; ++k) {
        const auto j = static_cast<double>(k);
        const double shifted = (k > 0 ? j / (2 * j - 1) * last(k - 1) : 0) + (j + 1) / (2 * j + 3) * last(k + 1);
        row(k) = ((2 * m - 1) * (r * shifted + (r - 1) * last(k)) - (m - 1) * before(k)) / m;
      }
    }
    double sum = 0;
    for (Index k = 0; k <= n; ++k) sum += row(k) / root(k) * c(k);
    result(n) = r * root(n) * sum;
    before.swap(last);
    last.swap(row);
  }
  // A sample held over [a, b] of the new past adds ∫ g_n = √(2n+1) [P_{n+1} − P_{n−1}] / 2(2n+1) between the ends.
  VectorXd low(N + 1), high(N + 1);
  shifted_legendre(r, high);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    low.swap(high);
    shifted_legendre((static_cast<double>(t) + static_cast<double>(i + 1)) / end, high);
    result(0) += samples[i] / end;
    for (Index n = 1; n < N; ++n)
      result(n) += samples[i] * ((high(n + 1) - low(n + 1)) - (high(n - 1) - low(n - 1))) / (2 * root(n));
  }
  c = result;
}

HippoMemory::HippoMemory(const MemoryMethod& method, std::shared_ptr<const std::vector<double>> signal, double delta,
                         std::stop_token stop)
    : method_(method), signal_(std::move(signal)), delta_(delta) {
  check(method_);
  if (!(delta > 0) || !std::isfinite(delta)) throw Error("the step Δ must be a positive number of seconds");
  if (signal_->empty()) throw Error("the signal has no samples; give at least one");
  checkpoints_.resize(method_.hippo.order, (length() + spacing - 1) / spacing);
  is_legs() ? run_legs(stop) : run_lti(stop);
}

void HippoMemory::keep(const VectorXd& c, std::int64_t t) {
  checkpoints_.col(t / spacing) = c;
  if (diverges_at_ < 0 && !c.allFinite()) diverges_at_ = t;
}

void HippoMemory::run_legs(std::stop_token stop) {
  alpha_ = gbt_alpha(method_);
  VectorXd c = VectorXd::Zero(method_.hippo.order);
  if (method_.start == LegsStart::first_sample)
    c(0) = signal_->front();
  else
    step(c, 0, 1);
  keep(c, 0);
  for (std::int64_t t = 0; t + spacing < length(); t += spacing) {
    if (stop.stop_requested()) throw Cancelled();
    step(c, t + 1, t + spacing + 1);
    keep(c, t + spacing);
  }
}

// x after a block of m samples is Ā^m x + Σ Ā^{m−1−i} (B̄ u_i + B̄₋₁ u_{i−1}): two products instead of m.
void HippoMemory::run_lti(std::stop_token stop) {
  const Index N = method_.hippo.order;
  const HippoMatrices m = hippo_matrices(method_.hippo);
  step_ = discretise(DenseSystem{m.A, m.B, Eigen::RowVectorXd::Zero(N), 0},
                     StepRule{method_.discretisation, delta_, method_.alpha});
  VectorXd c = VectorXd::Zero(N);
  step(c, 0, 1);
  keep(c, 0);
  if (length() <= spacing) return;
  MatrixXd writes(N, spacing), previous(N, spacing), power = step_.A;
  writes.col(spacing - 1) = step_.B;
  previous.col(spacing - 1) = step_.B_previous;
  for (Index i = spacing - 1; i > 0; --i) {
    writes.col(i - 1) = step_.A * writes.col(i);
    previous.col(i - 1) = step_.A * previous.col(i);
  }
  for (std::int64_t i = 1; i < spacing; i *= 2) power = (power * power).eval();
  static_assert((spacing & (spacing - 1)) == 0, "the power is made by squaring");
  const bool two_taps = step_.B_previous.squaredNorm() > 0;
  for (std::int64_t t = 0; t + spacing < length(); t += spacing) {
    if (stop.stop_requested()) throw Cancelled();
    const double* u = signal_->data() + t + 1;
    c = (power * c + writes * Eigen::Map<const VectorXd>(u, spacing)).eval();
    if (two_taps) c += previous * Eigen::Map<const VectorXd>(u - 1, spacing);
    keep(c, t + spacing);
  }
}

// From the coefficients after sample first − 1 to those after last − 1.
void HippoMemory::step(Eigen::Ref<VectorXd> c, std::int64_t first, std::int64_t last) const {
  const std::vector<double>& u = *signal_;
  if (!is_legs()) {
    for (std::int64_t t = first; t < last; ++t) {
      const auto i = static_cast<std::size_t>(t);
      c = (step_.A * c + step_.B * u[i] + step_.B_previous * (i > 0 ? u[i - 1] : 0)).eval();
    }
    return;
  }
  const std::int64_t ahead = method_.start == LegsStart::zero ? 1 : 0;  // the silence that hippo.py begins with
  if (method_.discretisation == Method::zoh) {
    legs_advance(c, first + ahead,
                 std::span(u).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
    return;
  }
  for (std::int64_t t = first; t < last; ++t)
    legs_step(c, static_cast<double>(t + ahead), alpha_, u[static_cast<std::size_t>(t)]);
}

VectorXd HippoMemory::coefficients(std::int64_t t) const {
  const std::int64_t from = t / spacing;
  VectorXd c = checkpoints_.col(from);
  if (t > from * spacing) step(c, from * spacing + 1, t + 1);
  return c;
}

MatrixXd HippoMemory::coefficients(std::int64_t first, std::int64_t last) const {
  MatrixXd rows(last - first, method_.hippo.order);
  VectorXd c;
  for (std::int64_t t = first; t < last; ++t) {
    if (t == first || t % spacing == 0)
      c = coefficients(t);
    else
      step(c, t, t + 1);
    rows.row(t - first) = c.transpose();
  }
  return rows;
}

VectorXd HippoMemory::reconstruction(std::int64_t t, const VectorXd& s) const {
  return reconstruction(coefficients(t), t, s);
}

VectorXd HippoMemory::reconstruction(const VectorXd& c, std::int64_t t, const VectorXd& s) const {
  const double past = this->past(t), reach = hippo_reach(method_.hippo, past);
  const double slack = 1e-12 * past;  // of positions that were computed
  VectorXd g(c.size()), f(s.size());
  for (Index i = 0; i < s.size(); ++i) {
    if (s(i) < -slack || s(i) > reach + slack) {
      f(i) = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    hippo_basis(method_.hippo, s(i), past, {g.data(), static_cast<std::size_t>(g.size())});
    f(i) = g.dot(c);
  }
  return f;
}

double HippoMemory::truth(std::int64_t t, double s) const {
  const auto back = static_cast<std::int64_t>(std::floor(s / delta_));
  return (*signal_)[static_cast<std::size_t>(t - std::clamp<std::int64_t>(back, 0, t))];
}

namespace {

// The middles of at most `most` of the samples that the coefficients speak of, evenly spread.
VectorXd sample_middles(const HippoMemory& memory, std::int64_t t, std::int64_t most) {
  const double reach = hippo_reach(memory.method().hippo, memory.past(t));
  const auto samples = std::clamp<std::int64_t>(std::llround(reach / memory.delta()), 1, t + 1);
  const std::int64_t count = std::min(samples, most);
  VectorXd s(count);
  for (std::int64_t i = 0; i < count; ++i)
    s(i) = (static_cast<double>((2 * i + 1) * samples / (2 * count)) + 0.5) * memory.delta();
  return s.cwiseMin(reach);
}

double rms_error(const HippoMemory& memory, const VectorXd& c, std::int64_t t, std::int64_t most) {
  const VectorXd s = sample_middles(memory, t, most);
  const VectorXd f = memory.reconstruction(c, t, s);
  double sum = 0;
  for (Index i = 0; i < s.size(); ++i) sum += std::pow(f(i) - memory.truth(t, s(i)), 2);
  return std::sqrt(sum / static_cast<double>(s.size()));
}

}  // namespace

double HippoMemory::error(std::int64_t t, std::int64_t most) const {
  return rms_error(*this, coefficients(t), t, most);
}

std::vector<double> error_against_order(const MemoryMethod& method, std::span<const std::int64_t> orders,
                                        std::shared_ptr<const std::vector<double>> signal, double delta, std::int64_t t,
                                        std::int64_t most, std::stop_token stop) {
  std::vector<double> errors;
  if (orders.empty()) return errors;
  const auto read = std::make_shared<const std::vector<double>>(signal->begin(), signal->begin() + t + 1);
  MemoryMethod changed = method;
  if (triangular(method.hippo.family)) {
    changed.hippo.order = *std::max_element(orders.begin(), orders.end());
    const HippoMemory memory(changed, read, delta, stop);
    const VectorXd c = memory.coefficients(t);
    for (const std::int64_t order : orders) errors.push_back(rms_error(memory, c.head(order), t, most));
    return errors;
  }
  for (const std::int64_t order : orders) {
    changed.hippo.order = order;
    errors.push_back(HippoMemory(changed, read, delta, stop).error(t, most));
  }
  return errors;
}

}  // namespace statescope
