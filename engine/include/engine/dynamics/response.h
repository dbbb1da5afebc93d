// SPDX-License-Identifier: GPL-3.0-or-later
// What a recurrence h_t = Ā h_{t−1} + B̄ u_t + B̄₋₁ u_{t−1}, y_t = C h_t + D u_t answers, computed in several ways.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "engine/dynamics/discretise.h"

namespace statescope {

/// States larger than this end a run: the recurrence diverges and the next steps leave double precision.
inline constexpr double largest_state = 1e150;

struct Run {
  Eigen::MatrixXd states;      // [N, L], h_t in column t
  std::vector<double> output;  // [L]
  /// First sample whose state is larger than `largest_state`; columns and output end before it. −1: none.
  std::int64_t diverges_at = -1;
};
/// Step by step from `h0` [N], the state before the first input. Throws Cancelled.
Run run_recurrence(const DiscreteSystem& system, std::span<const double> input, const Eigen::VectorXd& h0,
                   std::stop_token stop = {});

/// C M^l V for l < length: `length` numbers for each column of V. Throws Cancelled.
std::vector<std::vector<double>> read_powers(const Eigen::MatrixXd& M, const Eigen::RowVectorXd& C,
                                             const Eigen::MatrixXd& V, std::int64_t length, std::stop_token stop = {});

/// K_0 = C B̄, K_l = C Ā^{l−1}(ĀB̄ + B̄₋₁): the answer to a unit sample without D u. Throws Cancelled.
std::vector<double> kernel(const DiscreteSystem& system, std::int64_t length, std::stop_token stop = {});

/// Σ_{s ≤ t} K_s u_{t−s}, term by term.
double convolution_at(std::span<const double> kernel, std::span<const double> input, std::int64_t t);

/// The same sum for every t by FFT, of a length at which nothing wraps around (kernels::fft_conv_length).
std::vector<double> fft_convolution(std::span<const double> kernel, std::span<const double> input);

/// Σ_{s ≤ l} values_s: the answer to a unit step, from the kernel.
std::vector<double> running_sum(std::span<const double> values);

}  // namespace statescope
