// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/response.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/cpu_backend.h"
#include "kernels/fft_conv.h"

namespace statescope {
namespace {

constexpr std::int64_t steps_between_looks = 1024;  // at the stop token

}  // namespace

Run run_recurrence(const DiscreteSystem& system, std::span<const double> input, const Eigen::VectorXd& h0,
                   std::stop_token stop) {
  const std::int64_t N = system.states(), L = std::ssize(input);
  Run run{Eigen::MatrixXd(N, L), std::vector<double>(input.size()), -1};
  const bool two_taps = !system.B_previous.isZero(0);
  Eigen::VectorXd h = h0, next(N);
  for (std::int64_t t = 0; t < L; ++t) {
    if (t % steps_between_looks == 0 && stop.stop_requested()) throw Cancelled();
    const double u = input[static_cast<std::size_t>(t)];
    next.noalias() = system.A * h;
    next += system.B * u;
    if (two_taps && t > 0) next += system.B_previous * input[static_cast<std::size_t>(t - 1)];
    h.swap(next);
    if (!(h.lpNorm<Eigen::Infinity>() <= largest_state)) {
      run.diverges_at = t;
      run.states.conservativeResize(N, t);
      run.output.resize(static_cast<std::size_t>(t));
      break;
    }
    run.states.col(t) = h;
    run.output[static_cast<std::size_t>(t)] = system.C.dot(h) + system.D * u;
  }
  return run;
}

std::vector<std::vector<double>> read_powers(const Eigen::MatrixXd& M, const Eigen::RowVectorXd& C,
                                             const Eigen::MatrixXd& V, std::int64_t length, std::stop_token stop) {
  std::vector<std::vector<double>> values(static_cast<std::size_t>(V.cols()));
  for (auto& column : values) column.reserve(static_cast<std::size_t>(length));
  // C M^{i+js} V = (C M^i)(M^{js} V): s rows C M^i are made once, and s more numbers cost a product with M^s. So little
  // work for each of them is worth the powers where there are many.
  const std::int64_t block = length < 256 ? 1 : 32;
  Eigen::MatrixXd rows(block, C.size()), power = M;
  rows.row(0) = C;
  for (std::int64_t i = 1; i < block; ++i) rows.row(i).noalias() = rows.row(i - 1) * M;
  for (std::int64_t i = 1; i < block; i *= 2) power = (power * power).eval();
  Eigen::MatrixXd moved = V, next(V.rows(), V.cols()), read(block, V.cols());
  for (std::int64_t l = 0; l < length; l += block) {
    if (l / block % steps_between_looks == 0 && stop.stop_requested()) throw Cancelled();
    read.noalias() = rows * moved;
    for (std::int64_t i = 0; i < V.cols(); ++i) {
      const auto column = read.col(i).head(std::min(block, length - l));
      auto& of_column = values[static_cast<std::size_t>(i)];
      of_column.insert(of_column.end(), column.begin(), column.end());
    }
    next.noalias() = power * moved;
    moved.swap(next);
  }
  return values;
}

std::vector<double> kernel(const DiscreteSystem& system, std::int64_t length, std::stop_token stop) {
  if (length == 0) return {};
  std::vector<double> values =
      read_powers(system.A, system.C, system.A * system.B + system.B_previous, length - 1, stop).front();
  values.insert(values.begin(), system.C.dot(system.B));
  return values;
}

double convolution_at(std::span<const double> kernel, std::span<const double> input, std::int64_t t) {
  using Numbers = Eigen::Map<const Eigen::VectorXd>;
  const std::int64_t count = std::min<std::int64_t>(t + 1, std::ssize(kernel));
  const Numbers past(input.data() + (t + 1 - count), count), weights(kernel.data(), count);
  return weights.dot(past.reverse());
}

std::vector<double> fft_convolution(std::span<const double> kernel, std::span<const double> input) {
  static const kernels::CpuBackend backend(1);
  std::vector<double> output(input.size());
  if (input.empty() || kernel.empty()) return output;
  backend.fft_conv(kernels::FftConvArgs<double>{.x = {input.data(), std::ssize(input), 1},
                                                .kernel = {kernel.data(), std::ssize(kernel), 1},
                                                .y = {output.data(), std::ssize(output), 1}});
  return output;
}

std::vector<double> running_sum(std::span<const double> values) {
  std::vector<double> sums(values.size());
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sums[i] = sum += values[i];
  return sums;
}

}  // namespace statescope
