// SPDX-License-Identifier: GPL-3.0-or-later
#include "mamba_cuda.h"

#include <algorithm>
#include <cmath>

#include "device_zones.h"
#include "engine/error.h"
#include "engine/models/precision.h"
#include "engine/profile/work.h"
#include "kernels/linear.h"

namespace statescope {
namespace {

using kernels::bytes_of;
using kernels::ElementType;
using kernels::Mapping;
using kernels::padded;

// Every state of so many tokens at once where they are recorded, and of so many bytes where they are only summed up.
constexpr std::int64_t scan_piece = 64, states_bytes = std::int64_t{64} << 20;

ElementType element_type(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return ElementType::f32;
    case Precision::bf16:
    case Precision::i8:  // tensor cores take 16 bits; in bf16 nothing overflows
      return ElementType::bf16;
    case Precision::f16:
      return ElementType::f16;
    default:
      throw Error("dtype " + precision_name(precision) +
                  " runs on the CPU only; use f32, bf16, f16 or i8 on a CUDA device");
  }
}

// As the CPU packs them, also where the device multiplies them in another form.
void round_to_storage(Precision precision, std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
  if (precision != Precision::i8) return;
  const auto packed = kernels::PackedMatrix::pack(values.data(), rows, cols, ElementType::i8);
  for (std::int64_t r = 0; r < rows; ++r) packed.unpack_row(r, values.data() + r * cols);
}

std::vector<float> transposed(const std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
  std::vector<float> out(values.size());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c)
      out[static_cast<std::size_t>(c * rows + r)] = values[static_cast<std::size_t>(r * cols + c)];
  return out;
}

}  // namespace

MambaCuda::MambaCuda(const Checkpoint& checkpoint, Precision precision, int threads, int device)
    : layout_(inspect_mamba(checkpoint)),
      precision_(precision),
      type_(element_type(precision)),
      weight_type_(precision == Precision::i8 ? ElementType::i8 : type_),
      device_("cuda:" + std::to_string(device)),
      host_(threads),
      cuda_(kernels::CudaBackend::create(device)) {
  const auto [layers, d_model, E, N, K, R, V] = layout_.info.sizes;
  const std::int64_t D = d_model;  // a lambda takes no structured binding
  const auto read = [&](const std::string& name) {
    return checkpoint.has(name) ? checkpoint.read_f32(name) : std::vector<float>{};
  };
  // A norm's weights are read in steps of the products.
  const auto norm = [&](const std::string& name) {
    std::vector<float> values = read(name);
    values.resize(static_cast<std::size_t>(padded(D)));
    return vector(values);
  };
  embedding_ = head_ = weights(checkpoint, layout_.embedding, V, D);
  if (!layout_.info.tied_head) head_ = weights(checkpoint, layout_.head, V, D);
  final_norm_ = norm(layout_.prefix + "norm_f.weight");
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string name = layout_.prefix + "layers." + std::to_string(i) + ".";
    const std::string mixer = name + "mixer.";
    Layer layer;
    layer.norm = norm(name + "norm.weight");
    layer.in_proj = weights(checkpoint, mixer + "in_proj.weight", 2 * E, D);
    layer.in_bias = vector(read(mixer + "in_proj.bias"));
    std::vector<float> taps = transposed(read(mixer + "conv1d.weight"), E, K);
    round_to(precision_, taps);
    layer.conv_weight = vector(taps);
    layer.conv_bias = vector(read(mixer + "conv1d.bias"));
    layer.x_proj = weights(checkpoint, mixer + "x_proj.weight", R + 2 * N, E);
    std::vector<float> dt = read(mixer + "dt_proj.weight");
    round_to_storage(precision_, dt, E, R);
    layer.dt_proj = matrix(weights_, E, R, type_);
    cuda_->fill(layer.dt_proj, dt.data());
    layer.dt_transposed = matrix(weights_, R, E, type_);
    cuda_->fill(layer.dt_transposed, transposed(dt, E, R).data());
    layer.dt_bias = vector(read(mixer + "dt_proj.bias"));
    A_.push_back(transposed(read(mixer + "A_log"), E, N));
    for (float& a : A_.back()) {
      a = static_cast<float>(-std::exp(static_cast<double>(a)));
      if (!std::isfinite(a))
        throw Error(checkpoint.file_of(mixer + "A_log") + ": tensor \"" + mixer +
                    "A_log\" holds a value whose exponential overflows");
    }
    layer.A = vector(A_.back());
    D_.push_back(read(mixer + "D"));
    layer.D = vector(D_.back());
    layer.out_proj = weights(checkpoint, mixer + "out_proj.weight", D, E);
    layer.out_bias = vector(read(mixer + "out_proj.bias"));
    layers_.push_back(layer);
  }
  for (const DeviceBuffer& buffer : weights_) weight_bytes_ += buffer.bytes();
}

DeviceMatrix MambaCuda::matrix(std::vector<DeviceBuffer>& buffers, std::int64_t rows, std::int64_t cols,
                               ElementType type) const {
  const std::int64_t stride = kernels::weight_stride(cols, type);
  buffers.push_back(cuda_->allocate(rows * stride * bytes_of(type)));
  return {buffers.back().data(), type, rows, cols, stride};
}

DeviceMatrix MambaCuda::weights(const Checkpoint& checkpoint, const std::string& name, std::int64_t rows,
                                std::int64_t cols) {
  // Piece by piece, so that the host never holds a whole matrix.
  constexpr std::int64_t piece = std::int64_t{4} << 20;
  const DeviceMatrix to = matrix(weights_, rows, cols, weight_type_);
  const std::int64_t at_once = std::max<std::int64_t>(1, piece / cols);
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; r += at_once) {
    const std::int64_t count = std::min(at_once, rows - r);
    values.resize(static_cast<std::size_t>(count * cols));
    checkpoint.read_f32(name, r * cols, values);
    cuda_->fill(to.row_range(r, count), values.data());
  }
  return to;
}

// What a product has to read of a matrix.
std::int64_t MambaCuda::stored_bytes(const DeviceMatrix& weights) const {
  const std::int64_t count = weights.rows * weights.cols;
  return count * bytes_of(weights.type) + (weights.type == ElementType::i8 ? count / kernels::scale_inputs * 2 : 0);
}

const float* MambaCuda::vector(const std::vector<float>& values) {
  if (values.empty()) return nullptr;
  const auto bytes = static_cast<std::int64_t>(values.size() * sizeof(float));
  weights_.push_back(cuda_->allocate(bytes));
  cuda_->copy_to_device(weights_.back().data(), values.data(), bytes);
  cuda_->wait();
  return weights_.back().as<const float>();
}

ModelState MambaCuda::initial_state() const {
  const ModelSizes& s = layout_.info.sizes;
  const LayerState empty{std::vector<float>(static_cast<std::size_t>((s.d_conv - 1) * s.d_inner)),
                         std::vector<float>(static_cast<std::size_t>(s.d_state * s.d_inner))};
  return {std::vector<LayerState>(static_cast<std::size_t>(s.layers), empty)};
}

std::int64_t MambaCuda::activation_bytes(std::int64_t tokens) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t narrow =
      padded(s.d_model) + padded(2 * s.d_inner) + 3 * padded(s.d_inner) + padded(s.dt_rank + 2 * s.d_state);
  return std::min(tokens, most_tokens) *
         (padded(s.d_model) * static_cast<std::int64_t>(sizeof(float)) + narrow * bytes_of(type_));
}

MatrixView<const float> MambaCuda::A(std::int64_t layer) const {
  const ModelSizes& s = layout_.info.sizes;
  return {A_[static_cast<std::size_t>(layer)].data(), s.d_state, s.d_inner};
}

std::int64_t MambaCuda::states_piece() const {
  const std::int64_t state = layout_.info.sizes.d_inner * layout_.info.sizes.d_state * 4;
  return std::max(scan_piece, states_bytes / state);
}

void MambaCuda::ensure_workspace(std::int64_t tokens, bool states, bool sums) const {
  const ModelSizes& s = layout_.info.sizes;
  Workspace& w = workspace_;
  if (w.tokens < tokens) {
    graphs_.clear();
    w = {};
    w.residual = matrix(w.buffers, tokens, s.d_model, ElementType::f32);
    w.normed = matrix(w.buffers, tokens, s.d_model, type_);
    w.xz = matrix(w.buffers, tokens, 2 * s.d_inner, type_);
    w.conv = matrix(w.buffers, tokens, s.d_inner, type_);
    w.projected = matrix(w.buffers, tokens, s.dt_rank + 2 * s.d_state, type_);
    w.delta = matrix(w.buffers, tokens, s.d_inner, type_);
    w.y = matrix(w.buffers, tokens, s.d_inner, type_);
    w.logits = matrix(w.buffers, logits_rows, s.vocab, ElementType::f32);
    w.buffers.push_back(cuda_->allocate(tokens * static_cast<std::int64_t>(sizeof(std::int32_t))));
    w.ids = w.buffers.back().as<std::int32_t>();
    w.tokens = tokens;
  }
  if (states && !w.h_all) {
    w.buffers.push_back(
        cuda_->allocate(states_piece() * s.d_inner * s.d_state * static_cast<std::int64_t>(sizeof(float))));
    w.h_all = w.buffers.back().as<float>();
  }
  if (sums && !w.scan_sums) {
    w.slots = cuda_->scan_sum_slots(scan_args(0, 0, w.tokens));
    const std::int64_t rows = (w.tokens + kernels::summed_tokens - 1) / kernels::summed_tokens * kernels::summed_tokens;
    w.buffers.push_back(cuda_->allocate(rows * w.slots * 2 * static_cast<std::int64_t>(sizeof(float))));
    w.scan_sums = w.buffers.back().as<float>();
  }
}

void MambaCuda::upload_residual(MatrixView<const float> residual) const {
  std::vector<float> rows(static_cast<std::size_t>(residual.rows * residual.cols));
  for (std::int64_t t = 0; t < residual.rows; ++t)
    std::copy_n(residual.row(t), residual.cols, rows.begin() + t * residual.cols);
  cuda_->fill(workspace_.residual.row_range(0, residual.rows), rows.data());
}

void MambaCuda::enqueue_ids(std::span<const std::int32_t> ids) const {
  cuda_->copy_to_device(workspace_.ids, ids.data(), static_cast<std::int64_t>(ids.size_bytes()));
  cuda_->embedding(workspace_.ids, embedding_, workspace_.residual.row_range(0, std::ssize(ids)));
}

void MambaCuda::enqueue_layer(std::int64_t index, std::int64_t T, std::int64_t first, std::int64_t total,
                              std::int64_t snapshot_interval, DeviceRecording& recording, DeviceZones& zones) const {
  const Layer& layer = layers_[static_cast<std::size_t>(index)];
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t E = s.d_inner, N = s.d_state, R = s.dt_rank;
  const auto rows = [&](const DeviceMatrix& m) { return m.row_range(0, T); };
  const DeviceMatrix residual = rows(workspace_.residual), normed = rows(workspace_.normed), xz = rows(workspace_.xz),
                     conv = rows(workspace_.conv), projected = rows(workspace_.projected),
                     delta = rows(workspace_.delta), y = rows(workspace_.y);
  const auto stage = [&](Stage what, const DeviceMatrix& weights = {}) {
    zones.begin(what, index, T, [&] { return stage_work(what, s, T, stored_bytes(weights), bytes_of(type_)); });
  };
  const auto tap = [&](Quantity quantity, const DeviceMatrix& from, Mapping mapping = Mapping::identity,
                       const float* bias = nullptr) {
    if (!recording.wants(quantity, index)) return;
    float* to = recording.reserve(quantity, index, first, T, from.cols);
    cuda_->map(from, {to, ElementType::f32, T, from.cols, from.cols}, mapping, bias);
  };

  stage(Stage::norm);
  const auto epsilon = static_cast<float>(layout_.norm_epsilon);
  if (const KeptOnDevice* kept = recording.kept())
    cuda_->rms_norm(residual, layer.norm, epsilon, normed, kept_rows(*kept, index, first, T));
  else
    cuda_->rms_norm(residual, layer.norm, epsilon, normed);
  stage(Stage::in_projection, layer.in_proj);
  cuda_->linear(normed, layer.in_proj, layer.in_bias, xz);
  stage(Stage::convolution);
  kernels::DeviceConvArgs convolution{xz.columns(0, E),
                                      layer.conv_weight,
                                      layer.conv_bias,
                                      s.d_conv,
                                      history(index, state_.current),
                                      history(index, 1 - state_.current),
                                      conv};
  if (const KeptOnDevice* kept = recording.kept()) convolution.passed = kept->passed(index, first, T);
  cuda_->causal_conv(convolution);
  stage(Stage::x_projection, layer.x_proj);
  cuda_->linear(conv, layer.x_proj, nullptr, projected);
  stage(Stage::dt_projection, layer.dt_proj);
  cuda_->linear(projected.columns(0, R), layer.dt_proj, nullptr, delta);
  stage(Stage::scan);
  enqueue_scan(index, T, first, total, snapshot_interval, recording);
  stage(Stage::out_projection, layer.out_proj);
  cuda_->linear(y, layer.out_proj, layer.out_bias, residual, true);
  zones.end();
  tap(Quantity::delta, delta, Mapping::softplus, layer.dt_bias);
  tap(Quantity::B, projected.columns(R, N));
  tap(Quantity::C, projected.columns(R + N, N));
  tap(Quantity::conv, conv);
  tap(Quantity::gate, xz.columns(E, E), Mapping::silu);
}

kernels::KeptRows MambaCuda::kept_rows(const KeptOnDevice& kept, std::int64_t layer, std::int64_t first,
                                       std::int64_t T) const {
  kernels::KeptRows rows;
  rows.rows = kept.rows(layer, first, T).as<float>();
  rows.step = kept.layers * static_cast<std::int64_t>(all_summaries.size());
  if (layer < kept.layers) rows.residual = kept.number(Summary::residual_norm, layer, first);
  if (layer == 0) return rows;
  rows.before = kept.rows(layer - 1, first, T).as<const float>();
  rows.scan_sums = workspace_.scan_sums;
  rows.slots = workspace_.slots;
  rows.channels = layout_.info.sizes.d_inner;
  rows.update = kept.number(Summary::update_norm, layer - 1, first);
  rows.delta = kept.number(Summary::mean_delta, layer - 1, first);
  rows.state = kept.number(Summary::state_norm, layer - 1, first);
  return rows;
}

kernels::DeviceScanArgs MambaCuda::scan_args(std::int64_t index, std::int64_t begin, std::int64_t count) const {
  const Layer& layer = layers_[static_cast<std::size_t>(index)];
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t E = s.d_inner, N = s.d_state, R = s.dt_rank;
  const auto rows = [&](const DeviceMatrix& m) { return m.row_range(begin, count); };
  const DeviceMatrix projected = rows(workspace_.projected);
  return {rows(workspace_.conv),
          rows(workspace_.delta),
          projected.columns(R, N),
          projected.columns(R + N, N),
          rows(workspace_.xz).columns(E, E),
          layer.A,
          N,
          layer.D,
          layer.dt_bias,
          h(index),
          rows(workspace_.y)};
}

// The scan in pieces that end where a snapshot is to be taken or where the memory for all states is full; in one where
// the stream is kept. Pieces do not change a bit of it. What the recorder wants is computed beside it, from the same
// inputs.
void MambaCuda::enqueue_scan(std::int64_t index, std::int64_t T, std::int64_t first, std::int64_t total,
                             std::int64_t snapshot_interval, DeviceRecording& recording) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t E = s.d_inner, N = s.d_state, K = s.d_conv;
  const bool wants_h = recording.wants(Quantity::h, index), wants_y = recording.wants(Quantity::y, index);
  const bool wants_squares = recording.wants(Quantity::state_squares, index);
  const std::int64_t longest = wants_h ? scan_piece : wants_squares ? states_piece() : T;
  for (std::int64_t begin = 0; begin < T;) {
    std::int64_t count = std::min(longest, T - begin);
    if (snapshot_interval > 0) count = std::min(count, snapshot_interval - (first + begin) % snapshot_interval);
    kernels::DeviceScanArgs scan = scan_args(index, begin, count);
    if (const KeptOnDevice* kept = recording.kept()) {
      scan.sums = workspace_.scan_sums;
      scan.passed = kept->passed(index, first, T);
      scan.passed.to += kept->history_size;
    }
    if (wants_y) {
      // Without the gate, from a copy of the state; then once more as usual, so that recording changes nothing.
      auto* spare = state_.spare.as<float>();
      cuda_->copy_on_device(spare, h(index), N * E * 4);
      kernels::DeviceScanArgs open = scan;
      open.z = {};
      open.h = spare;
      cuda_->selective_scan(open);
      float* to = recording.reserve(Quantity::y, index, first + begin, count, E);
      cuda_->map(open.y, {to, ElementType::f32, count, E, E});
    }
    if (wants_h)
      scan.h_all = recording.reserve(Quantity::h, index, first + begin, count, E * N);
    else if (wants_squares)
      scan.h_all = workspace_.h_all;
    cuda_->selective_scan(scan);
    if (wants_squares) {
      float* to = recording.reserve(Quantity::state_squares, index, first + begin, count, E);
      cuda_->square_states(scan.h_all, N, {to, ElementType::f32, count, E, E});
    }
    begin += count;
    const std::int64_t after = first + begin;
    if (snapshot_interval > 0 && after % snapshot_interval == 0 && after < total) {
      float* to = recording.reserve_snapshot(index, after, (K - 1) * E, N * E);
      const DeviceMatrix conv{to, ElementType::f32, K - 1, E, E};
      const DeviceMatrix before = history(index, state_.current);
      // The last K - 1 inputs: of the history before this chunk where the chunk is younger than that.
      const std::int64_t old = std::max<std::int64_t>(0, K - 1 - begin);
      if (old > 0) cuda_->map(before.row_range(K - 1 - old, old), conv.row_range(0, old));
      if (K - 1 > old)
        cuda_->map(workspace_.xz.columns(0, E).row_range(begin - (K - 1 - old), K - 1 - old),
                   conv.row_range(old, K - 1 - old));
      cuda_->copy_on_device(to + (K - 1) * E, h(index), N * E * 4);
    }
  }
}

void MambaCuda::enqueue_logits(std::int64_t from, std::int64_t rows, float* out, DeviceZones& zones) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t value_bytes = bytes_of(type_);
  const DeviceMatrix normed = workspace_.normed.row_range(0, rows);
  zones.begin(Stage::norm, -1, rows, [&] { return stage_work(Stage::norm, s, rows, 0, value_bytes); });
  cuda_->rms_norm(workspace_.residual.row_range(from, rows), final_norm_, static_cast<float>(layout_.norm_epsilon),
                  normed);
  zones.begin(Stage::head, -1, rows,
              [&] { return stage_work(Stage::head, s, rows, stored_bytes(head_), value_bytes); });
  cuda_->linear(normed, head_, nullptr, {out, ElementType::f32, rows, s.vocab, s.vocab});
  zones.end();
}

// Whether a chunk's layers are the same kernels when so many tokens come again: nothing of them travels or is timed.
bool MambaCuda::repeats(const DeviceRecording& recording, std::int64_t first, std::int64_t T, std::int64_t total,
                        std::int64_t snapshot_interval) const {
  if (ProfileRecorder::current()) return false;
  for (std::int64_t layer = 0; layer <= layout_.info.sizes.layers; ++layer) {
    if (recording.wants(Quantity::state_squares, layer)) return false;
    for (const Quantity quantity : all_quantities)
      if (recording.wants(quantity, layer)) return false;
  }
  if (snapshot_interval == 0) return true;
  const std::int64_t past = first % snapshot_interval + T;
  return past < snapshot_interval || (past == snapshot_interval && first + T == total);
}

void MambaCuda::enqueue_chunk(std::span<const std::int32_t> ids, std::int64_t first, std::int64_t total,
                              std::int64_t snapshot_interval, DeviceRecording& recording, DeviceZones& zones,
                              const std::stop_token& stop, const LayerHooks& hooks) const {
  const ModelSizes& s = layout_.info.sizes;
  const std::int64_t T = std::ssize(ids);
  const auto record_stream = [&](std::int64_t layer) {
    if (!recording.wants(Quantity::hidden, layer)) return;
    float* to = recording.reserve(Quantity::hidden, layer, first, T, s.d_model);
    cuda_->map(workspace_.residual.row_range(0, T), {to, ElementType::f32, T, s.d_model, s.d_model});
  };
  zones.begin(Stage::embedding, -1, T, [&] { return stage_work(Stage::embedding, s, T, 0, bytes_of(type_)); });
  enqueue_ids(ids);
  zones.end();
  const auto enqueue = [&](std::int64_t layer) {
    record_stream(layer);
    enqueue_layer(layer, T, first, total, snapshot_interval, recording, zones);
  };
  const bool as_graphs = repeats(recording, first, T, total, snapshot_interval);
  if (as_graphs) {
    const KeptOnDevice* kept = recording.kept();
    graphs_.begin({T, first, state_.current, kept ? kept->stream.data() : nullptr,
                   kept ? kept->numbers.data() : nullptr, kept ? kept->tokens : 0, kept ? kept->interval : 0});
  }
  for (std::int64_t layer = 0, end = 1; layer < s.layers; layer = end, end += layers_of_piece) {
    end = std::min(end, s.layers);
    if (stop.stop_requested()) throw Cancelled();
    if (hooks.before) hooks.before(layer);
    const auto piece = [&] {
      for (std::int64_t i = layer; i < end; ++i) enqueue(i);
    };
    if (as_graphs)
      graphs_.run(*cuda_, piece);
    else
      piece();
    if (hooks.after) hooks.after(end - 1);
  }
  record_stream(s.layers);
  if (const KeptOnDevice* kept = recording.kept())
    cuda_->rms_norm(workspace_.residual.row_range(0, T), final_norm_, static_cast<float>(layout_.norm_epsilon),
                    workspace_.normed.row_range(0, T), kept_rows(*kept, s.layers, first, T));
  state_.current = 1 - state_.current;
  if (recording.wants(Quantity::logits, 0)) {
    for (std::int64_t from = 0; from < T; from += logits_rows) {
      const std::int64_t rows = std::min(logits_rows, T - from);
      enqueue_logits(from, rows, recording.reserve(Quantity::logits, 0, first + from, rows, s.vocab), zones);
    }
  }
}

std::shared_ptr<const Model> load_mamba_cuda(const Checkpoint& checkpoint, Precision precision, int threads,
                                             int device) {
  return std::make_shared<MambaCuda>(checkpoint, precision, threads, device);
}

}  // namespace statescope
