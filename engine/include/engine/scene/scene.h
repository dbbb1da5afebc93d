// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/models/recorder.h"
#include "engine/profile/profile.h"
#include "engine/profile/theatre.h"
#include "engine/run/sampling.h"
#include "engine/run/trace.h"
#include "engine/scene/lti_scene.h"
#include "engine/scene/memory_scene.h"
#include "engine/scene/selectivity_scene.h"

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

/// A model's run and what is looked at.
struct ModelScene {
  ModelRun run;
  ModelView view;
  std::int64_t cursor = 0;  // token
  bool operator==(const ModelScene&) const = default;
};

/// The experiment "scan-theatre": one algorithm of the ladder, step by step, on a short sequence. The pairs are given,
/// or they are those of one channel and state of a model that reads a text.
struct TheatreRun {
  ScanAlgorithm algorithm = ScanAlgorithm::blelloch;
  std::int64_t chunk = 8;
  std::vector<ScanPair> pairs;  // when not empty, the model is not asked
  double h0 = 0;                // state in front of them
  std::string model = "bundled:mamba-lab";
  std::string prompt = sample_prompt;
  std::int64_t layer = 0, channel = 0, state = 0;
  std::int64_t first = 0;                     // token
  std::int64_t length = 16;                   // tokens from there, 1 to 64
  std::vector<std::int32_t> prompt_ids = {};  // in place of the prompt
  bool operator==(const TheatreRun&) const = default;
};

struct TheatreScene {
  TheatreRun run;
  std::int64_t cursor = 0;  // steps done; 0 is the input
  bool operator==(const TheatreScene&) const = default;
};

/// The experiment "profile": a saved profile, or a run that is recorded anew.
struct ProfileRun {
  std::string file;     // a saved profile; when not empty, the model is not run
  std::string against;  // another saved profile to compare with, or empty
  std::string model = "bundled:mamba-lab";
  std::string prompt = sample_prompt;
  std::int64_t tokens = 0;  // generated after the prompt
  std::string device = "cpu";
  Precision precision = Precision::f32;
  std::vector<std::int32_t> prompt_ids = {};  // in place of the prompt
  std::int64_t read = 0;                      // tokens: the text repeated or cut to this length; 0 as it is
  int threads = 0;                            // of the CPU; 0 uses every core
  bool operator==(const ProfileRun&) const = default;
};

enum class ProfileTab { timeline, stages, roofline, memory, compare, sweep };

/// What the Profile workspace shows of it.
struct ProfileView {
  std::int64_t from = 0, to = 0;  // nanoseconds of the time line; equal: all of it
  std::optional<Stage> stage;     // selected
  ProfileTab tab = ProfileTab::timeline;
  bool operator==(const ProfileView&) const = default;
};

struct ProfileScene {
  ProfileRun run;
  ProfileView view;
  std::int64_t cursor = 0;  // nanoseconds
  bool operator==(const ProfileScene&) const = default;
};

/// A small JSON document that restores exactly what the user saw; SCENE.md specifies it. Undo, files, rendering and
/// tests all go through it. One alternative per kind of experiment.
using Scene = std::variant<ModelScene, TheatreScene, ProfileScene, LtiScene, HippoScene, S4Scene, SelectivityScene,
                           TrainingScene, GatedScene>;
std::string scene_kind(const Scene& scene);  // "model-run", "scan-theatre", "profile", "lti", "hippo", "s4",
                                             // "selectivity", "training", "gated-recurrence"

/// Throws Error naming `where` and the key for anything that is not a scene of this version. Sizes are not checked
/// against the model here: `clamped` does that when the model is known.
Scene parse_scene(std::string_view text, const std::string& where);
Scene load_scene(const std::filesystem::path& path);
/// The same for a caller that shows model runs only. Throws Error for another kind.
ModelScene load_model_scene(const std::filesystem::path& path);
/// JSON with two spaces of indentation and a final newline.
std::string to_text(const Scene& scene);
/// Replaces the file at once, so that a failure leaves the old one.
void save_scene(const Scene& scene, const std::filesystem::path& path);

/// The scene with layer, channel, state and cursor inside what the model and the run have.
ModelScene clamped(ModelScene scene, const ModelSizes& sizes, std::int64_t tokens);

/// The folder of a scene's model: bundled:NAME is looked up under `assets`/models, a relative path under `base`.
/// Throws Error for a bundled name that does not exist or is not a plain name.
std::filesystem::path resolve_model(const std::string& model, const std::filesystem::path& base,
                                    const std::filesystem::path& assets);

}  // namespace statescope
