// SPDX-License-Identifier: GPL-3.0-or-later
// What MambaCuda does from start to end: reading with and without a record, one layer, logits.
#include <algorithm>

#include "device_zones.h"
#include "engine/error.h"
#include "engine/profile/work.h"
#include "kernels/cuda_error.h"
#include "mamba_cuda.h"
#include "state_travel.h"

namespace statescope {
namespace {

using kernels::padded;

// Tokens at once where they are recorded, and where every state of them is.
constexpr std::int64_t most_recorded_tokens = 512, most_tokens_with_states = 64;
constexpr std::int64_t chunk_bytes = std::int64_t{1} << 30;
// The stream of fewer tokens is sooner brought over than kept.
constexpr std::int64_t worth_keeping = 64;

// Leaves what a layer computes in the views of a tap.
class TapRecorder final : public Recorder {
 public:
  TapRecorder(const LayerTap& tap, std::int64_t d_inner, std::int64_t d_state) : tap_(tap), E_(d_inner), N_(d_state) {}
  bool wants(Quantity quantity, std::int64_t) const override {
    return quantity == Quantity::h ? tap_.h_all != nullptr : static_cast<bool>(view(quantity));
  }
  void record(Quantity quantity, std::int64_t, std::int64_t first, MatrixView<const float> rows) override {
    const auto row = [&](std::int64_t t) {
      return quantity == Quantity::h ? tap_.h_all + t * E_ * N_ : view(quantity).row(t);
    };
    for (std::int64_t t = 0; t < rows.rows; ++t) std::copy_n(rows.row(t), rows.cols, row(first + t));
  }
  std::int64_t snapshot_interval() const override { return tap_.snapshot_interval; }
  void record_snapshot(std::int64_t, std::int64_t, LayerState state) override {
    tap_.snapshots->push_back(std::move(state));
  }

 private:
  MatrixView<float> view(Quantity quantity) const {
    switch (quantity) {
      case Quantity::delta:
        return tap_.delta;
      case Quantity::B:
        return tap_.B;
      case Quantity::C:
        return tap_.C;
      case Quantity::conv:
        return tap_.conv;
      case Quantity::y:
        return tap_.y;
      case Quantity::gate:
        return tap_.gate;
      case Quantity::state_squares:
        return tap_.state_squares;
      default:
        return {};
    }
  }
  const LayerTap& tap_;
  std::int64_t E_, N_;
};

}  // namespace

std::int64_t MambaCuda::enqueue_prompt(std::span<const std::int32_t> ids, DeviceZones& zones,
                                       const std::stop_token& stop) const {
  const std::int64_t total = std::ssize(ids), chunk = chunk_tokens(nullptr, false);
  ensure_workspace(std::min(chunk, total), false);
  DeviceRecording nothing(*cuda_, recording_memory_, nullptr);
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < total; first += chunk) {
    count = std::min(chunk, total - first);
    enqueue_chunk(ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), first, total, 0,
                  nothing, zones, stop);
  }
  return count - 1;
}

std::int64_t MambaCuda::chunk_tokens(const Recorder* recorder, bool kept) const {
  const ModelSizes& s = layout_.info.sizes;
  std::int64_t most = recorder && !kept ? most_recorded_tokens : most_tokens;
  for (std::int64_t layer = 0; recorder && layer < s.layers; ++layer)
    if (recorder->wants(Quantity::h, layer)) most = most_tokens_with_states;
  std::int64_t chunk = std::clamp<std::int64_t>(chunk_bytes / activation_bytes(1), 1, most);
  const std::int64_t interval = recorder ? recorder->snapshot_interval() : 0;
  if (interval > 0) chunk = std::max<std::int64_t>(chunk / interval, 1) * interval;
  return chunk;
}

// A stream that stays on the device until somebody asks for rows of it.
class MambaCuda::Stream final : public ResidualStream {
 public:
  Stream(std::shared_ptr<const MambaCuda> model, KeptOnDevice kept_there)
      : kept(std::move(kept_there)), model_(std::move(model)) {}
  ~Stream() override {
    give_numbers_back();
    model_->stream_memory_.give_back(std::move(kept.stream));
  }
  void give_numbers_back() { model_->stream_memory_.give_back(std::move(kept.numbers)); }
  void copy(std::int64_t layer, std::int64_t first, std::int64_t count, float* out) const override {
    const std::scoped_lock lock(model_->mutex_);
    model_->cuda_->copy_to_host(out, kept.rows(layer, first, count).data, count * kept.d_model * 4);
    model_->cuda_->wait();
  }

  KeptOnDevice kept;

 private:
  std::shared_ptr<const MambaCuda> model_;
};

std::shared_ptr<MambaCuda::Stream> MambaCuda::keep(std::int64_t tokens, std::int64_t interval) const {
  const ModelSizes& s = layout_.info.sizes;
  KeptOnDevice kept;
  kept.layers = s.layers, kept.tokens = tokens, kept.d_model = s.d_model;
  kept.interval = interval < tokens ? interval : 0;
  kept.history_size = (s.d_conv - 1) * s.d_inner;
  kept.state_size = kept.history_size + s.d_state * s.d_inner;
  try {
    kept.stream = stream_memory_.take(*cuda_, kept.stream_bytes());
    kept.numbers = stream_memory_.take(*cuda_, kept.numbers_bytes());
  } catch (const kernels::CudaOutOfMemory&) {
    return nullptr;
  }
  if (numbers_.bytes() < kept.numbers_bytes()) numbers_ = cuda_->allocate_pinned(kept.numbers_bytes());
  return std::make_shared<Stream>(shared_from_this(), std::move(kept));
}

void MambaCuda::read(std::span<const std::int32_t> ids, ModelState& state, Recorder* recorder,
                     std::stop_token stop) const {
  if (!ids.empty()) read(ids, state, state, recorder, stop);
}

ModelState MambaCuda::read_from(const ModelState& state, std::span<const std::int32_t> ids, Recorder* recorder,
                                std::stop_token stop) const {
  if (ids.empty()) return state;
  ModelState after{std::vector<LayerState>(state.layers.size())};
  read(ids, state, after, recorder, stop);
  return after;
}

void MambaCuda::read(std::span<const std::int32_t> ids, const ModelState& before, ModelState& after, Recorder* recorder,
                     const std::stop_token& stop) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::scoped_lock lock(mutex_);
  const std::int64_t total = std::ssize(ids);
  const std::int64_t interval = recorder ? recorder->snapshot_interval() : 0;
  const auto wants = [&](Quantity quantity) {
    bool any = false;
    for (std::int64_t layer = 0; recorder && layer < s.layers; ++layer) any |= recorder->wants(quantity, layer);
    return any;
  };
  cuda_->wait();  // the pinned memory may still be on its way from a run that was cancelled
  std::shared_ptr<Stream> stream;
  if (recorder && recorder->accepts_kept() && total >= worth_keeping && !wants(Quantity::h))
    stream = keep(total, interval);
  const KeptOnDevice* kept = stream ? &stream->kept : nullptr;
  const std::int64_t chunk = chunk_tokens(recorder, kept != nullptr);
  ensure_workspace(std::min(chunk, total), !kept && wants(Quantity::state_squares), kept != nullptr);
  ensure_state();
  DeviceZones zones(*cuda_);
  DeviceRecording recording(*cuda_, recording_memory_, recorder, kept);

  StateTravel states(*this, before, after, kept);
  std::vector<kernels::CudaBackend::Fence> summarised;  // the summaries of each chunk are on the host
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < total; first += chunk) {
    count = std::min(chunk, total - first);
    LayerHooks hooks;
    if (first == 0) hooks.before = [&](std::int64_t layer) { states.bring(layer); };
    hooks.after = [&](std::int64_t layer) { states.send(layer, first, count, first + count == total); };
    enqueue_chunk(ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), first, total,
                  kept ? 0 : interval, recording, zones, stop, hooks);
    if (!kept) continue;
    const std::int64_t at = kept->summaries_at(first);
    summarised.push_back(
        cuda_->copy_to_host_aside(numbers_.data(at), kept->numbers.data(at), kept->summaries_at(count), cuda_->mark()));
  }
  const bool last_logits = recorder && recorder->wants_last_logits();
  if (last_logits) {
    if (!last_logits_) last_logits_ = cuda_->allocate_pinned(s.vocab * 4);
    enqueue_logits(count - 1, 1, workspace_.logits.as<float>(), zones);
    cuda_->copy_to_host(last_logits_.data(), workspace_.logits.data, s.vocab * 4);
  }

  // The device has everything to do. What was recorded on the way comes before the last states.
  if (recorder) recorder->prepare();
  std::vector<float> logits(static_cast<std::size_t>(last_logits ? s.vocab : 0));
  recording.finish();
  for (std::size_t i = 0; i < summarised.size(); ++i) {
    const std::int64_t first = static_cast<std::int64_t>(i) * chunk, tokens = std::min(chunk, total - first);
    cuda_->wait(summarised[i]);
    recorder->record_kept(
        first, tokens, stream,
        {numbers_.as<const LayerSummary>(kept->summaries_at(first)), static_cast<std::size_t>(tokens * s.layers)});
  }
  cuda_->wait();
  states.finish();
  if (kept) {
    states.record(*recorder);
    stream->give_numbers_back();
  }
  if (last_logits) {
    std::copy_n(last_logits_.as<const float>(), s.vocab, logits.begin());
    recorder->record_last_logits(std::move(logits));
  }
  zones.resolve();
}

std::vector<float> MambaCuda::read_last(std::span<const std::int32_t> ids, ModelState& state,
                                        std::stop_token stop) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::scoped_lock lock(mutex_);
  upload(state);
  DeviceZones zones(*cuda_);
  const std::int64_t last = enqueue_prompt(ids, zones, stop);
  enqueue_logits(last, 1, workspace_.logits.as<float>(), zones);
  std::vector<float> logits(static_cast<std::size_t>(s.vocab));
  cuda_->copy_to_host(logits.data(), workspace_.logits.data, s.vocab * 4);
  download(state);
  zones.resolve();
  return logits;
}

void MambaCuda::embed(std::span<const std::int32_t> ids, MatrixView<float> residual) const {
  if (ids.empty()) return;
  const ModelSizes& s = layout_.info.sizes;
  const std::scoped_lock lock(mutex_);
  ensure_workspace(std::ssize(ids), false);
  enqueue_ids(ids);
  std::vector<float> rows(static_cast<std::size_t>(std::ssize(ids) * padded(s.d_model)));
  cuda_->copy_to_host(rows.data(), workspace_.residual.data, static_cast<std::int64_t>(rows.size()) * 4);
  cuda_->wait();
  for (std::int64_t t = 0; t < residual.rows; ++t)
    std::copy_n(rows.begin() + t * padded(s.d_model), s.d_model, residual.row(t));
}

void MambaCuda::run_layer(std::int64_t layer, MatrixView<float> residual, LayerState& state,
                          const LayerTap& tap) const {
  if (residual.rows == 0) return;
  const ModelSizes& s = layout_.info.sizes;
  const std::scoped_lock lock(mutex_);
  const std::int64_t T = residual.rows;
  ensure_workspace(T, static_cast<bool>(tap.state_squares));
  ensure_state();
  cuda_->wait();
  upload_residual(residual);
  pack(layer, state);
  push(layer, 1);
  TapRecorder recorder(tap, s.d_inner, s.d_state);
  DeviceZones zones(*cuda_);
  DeviceRecording recording(*cuda_, recording_memory_, &recorder);
  enqueue_layer(layer, T, 0, T, tap.snapshots ? tap.snapshot_interval : 0, recording, zones);
  state_.current = 1 - state_.current;
  recording.finish();
  const auto pulled = pull(layer, 1, state_.current);
  std::vector<float> rows(static_cast<std::size_t>(T * padded(s.d_model)));
  cuda_->copy_to_host(rows.data(), workspace_.residual.data, static_cast<std::int64_t>(rows.size()) * 4);
  cuda_->wait();
  for (std::int64_t t = 0; t < T; ++t) std::copy_n(rows.begin() + t * padded(s.d_model), s.d_model, residual.row(t));
  cuda_->wait(pulled);
  unpack(layer, state);
  zones.resolve();
}

void MambaCuda::logits(MatrixView<const float> residual, MatrixView<float> logits) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::scoped_lock lock(mutex_);
  ensure_workspace(std::min(residual.rows, logits_rows), false);
  DeviceZones zones(*cuda_);
  for (std::int64_t from = 0; from < residual.rows; from += logits_rows) {
    const std::int64_t rows = std::min(logits_rows, residual.rows - from);
    upload_residual(residual.row_range(from, rows));
    enqueue_logits(0, rows, workspace_.logits.as<float>(), zones);
    std::vector<float> values(static_cast<std::size_t>(rows * s.vocab));
    cuda_->copy_to_host(values.data(), workspace_.logits.data, static_cast<std::int64_t>(values.size()) * 4);
    cuda_->wait();
    for (std::int64_t t = 0; t < rows; ++t) std::copy_n(values.begin() + t * s.vocab, s.vocab, logits.row(from + t));
  }
  zones.resolve();
}

}  // namespace statescope
