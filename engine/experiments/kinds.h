// SPDX-License-Identifier: GPL-3.0-or-later
// The kinds of experiments that `compute` chooses among.
#pragma once

#include "engine/experiments/compute.h"

namespace statescope {

nlohmann::ordered_json compute_theatre(const TheatreScene& scene, const std::filesystem::path& base,
                                       const std::filesystem::path& assets, std::stop_token stop);
nlohmann::ordered_json compute_profile(const ProfileScene& scene, const std::filesystem::path& base,
                                       const std::filesystem::path& assets, std::stop_token stop);
nlohmann::ordered_json compute_lti(const LtiScene& scene, const std::filesystem::path& base, std::stop_token stop);
nlohmann::ordered_json compute_hippo(const HippoScene& scene, const std::filesystem::path& base, std::stop_token stop);
nlohmann::ordered_json compute_s4(const S4Scene& scene, std::stop_token stop);
nlohmann::ordered_json compute_training(const TrainingScene& scene, std::stop_token stop,
                                        const ComputeListener& listener);
nlohmann::ordered_json compute_gated(const GatedScene& scene, const std::filesystem::path& base, std::stop_token stop);
nlohmann::ordered_json compute_selectivity(const SelectivityScene& scene, const std::filesystem::path& base,
                                           const std::filesystem::path& assets, std::stop_token stop);

}  // namespace statescope
