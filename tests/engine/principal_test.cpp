// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/dynamics/principal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace statescope {
namespace {

TEST(Principal, DirectionsOfAnEllipseInSpace) {
  // Whole turns of an ellipse with half axes 3 and 1 about a place that is not the origin.
  const Eigen::Vector3d a = Eigen::Vector3d(1, -2, 2) / 3, b = Eigen::Vector3d(2, -1, -2) / 3;
  std::vector<std::vector<double>> states(3);
  for (int t = 0; t < 400; ++t) {
    const double angle = 2 * std::numbers::pi * t / 100;
    const Eigen::Vector3d h = Eigen::Vector3d(5, 7, -4) + 3 * std::cos(angle) * a + std::sin(angle) * b;
    for (int n = 0; n < 3; ++n) states[static_cast<std::size_t>(n)].push_back(h[n]);
  }
  const PrincipalDirections found = principal_directions(states, 5);
  ASSERT_EQ(found.V.cols(), 3) << "there are no more than states";
  EXPECT_LT(std::min((found.V.col(0) - a).norm(), (found.V.col(0) + a).norm()), 1e-12);
  EXPECT_NEAR(std::abs(found.V.col(1).dot(b)), 1, 1e-12);
  EXPECT_NEAR(found.shares[0], 0.9, 1e-12);
  EXPECT_NEAR(found.shares[1], 0.1, 1e-12);
  EXPECT_NEAR(found.shares[2], 0, 1e-12);
  EXPECT_LT((found.V.transpose() * found.V - Eigen::Matrix3d::Identity()).norm(), 1e-12);
  for (int i = 0; i < 3; ++i) EXPECT_GT(found.V.col(i).maxCoeff(), -found.V.col(i).minCoeff() - 1e-12) << i;
}

}  // namespace
}  // namespace statescope
