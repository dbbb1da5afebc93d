// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dynamics/discretise.h"
#include "engine/dynamics/hippo.h"

namespace statescope {

/// How scaled LegS, whose step divides by t, begins. With samples f_0 … f_{L−1}:
enum class LegsStart {
  first_sample,  ///< c = (f_0, 0, …), then steps t = 1 … L−1 with f_t: hippo-code's C++ kernel and its test
  zero           ///< c = 0, then steps t = 1 … L with f_{t−1}: hippo.py. The beginning is remembered as silence
};
/// "first-sample" or "zero".
std::string legs_start_id(LegsStart start);
LegsStart parse_legs_start(std::string_view text);

/// One way to remember a signal online.
struct MemoryMethod {
  Hippo hippo;
  Method discretisation = Method::bilinear;   // legs: forward_euler, backward_euler, bilinear, gbt or zoh
  double alpha = 0.5;                         // of gbt
  LegsStart start = LegsStart::first_sample;  // of legs
  bool operator==(const MemoryMethod&) const = default;
};
/// Throws Error as `check_hippo`, for another discretisation of legs, and for α outside 0 to 1.
void check(const MemoryMethod& method);

/// One step of scaled LegS without a matrix, c ← (I − αA/t)⁻¹ [(I + (1−α)A/t) c + B f/t], in O(N): A is a diagonal plus
/// −√(2n+1)√(2k+1) below it, so both factors are running sums. α = ½ is the bilinear step. t counts samples from 1.
void legs_step(Eigen::Ref<Eigen::VectorXd> c, double t, double alpha, double f);

/// Scaled LegS exactly (ZOH), over many held samples at once: from c at t samples to t + samples.size(). What c
/// describes is cut off at t and projected on [0, t'], which is exp(A ln(t'/t)) c without a matrix exponential; every
/// sample adds its integral. O(N² + N · samples).
void legs_advance(Eigen::Ref<Eigen::VectorXd> c, std::int64_t t, std::span<const double> samples);

/// A signal written sample by sample into N coefficients. Keeps them every `spacing` samples only, so that 10⁶ samples
/// take megabytes; what lies between is computed again when asked for, by the recurrence itself.
class HippoMemory {
 public:
  static constexpr std::int64_t spacing = 64;

  /// Runs the whole signal, sample l held from lΔ to (l+1)Δ. Throws Error for Δ ≤ 0, an empty signal, a step that does
  /// not exist; Cancelled.
  HippoMemory(const MemoryMethod& method, std::shared_ptr<const std::vector<double>> signal, double delta,
              std::stop_token stop = {});

  const MemoryMethod& method() const { return method_; }
  const std::vector<double>& signal() const { return *signal_; }
  double delta() const { return delta_; }
  std::int64_t length() const { return std::ssize(*signal_); }
  /// Seconds read when sample t has been: (t+1)Δ.
  double past(std::int64_t t) const { return static_cast<double>(t + 1) * delta_; }

  /// First sample after which the coefficients are no finite numbers, to `spacing` samples; −1 when they stay finite.
  std::int64_t diverges_at() const { return diverges_at_; }

  /// c [N] after sample t.
  Eigen::VectorXd coefficients(std::int64_t t) const;
  /// [last − first, N]
  Eigen::MatrixXd coefficients(std::int64_t first, std::int64_t last) const;

  /// f as the coefficients after sample t remember it, s seconds before now; NaN outside 0 … hippo_reach.
  Eigen::VectorXd reconstruction(std::int64_t t, const Eigen::VectorXd& s) const;
  Eigen::VectorXd reconstruction(const Eigen::VectorXd& c, std::int64_t t, const Eigen::VectorXd& s) const;
  /// The sample that was read s seconds before now. s = (t − j + ½)Δ is the middle of sample j.
  double truth(std::int64_t t, double s) const;

  /// Root of the mean square of remembered minus read over the reach, at the middles of its samples, of `most` samples
  /// evenly spread over it when there are more.
  double error(std::int64_t t, std::int64_t most) const;

 private:
  void step(Eigen::Ref<Eigen::VectorXd> c, std::int64_t first, std::int64_t last) const;
  void run_legs(std::stop_token stop);
  void run_lti(std::stop_token stop);
  void keep(const Eigen::VectorXd& c, std::int64_t t);
  bool is_legs() const { return method_.hippo.family == HippoFamily::legs; }

  MemoryMethod method_;
  std::shared_ptr<const std::vector<double>> signal_;
  double delta_;
  DiscreteSystem step_;          // of the time-invariant families
  double alpha_ = 0.5;           // of legs
  Eigen::MatrixXd checkpoints_;  // [N, ceil(length / spacing)]: column i after sample i · spacing
  std::int64_t diverges_at_ = -1;
};

/// `error` after sample t for each order. legs, legs_lti and lagt are triangular: fewer coefficients are the first ones
/// of more, so one run answers all. The other families run once per order. Throws Error, Cancelled.
std::vector<double> error_against_order(const MemoryMethod& method, std::span<const std::int64_t> orders,
                                        std::shared_ptr<const std::vector<double>> signal, double delta, std::int64_t t,
                                        std::int64_t most, std::stop_token stop = {});

}  // namespace statescope
