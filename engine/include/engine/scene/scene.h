// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/models/recorder.h"
#include "engine/run/sampling.h"
#include "engine/run/trace.h"

namespace statescope {

/// What a model reads when nobody has given it anything else.
inline constexpr const char* sample_prompt = "Call me Ishmael. Some years ago";

/// How a layer's channels are ordered in its map.
enum class ChannelOrder { index, widest };  // widest: largest mean Δ first

/// The experiment "model-run": a checkpoint reads a prompt and goes on. The generated tokens are stored as ids, so that
/// a scene is restored exactly whatever was done between generating and saving.
struct ModelRun {
  std::string model = "bundled:mamba-lab";  // path of a checkpoint, or bundled:NAME
  std::string prompt;                       // when `prompt_ids` is empty
  std::vector<std::int32_t> prompt_ids;     // for a checkpoint without tokenizer
  std::vector<std::int32_t> generated;      // tokens after the prompt
  Sampling sampling;                        // for what is generated next
  int tokens_to_generate = 48;
  bool operator==(const ModelRun&) const = default;
};

/// What the Model workspace shows of a run.
struct ModelView {
  std::int64_t layer = 0;
  std::int64_t channel = 0;
  std::int64_t state = 0;
  Summary overview = Summary::mean_delta;
  Quantity map = Quantity::delta;  // delta, gate, conv, y, B or C
  ChannelOrder order = ChannelOrder::widest;
  bool operator==(const ModelView&) const = default;
};

/// A small JSON document that restores exactly what the user saw; SCENE.md specifies it. Undo, files, rendering and
/// tests all go through it.
struct Scene {
  ModelRun run;
  ModelView view;
  std::int64_t cursor = 0;  // token
  bool operator==(const Scene&) const = default;
};

/// Throws Error naming `where` and the key for anything that is not a scene of this version. Sizes are not checked
/// against the model here: `clamped` does that when the model is known.
Scene parse_scene(std::string_view text, const std::string& where);
Scene load_scene(const std::filesystem::path& path);
/// JSON with two spaces of indentation and a final newline.
std::string to_text(const Scene& scene);
/// Replaces the file at once, so that a failure leaves the old one.
void save_scene(const Scene& scene, const std::filesystem::path& path);

/// The scene with layer, channel, state and cursor inside what the model and the run have.
Scene clamped(Scene scene, const ModelSizes& sizes, std::int64_t tokens);

/// The folder of a scene's model: bundled:NAME is looked up under `assets`/models, a relative path under `base`.
/// Throws Error for a bundled name that does not exist or is not a plain name.
std::filesystem::path resolve_model(const std::string& model, const std::filesystem::path& base,
                                    const std::filesystem::path& assets);

}  // namespace statescope
