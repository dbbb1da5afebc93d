// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

namespace statescope {

/// The directions along which trajectories spread most.
struct PrincipalDirections {
  Eigen::MatrixXd V;       // [N, count], orthonormal, most spread first; each with its largest entry positive
  Eigen::VectorXd shares;  // [count] of the whole variance
};
/// Eigenvectors of the covariance of `states`, N trajectories of one length; at most N of them.
PrincipalDirections principal_directions(const std::vector<std::vector<double>>& states, std::int64_t count);

}  // namespace statescope
