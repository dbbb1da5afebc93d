// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/models/model.h"
#include "engine/models/recorder.h"
#include "engine/run/sampling.h"

namespace statescope {

std::string summary_name(Summary summary);       // "mean_delta", as in scenes
Summary parse_summary(const std::string& name);  // throws Error naming the known ones

/// What is kept of every token.
struct TokenRecord {
  std::int32_t id = 0;
  bool generated = false;                        // sampled by the model, not given in the prompt
  std::shared_ptr<const ResidualStream> stream;  // shared by the tokens that were read at once; this one's is `row`
  std::int64_t row = 0;
  std::vector<LayerSummary> layers;  // [layers]
};

/// The record of a run: everything needed to show any tensor of any layer at any token, in bounded memory.
///
/// The residual stream is kept for all tokens and the recurrent state every `interval` tokens. All that a layer
/// computes is a function of the stream that enters it and of its state, so any tensor comes back, bit for bit, by
/// running that one layer again (`layer_track`), and any h_t by running its scan from the checkpoint before it
/// (`states`). A value: copies share the records, so a snapshot for another thread costs one pointer per token.
struct Trace {
  std::vector<std::shared_ptr<const TokenRecord>> tokens;
  std::vector<std::shared_ptr<const ModelState>> checkpoints;  // checkpoints[j] is the state before token j · interval
  std::int64_t interval = 0;

  std::int64_t length() const { return static_cast<std::int64_t>(tokens.size()); }
  std::vector<std::int32_t> ids() const;
};

/// The residual stream before `layer` of the tokens first, first + 1, ..., [count, d_model]; see ResidualStream.
void copy_stream(const Trace& trace, std::int64_t layer, std::int64_t first, std::int64_t count, std::int64_t d_model,
                 float* out);

/// Logits after each of the tokens [first, last), as [last - first, V].
std::vector<float> logits_of(const Model& model, const Trace& trace, std::int64_t first, std::int64_t last);

/// What the model made of a token. Logits of every token would slow reading down by half, so this is computed for those
/// that somebody looks at, bit for bit as the run would have.
struct Prediction {
  static constexpr int candidates_kept = 12;
  float log_probability = 0;    // of this token before it was read, in nats; 0 for the first of the run
  std::vector<Candidate> next;  // most likely next tokens, most likely first
};
/// Of the tokens [first, last). Throws Cancelled.
std::vector<Prediction> predictions(const Model& model, const Trace& trace, std::int64_t first, std::int64_t last,
                                    std::stop_token stop = {});

/// Everything one layer computed, for all tokens, but its state.
struct LayerTrack {
  std::int64_t layer = 0;
  std::int64_t tokens = 0;                  // T
  std::vector<float> delta, conv, y, gate;  // [T, E]
  std::vector<float> B, C;                  // [T, N]; where they are constants of each channel, [E, N]
  StateKind kind = StateKind::per_token;    // without a state, delta, B and C are empty

  /// The row of B and C that a channel has at a token.
  std::int64_t row(std::int64_t channel, std::int64_t token) const {
    return kind == StateKind::per_channel ? channel : token;
  }
};

/// Recomputes a layer from the trace. With `known`, an older track of the same layer, only what follows it is computed.
/// Throws Cancelled.
LayerTrack layer_track(const Model& model, const Trace& trace, std::int64_t layer, const LayerTrack* known = nullptr,
                       std::stop_token stop = {});

/// The states h after each of the tokens [first, last), as [last - first, E, N].
std::vector<float> states(const Model& model, const Trace& trace, const LayerTrack& track, std::int64_t first,
                          std::int64_t last);

/// The states of one channel after every token, [T, N].
std::vector<float> channel_states(const Model& model, const LayerTrack& track, std::int64_t channel);

/// h = gate · h_prev + write: how one number of the state came about. A conjugate pair turns as it decays: its h_prev
/// is the number that stood before, turned by `turn`.
struct StateUpdate {
  double delta = 0, A = 0, B = 0, x = 0;
  double h_prev = 0, h = 0;
  double turn = 0;   // Δ·Im A, radians
  double gate = 0;   // exp(Δ·A), what is kept
  double write = 0;  // Δ·B·x, what is added
};
/// `states_of_channel` is what channel_states returned for this track and channel. There must be a state.
StateUpdate state_update(const Model& model, const LayerTrack& track, std::span<const float> states_of_channel,
                         std::int64_t channel, std::int64_t state, std::int64_t token);

}  // namespace statescope
