// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/profile/theatre.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/run/session.h"
#include "kinds.h"

namespace statescope {
namespace {

using kernels::ScanPlace;
using nlohmann::ordered_json;

ordered_json pair_json(const ScanPair& pair) {
  return ordered_json::array({pair.a, pair.b});
}

ordered_json pairs_json(const std::vector<ScanPair>& pairs) {
  ordered_json list = ordered_json::array();
  for (const ScanPair& pair : pairs) list.push_back(pair_json(pair));
  return list;
}

ordered_json place_json(const ScanPlace& place, const ScanPair& value, bool travels) {
  if (place.array == ScanArray::none) return nullptr;
  return {
      {"row", theatre_row_name(place.array)}, {"place", place.index}, {"pair", pair_json(value)}, {"travels", travels}};
}

const char* operation_name(kernels::ScanOperation operation) {
  switch (operation) {
    case kernels::ScanOperation::copy:
      return "copy";
    case kernels::ScanOperation::combine:
      return "combine";
    case kernels::ScanOperation::descend:
      return "descend";
  }
  return "";
}

ordered_json step_json(const TheatreStep& step) {
  ordered_json moves = ordered_json::array();
  for (const TheatreMove& move : step.moves)
    moves.push_back({{"operation", operation_name(move.step.operation)},
                     {"task", move.step.task},
                     {"earlier", place_json(move.step.left, move.step.left_value, move.left_travels)},
                     {"later", place_json(move.step.right, move.step.right_value, move.right_travels)},
                     {"into", place_json(move.step.into, move.step.result, move.result_travels)}});
  ordered_json rows = ordered_json::array();
  for (const TheatreRow& row : step.rows)
    rows.push_back({{"name", theatre_row_name(row.array)}, {"pairs", pairs_json(row.places)}, {"filled", row.filled}});
  return {{"title", step.title},
          {"sentence", step.sentence},
          {"pass", step.pass},
          {"bytes_read", step.bytes_read},
          {"bytes_written", step.bytes_written},
          {"moves", moves},
          {"rows", rows}};
}

}  // namespace

TheatreSource theatre_source(const TheatreRun& run, const std::filesystem::path& base,
                             const std::filesystem::path& assets, std::stop_token stop) {
  if (!run.pairs.empty()) return {run.pairs, run.h0};
  const LoadedModel loaded = load_with_tokenizer(resolve_model(run.model, base, assets));
  const std::int64_t layers = loaded.model->info().sizes.layers;
  if (run.layer >= layers)
    throw Error("the theatre's layer " + std::to_string(run.layer) + " is outside 0 to " + std::to_string(layers - 1));
  ModelRun reading;
  reading.prompt = run.prompt;
  reading.prompt_ids = run.prompt_ids;
  Session session(loaded.model);
  session.append(prompt_ids(reading, loaded), false, stop);
  const LayerTrack track = layer_track(*loaded.model, session.trace(), run.layer, nullptr, stop);
  const std::int64_t length = run.first < track.tokens ? std::min(run.length, track.tokens - run.first) : run.length;
  return theatre_source(*loaded.model, track, run.channel, run.state, run.first, length);
}

ordered_json compute_theatre(const TheatreScene& scene, const std::filesystem::path& base,
                             const std::filesystem::path& assets, std::stop_token stop) {
  const TheatreSource source = theatre_source(scene.run, base, assets, stop);
  const Theatre theatre = scan_theatre(scene.run.algorithm, source.pairs, source.h0, scene.run.chunk);
  ordered_json steps = ordered_json::array();
  for (const TheatreStep& step : theatre.steps) steps.push_back(step_json(step));
  const kernels::ScanWork& work = theatre.work;
  return {{"format", "statescope-result"},
          {"version", 1},
          {"kind", "scan-theatre"},
          {"algorithm", scan_algorithm_id(theatre.algorithm)},
          {"chunk", theatre.chunk},
          {"h0", theatre.h0},
          {"cursor", std::min(scene.cursor, std::ssize(theatre.steps))},
          {"pairs", pairs_json(theatre.input)},
          {"states", theatre.states},
          {"combines", work.combines},
          {"rounds", work.depth},
          {"passes", work.passes},
          {"bytes_read", work.bytes_read},
          {"bytes_written", work.bytes_written},
          {"sentence", theatre.sentence},
          {"steps", steps}};
}

}  // namespace statescope
