// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <vector>

#include "engine/io/tokenizer.h"
#include "engine/models/model.h"
#include "engine/profile/run.h"
#include "engine/scene/scene.h"

namespace statescope {

/// A model with the tokenizer that lies beside it, if one does.
struct LoadedModel {
  std::shared_ptr<const Model> model;
  std::optional<Tokenizer> tokenizer;
};
LoadedModel load_with_tokenizer(const std::filesystem::path& path, Precision precision = Precision::f32,
                                const std::string& device = "cpu", int threads = 0);

/// The tokens a run's prompt stands for. Throws Error when there is no tokenizer for a text, and for an empty prompt.
std::vector<std::int32_t> prompt_ids(const ModelRun& run, const LoadedModel& loaded);

/// The tokens that a profile's run reads. Throws as `prompt_ids`.
std::vector<std::int32_t> prompt_ids(const ProfileRun& run, const LoadedModel& loaded);

/// What a scan theatre plays: the pairs given, or those of the model. Throws Error, Cancelled.
TheatreSource theatre_source(const TheatreRun& run, const std::filesystem::path& base,
                             const std::filesystem::path& assets, std::stop_token stop = {});

/// The profile that a scene names, or one recorded now, with the ceilings of the machine. Throws Error, Cancelled.
Profile profile_of(const ProfileRun& run, const std::filesystem::path& base, const std::filesystem::path& assets,
                   std::stop_token stop = {}, const ProfileListener& listener = {});

/// Hears how far a scene is that takes long: steps of training done, of all.
using ComputeListener = std::function<void(std::int64_t done, std::int64_t all)>;

/// The numbers behind a scene, as SCENE.md lists them: {"tokens": …, "arrays": [{name, axes, shape, values}, …], …}.
/// `base` is the folder relative model paths start from, `assets` holds the bundled models. Throws Error, Cancelled.
nlohmann::ordered_json compute(const Scene& scene, const std::filesystem::path& base,
                               const std::filesystem::path& assets, std::stop_token stop = {},
                               const ComputeListener& listener = {});

}  // namespace statescope
