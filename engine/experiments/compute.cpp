// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/experiments/compute.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/checkpoint.h"
#include "engine/run/session.h"
#include "kinds.h"

namespace statescope {
namespace {

using nlohmann::ordered_json;

// A number as a float, as a JSON value of 16 bytes, and as up to 25 characters of text that grows by doubling.
constexpr std::int64_t bytes_per_number = 4 + 16 + 50;

// One array with named axes, row-major.
ordered_json array(const char* name, std::vector<std::string> axes, std::vector<std::int64_t> shape,
                   std::vector<float> values) {
  return {{"name", name}, {"axes", std::move(axes)}, {"shape", std::move(shape)}, {"values", std::move(values)}};
}

ordered_json token_json(const TokenRecord& token, const Prediction& prediction, const LoadedModel& loaded) {
  const auto text = [&](std::int32_t id) {
    return loaded.tokenizer ? loaded.tokenizer->token_text(id) : std::to_string(id);
  };
  ordered_json next = ordered_json::array();
  for (const Candidate& candidate : prediction.next)
    next.push_back({{"id", candidate.id}, {"text", text(candidate.id)}, {"probability", candidate.probability}});
  return {{"id", token.id},
          {"text", text(token.id)},
          {"generated", token.generated},
          {"log_probability", prediction.log_probability},
          {"next", next}};
}

ordered_json summaries_json(const Trace& trace, std::int64_t layers) {
  ordered_json arrays = ordered_json::array();
  for (const Summary summary : all_summaries) {
    std::vector<float> values;
    for (std::int64_t layer = 0; layer < layers; ++layer)
      for (const auto& token : trace.tokens) values.push_back(token->layers[static_cast<std::size_t>(layer)][summary]);
    arrays.push_back(
        array(summary_name(summary).c_str(), {"layer", "token"}, {layers, trace.length()}, std::move(values)));
  }
  return arrays;
}

}  // namespace

LoadedModel load_with_tokenizer(const std::filesystem::path& path, Precision precision, const std::string& device,
                                int threads) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  LoadedModel loaded{load_model(checkpoint, precision, threads, device), std::nullopt};
  const std::filesystem::path tokenizer = checkpoint.folder() / "tokenizer.json";
  std::error_code error;
  if (std::filesystem::exists(tokenizer, error)) loaded.tokenizer = Tokenizer::load(tokenizer.string());
  return loaded;
}

std::vector<std::int32_t> prompt_ids(const ModelRun& run, const LoadedModel& loaded) {
  std::vector<std::int32_t> ids = run.prompt_ids;
  if (ids.empty()) {
    if (!loaded.tokenizer)
      throw Error(loaded.model->info().folder.string() +
                  " has no tokenizer.json, so it cannot read text; give the prompt as token ids");
    ids = loaded.tokenizer->encode(run.prompt);
  }
  if (ids.empty()) throw Error("the prompt is empty; type at least one character");
  return ids;
}

namespace {

ordered_json compute_model_run(const ModelScene& wanted, const std::filesystem::path& base,
                               const std::filesystem::path& assets, std::stop_token stop) {
  const LoadedModel loaded = load_with_tokenizer(resolve_model(wanted.run.model, base, assets));
  const Model& model = *loaded.model;
  const ModelSizes& s = model.info().sizes;
  Session session(loaded.model);
  session.append(prompt_ids(wanted.run, loaded), false, stop);
  session.append(wanted.run.generated, true, stop);

  const Trace& trace = session.trace();
  const std::int64_t T = trace.length(), E = s.d_inner, N = s.d_state;
  require_memory(T * (4 * E + 3 * N + 4 * s.layers) * bytes_per_number, "the result of this scene");
  const ModelScene scene = clamped(wanted, s, T);
  const ModelView& view = scene.view;
  LayerTrack track = layer_track(model, trace, view.layer, nullptr, stop);
  std::vector<float> channel = channel_states(model, track, view.channel);
  std::vector<float> h = states(model, trace, track, scene.cursor, scene.cursor + 1);

  ordered_json tokens = ordered_json::array();
  const std::vector<Prediction> expected = predictions(model, trace, 0, T, stop);
  for (std::int64_t t = 0; t < T; ++t)
    tokens.push_back(
        token_json(*trace.tokens[static_cast<std::size_t>(t)], expected[static_cast<std::size_t>(t)], loaded));
  ordered_json arrays = summaries_json(trace, s.layers);
  ordered_json update;  // null without a state
  if (track.kind != StateKind::none) {
    const StateUpdate u = state_update(model, track, channel, view.channel, view.state, scene.cursor);
    update = {{"delta", u.delta}, {"A", u.A}, {"B", u.B},       {"x", u.x},        {"h_prev", u.h_prev},
              {"turn", u.turn},   {"h", u.h}, {"gate", u.gate}, {"write", u.write}};
    arrays.push_back(array("delta", {"token", "channel"}, {T, E}, std::move(track.delta)));
  }
  arrays.push_back(array("gate", {"token", "channel"}, {T, E}, std::move(track.gate)));
  arrays.push_back(array("conv", {"token", "channel"}, {T, E}, std::move(track.conv)));
  arrays.push_back(array("y", {"token", "channel"}, {T, E}, std::move(track.y)));
  if (track.kind != StateKind::none) {
    const bool constant = track.kind == StateKind::per_channel;
    for (auto& [name, values] : {std::pair("B", &track.B), {"C", &track.C}})
      arrays.push_back(
          array(name, {constant ? "channel" : "token", "state"}, {constant ? E : T, N}, std::move(*values)));
    arrays.push_back(array("h_of_channel", {"token", "state"}, {T, N}, std::move(channel)));
    arrays.push_back(array("h", {"channel", "state"}, {E, N}, std::move(h)));
  }
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "model-run"},
          {"model", model.info().name},
          {"layer", view.layer},
          {"channel", view.channel},
          {"state", view.state},
          {"cursor", scene.cursor},
          {"tokens", tokens},
          {"update", update},
          {"arrays", arrays}};
}

}  // namespace

ordered_json compute(const Scene& scene, const std::filesystem::path& base, const std::filesystem::path& assets,
                     std::stop_token stop, const ComputeListener& listener) {
  if (const auto* theatre = std::get_if<TheatreScene>(&scene)) return compute_theatre(*theatre, base, assets, stop);
  if (const auto* profile = std::get_if<ProfileScene>(&scene)) return compute_profile(*profile, base, assets, stop);
  if (const auto* lti = std::get_if<LtiScene>(&scene)) return compute_lti(*lti, base, stop);
  if (const auto* hippo = std::get_if<HippoScene>(&scene)) return compute_hippo(*hippo, base, stop);
  if (const auto* s4 = std::get_if<S4Scene>(&scene)) return compute_s4(*s4, stop);
  if (const auto* selectivity = std::get_if<SelectivityScene>(&scene))
    return compute_selectivity(*selectivity, base, assets, stop);
  if (const auto* training = std::get_if<TrainingScene>(&scene)) return compute_training(*training, stop, listener);
  if (const auto* gated = std::get_if<GatedScene>(&scene)) return compute_gated(*gated, base, stop);
  return compute_model_run(std::get<ModelScene>(scene), base, assets, stop);
}

}  // namespace statescope
