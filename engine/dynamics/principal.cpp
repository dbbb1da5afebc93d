// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/principal.h"

#include <Eigen/Eigenvalues>
#include <algorithm>

namespace statescope {

PrincipalDirections principal_directions(const std::vector<std::vector<double>>& states, std::int64_t count) {
  const std::int64_t N = std::ssize(states), L = N > 0 ? std::ssize(states[0]) : 0, kept = std::min(N, count);
  const auto row = [&](std::int64_t n) {
    return Eigen::Map<const Eigen::VectorXd>(states[static_cast<std::size_t>(n)].data(), L);
  };
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(N);
  for (std::int64_t n = 0; n < N && L > 0; ++n) mean[n] = row(n).mean();
  Eigen::MatrixXd covariance(N, N);  // times L
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t m = 0; m <= n; ++m)
      covariance(n, m) = covariance(m, n) = row(n).dot(row(m)) - static_cast<double>(L) * mean[n] * mean[m];
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);  // smallest first
  PrincipalDirections result{solver.eigenvectors().rowwise().reverse().leftCols(kept),
                             solver.eigenvalues().reverse().head(kept).cwiseMax(0)};
  if (const double all = covariance.trace(); all > 0) result.shares /= all;
  for (std::int64_t i = 0; i < kept; ++i) {
    std::int64_t largest = 0;
    result.V.col(i).cwiseAbs().maxCoeff(&largest);
    if (result.V(largest, i) < 0) result.V.col(i) *= -1;
  }
  return result;
}

}  // namespace statescope
