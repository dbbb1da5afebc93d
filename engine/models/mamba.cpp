// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/models/mamba.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/precision.h"

namespace statescope {
namespace {

using kernels::PackedMatrix;

// Rows of a matrix that is somebody's scratch: not cleared, because everything is written before it is read.
class Scratch {
 public:
  Scratch(std::int64_t rows, std::int64_t cols)
      : values_(std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(rows * cols))),
        view_(values_.get(), rows, cols) {}
  operator MatrixView<float>() const { return view_; }
  operator MatrixView<const float>() const { return view_; }
  MatrixView<float> view() const { return view_; }

 private:
  std::unique_ptr<float[]> values_;
  MatrixView<float> view_;
};

void copy(MatrixView<const float> from, MatrixView<float> to) {
  for (std::int64_t t = 0; t < from.rows; ++t) std::copy_n(from.row(t), from.cols, to.row(t));
}

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

// Bytes the packed weights take, and the largest matrix once more while it is packed. Narrow matrices grow most: a
// panel has 64 outputs even for one. In double, because a lying file must not overflow it.
std::int64_t memory_needed(const ModelInfo& info) {
  const auto panels = [](std::int64_t outputs) {
    return static_cast<double>((outputs + PackedMatrix::panel_width - 1) / PackedMatrix::panel_width *
                               PackedMatrix::panel_width);
  };
  const ModelSizes& s = info.sizes;
  const auto D = static_cast<double>(s.d_model), E = static_cast<double>(s.d_inner);
  const double layer = panels(2 * s.d_inner) * D + panels(s.dt_rank + 2 * s.d_state) * E +
                       panels(s.d_inner) * static_cast<double>(s.dt_rank) + panels(s.d_model) * E +
                       E * static_cast<double>(s.d_state + s.d_conv + 8) + 2 * D;
  const double embedding = panels(s.vocab) * D;
  const double floats =
      static_cast<double>(s.layers) * layer + embedding * (info.tied_head ? 1 : 2) + std::max(embedding, layer);
  constexpr double largest = 9e18;  // below 2^63
  return static_cast<std::int64_t>(std::min(largest, floats * static_cast<double>(sizeof(float))));
}

class Mamba final : public Model {
 public:
  Mamba(const Checkpoint& checkpoint, Precision precision, int threads)
      : layout_(inspect_mamba(checkpoint)), precision_(precision), backend_(threads) {
    const auto [layers, D, E, N, K, R, V] = layout_.info.sizes;
    require_memory(memory_needed(layout_.info), "the model in " + checkpoint.folder().string());
    const auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t cols) {
      std::vector<float> values = checkpoint.read_f32(name);
      round_to(precision_, values);
      return PackedMatrix::pack(values.data(), rows, cols);
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
    for (std::size_t t = 0; t < ids.size(); ++t)
      embedding_.unpack_row(ids[t], residual.row(static_cast<std::int64_t>(t)));
  }

  void run_layer(std::int64_t index, MatrixView<float> residual, LayerState& state,
                 const LayerTap& tap) const override {
    const Layer& layer = layers_[static_cast<std::size_t>(index)];
    const ModelSizes& s = layout_.info.sizes;
    const std::int64_t T = residual.rows, E = s.d_inner, N = s.d_state, R = s.dt_rank;
    const Scratch normed(T, s.d_model), xz(T, 2 * E), conv(T, E), projected(T, R + 2 * N), delta(T, E), y(T, E);
    const MatrixView<float> x = xz.view().columns(0, E), z = xz.view().columns(E, E);
    const MatrixView<float> low_rank = projected.view().columns(0, R);
    const MatrixView<float> B = projected.view().columns(R, N), C = projected.view().columns(R + N, N);

    backend_.rms_norm({residual, layer.norm.data(), static_cast<float>(layout_.norm_epsilon), normed});
    round_to(precision_, normed);
    backend_.linear({normed, &layer.in_proj, or_null(layer.in_bias), {}, xz});
    round_to(precision_, xz);
    backend_.causal_conv({x,
                          {layer.conv_weight.data(), s.d_conv, E},
                          or_null(layer.conv_bias),
                          {state.conv.data(), s.d_conv - 1, E},
                          conv});
    round_to(precision_, conv);
    backend_.linear({conv, &layer.x_proj, nullptr, {}, projected});
    round_to(precision_, projected);
    backend_.linear({low_rank, &layer.dt_proj, nullptr, {}, delta});
    backend_.softplus({delta, or_null(layer.dt_bias)});
    backend_.selective_scan({conv, delta, A(index), B, C, layer.D.data(), {state.h.data(), N, E}, y, tap.h_all});
    if (tap.delta) copy(delta.view(), tap.delta);
    if (tap.B) copy(B, tap.B);
    if (tap.C) copy(C, tap.C);
    if (tap.conv) copy(conv.view(), tap.conv);
    if (tap.y) copy(y.view(), tap.y);
    backend_.gate({y, z, tap.gate, y});
    round_to(precision_, y);
    backend_.linear({y, &layer.out_proj, or_null(layer.out_bias), residual, residual});
  }

  void logits(MatrixView<const float> residual, MatrixView<float> out) const override {
    const Scratch normed(residual.rows, residual.cols);
    backend_.rms_norm({residual, final_norm_.data(), static_cast<float>(layout_.norm_epsilon), normed});
    round_to(precision_, normed);
    backend_.linear({normed, head_ ? &*head_ : &embedding_, nullptr, {}, out});
  }

  MatrixView<const float> A(std::int64_t layer) const override {
    const ModelSizes& s = layout_.info.sizes;
    return {layers_[static_cast<std::size_t>(layer)].A.data(), s.d_state, s.d_inner};
  }
  const float* D(std::int64_t layer) const override { return layers_[static_cast<std::size_t>(layer)].D.data(); }

 private:
  MambaLayout layout_;
  Precision precision_;
  kernels::CpuBackend backend_;
  PackedMatrix embedding_;            // [V, D]
  std::optional<PackedMatrix> head_;  // [V, D], absent when tied
  std::vector<float> final_norm_;     // [D]
  std::vector<Layer> layers_;
};

}  // namespace

std::shared_ptr<const Model> load_mamba(const Checkpoint& checkpoint, Precision precision, int threads) {
  return std::make_shared<Mamba>(checkpoint, precision, threads);
}

}  // namespace statescope
