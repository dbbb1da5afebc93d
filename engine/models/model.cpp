// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/model.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/error.h"
#include "engine/io/utf8.h"
#include "engine/models/decoder.h"
#include "engine/models/grid.h"
#include "engine/models/mamba.h"
#include "engine/profile/device.h"
#include "scratch_memory.h"

namespace statescope {
namespace {

// Tokens read at once: enough to reuse every weight many times; fewer where a token needs much, so that a model with a
// huge vocabulary or state does not ask for more memory than its weights suggest.
constexpr std::int64_t chunk_tokens = 512;
constexpr std::int64_t chunk_tokens_with_states = 64;
constexpr std::int64_t chunk_bytes = std::int64_t{256} << 20;

std::int64_t tokens_at_once(const ModelSizes& s, bool states_wanted, bool logits_wanted) {
  const std::int64_t layer = 16 * s.d_inner + 8 * s.d_state + 2 * s.dt_rank + 4 * s.d_model;
  const std::int64_t floats = layer + (states_wanted ? s.d_inner * s.d_state : 0) + (logits_wanted ? s.vocab : 0);
  return std::clamp<std::int64_t>(chunk_bytes / (floats * static_cast<std::int64_t>(sizeof(float))), 1,
                                  states_wanted ? chunk_tokens_with_states : chunk_tokens);
}

// What the recorder wants of one layer after the other, in memory that the next one uses again.
class LayerRecording {
 public:
  LayerRecording(Recorder* recorder, const ModelInfo& info) : recorder_(recorder), info_(info) {}

  /// Where a layer leaves what is wanted of `tokens` tokens.
  LayerTap tap(std::int64_t layer, std::int64_t tokens) {
    LayerTap tap;
    wanted_.clear();
    if (!recorder_) return tap;
    const ModelSizes& sizes = info_.sizes;
    const auto wanted = [&](Quantity quantity, std::int64_t width) {
      if (!computes(info_, quantity) || !recorder_->wants(quantity, layer)) return MatrixView<float>();
      ScratchMemory& memory = memory_[quantity];
      const std::int64_t floats = tokens * ScratchMemory::stride(width);
      if (memory.size() < floats) memory = ScratchMemory(floats);
      memory.give_back_all();
      MatrixView<float> rows = memory.matrix(tokens, width);
      if (quantity == Quantity::h) rows.stride = width;  // a tap has no room between states
      wanted_.emplace_back(quantity, rows);
      return rows;
    };
    tap.delta = wanted(Quantity::delta, sizes.d_inner);
    tap.B = wanted(Quantity::B, sizes.d_state);
    tap.C = wanted(Quantity::C, sizes.d_state);
    tap.conv = wanted(Quantity::conv, sizes.d_inner);
    tap.y = wanted(Quantity::y, sizes.d_inner);
    tap.gate = wanted(Quantity::gate, sizes.d_inner);
    tap.h_all = wanted(Quantity::h, sizes.d_inner * sizes.d_state).data;
    tap.state_squares = wanted(Quantity::state_squares, sizes.d_inner);
    tap.snapshot_interval = recorder_->snapshot_interval();
    if (tap.snapshot_interval > 0) tap.snapshots = &snapshots_;
    return tap;
  }

  void deliver(std::int64_t layer, std::int64_t first) {
    for (const auto& [quantity, rows] : wanted_) recorder_->record(quantity, layer, first, rows);
    for (LayerState& state : snapshots_)
      recorder_->record_snapshot(layer, first += recorder_->snapshot_interval(), std::move(state));
    snapshots_.clear();
  }

 private:
  Recorder* recorder_;
  const ModelInfo& info_;
  std::map<Quantity, ScratchMemory> memory_;
  std::vector<std::pair<Quantity, MatrixView<const float>>> wanted_;
  std::vector<LayerState> snapshots_;
};

// Keeps the residual stream behind the last layer, of the last token alone.
class LastRow final : public Recorder {
 public:
  explicit LastRow(const ModelSizes& sizes) : sizes_(sizes) {}
  bool wants(Quantity quantity, std::int64_t layer) const override {
    return quantity == Quantity::hidden && layer == sizes_.layers;
  }
  void record(Quantity, std::int64_t, std::int64_t, MatrixView<const float> rows) override {
    row_.assign(rows.row(rows.rows - 1), rows.row(rows.rows - 1) + rows.cols);
  }
  MatrixView<const float> row() const { return {row_.data(), 1, sizes_.d_model}; }

 private:
  ModelSizes sizes_;
  std::vector<float> row_;
};

}  // namespace

std::int64_t ModelState::bytes() const {
  std::size_t floats = 0;
  for (const LayerState& layer : layers) floats += layer.conv.size() + layer.h.size();
  return static_cast<std::int64_t>(floats * sizeof(float));
}

bool computes(const ModelInfo& info, Quantity quantity) {
  switch (quantity) {
    case Quantity::B:
    case Quantity::C:
      return info.state_kind == StateKind::per_token;
    case Quantity::delta:
    case Quantity::h:
    case Quantity::state_squares:
      return info.state_kind != StateKind::none;
    default:
      return true;
  }
}

void check_ids(std::span<const std::int32_t> ids, std::int64_t vocab) {
  for (std::size_t t = 0; t < ids.size(); ++t)
    if (ids[t] < 0 || ids[t] >= vocab)
      throw Error("token id " + std::to_string(ids[t]) + " at position " + std::to_string(t) +
                  " is outside the vocabulary of " + std::to_string(vocab));
}

void run(const Model& model, std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder,
         std::stop_token stop) {
  check_ids(ids, model.info().sizes.vocab);
  model.read(ids, state, recorder, stop);
}

ModelState run_from(const Model& model, const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                    std::stop_token stop) {
  check_ids(ids, model.info().sizes.vocab);
  return model.read_from(state, ids, recorder, stop);
}

std::vector<float> read_for_logits(const Model& model, std::span<const std::int32_t> ids, ModelState& state,
                                   std::stop_token stop) {
  check_ids(ids, model.info().sizes.vocab);
  return model.read_last(ids, state, stop);
}

void Model::read(std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder, std::stop_token stop) const {
  const Model& model = *this;
  const ModelSizes& sizes = info().sizes;
  const auto wants = [&](Quantity quantity, std::int64_t layer) {
    return recorder && recorder->wants(quantity, layer);
  };
  bool states_wanted = false;
  for (std::int64_t layer = 0; layer < sizes.layers; ++layer) states_wanted |= wants(Quantity::h, layer);
  std::int64_t chunk = tokens_at_once(sizes, states_wanted, wants(Quantity::logits, 0));
  const std::int64_t interval = recorder ? recorder->snapshot_interval() : 0;
  if (interval > 0) chunk = std::max(chunk / interval, std::int64_t{1}) * interval;  // snapshots count from its start

  LayerRecording recording(recorder, info());
  const auto total = static_cast<std::int64_t>(ids.size());
  for (std::int64_t first = 0; first < total; first += chunk) {
    const std::int64_t tokens = std::min(chunk, total - first);
    std::vector<float> stream(static_cast<std::size_t>(tokens * sizes.d_model));
    const MatrixView<float> residual(stream.data(), tokens, sizes.d_model);
    model.embed(ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(tokens)), residual);
    for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
      if (stop.stop_requested()) throw Cancelled();
      if (wants(Quantity::hidden, layer)) recorder->record(Quantity::hidden, layer, first, residual);
      LayerState& layer_state = state.layers[static_cast<std::size_t>(layer)];
      model.run_layer(layer, residual, layer_state, recording.tap(layer, tokens));
      if (!recorder) continue;
      recording.deliver(layer, first);
      if (interval > 0 && first + tokens < total) recorder->record_snapshot(layer, first + tokens, layer_state);
    }
    if (wants(Quantity::hidden, sizes.layers)) recorder->record(Quantity::hidden, sizes.layers, first, residual);
    if (wants(Quantity::logits, 0)) {
      std::vector<float> values(static_cast<std::size_t>(tokens * sizes.vocab));
      const MatrixView<float> logits(values.data(), tokens, sizes.vocab);
      model.logits(residual, logits);
      recorder->record(Quantity::logits, 0, first, logits);
    }
    if (recorder && recorder->wants_last_logits() && first + tokens == total) {
      std::vector<float> last(static_cast<std::size_t>(sizes.vocab));
      model.logits(residual.row_range(tokens - 1, 1), {last.data(), 1, sizes.vocab});
      recorder->record_last_logits(std::move(last));
    }
  }
}

ModelState Model::read_from(const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                            std::stop_token stop) const {
  ModelState after = state;
  read(ids, after, recorder, stop);
  return after;
}

std::vector<float> Model::read_last(std::span<const std::int32_t> ids, ModelState& state, std::stop_token stop) const {
  LastRow last(info().sizes);
  read(ids, state, &last, stop);
  std::vector<float> values(static_cast<std::size_t>(info().sizes.vocab));
  logits(last.row(), {values.data(), 1, info().sizes.vocab});
  return values;
}

void Model::scan(std::int64_t layer, std::int64_t channel, kernels::SelectiveScanArgs<float> scan) const {
  scan.A = A(layer).columns(channel, scan.x.cols);
  scan.D = D(layer) + channel;
  backend().selective_scan(scan);
}

std::unique_ptr<Decoder> Model::device_decoder(const ModelState&, std::int64_t) const {
  return nullptr;
}

ModelInfo inspect_checkpoint(const Checkpoint& checkpoint) {
  if (is_grid(checkpoint)) return inspect_grid(checkpoint);
  if (is_mamba(checkpoint)) return inspect_mamba(checkpoint).info;
  std::string family;
  if (const auto type = checkpoint.config().find("model_type"); type != checkpoint.config().end() && type->is_string())
    family = " of type " + in_quotes(type->get<std::string>());
  throw Error(checkpoint.folder().string() + " holds a model" + family +
              " whose tensors are not those of Mamba-1, the family this version runs; open a Mamba-1 checkpoint");
}

std::shared_ptr<const Model> load_model(const Checkpoint& checkpoint, Precision precision, int threads,
                                        const std::string& device) {
  const std::optional<int> index = cuda_index(device);
  inspect_checkpoint(checkpoint);
  if (is_grid(checkpoint)) return load_grid(checkpoint, threads);
  return index ? load_mamba_cuda(checkpoint, precision, threads, *index) : load_mamba(checkpoint, precision, threads);
}

std::shared_ptr<const Model> load_model(const std::filesystem::path& path, Precision precision, int threads,
                                        const std::string& device) {
  return load_model(Checkpoint::open(path), precision, threads, device);
}

}  // namespace statescope
