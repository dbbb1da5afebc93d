// SPDX-License-Identifier: GPL-3.0-or-later
// Hyena (Poli et al. 2023) as an inner layer: y = h * x + D x with the implicit filter of engine/models/hyena_filter.h
// for the length that the network learns from. The filter is no finite recurrence: there is no state to show. It is
// made on the host, in double precision.
#include <Eigen/Core>
#include <array>
#include <vector>

#include "engine/models/hyena_filter.h"
#include "layers.h"

namespace statescope {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

using hyena::features;
using hyena::width;

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
  static constexpr std::size_t hidden = hyena::hidden;

  static Matrix matrix(const std::vector<Real>& values, std::int64_t cols) {
    using Stored = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    return Eigen::Map<const Stored>(values.data(), std::ssize(values) / cols, cols).template cast<double>();
  }
  static std::vector<Real> reals(const Matrix& m) { return std::vector<Real>(m.data(), m.data() + m.size()); }
  Matrix value(const TrainingStep<Real>& step, std::size_t index) const {
    const MatrixView<const Real> view = step.parameters.value(index);
    return matrix(step.ops.download(view), view.cols);
  }

  Matrix positions(std::int64_t T) const {
    Matrix z(T, features);
    for (std::int64_t l = 0; l < T; ++l) hyena::position(l, length_, z.row(l).data());
    return z;
  }
  Matrix window(std::int64_t T) const {
    Matrix w(T, E_);
    for (std::int64_t l = 0; l < T; ++l)
      for (std::int64_t e = 0; e < E_; ++e) w(l, e) = hyena::window(l, length_, e, E_);
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
