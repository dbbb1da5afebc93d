// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/dynamics/discretise.h"
#include "engine/scene/memory_scene.h"

namespace statescope {

/// The chain from a matrix to a kernel, every link of it.
struct S4Result {
  S4Run run;

  // S4: A, B → A + PPᵀ = shift·I + skew → A = V(Λ − PP*)V* → kernel. Empty for S4D.
  HippoMatrices matrices;
  NormalCorrection correction;
  Nplr form;
  Eigen::RowVectorXd C;  // [N]

  Eigen::VectorXcd lambda;    // [N] of S4, [N/2] of S4D
  DiagonalSystem diagonal;    // S4D
  DiscreteSystem step;        // in real coordinates
  std::vector<double> dense;  // K [L] by C Ā^l B̄ with the dense Ā
  /// K [L] in O(N) a step: S4 by its recurrence, S4D by the powers of its diagonal.
  std::vector<double> modal;
  std::vector<double> transform;     // K [L] by the Cauchy kernel and an inverse FFT; empty for S4D
  double difference = 0, scale = 0;  // largest difference of any two, largest |K|
};

/// Throws Error as `check`, Cancelled.
S4Result s4_result(const S4Run& run, std::stop_token stop = {});

/// "Three ways to one kernel: they differ by 3e-15 at most."
std::string agreement_sentence(const S4Result& result);

}  // namespace statescope
