// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/mamba.h"

namespace statescope {
namespace {

using Vector = std::vector<double>;
using kernels::MatrixView;

// One token as a matrix of one row.
MatrixView<double> row(Vector& v) {
  return {v.data(), 1, static_cast<std::int64_t>(v.size())};
}
MatrixView<double> row(Vector& v, std::int64_t first, std::int64_t count) {
  return {v.data() + first, 1, count};
}

struct Matrix {
  Vector values;  // row-major [rows, cols]
  std::int64_t rows = 0, cols = 0;
  MatrixView<const double> view() const { return {values.data(), rows, cols}; }
};

struct Layer {
  Vector norm;         // [D]
  Matrix in_proj;      // [2E, D]
  Vector in_bias;      // [2E] or empty
  Matrix conv_weight;  // [K, E]
  Vector conv_bias;    // [E] or empty
  Matrix x_proj;       // [R + 2N, E]
  Matrix dt_proj;      // [E, R]
  Vector dt_bias;      // [E] or empty
  Matrix A;            // [N, E]
  Vector D;            // [E]
  Matrix out_proj;     // [D, E]
  Vector out_bias;     // [D] or empty
};

struct State {
  Vector conv;  // [K-1, E]
  Vector h;     // [N, E]
};

const double* or_null(const Vector& v) {
  return v.empty() ? nullptr : v.data();
}

Vector linear(Vector& x, const Matrix& W, const Vector& bias) {
  Vector y(static_cast<std::size_t>(W.rows));
  kernels::reference::linear(row(x), W.view(), or_null(bias), row(y));
  return y;
}

Vector rms_norm(Vector& x, const Vector& weight, double epsilon) {
  Vector y(x.size());
  kernels::reference::rms_norm({row(x), weight.data(), epsilon, row(y)});
  return y;
}

void hand_over(Recorder& recorder, Quantity quantity, std::int64_t layer, std::int64_t t,
               std::span<const double> values) {
  if (!recorder.wants(quantity, layer)) return;
  const std::vector<float> rounded(values.begin(), values.end());
  recorder.record(quantity, layer, t, {rounded.data(), 1, std::ssize(rounded)});
}

}  // namespace

struct MambaReference::Weights {
  MambaLayout layout;
  Matrix embedding, head;  // [V, D]; head empty when tied
  Vector final_norm;       // [D]
  std::vector<Layer> layers;
};

MambaReference::MambaReference(const Checkpoint& checkpoint) {
  auto weights = std::make_unique<Weights>();
  weights->layout = inspect_mamba(checkpoint);
  const MambaLayout& layout = weights->layout;
  require_memory(layout.info.parameters * static_cast<std::int64_t>(sizeof(double)),
                 "the model in " + checkpoint.folder().string() + " in double precision");
  const auto vector = [&](const std::string& name) {
    return checkpoint.has(name) ? checkpoint.read_f64(name) : Vector{};
  };
  const auto matrix = [&](const std::string& name) {
    const std::vector<std::int64_t>& shape = checkpoint.info(name).shape;
    return Matrix{checkpoint.read_f64(name), shape.front(), shape.back()};
  };
  const auto transposed = [&](const std::string& name) {  // [E, 1, K] or [E, N] with E last
    const Matrix m = matrix(name);
    Matrix out{Vector(m.values.size()), m.cols, m.rows};
    for (std::int64_t r = 0; r < m.rows; ++r)
      for (std::int64_t c = 0; c < m.cols; ++c)
        out.values[static_cast<std::size_t>(c * m.rows + r)] = m.values[static_cast<std::size_t>(r * m.cols + c)];
    return out;
  };
  weights->embedding = matrix(layout.embedding);
  if (!layout.info.tied_head) weights->head = matrix(layout.head);
  weights->final_norm = vector(layout.prefix + "norm_f.weight");
  for (std::int64_t i = 0; i < layout.info.sizes.layers; ++i) {
    const std::string name = layout.prefix + "layers." + std::to_string(i) + ".";
    const std::string mixer = name + "mixer.";
    Matrix A = transposed(mixer + "A_log");
    for (double& a : A.values) {
      a = -std::exp(a);
      if (!std::isfinite(a))
        throw Error(checkpoint.file_of(mixer + "A_log") + ": tensor \"" + mixer +
                    "A_log\" holds a value whose exponential overflows");
    }
    weights->layers.push_back(
        {vector(name + "norm.weight"), matrix(mixer + "in_proj.weight"), vector(mixer + "in_proj.bias"),
         transposed(mixer + "conv1d.weight"), vector(mixer + "conv1d.bias"), matrix(mixer + "x_proj.weight"),
         matrix(mixer + "dt_proj.weight"), vector(mixer + "dt_proj.bias"), std::move(A), vector(mixer + "D"),
         matrix(mixer + "out_proj.weight"), vector(mixer + "out_proj.bias")});
  }
  weights_ = std::move(weights);
}

MambaReference::~MambaReference() = default;
const ModelInfo& MambaReference::info() const {
  return weights_->layout.info;
}

void MambaReference::run(std::span<const std::int32_t> ids, Recorder& recorder, std::stop_token stop) const {
  const auto [layers, D, E, N, K, R, V] = info().sizes;
  const double epsilon = weights_->layout.norm_epsilon;
  check_ids(ids, V);
  std::vector<State> states(static_cast<std::size_t>(layers), State{Vector(static_cast<std::size_t>((K - 1) * E)),
                                                                    Vector(static_cast<std::size_t>(N * E))});
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(ids.size()); ++t) {
    const double* embedding = weights_->embedding.values.data() + ids[static_cast<std::size_t>(t)] * D;
    Vector residual(embedding, embedding + D);
    for (std::int64_t i = 0; i < layers; ++i) {
      if (stop.stop_requested()) throw Cancelled();
      const Layer& layer = weights_->layers[static_cast<std::size_t>(i)];
      State& state = states[static_cast<std::size_t>(i)];
      hand_over(recorder, Quantity::hidden, i, t, residual);

      Vector normed = rms_norm(residual, layer.norm, epsilon);
      Vector xz = linear(normed, layer.in_proj, layer.in_bias);
      Vector x(static_cast<std::size_t>(E));
      kernels::reference::causal_conv(
          {row(xz, 0, E), layer.conv_weight.view(), or_null(layer.conv_bias), {state.conv.data(), K - 1, E}, row(x)});
      Vector projected = linear(x, layer.x_proj, {});  // Δ (low rank), B, C
      Vector low_rank(projected.begin(), projected.begin() + R);
      Vector delta = linear(low_rank, layer.dt_proj, {});
      kernels::reference::softplus({row(delta), or_null(layer.dt_bias)});
      const MatrixView<double> B = row(projected, R, N), C = row(projected, R + N, N);
      Vector y(static_cast<std::size_t>(E)), h_all(static_cast<std::size_t>(E * N));
      kernels::reference::selective_scan(
          {row(x), row(delta), layer.A.view(), B, C, layer.D.data(), {state.h.data(), N, E}, row(y), h_all.data()});
      Vector squares(static_cast<std::size_t>(E));
      for (std::size_t j = 0; j < h_all.size(); ++j) squares[j / static_cast<std::size_t>(N)] += h_all[j] * h_all[j];
      Vector gate(static_cast<std::size_t>(E)), gated(static_cast<std::size_t>(E));
      kernels::reference::gate({row(y), row(xz, E, E), row(gate), row(gated)});
      const Vector out = linear(gated, layer.out_proj, layer.out_bias);
      for (std::size_t d = 0; d < residual.size(); ++d) residual[d] += out[d];

      hand_over(recorder, Quantity::delta, i, t, delta);
      hand_over(recorder, Quantity::B, i, t, {B.data, static_cast<std::size_t>(N)});
      hand_over(recorder, Quantity::C, i, t, {C.data, static_cast<std::size_t>(N)});
      hand_over(recorder, Quantity::conv, i, t, x);
      hand_over(recorder, Quantity::h, i, t, h_all);
      hand_over(recorder, Quantity::state_squares, i, t, squares);
      hand_over(recorder, Quantity::y, i, t, y);
      hand_over(recorder, Quantity::gate, i, t, gate);
    }
    hand_over(recorder, Quantity::hidden, layers, t, residual);
    if (recorder.wants(Quantity::logits, 0)) {
      Vector normed = rms_norm(residual, weights_->final_norm, epsilon);
      const Matrix& head = info().tied_head ? weights_->embedding : weights_->head;
      hand_over(recorder, Quantity::logits, 0, t, linear(normed, head, {}));
    }
  }
}

}  // namespace statescope
