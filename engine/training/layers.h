// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "engine/training/parameters.h"
#include "engine/training/probe.h"
#include "engine/training/recipe.h"
#include "engine/training/tape.h"
#include "kernels/training_ops.h"

namespace statescope {

/// Where the layers of a step compute: sequences of `length` tokens.
template <class Real>
struct TrainingStep {
  const TrainingOps<Real>& ops;
  const Parameters<Real>& parameters;
  Tape<Real>& tape;
  std::int64_t length = 0;
  // When there is one, the inner layer runs with the knobs and leaves what it computed. The batch is one sequence then.
  LayerProbe* probe = nullptr;
  Knobs knobs = {};
};

/// A layer from [rows, width] to [rows, width]. `backward` comes once after `forward` with the gradient of what that
/// returned; it gives the gradient of its input and overwrites those of the layer's parameters.
template <class Real>
class TrainingLayer {
 public:
  virtual ~TrainingLayer() = default;
  virtual MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) = 0;
  virtual MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) = 0;
};

/// Declares the parameters of a layer under its name in the checkpoint.
template <class Real>
class ParameterBuilder {
 public:
  ParameterBuilder(Parameters<Real>& parameters, std::string prefix)
      : parameters_(parameters), prefix_(std::move(prefix)) {}

  std::size_t add(ParameterInfo info) const {
    info.name = prefix_ + info.name;
    return parameters_.add(std::move(info));
  }
  template <class Initial>
  std::size_t vector(const std::string& name, std::int64_t count, const Initial& initial) const {
    return add({.name = name, .shape = {count}, .rows = 1, .cols = count, .decays = false, .initial = initial});
  }
  /// The weight of y = x Wᵀ, uniform within ± scale / √inputs as PyTorch's Linear.
  std::size_t weight(const std::string& name, std::int64_t outputs, std::int64_t inputs, double scale = 1) const {
    return add({.name = name,
                .shape = {outputs, inputs},
                .rows = outputs,
                .cols = inputs,
                .initial = within(scale / std::sqrt(static_cast<double>(inputs)))});
  }

  static auto within(double bound) {
    return [bound](Uniform& uniform, std::int64_t, std::int64_t) { return (2 * uniform() - 1) * bound; };
  }
  static auto constant(double value) {
    return [value](Uniform&, std::int64_t, std::int64_t) { return value; };
  }

 private:
  Parameters<Real>& parameters_;
  std::string prefix_;
};

/// A step of time between 0.001 and 0.1, evenly in its logarithm (mamba_simple.py, s4d.py).
inline double random_time_step(Uniform& uniform) {
  return std::exp(std::log(0.001) + uniform() * std::log(100.0));
}

/// log(−A) of a real state n, as recipe.initial_A has it.
inline auto initial_A_log(InitialA initial) {
  return [initial](Uniform& uniform, std::int64_t n) {
    if (initial == InitialA::random) return uniform.normal();
    return initial == InitialA::s4d_real ? std::log(static_cast<double>(n + 1)) : std::log(0.5);
  };
}

/// y = x Wᵀ, or x Wᵀ + bias.
template <class Real>
class LinearLayer final : public TrainingLayer<Real> {
 public:
  explicit LinearLayer(std::size_t weight, std::optional<std::size_t> bias = {}) : weight_(weight), bias_(bias) {}
  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) override {
    x_ = x;
    const MatrixView<Real> W = step.parameters.value(weight_);
    const MatrixView<Real> y = step.tape.matrix(x.rows, W.rows);
    step.ops.linear(x, W, bias_ ? step.parameters.value(*bias_).data : nullptr, y);
    return y;
  }
  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) override {
    const MatrixView<Real> dx = step.tape.matrix(x_.rows, x_.cols);
    backward_to(step, dy, dx);
    return dx;
  }
  void backward_to(const TrainingStep<Real>& step, MatrixView<const Real> dy, MatrixView<Real> dx) const {
    step.ops.linear_backward({x_, step.parameters.value(weight_), dy, dx, step.parameters.gradient(weight_),
                              bias_ ? step.parameters.gradient(*bias_).data : nullptr});
  }

 private:
  std::size_t weight_;
  std::optional<std::size_t> bias_;
  MatrixView<const Real> x_;
};

/// What a probe keeps of a layer without states: what comes in and what goes out.
template <class Real>
void leave_signals(const TrainingStep<Real>& step, MatrixView<const Real> x, MatrixView<const Real> y) {
  step.probe->channels = x.cols;
  for (const Real v : step.ops.download(x)) step.probe->x.push_back(static_cast<float>(v));
  for (const Real v : step.ops.download(y)) step.probe->y.push_back(static_cast<float>(v));
}

/// What runs along time, over E channels: S6, S4D, Hyena's filter, attention.
template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_s6(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder);
template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_s4d(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder);
template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_hyena(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder);
template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_attention(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder);

/// The block around it, over D channels, without norm and residual.
template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_block(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder);

}  // namespace statescope
