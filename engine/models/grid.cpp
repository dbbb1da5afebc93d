// SPDX-License-Identifier: GPL-3.0-or-later
// The cells of engine/training's grid as they run along a stream: the equations of blocks.cpp, s6.cpp, s4d.cpp,
// attention.cpp and hyena.cpp there, with what came before in a LayerState.
#include "engine/models/grid.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "engine/error.h"
#include "engine/io/memory.h"
#include "engine/models/hyena_filter.h"
#include "grid_cell.h"

namespace statescope {
namespace {

using namespace grid;
using kernels::PackedMatrix;
using Matrix = MatrixView<float>;
using Shape = std::vector<std::int64_t>;

struct Layer {
  std::vector<float> norm, in_bias, out_bias;
  PackedMatrix in_proj, out_proj, x_proj, dt_proj, qkv_proj;
  std::vector<float> taps, tap_bias;  // [K, E] of the convolution or the shift; its bias, or the shift's D, [E]
  std::vector<float> dt_bias, B, C;   // [E], [N], [N]; of S4D B and C are [E, N]
  std::vector<float> A, A_imag, D;    // [N, E], [N/2, E] of conjugate pairs, [E]
  std::vector<std::complex<float>> decay, input, output;  // of S4D [modes, E]: e^{ΔA}, B̄ and C, with the 2 of a pair
  std::vector<float> delta;                               // of S4D [E]
  std::unique_ptr<hyena::Filter> filter;
};

std::vector<float> turned(const std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
  std::vector<float> out(values.size());
  if (values.empty()) return out;  // the plain block has no taps
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c)
      out[static_cast<std::size_t>(c * rows + r)] = values[static_cast<std::size_t>(r * cols + c)];
  return out;
}

// Memory of one call.
class Scratch {
 public:
  Matrix matrix(std::int64_t rows, std::int64_t cols) {
    values_.emplace_back(static_cast<std::size_t>(rows * cols));
    return {values_.back().data(), rows, cols};
  }

 private:
  std::vector<std::vector<float>> values_;
};

void copy(MatrixView<const float> from, Matrix to) {
  for (std::int64_t t = 0; t < to.rows; ++t) std::copy_n(from.row(t), to.cols, to.row(t));
}

class Grid final : public Model {
 public:
  Grid(const Checkpoint& checkpoint, int threads) : cell_(inspect(checkpoint)), backend_(threads) {
    const auto [layers, D, E, N, K, R, V] = cell_.info.sizes;
    require_memory(3 * cell_.info.parameters * static_cast<std::int64_t>(sizeof(float)),
                   "the model in " + checkpoint.folder().string());
    const auto vector = [&](const std::string& name) {
      return checkpoint.has(name) ? checkpoint.read_f32(name) : std::vector<float>();
    };
    const auto matrix = [&](const std::string& name) {
      if (!checkpoint.has(name)) return PackedMatrix();
      const Shape& shape = checkpoint.info(name).shape;
      return PackedMatrix::pack(vector(name).data(), shape[0], shape[1]);
    };
    embedding_ = matrix(prefix + std::string("embedding.weight"));
    final_norm_ = vector(prefix + std::string("norm_f.weight"));
    for (std::int64_t i = 0; i < layers; ++i) {
      const std::string m = mixer(i);
      Layer layer;
      layer.norm = vector(prefix + ("layers." + std::to_string(i)) + ".norm.weight");
      layer.in_proj = matrix(m + "in_proj.weight");
      layer.in_bias = vector(m + "in_proj.bias");
      layer.out_proj = matrix(m + "out_proj.weight");
      layer.out_bias = vector(m + "out_proj.bias");
      layer.x_proj = matrix(m + "x_proj.weight");
      layer.dt_proj = matrix(m + "dt_proj.weight");
      layer.qkv_proj = matrix(m + "qkv_proj.weight");
      layer.taps = turned(vector(m + (cell_.block == Block::h3 ? "shift.weight" : "conv1d.weight")), E, K);
      layer.tap_bias = vector(m + (cell_.block == Block::h3 ? "shift.D" : "conv1d.bias"));
      layer.dt_bias = vector(m + "dt_proj.bias");
      layer.B = vector(m + "B");
      layer.C = vector(m + "C");
      layer.D = vector(m + "D");
      if (cell_.inner == Inner::s6) {
        layer.A = turned(vector(m + "A_log"), E, N);
        for (float& a : layer.A) {
          a = static_cast<float>(-std::exp(static_cast<double>(a)));
          if (!std::isfinite(a))
            throw Error(checkpoint.file_of(m + "A_log") + ": tensor \"" + m +
                        "A_log\" holds a value whose exponential overflows");
        }
      }
      if (cell_.inner == Inner::s4d) read_s4d(checkpoint, m, layer);
      if (cell_.inner == Inner::hyena) layer.filter = std::make_unique<hyena::Filter>(checkpoint, m, cell_.length, E);
      layers_.push_back(std::move(layer));
    }
  }

  const ModelInfo& info() const override { return cell_.info; }
  const kernels::CpuBackend& backend() const override { return backend_; }
  Precision precision() const override { return Precision::f32; }

  ModelState initial_state() const override {
    const ModelSizes& s = cell_.info.sizes;
    const std::int64_t taps = (s.d_conv - 1) * s.d_inner,
                       all = cell_.info.state_bytes / (s.layers * static_cast<std::int64_t>(sizeof(float)));
    const LayerState empty{std::vector<float>(static_cast<std::size_t>(taps)),
                           std::vector<float>(static_cast<std::size_t>(all - taps))};
    return {std::vector<LayerState>(static_cast<std::size_t>(s.layers), empty)};
  }

  std::int64_t weight_bytes() const override {
    return cell_.info.parameters * static_cast<std::int64_t>(sizeof(float));
  }
  std::int64_t activation_bytes(std::int64_t tokens) const override {
    const ModelSizes& s = cell_.info.sizes;
    return tokens * (2 * s.d_model + 10 * s.d_inner + 2 * s.d_state) * static_cast<std::int64_t>(sizeof(float));
  }

  void embed(std::span<const std::int32_t> ids, Matrix residual) const override {
    for (std::size_t t = 0; t < ids.size(); ++t)
      embedding_.unpack_row(ids[t], residual.row(static_cast<std::int64_t>(t)));
  }

  void logits(MatrixView<const float> residual, Matrix out) const override {
    Scratch scratch;
    const Matrix normed = scratch.matrix(residual.rows, residual.cols);
    backend_.rms_norm({residual, final_norm_.data(), norm_epsilon, normed});
    backend_.linear({normed, &embedding_, nullptr, {}, out});
  }

  // Snapshots are asked for between stretches of tokens, so a long call is several short ones.
  void run_layer(std::int64_t index, Matrix residual, LayerState& state, const LayerTap& tap) const override {
    const std::int64_t T = residual.rows,
                       stretch = tap.snapshot_interval > 0 ? tap.snapshot_interval : std::max<std::int64_t>(T, 1);
    if (tap.snapshots) tap.snapshots->clear();
    for (std::int64_t first = 0; first < T; first += stretch) {
      const std::int64_t count = std::min(stretch, T - first);
      LayerTap part = tap;
      for (Matrix* view : {&part.delta, &part.conv, &part.y, &part.gate, &part.state_squares})
        if (*view) *view = view->row_range(first, count);
      if (cell_.inner == Inner::s6)
        for (Matrix* view : {&part.B, &part.C})
          if (*view) *view = view->row_range(first, count);
      const ModelSizes& s = cell_.info.sizes;
      if (part.h_all) part.h_all += first * s.d_inner * s.d_state;
      run(layers_[static_cast<std::size_t>(index)], index, residual.row_range(first, count), state, part);
      if (tap.snapshots && first + count < T) tap.snapshots->push_back(state);
    }
  }

  MatrixView<const float> A(std::int64_t layer) const override {
    const ModelSizes& s = cell_.info.sizes;
    return {layers_[static_cast<std::size_t>(layer)].A.data(), s.d_state, s.d_inner};
  }
  MatrixView<const float> A_imag(std::int64_t layer) const override {
    const std::vector<float>& values = layers_[static_cast<std::size_t>(layer)].A_imag;
    return {values.data(), std::ssize(values) / cell_.info.sizes.d_inner, cell_.info.sizes.d_inner};
  }
  const float* D(std::int64_t layer) const override { return layers_[static_cast<std::size_t>(layer)].D.data(); }
  void scan(std::int64_t layer, std::int64_t channel, kernels::SelectiveScanArgs<float> scan) const override {
    if (cell_.inner != Inner::s4d) return Model::scan(layer, channel, scan);
    scan_s4d(layers_[static_cast<std::size_t>(layer)], channel, scan);
  }

 private:
  static constexpr float norm_epsilon = 1e-5f;

  void read_s4d(const Checkpoint& checkpoint, const std::string& m, Layer& layer) const {
    const ModelSizes& s = cell_.info.sizes;
    const std::int64_t E = s.d_inner, N = s.d_state, modes = cell_.modes();
    const auto read = [&](const char* name) { return checkpoint.read_f64(m + name); };
    const std::vector<double> log_dt = read("log_dt"), log_A = read("log_A_real"), C_real = read("C_real");
    const std::vector<double> none(log_A.size()), A_imag = cell_.conjugate ? read("A_imag") : none,
                                                  C_imag = cell_.conjugate ? read("C_imag") : none;
    for (auto* values : {&layer.A, &layer.B, &layer.C}) values->resize(static_cast<std::size_t>(E * N));
    if (cell_.conjugate) layer.A_imag.resize(log_A.size());
    for (auto* values : {&layer.decay, &layer.input, &layer.output}) values->resize(log_A.size());
    for (std::int64_t e = 0; e < E; ++e) {
      const double dt = std::exp(log_dt[static_cast<std::size_t>(e)]);
      layer.delta.push_back(static_cast<float>(dt));
      for (std::int64_t n = 0; n < modes; ++n) {
        const auto from = static_cast<std::size_t>(e * modes + n), to = static_cast<std::size_t>(n * E + e);
        const std::complex<double> A(-std::exp(log_A[from]), A_imag[from]),
            w = std::exp(dt * A), B = (w - 1.0) / A,
            C = (cell_.conjugate ? 2.0 : 1.0) * std::complex<double>(C_real[from], C_imag[from]);
        layer.decay[to] = w;
        layer.input[to] = B;
        layer.output[to] = C;
        // The same in real numbers: the real part, and behind all of those the imaginary one.
        const auto real = static_cast<std::size_t>(e * N + n), imag = real + static_cast<std::size_t>(modes);
        layer.A[to] = static_cast<float>(A.real());
        layer.B[real] = static_cast<float>(B.real() / dt);
        layer.C[real] = static_cast<float>(C.real());
        if (!cell_.conjugate) continue;
        layer.A_imag[to] = static_cast<float>(A.imag());
        layer.A[to + log_A.size()] = layer.A[to];
        layer.B[imag] = static_cast<float>(B.imag() / dt);
        layer.C[imag] = static_cast<float>(-C.imag());
      }
    }
  }

  void run(const Layer& layer, std::int64_t index, Matrix residual, LayerState& state, const LayerTap& tap) const {
    const ModelSizes& s = cell_.info.sizes;
    const std::int64_t T = residual.rows, E = s.d_inner;
    Scratch scratch;
    const Matrix normed = scratch.matrix(T, s.d_model), y = scratch.matrix(T, E), gate = scratch.matrix(T, E);
    const Matrix in = scratch.matrix(T, layer.in_proj.outputs());
    backend_.rms_norm({residual, layer.norm.data(), norm_epsilon, normed});
    backend_.linear({normed, &layer.in_proj, or_null(layer.in_bias), {}, in});
    Matrix x = in.columns(0, E);
    if (cell_.block == Block::mamba) {
      x = scratch.matrix(T, E);
      backend_.causal_conv({in.columns(0, E),
                            {layer.taps.data(), s.d_conv, E},
                            layer.tap_bias.data(),
                            {state.conv.data(), s.d_conv - 1, E},
                            x});
    } else if (cell_.block == Block::h3) {
      x = scratch.matrix(T, E);
      shift(layer, in.columns(E, E), state.conv, x);
      multiply(x, in.columns(2 * E, E), x);
    }
    if (cell_.inner == Inner::s6) run_s6(layer, index, x, state, y, tap, scratch);
    if (cell_.inner == Inner::s4d) run_s4d(layer, x, state, y, tap);
    if (cell_.inner == Inner::attention) attend(layer, x, state, y, scratch);
    if (cell_.inner == Inner::hyena) filter(layer, x, state, y);
    if (tap.conv) copy(x, tap.conv);
    if (tap.y) copy(y, tap.y);
    // The gate is what y is multiplied with: SiLU(z), the query, or σ(y).
    if (cell_.block == Block::h3) {
      copy(in.columns(0, E), gate);
      multiply(y, gate, y);
    } else {
      const Matrix z = cell_.block == Block::mamba ? in.columns(E, E) : y;
      for (std::int64_t t = 0; t < T; ++t)
        for (std::int64_t e = 0; e < E; ++e) {
          const float sigmoid = 1 / (1 + std::exp(-z(t, e)));
          gate(t, e) = cell_.block == Block::mamba ? z(t, e) * sigmoid : sigmoid;
        }
      multiply(y, gate, y);
    }
    if (tap.gate) copy(gate, tap.gate);
    backend_.linear({y, &layer.out_proj, or_null(layer.out_bias), residual, residual});
  }

  static const float* or_null(const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); }
  static void multiply(Matrix a, Matrix b, Matrix out) {
    for (std::int64_t t = 0; t < out.rows; ++t)
      for (std::int64_t e = 0; e < out.cols; ++e) out(t, e) = a(t, e) * b(t, e);
  }

  // y_t = Σ_l taps_l k_{t−l} + D k_t, with the last K − 1 inputs in `history`, oldest first.
  void shift(const Layer& layer, Matrix k, std::vector<float>& history, Matrix y) const {
    const std::int64_t K = cell_.info.sizes.d_conv, E = k.cols;
    for (std::int64_t t = 0; t < k.rows; ++t)
      for (std::int64_t e = 0; e < E; ++e) {
        float sum = (layer.taps[static_cast<std::size_t>(e)] + layer.tap_bias[static_cast<std::size_t>(e)]) * k(t, e);
        for (std::int64_t l = 1; l < K; ++l)
          sum += layer.taps[static_cast<std::size_t>(l * E + e)] *
                 (t >= l ? k(t - l, e) : history[static_cast<std::size_t>((K - 1 + t - l) * E + e)]);
        y(t, e) = sum;
      }
    for (std::int64_t t = 0; t < k.rows; ++t) history.insert(history.end(), k.row(t), k.row(t) + E);
    history.erase(history.begin(), history.end() - (K - 1) * E);
  }

  void run_s6(const Layer& layer, std::int64_t index, Matrix x, LayerState& state, Matrix y, const LayerTap& tap,
              Scratch& scratch) const {
    const ModelSizes& s = cell_.info.sizes;
    const std::int64_t T = x.rows, E = s.d_inner, N = s.d_state, R = s.dt_rank;
    const Matrix delta = scratch.matrix(T, E), projected = scratch.matrix(T, layer.x_proj.outputs());
    if (layer.x_proj.outputs() > 0) backend_.linear({x, &layer.x_proj, nullptr, {}, projected});
    if (cell_.selective_delta) backend_.linear({projected.columns(0, R), &layer.dt_proj, nullptr, {}, delta});
    backend_.softplus({delta, layer.dt_bias.data()});
    const auto rows = [&](bool selective, std::int64_t first, const std::vector<float>& constant) {
      return selective ? MatrixView<const float>(projected.columns(first, N))
                       : MatrixView<const float>(constant.data(), T, N, 0);
    };
    kernels::SelectiveScanArgs<float> scan;
    scan.x = x;
    scan.delta = delta;
    scan.A = A(index);
    scan.B = rows(cell_.selective_B, R, layer.B);
    scan.C = rows(cell_.selective_C, R + (cell_.selective_B ? N : 0), layer.C);
    scan.D = layer.D.data();
    scan.h = {state.h.data(), N, E};
    scan.y = y;
    scan.h_all = tap.h_all;
    scan.state_squares = tap.state_squares;
    backend_.selective_scan(scan);
    if (tap.delta) copy(delta, tap.delta);
    if (tap.B) copy(scan.B, tap.B);
    if (tap.C) copy(scan.C, tap.C);
  }

  void run_s4d(const Layer& layer, Matrix x, LayerState& state, Matrix y, const LayerTap& tap) const {
    const ModelSizes& s = cell_.info.sizes;
    const MatrixView<const float> delta(layer.delta.data(), x.rows, s.d_inner, 0);
    scan_s4d(layer, 0,
             {.x = x,
              .delta = delta,
              .A = {},
              .B = {},
              .C = {},
              .h = {state.h.data(), s.d_state, s.d_inner},
              .y = y,
              .h_all = tap.h_all,
              .state_squares = tap.state_squares});
    if (tap.delta) copy(delta, tap.delta);
    if (tap.B) copy({layer.B.data(), s.d_inner, s.d_state}, tap.B);
    if (tap.C) copy({layer.C.data(), s.d_inner, s.d_state}, tap.C);
  }

  // h ← e^{ΔA} h + B̄ x, y = Re(C h) + D x, of the channels from `channel` on. Of the steps it has its own.
  void scan_s4d(const Layer& layer, std::int64_t channel, const kernels::SelectiveScanArgs<float>& scan) const {
    const std::int64_t E = cell_.info.sizes.d_inner, N = cell_.info.sizes.d_state, modes = cell_.modes();
    for (std::int64_t t = 0; t < scan.x.rows; ++t) {
      for (std::int64_t e = 0; e < scan.x.cols; ++e) {
        const float x = scan.x(t, e);
        float sum = layer.D[static_cast<std::size_t>(channel + e)] * x, squares = 0;
        for (std::int64_t n = 0; n < modes; ++n) {
          const auto at = static_cast<std::size_t>(n * E + channel + e);
          const std::complex<float> w = layer.decay[at], b = layer.input[at], c = layer.output[at];
          const float re = scan.h(n, e), im = cell_.conjugate ? scan.h(n + modes, e) : 0;
          const float real = w.real() * re - w.imag() * im + b.real() * x,
                      imag = w.real() * im + w.imag() * re + b.imag() * x;
          scan.h(n, e) = real;
          if (cell_.conjugate) scan.h(n + modes, e) = imag;
          sum += c.real() * real - c.imag() * imag;
          squares += real * real + imag * imag;
        }
        scan.y(t, e) = sum;
        if (scan.state_squares) scan.state_squares(t, e) = squares;
        if (scan.h_all)
          for (std::int64_t n = 0; n < N; ++n) scan.h_all[(t * scan.x.cols + e) * N + n] = scan.h(n, e);
      }
    }
  }

  // Appends the inputs to the state, [tokens, E], and weighs all of them: y_t = Σ_l h_l x_{t−l} + D x_t.
  void filter(const Layer& layer, Matrix x, LayerState& state, Matrix y) const {
    const std::int64_t T = x.rows, E = x.cols, before = std::ssize(state.h) / E;
    for (std::int64_t t = 0; t < T; ++t) state.h.insert(state.h.end(), x.row(t), x.row(t) + E);
    const std::shared_ptr<const std::vector<float>> weights = layer.filter->first(before + T);
    for (std::int64_t t = 0; t < T; ++t) {
      float* out = y.row(t);
      for (std::int64_t e = 0; e < E; ++e) out[e] = layer.D[static_cast<std::size_t>(e)] * x(t, e);
      for (std::int64_t l = 0; l <= before + t; ++l) {
        const float *h = weights->data() + l * E, *past = state.h.data() + (before + t - l) * E;
        for (std::int64_t e = 0; e < E; ++e) out[e] += h[e] * past[e];
      }
    }
  }

  // Appends keys and values to the state, [tokens, 2E], and reads all of them.
  void attend(const Layer& layer, Matrix x, LayerState& state, Matrix y, Scratch& scratch) const {
    const std::int64_t T = x.rows, E = cell_.info.sizes.d_inner, before = std::ssize(state.h) / (2 * E),
                       d = E / cell_.heads;
    const Matrix qkv = scratch.matrix(T, 3 * E);
    backend_.linear({x, &layer.qkv_proj, nullptr, {}, qkv});
    for (std::int64_t i = 0; i < d / 2; ++i) {
      const double frequency = kernels::rotary_frequency(i, d);
      for (std::int64_t t = 0; t < T; ++t) {
        const double angle = static_cast<double>(before + t) * frequency;
        const auto cosine = static_cast<float>(std::cos(angle)), sine = static_cast<float>(std::sin(angle));
        for (std::int64_t c = 2 * i; c < 2 * E; c += d) {
          const float a = qkv(t, c), b = qkv(t, c + 1);
          qkv(t, c) = a * cosine - b * sine;
          qkv(t, c + 1) = a * sine + b * cosine;
        }
      }
    }
    for (std::int64_t t = 0; t < T; ++t) state.h.insert(state.h.end(), qkv.row(t) + E, qkv.row(t) + 3 * E);
    const MatrixView<const float> cache(state.h.data(), before + T, 2 * E);
    backend_.attention({qkv.columns(0, E), cache.columns(0, E), cache.columns(E, E), cell_.heads, y});
  }

  Cell cell_;
  kernels::CpuBackend backend_;
  PackedMatrix embedding_;
  std::vector<float> final_norm_;
  std::vector<Layer> layers_;
};

}  // namespace

std::shared_ptr<const Model> load_grid(const Checkpoint& checkpoint, int threads) {
  return std::make_shared<Grid>(checkpoint, threads);
}

}  // namespace statescope
