// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/run.h"

#include <algorithm>
#include <optional>

#include "engine/error.h"
#include "engine/profile/ceilings.h"
#include "engine/profile/recorder.h"
#include "engine/profile/work.h"
#include "engine/run/sampling.h"

namespace statescope {
namespace {

// As `run` cuts a prompt, so that recording does not change what is measured.
constexpr std::int64_t piece = 256;
// Read once before, unrecorded: it fetches the weights and wakes threads or the device, which no stage is to blame for.
constexpr std::int64_t warm_up = 32;

}  // namespace

Profile profile_run(const Model& model, const ProfileRequest& request, std::stop_token stop,
                    const ProfileListener& listener) {
  if (request.ids.empty()) throw Error("there is nothing to record: give at least one token to read");
  const ModelInfo& info = model.info();
  const std::int64_t prompt = std::ssize(request.ids);
  Profile profile;
  profile.model = info.name;
  profile.title = info.name + ", " + std::to_string(prompt) + (prompt == 1 ? " token" : " tokens");
  profile.device = device_title(model.device(), model.backend().threads());
  profile.precision = precision_name(model.precision());
  profile.generated = std::max<std::int64_t>(request.generate, 0);
  if (profile.generated > 0) profile.title += " and " + std::to_string(profile.generated) + " generated";
  profile.tokens = profile.generated + (request.record_prefill ? prompt : 0);
  profile.memory = memory_use(model, std::min(prompt, piece));

  std::optional<ProfileRecorder> recorder;
  const auto collect = [&] {
    if (!recorder) return;
    const std::vector<ProfileZone> zones = recorder->take();
    if (listener && !zones.empty()) listener(zones);
    profile.zones.insert(profile.zones.end(), zones.begin(), zones.end());
  };
  if (request.record_prefill) {
    ModelState thrown_away = model.initial_state();
    run(model, std::span(request.ids).first(static_cast<std::size_t>(std::min(prompt, warm_up))), thrown_away, nullptr,
        stop);
    recorder.emplace();
  }
  ModelState state = model.initial_state();
  std::vector<float> logits;
  for (std::int64_t first = 0; first < prompt; first += piece) {
    const std::span<const std::int32_t> ids =
        std::span(request.ids)
            .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(piece, prompt - first)));
    if (first + piece < prompt)
      run(model, ids, state, nullptr, stop);
    else
      logits = read_for_logits(model, ids, state, stop);
    collect();
  }
  if (profile.generated > 0 && !recorder) recorder.emplace();
  for (std::int64_t i = 0; i < profile.generated; ++i) {
    std::int32_t id = 0;
    {
      const ZoneScope zone(Stage::sampling, -1, 1, [&] { return stage_work(Stage::sampling, info.sizes, 1); });
      id = sample(logits, {}, prompt + i);
    }
    logits = read_for_logits(model, {&id, 1}, state, stop);
    collect();
  }
  if (recorder) profile.dropped = recorder->dropped();
  return profile;
}

MemoryUse memory_use(const Model& model, std::int64_t tokens) {
  const ModelInfo& info = model.info();
  MemoryUse use;
  use.weights = model.weight_bytes();
  use.activations = model.activation_bytes(tokens);
  use.recurrent_state = info.state_bytes;
  // Keys and values of attention are kept in the precision of the activations.
  const std::int64_t value_bytes = model.precision() == Precision::f32 ? 4 : 2;
  use.key_value_per_token = 2 * info.sizes.layers * info.sizes.d_model * value_bytes;
  return use;
}

}  // namespace statescope
