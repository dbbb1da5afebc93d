// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/mamba.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/precision.h"
#include "engine/profile/recorder.h"
#include "engine/profile/work.h"
#include "scratch_memory.h"

namespace statescope {
namespace {

using kernels::PackedMatrix;

// Memory that one reading after the other works in. Asking the system for it in every layer costs more than the small
// operations do. Several threads may use a model: each takes a block of its own.
class ScratchPool {
 public:
  class Block {
   public:
    Block(ScratchPool& pool, std::int64_t floats) : pool_(pool) {
      const std::scoped_lock lock(pool_.mutex_);
      if (!pool_.free_.empty()) {
        memory_ = std::move(pool_.free_.back());
        pool_.free_.pop_back();
      }
      if (memory_.size() < floats) memory_ = ScratchMemory(floats);
    }
    ~Block() {
      memory_.give_back_all();
      const std::scoped_lock lock(pool_.mutex_);
      pool_.free_.push_back(std::move(memory_));
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    MatrixView<float> matrix(std::int64_t rows, std::int64_t cols) { return memory_.matrix(rows, cols); }

   private:
    ScratchPool& pool_;
    ScratchMemory memory_;
  };

 private:
  std::mutex mutex_;
  std::vector<ScratchMemory> free_;
};

struct Layer {
  std::vector<float> norm;         // [D]
  PackedMatrix in_proj;            // [2E, D]: first E rows give x, the others z
  std::vector<float> in_bias;      // [2E] or empty
  std::vector<float> conv_weight;  // [K, E] tap-major
  std::vector<float> conv_bias;    // [E] or empty
  PackedMatrix x_proj;             // [R + 2N, E]: Δ (low rank), B, C
  PackedMatrix dt_proj;            // [E, R]
  std::vector<float> dt_bias;      // [E] or empty
  std::vector<float> A;            // [N, E] state-major, -exp(A_log)
  std::vector<float> D;            // [E]
  PackedMatrix out_proj;           // [D, E]
  std::vector<float> out_bias;     // [D] or empty
};

const float* or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

template <class Real>
std::vector<Real> transposed(const std::vector<Real>& values, std::int64_t rows, std::int64_t cols) {
  std::vector<Real> out(values.size());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c)
      out[static_cast<std::size_t>(c * rows + r)] = values[static_cast<std::size_t>(r * cols + c)];
  return out;
}

// Elements of a matrix decoded at once while the weights are packed: 4 MiB.
constexpr std::int64_t loading_floats = std::int64_t{1} << 20;

// Bytes the packed weights take. Narrow matrices grow most: a panel has 16 outputs even for one. In double, because a
// lying file must not overflow it.
std::int64_t memory_needed(const ModelInfo& info, Precision precision) {
  const auto padded = [](std::int64_t outputs) {
    return static_cast<double>((outputs + PackedMatrix::panel_width - 1) / PackedMatrix::panel_width *
                               PackedMatrix::panel_width);
  };
  const ModelSizes& s = info.sizes;
  const auto D = static_cast<double>(s.d_model), E = static_cast<double>(s.d_inner);
  const double matrices = padded(2 * s.d_inner) * D + padded(s.dt_rank + 2 * s.d_state) * E +
                          padded(s.d_inner) * static_cast<double>(s.dt_rank) + padded(s.d_model) * E;
  const double vectors = E * static_cast<double>(s.d_state + s.d_conv + 8) + 2 * D;
  const double embedding = padded(s.vocab) * D * (info.tied_head ? 1 : 2);
  const kernels::ElementType storage = weight_storage(precision);
  const double scales = storage == kernels::ElementType::i8 ? 2.0 / static_cast<double>(PackedMatrix::scale_inputs) : 0;
  const auto layers = static_cast<double>(s.layers);
  const double bytes = (layers * matrices + embedding) * (static_cast<double>(kernels::bytes_of(storage)) + scales) +
                       (layers * vectors + static_cast<double>(loading_floats)) * static_cast<double>(sizeof(float));
  constexpr double largest = 9e18;  // below 2^63
  return static_cast<std::int64_t>(std::min(largest, bytes));
}

class Mamba final : public Model {
 public:
  Mamba(const Checkpoint& checkpoint, Precision precision, int threads)
      : layout_(inspect_mamba(checkpoint)), precision_(precision), backend_(threads) {
    const auto [layers, D, E, N, K, R, V] = layout_.info.sizes;
    require_memory(memory_needed(layout_.info, precision), "the model in " + checkpoint.folder().string());
    kernels::WeightMemory memory;
    const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t cols) {
      PackedMatrix packed(rows, cols, weight_storage(precision_), &memory);
      const std::int64_t rows_at_once = std::clamp<std::int64_t>(loading_floats / cols, 1, rows);
      std::vector<float> values(static_cast<std::size_t>(rows_at_once * cols));
      for (std::int64_t row = 0; row < rows; row += rows_at_once) {
        const std::int64_t count = std::min(rows_at_once, rows - row);
        checkpoint.read_f32(name, row * cols, std::span(values).first(static_cast<std::size_t>(count * cols)));
        packed.set_rows(row, count, values.data());
      }
      return packed;
    };
    const auto vector = [&](const std::string& name) {
      return checkpoint.has(name) ? checkpoint.read_f32(name) : std::vector<float>{};
    };
    embedding_ = matrix(layout_.embedding, V, D);
    if (!layout_.info.tied_head) head_ = matrix(layout_.head, V, D);
    final_norm_ = vector(layout_.prefix + "norm_f.weight");
    for (std::int64_t i = 0; i < layers; ++i) {
      const std::string name = layout_.prefix + "layers." + std::to_string(i) + ".";
      const std::string mixer = name + "mixer.";
      Layer layer;
      layer.norm = vector(name + "norm.weight");
      layer.in_proj = matrix(mixer + "in_proj.weight", 2 * E, D);
      layer.in_bias = vector(mixer + "in_proj.bias");
      layer.conv_weight = transposed(vector(mixer + "conv1d.weight"), E, K);
      round_to(precision_, layer.conv_weight);
      layer.conv_bias = vector(mixer + "conv1d.bias");
      layer.x_proj = matrix(mixer + "x_proj.weight", R + 2 * N, E);
      layer.dt_proj = matrix(mixer + "dt_proj.weight", E, R);
      layer.dt_bias = vector(mixer + "dt_proj.bias");
      layer.A = transposed(vector(mixer + "A_log"), E, N);
      for (float& a : layer.A) {
        a = static_cast<float>(-std::exp(static_cast<double>(a)));
        if (!std::isfinite(a))
          throw Error(checkpoint.file_of(mixer + "A_log") + ": tensor \"" + mixer +
                      "A_log\" holds a value whose exponential overflows");
      }
      layer.D = vector(mixer + "D");
      layer.out_proj = matrix(mixer + "out_proj.weight", D, E);
      layer.out_bias = vector(mixer + "out_proj.bias");
      layers_.push_back(std::move(layer));
    }
  }

  const ModelInfo& info() const override { return layout_.info; }
  const kernels::CpuBackend& backend() const override { return backend_; }

  ModelState initial_state() const override {
    const ModelSizes& s = layout_.info.sizes;
    LayerState empty{std::vector<float>(static_cast<std::size_t>((s.d_conv - 1) * s.d_inner)),
                     std::vector<float>(static_cast<std::size_t>(s.d_state * s.d_inner))};
    return {std::vector<LayerState>(static_cast<std::size_t>(s.layers), empty)};
  }

  void embed(std::span<const std::int32_t> ids, MatrixView<float> residual) const override {
    const auto T = static_cast<std::int64_t>(ids.size());
    const ZoneScope zone(Stage::embedding, -1, T, [&] { return stage_work(Stage::embedding, layout_.info.sizes, T); });
    for (std::size_t t = 0; t < ids.size(); ++t)
      embedding_.unpack_row(ids[t], residual.row(static_cast<std::int64_t>(t)));
  }

  void run_layer(std::int64_t index, MatrixView<float> residual, LayerState& state,
                 const LayerTap& tap) const override {
    const Layer& layer = layers_[static_cast<std::size_t>(index)];
    const ModelSizes& s = layout_.info.sizes;
    const std::int64_t T = residual.rows, E = s.d_inner, N = s.d_state, R = s.dt_rank;
    ScratchPool::Block scratch(scratch_, T * scratch_floats());
    const MatrixView<float> normed = scratch.matrix(T, s.d_model), xz = scratch.matrix(T, 2 * E),
                            conv = scratch.matrix(T, E), projected = scratch.matrix(T, R + 2 * N),
                            delta = tap.delta ? tap.delta : scratch.matrix(T, E), y = scratch.matrix(T, E);
    const MatrixView<float> x = xz.columns(0, E), z = xz.columns(E, E);
    const MatrixView<float> low_rank = projected.columns(0, R);
    const MatrixView<float> B = projected.columns(R, N), C = projected.columns(R + N, N);
    // Calls body(first, count) on the stretches between two snapshots, and snapshot(state) after all but the last.
    const std::int64_t stretch = tap.snapshot_interval > 0 ? tap.snapshot_interval : std::max<std::int64_t>(T, 1);
    if (tap.snapshots) tap.snapshots->resize(static_cast<std::size_t>(std::max<std::int64_t>(T - 1, 0) / stretch));
    const auto in_stretches = [&](const auto& body, const auto& snapshot) {
      for (std::int64_t first = 0; first < T; first += stretch) {
        const std::int64_t count = std::min(stretch, T - first);
        body(first, count);
        if (tap.snapshots && first + count < T) snapshot((*tap.snapshots)[static_cast<std::size_t>(first / stretch)]);
      }
    };

    const auto work = [&](Stage stage, const PackedMatrix* weights = nullptr) {
      return [=, &s] { return stage_work(stage, s, T, weights ? weights->bytes() : 0); };
    };
    ZoneScope zone(Stage::norm, index, T, work(Stage::norm));
    backend_.rms_norm({residual, layer.norm.data(), static_cast<float>(layout_.norm_epsilon), normed});
    round(normed);
    zone.next(Stage::in_projection, work(Stage::in_projection, &layer.in_proj));
    backend_.linear({normed, &layer.in_proj, or_null(layer.in_bias), {}, xz});
    round(xz);
    zone.next(Stage::convolution, work(Stage::convolution));
    in_stretches(
        [&](std::int64_t first, std::int64_t count) {
          backend_.causal_conv({x.row_range(first, count),
                                {layer.conv_weight.data(), s.d_conv, E},
                                or_null(layer.conv_bias),
                                {state.conv.data(), s.d_conv - 1, E},
                                conv.row_range(first, count)});
        },
        [&](LayerState& kept) { kept.conv = state.conv; });
    round(conv);
    zone.next(Stage::x_projection, work(Stage::x_projection, &layer.x_proj));
    backend_.linear({conv, &layer.x_proj, nullptr, {}, projected});
    round(projected);
    zone.next(Stage::dt_projection, work(Stage::dt_projection, &layer.dt_proj));
    backend_.linear({low_rank, &layer.dt_proj, nullptr, {}, delta});
    backend_.softplus({delta, or_null(layer.dt_bias)});
    zone.next(Stage::scan, work(Stage::scan));
    in_stretches(
        [&](std::int64_t first, std::int64_t count) {
          kernels::SelectiveScanArgs<float> scan;
          scan.x = conv.row_range(first, count);
          scan.delta = delta.row_range(first, count);
          scan.A = A(index);
          scan.B = B.row_range(first, count);
          scan.C = C.row_range(first, count);
          scan.D = layer.D.data();
          scan.h = {state.h.data(), N, E};
          scan.y = y.row_range(first, count);
          if (tap.h_all) scan.h_all = tap.h_all + first * E * N;
          if (tap.state_squares) scan.state_squares = tap.state_squares.row_range(first, count);
          backend_.selective_scan(scan);
        },
        [&](LayerState& kept) { kept.h = state.h; });
    if (tap.B) backend_.copy(B, tap.B);
    if (tap.C) backend_.copy(C, tap.C);
    if (tap.conv) backend_.copy(conv, tap.conv);
    if (tap.y) backend_.copy(y, tap.y);
    zone.next(Stage::gate, work(Stage::gate));
    backend_.gate({y, z, tap.gate, y});
    round(y);
    zone.next(Stage::out_projection, work(Stage::out_projection, &layer.out_proj));
    backend_.linear({y, &layer.out_proj, or_null(layer.out_bias), residual, residual});
  }

  void logits(MatrixView<const float> residual, MatrixView<float> out) const override {
    const std::int64_t T = residual.rows;
    const PackedMatrix& head = head_ ? *head_ : embedding_;
    const auto work = [&](Stage stage, std::int64_t weights) {
      return [=, this] { return stage_work(stage, layout_.info.sizes, T, weights); };
    };
    ScratchPool::Block scratch(scratch_, T * ScratchMemory::stride(residual.cols));
    const MatrixView<float> normed = scratch.matrix(T, residual.cols);
    ZoneScope zone(Stage::norm, -1, T, work(Stage::norm, 0));
    backend_.rms_norm({residual, final_norm_.data(), static_cast<float>(layout_.norm_epsilon), normed});
    round(normed);
    zone.next(Stage::head, work(Stage::head, head.bytes()));
    backend_.linear({normed, &head, nullptr, {}, out});
  }

  Precision precision() const override { return precision_; }
  std::int64_t weight_bytes() const override {
    std::int64_t matrices = embedding_.bytes() + (head_ ? head_->bytes() : 0);
    std::size_t floats = final_norm_.size();
    for (const Layer& layer : layers_) {
      for (const PackedMatrix* matrix : {&layer.in_proj, &layer.x_proj, &layer.dt_proj, &layer.out_proj})
        matrices += matrix->bytes();
      for (const std::vector<float>* vector : {&layer.norm, &layer.in_bias, &layer.conv_weight, &layer.conv_bias,
                                               &layer.dt_bias, &layer.A, &layer.D, &layer.out_bias})
        floats += vector->size();
    }
    return matrices + static_cast<std::int64_t>(floats * sizeof(float));
  }
  std::int64_t activation_bytes(std::int64_t tokens) const override {
    // The residual stream, and the scratch of run_layer.
    return tokens * (layout_.info.sizes.d_model + scratch_floats()) * static_cast<std::int64_t>(sizeof(float));
  }

  MatrixView<const float> A(std::int64_t layer) const override {
    const ModelSizes& s = layout_.info.sizes;
    return {layers_[static_cast<std::size_t>(layer)].A.data(), s.d_state, s.d_inner};
  }
  const float* D(std::int64_t layer) const override { return layers_[static_cast<std::size_t>(layer)].D.data(); }

 private:
  std::int64_t scratch_floats() const {  // of run_layer, for a token
    const ModelSizes& s = layout_.info.sizes;
    const auto stride = ScratchMemory::stride;
    return stride(s.d_model) + stride(2 * s.d_inner) + 3 * stride(s.d_inner) + stride(s.dt_rank + 2 * s.d_state);
  }
  void round(MatrixView<float> values) const { backend_.round_to({values, activation_type(precision_)}); }

  MambaLayout layout_;
  Precision precision_;
  kernels::CpuBackend backend_;
  PackedMatrix embedding_;            // [V, D]
  std::optional<PackedMatrix> head_;  // [V, D], absent when tied
  std::vector<float> final_norm_;     // [D]
  std::vector<Layer> layers_;
  mutable ScratchPool scratch_;
};

}  // namespace

std::shared_ptr<const Model> load_mamba(const Checkpoint& checkpoint, Precision precision, int threads) {
  return std::make_shared<Mamba>(checkpoint, precision, threads);
}

}  // namespace statescope
