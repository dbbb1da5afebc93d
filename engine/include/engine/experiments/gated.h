// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "engine/scene/selectivity_scene.h"

namespace statescope {

/// One input through a gated recurrence and through a selective state space model with N = 1, A = −1, B = 1, which
/// theorem 1 of Gu & Dao (2023) calls the same. All [samples], from h = 0.
struct GatedResult {
  GatedRun run;
  std::vector<double> x, z;
  std::vector<double> gate;                         // g = σ(z)
  std::vector<double> delta;                        // Δ = softplus(z)
  std::vector<double> gated;                        // h ← (1 − g) h + g x
  std::vector<double> zoh;                          // h ← e^{ΔA} h + (e^{ΔA} − 1)/A · B x: e^{−Δ} is 1 − g
  std::vector<double> euler;                        // h ← e^{ΔA} h + Δ B x, as S6 is trained: Δ is not g
  double zoh_difference = 0, euler_difference = 0;  // the largest from `gated`
};

/// Throws Error, Cancelled.
GatedResult gated_result(const GatedRun& run, const std::filesystem::path& base, std::stop_token stop = {});

}  // namespace statescope
