// SPDX-License-Identifier: GPL-3.0-or-later
// The implicit filter of Hyena (Poli et al. 2023; safari hyena.py) as an inner layer: y = h * x + D x, where a small
// network of positions makes h, damped by a window that differs from channel to channel:
//
//   z_l = [t, cos(f w), −sin(f w)],  t = l / (L − 1),  w = 2π l / L,  f = linspace(1e-4, bands − 1)
//   h_l[e] = (W₄ s₃)[e] · e^{−t |δ_e|},  s_i = sin(freq ⊙ (W_i s_{i−1} + b_i)),  s₀ = z
//
// L is the length that the network learns from. The filter is no finite recurrence: there is no state to show. It is
// made on the host, in double precision.
#include <Eigen/Core>
#include <array>
#include <numbers>
#include <vector>

#include "layers.h"

namespace statescope {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t bands = 8, features = 1 + 2 * bands, width = 32;

template <class Real>
class Hyena final : public TrainingLayer<Real> {
 public:
  Hyena(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()), length_(recipe.length) {
    std::int64_t inputs = features;
    for (std::size_t i = 0; i < hidden; ++i, inputs = width) {
      const std::string name = "filter." + std::to_string(i);
      weights_[i] = builder.weight(name + ".weight", width, inputs);
      biases_[i] = builder.vector(name + ".bias", width,
                                  ParameterBuilder<Real>::within(1 / std::sqrt(static_cast<double>(inputs))));
    }
    weights_[hidden] = builder.weight("filter." + std::to_string(hidden) + ".weight", E_, width);
    frequency_ = builder.vector("filter.frequency", width, ParameterBuilder<Real>::constant(1));
    D_ = builder.vector("D", E_, ParameterBuilder<Real>::constant(1));
  }

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) override {
    x_ = x;
    kernel_ = step.tape.matrix(step.length, E_);
    const MatrixView<Real> y = step.tape.matrix(x.rows, E_);
    s_[0] = positions(step.length);
    const Matrix frequency = value(step, frequency_);
    for (std::size_t i = 0; i < hidden; ++i) {
      before_[i] = (s_[i] * value(step, weights_[i]).transpose()).rowwise() + value(step, biases_[i]).row(0);
      s_[i + 1] = (before_[i].array().rowwise() * frequency.row(0).array()).sin();
    }
    const Matrix kernel = (s_[hidden] * value(step, weights_[hidden]).transpose()).cwiseProduct(window(step.length));
    step.ops.upload(reals(kernel), kernel_);
    step.ops.fft_conv({x, kernel_, step.parameters.value(D_).data, y}, step.length);
    if (step.probe) leave_signals<Real>(step, x, y);
    return y;
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) override {
    const Parameters<Real>& p = step.parameters;
    const MatrixView<Real> dx = step.tape.matrix(x_.rows, E_), dkernel = step.tape.matrix(step.length, E_);
    step.ops.fft_conv_backward({x_, kernel_, p.value(D_).data, dy, dx, dkernel, p.gradient(D_).data}, step.length);
    const Matrix dh = matrix(step.ops.download(MatrixView<const Real>(dkernel)), E_).cwiseProduct(window(step.length));
    step.ops.upload(reals(dh.transpose() * s_[hidden]), p.gradient(weights_[hidden]));
    Matrix ds = dh * value(step, weights_[hidden]), dfrequency = Matrix::Zero(1, width);
    const Matrix frequency = value(step, frequency_);
    for (std::size_t i = hidden; i-- > 0;) {
      const Matrix slope = ds.array() * (before_[i].array().rowwise() * frequency.row(0).array()).cos();
      dfrequency += slope.cwiseProduct(before_[i]).colwise().sum();
      const Matrix dbefore = slope.array().rowwise() * frequency.row(0).array();
      step.ops.upload(reals(dbefore.transpose() * s_[i]), p.gradient(weights_[i]));
      step.ops.upload(reals(dbefore.colwise().sum()), p.gradient(biases_[i]));
      ds = dbefore * value(step, weights_[i]);
    }
    step.ops.upload(reals(dfrequency), p.gradient(frequency_));
    return dx;
  }

 private:
  static constexpr std::size_t hidden = 3;  // layers with sin

  static Matrix matrix(const std::vector<Real>& values, std::int64_t cols) {
    using Stored = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    return Eigen::Map<const Stored>(values.data(), std::ssize(values) / cols, cols).template cast<double>();
  }
  static std::vector<Real> reals(const Matrix& m) { return std::vector<Real>(m.data(), m.data() + m.size()); }
  Matrix value(const TrainingStep<Real>& step, std::size_t index) const {
    const MatrixView<const Real> view = step.parameters.value(index);
    return matrix(step.ops.download(view), view.cols);
  }

  double time(std::int64_t l) const {
    return static_cast<double>(l) / static_cast<double>(std::max<std::int64_t>(1, length_ - 1));
  }
  Matrix positions(std::int64_t T) const {
    Matrix z(T, features);
    for (std::int64_t l = 0; l < T; ++l) {
      z(l, 0) = time(l);
      const double w = 2 * std::numbers::pi * static_cast<double>(l) / static_cast<double>(length_);
      for (std::int64_t band = 0; band < bands; ++band) {
        const double f = 1e-4 + static_cast<double>(band) * (static_cast<double>(bands - 1) - 1e-4) / (bands - 1);
        z(l, 1 + band) = std::cos(f * w);
        z(l, 1 + bands + band) = -std::sin(f * w);
      }
    }
    return z;
  }
  // Decays from slow to fast over the channels: to a hundredth at 1.5 L down to 0.3 L.
  Matrix window(std::int64_t T) const {
    Matrix w(T, E_);
    const double slow = std::log(0.01) / 1.5, fast = std::log(0.01) / 0.3;
    for (std::int64_t e = 0; e < E_; ++e) {
      const double rate =
          slow + (fast - slow) * static_cast<double>(e) / static_cast<double>(std::max<std::int64_t>(1, E_ - 1));
      for (std::int64_t l = 0; l < T; ++l) w(l, e) = std::exp(-time(l) * std::abs(rate));
    }
    return w;
  }

  std::int64_t E_, length_;
  std::array<std::size_t, hidden + 1> weights_{};
  std::array<std::size_t, hidden> biases_{};
  std::size_t frequency_ = 0, D_ = 0;
  MatrixView<const Real> x_;
  MatrixView<Real> kernel_;
  std::array<Matrix, hidden + 1> s_;
  std::array<Matrix, hidden> before_;
};

}  // namespace

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_hyena(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  return std::make_unique<Hyena<Real>>(recipe, builder);
}
template std::unique_ptr<TrainingLayer<float>> make_hyena(const NetworkRecipe&, const ParameterBuilder<float>&);
template std::unique_ptr<TrainingLayer<double>> make_hyena(const NetworkRecipe&, const ParameterBuilder<double>&);

}  // namespace statescope
