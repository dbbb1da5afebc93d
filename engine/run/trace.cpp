// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/trace.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/run/readings.h"

namespace statescope {
namespace {

constexpr std::int64_t chunk_tokens = 256;                      // between two looks at the stop token
constexpr std::int64_t logits_at_once = std::int64_t{4} << 20;  // floats

// B or C of the tokens [begin, end); constants of channels the model knows itself.
MatrixView<const float> rows_of(const LayerTrack& track, const std::vector<float>& values, std::int64_t begin,
                                std::int64_t end, std::int64_t N) {
  if (track.kind != StateKind::per_token) return {};
  return {values.data() + begin * N, end - begin, N};
}

}  // namespace

std::string summary_name(Summary summary) {
  switch (summary) {
    case Summary::mean_delta:
      return "mean_delta";
    case Summary::state_norm:
      return "state_norm";
    case Summary::update_norm:
      return "update_norm";
    case Summary::residual_norm:
      break;
  }
  return "residual_norm";
}

Summary parse_summary(const std::string& name) {
  std::string known;
  for (const Summary summary : all_summaries) {
    if (summary_name(summary) == name) return summary;
    known += (known.empty() ? "" : ", ") + summary_name(summary);
  }
  throw Error("unknown summary " + in_quotes(name) + "; known are " + known);
}

std::vector<std::int32_t> Trace::ids() const {
  std::vector<std::int32_t> out;
  for (const auto& token : tokens) out.push_back(token->id);
  return out;
}

void copy_stream(const Trace& trace, std::int64_t layer, std::int64_t first, std::int64_t count, std::int64_t d_model,
                 float* out) {
  const auto token = [&](std::int64_t t) -> const TokenRecord& { return *trace.tokens[static_cast<std::size_t>(t)]; };
  // As many rows at once as one stream holds in a row.
  for (std::int64_t t = first, next = first; t < first + count; t = next) {
    const TokenRecord& begin = token(t);
    do ++next;
    while (next < first + count && token(next).stream == begin.stream && token(next).row == begin.row + next - t);
    begin.stream->copy(layer, begin.row, next - t, out + (t - first) * d_model);
  }
}

std::vector<float> logits_of(const Model& model, const Trace& trace, std::int64_t first, std::int64_t last) {
  const ModelSizes& s = model.info().sizes;
  std::vector<float> stream(static_cast<std::size_t>((last - first) * s.d_model)),
      logits(static_cast<std::size_t>((last - first) * s.vocab));
  copy_stream(trace, s.layers, first, last - first, s.d_model, stream.data());
  model.logits({stream.data(), last - first, s.d_model}, {logits.data(), last - first, s.vocab});
  return logits;
}

std::vector<Prediction> predictions(const Model& model, const Trace& trace, std::int64_t first, std::int64_t last,
                                    std::stop_token stop) {
  const std::int64_t V = model.info().sizes.vocab;
  std::vector<Prediction> out(static_cast<std::size_t>(last - first));
  // The logits after token t are what its candidates and the probability of token t + 1 come from.
  const std::int64_t chunk = std::clamp<std::int64_t>(logits_at_once / V, 1, chunk_tokens);
  for (std::int64_t begin = std::max<std::int64_t>(first - 1, 0); begin < last; begin += chunk) {
    if (stop.stop_requested()) throw Cancelled();
    const std::int64_t end = std::min(begin + chunk, last);
    const std::vector<float> logits = logits_of(model, trace, begin, end);
    for (std::int64_t t = begin; t < end; ++t) {
      const std::span<const float> row =
          std::span(logits).subspan(static_cast<std::size_t>((t - begin) * V), static_cast<std::size_t>(V));
      const double log_total = log_sum_exp(row);
      if (t >= first)
        out[static_cast<std::size_t>(t - first)].next = top_candidates(row, Prediction::candidates_kept, log_total);
      if (t + 1 < last) {
        const std::int32_t id = trace.tokens[static_cast<std::size_t>(t + 1)]->id;
        out[static_cast<std::size_t>(t + 1 - first)].log_probability =
            static_cast<float>(row[static_cast<std::size_t>(id)] - log_total);
      }
    }
  }
  return out;
}

LayerTrack layer_track(const Model& model, const Trace& trace, std::int64_t layer, const LayerTrack* known,
                       std::stop_token stop) {
  const ModelSizes& s = model.info().sizes;
  const StateKind kind = model.info().state_kind;
  const std::int64_t T = trace.length();
  LayerTrack track;
  std::int64_t position = 0;  // first token to compute
  LayerState state;
  if (known && known->layer == layer && known->tokens > 0 && known->tokens <= T) {
    track = *known;
    // From the checkpoint before the first new token; the tokens in between are computed again, to the same bits.
    position = std::min(known->tokens, T - 1) / trace.interval * trace.interval;
  }
  track.layer = layer;
  track.tokens = T;
  track.kind = kind;
  for (auto* values : {&track.conv, &track.y, &track.gate}) values->resize(static_cast<std::size_t>(T * s.d_inner));
  if (kind != StateKind::none) track.delta.resize(track.y.size());
  const std::int64_t constants = kind == StateKind::per_channel ? s.d_inner : T;
  for (auto* values : {&track.B, &track.C}) values->resize(static_cast<std::size_t>(constants * s.d_state));
  if (T == 0) return track;
  state =
      trace.checkpoints[static_cast<std::size_t>(position / trace.interval)]->layers[static_cast<std::size_t>(layer)];

  while (position < T) {
    if (stop.stop_requested()) throw Cancelled();
    const std::int64_t count = std::min(chunk_tokens, T - position);
    std::vector<float> stream(static_cast<std::size_t>(count * s.d_model));
    copy_stream(trace, layer, position, count, s.d_model, stream.data());
    const auto rows = [&](std::vector<float>& values, std::int64_t width) {
      return MatrixView<float>(values.data() + position * width, count, width);
    };
    LayerTap tap;
    if (kind != StateKind::none) tap.delta = rows(track.delta, s.d_inner);
    tap.conv = rows(track.conv, s.d_inner);
    tap.y = rows(track.y, s.d_inner);
    tap.gate = rows(track.gate, s.d_inner);
    if (kind == StateKind::per_token) {
      tap.B = rows(track.B, s.d_state);
      tap.C = rows(track.C, s.d_state);
    } else if (kind == StateKind::per_channel) {
      tap.B = {track.B.data(), s.d_inner, s.d_state};
      tap.C = {track.C.data(), s.d_inner, s.d_state};
    }
    model.run_layer(layer, {stream.data(), count, s.d_model}, state, tap);
    position += count;
  }
  return track;
}

std::vector<float> states(const Model& model, const Trace& trace, const LayerTrack& track, std::int64_t first,
                          std::int64_t last) {
  const ModelSizes& s = model.info().sizes;
  const std::int64_t E = s.d_inner, N = s.d_state;
  if (track.kind == StateKind::none) return {};
  const std::int64_t start = first / trace.interval * trace.interval;
  std::vector<float> h = trace.checkpoints[static_cast<std::size_t>(start / trace.interval)]
                             ->layers[static_cast<std::size_t>(track.layer)]
                             .h;
  std::vector<float> h_all(static_cast<std::size_t>((last - first) * E * N));
  std::vector<float> y(static_cast<std::size_t>(std::max(first - start, last - first) * E));
  const auto scan = [&](std::int64_t begin, std::int64_t end, float* out) {
    const auto wide = [&](const std::vector<float>& v) {
      return MatrixView<const float>(v.data() + begin * E, end - begin, E);
    };
    model.scan(track.layer, 0,
               {.x = wide(track.conv),
                .delta = wide(track.delta),
                .A = {},
                .B = rows_of(track, track.B, begin, end, N),
                .C = rows_of(track, track.C, begin, end, N),
                .h = {h.data(), N, E},
                .y = {y.data(), end - begin, E},
                .h_all = out});
  };
  scan(start, first, nullptr);
  scan(first, last, h_all.data());
  return h_all;
}

std::vector<float> channel_states(const Model& model, const LayerTrack& track, std::int64_t channel) {
  const ModelSizes& s = model.info().sizes;
  const std::int64_t T = track.tokens, E = s.d_inner, N = s.d_state;
  if (track.kind == StateKind::none) return {};
  const auto column = [&](const std::vector<float>& v) {
    return MatrixView<const float>(v.data(), T, E).columns(channel, 1);
  };
  std::vector<float> h(static_cast<std::size_t>(N)), y(static_cast<std::size_t>(T)),
      h_all(static_cast<std::size_t>(T * N));
  model.scan(track.layer, channel,
             {.x = column(track.conv),
              .delta = column(track.delta),
              .A = {},
              .B = rows_of(track, track.B, 0, T, N),
              .C = rows_of(track, track.C, 0, T, N),
              .h = {h.data(), N, 1},
              .y = {y.data(), T, 1},
              .h_all = h_all.data()});
  return h_all;
}

StateUpdate state_update(const Model& model, const LayerTrack& track, std::span<const float> states_of_channel,
                         std::int64_t channel, std::int64_t state, std::int64_t token) {
  const ModelSizes& s = model.info().sizes;
  const auto wide = [&](const std::vector<float>& v) {
    return v[static_cast<std::size_t>(token * s.d_inner + channel)];
  };
  const auto at = [&](std::int64_t t, std::int64_t n) { return static_cast<std::size_t>(t * s.d_state + n); };
  StateUpdate update;
  update.delta = wide(track.delta);
  update.x = wide(track.conv);
  update.A = model.A(track.layer)(state, channel);
  update.B = track.B[static_cast<std::size_t>(track.row(channel, token) * s.d_state + state)];
  const auto before = [&](std::int64_t n) {
    return token > 0 ? static_cast<double>(states_of_channel[at(token - 1, n)]) : 0;
  };
  update.h_prev = before(state);
  if (const MatrixView<const float> A_imag = model.A_imag(track.layer); A_imag.rows > 0) {
    const std::int64_t pairs = A_imag.rows, pair = state % pairs;
    update.turn = update.delta * A_imag(pair, channel);
    const double real = before(pair), imag = before(pair + pairs);
    update.h_prev = state < pairs ? std::cos(update.turn) * real - std::sin(update.turn) * imag
                                  : std::sin(update.turn) * real + std::cos(update.turn) * imag;
  }
  update.h = states_of_channel[at(token, state)];
  update.gate = std::exp(update.delta * update.A);
  update.write = write(track, s, channel, state, token);
  return update;
}

}  // namespace statescope
