// SPDX-License-Identifier: GPL-3.0-or-later
// The selective state space layer (Gu & Dao 2023, algorithm 2; mamba_simple.py steps 3 to 6), with each of Δ, B and C
// selective or constant (their table 7). Parameters that depend on nothing are x_proj's missing rows: B and C [N] are
// shared by all channels like the rows they replace, Δ is softplus of its bias alone.
#include <algorithm>
#include <optional>
#include <vector>

#include "layers.h"

namespace statescope {
namespace {

template <class Real>
class S6 final : public TrainingLayer<Real> {
 public:
  S6(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()),
        N_(recipe.d_state),
        R_(recipe.selective_delta ? recipe.dt_rank : 0),
        B_rows_(recipe.selective_B ? N_ : 0),
        C_rows_(recipe.selective_C ? N_ : 0) {
    using Builder = ParameterBuilder<Real>;
    if (projected() > 0) x_proj_.emplace(builder.weight("x_proj.weight", projected(), E_));
    if (R_ > 0) dt_proj_.emplace(builder.weight("dt_proj.weight", E_, R_));
    dt_bias_ = builder.vector("dt_proj.bias", E_, [](Uniform& uniform, std::int64_t, std::int64_t) {
      const double delta = random_time_step(uniform);
      return delta + std::log(-std::expm1(-delta));  // the inverse of softplus
    });
    if (B_rows_ == 0) B_ = builder.vector("B", N_, Builder::constant(1));
    if (C_rows_ == 0)
      C_ = builder.vector("C", N_, [](Uniform& uniform, std::int64_t, std::int64_t) { return uniform.normal(); });
    A_log_ =
        builder.add({.name = "A_log",
                     .shape = {E_, N_},
                     .rows = N_,
                     .cols = E_,
                     .transposed = true,
                     .decays = false,
                     .initial = [initial = initial_A_log(recipe.initial_A)](
                                    Uniform& uniform, std::int64_t n, std::int64_t) { return initial(uniform, n); }});
    D_ = builder.vector("D", E_, Builder::constant(1));
  }

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) override {
    const std::int64_t rows = x.rows;
    const Parameters<Real>& p = step.parameters;
    args_ = {};
    args_.x = x;
    MatrixView<Real> projections;
    if (x_proj_) projections = x_proj_->forward(step, x);
    const auto constant = [&](std::size_t index) { return MatrixView<const Real>(p.value(index).data, rows, N_, 0); };
    args_.B = B_rows_ > 0 ? projections.columns(R_, N_) : constant(B_);
    args_.C = C_rows_ > 0 ? projections.columns(R_ + B_rows_, N_) : constant(C_);
    if (dt_proj_) {
      args_.delta = dt_proj_->forward(step, projections.columns(0, R_));
    } else {
      const MatrixView<Real> zeros = step.tape.matrix(1, E_);
      step.ops.fill(zeros, 0);
      args_.delta = MatrixView<const Real>(zeros.data, rows, E_, 0);
    }
    const MatrixView<Real> A = step.tape.matrix(N_, E_), y = step.tape.matrix(rows, E_);
    step.ops.negative_exp(p.value(A_log_), A);
    args_.A = A;
    args_.D = p.value(D_).data;
    args_.delta_bias = p.value(dt_bias_).data;
    args_.softplus = true;
    args_.y = y;
    if (step.probe)
      probe(step, y);
    else
      step.ops.selective_scan(args_, step.length);
    return y;
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) override {
    const std::int64_t rows = dy.rows;
    const Parameters<Real>& p = step.parameters;
    const MatrixView<Real> dx = step.tape.matrix(rows, E_), dA = p.gradient(A_log_);
    MatrixView<Real> dprojections, ddelta;
    if (x_proj_) dprojections = step.tape.matrix(rows, projected());
    if (dt_proj_) ddelta = step.tape.matrix(rows, E_);
    kernels::SelectiveScanBackwardArgs<Real> args;
    args.forward = args_;
    args.dy = dy;
    args.dx = dx;
    args.ddelta = ddelta;
    args.dA = dA;
    const auto constant = [&](std::size_t index) { return MatrixView<Real>(p.gradient(index).data, rows, N_, 0); };
    args.dB = B_rows_ > 0 ? dprojections.columns(R_, N_) : constant(B_);
    args.dC = C_rows_ > 0 ? dprojections.columns(R_ + B_rows_, N_) : constant(C_);
    args.dD = p.gradient(D_).data;
    args.ddelta_bias = p.gradient(dt_bias_).data;
    step.ops.selective_scan_backward(args, step.length);
    step.ops.multiply(args_.A, dA, dA);  // A = −e^A_log, so dL/dA_log = dL/dA · A
    if (dt_proj_) dt_proj_->backward_to(step, ddelta, dprojections.columns(0, R_));
    if (x_proj_) step.ops.add(x_proj_->backward(step, dprojections), dx);
    return dx;
  }

 private:
  // Replaces each row by the mean of all.
  static void freeze(std::vector<float>& values, std::int64_t cols) {
    const auto rows = static_cast<double>(std::ssize(values) / cols);
    for (std::int64_t c = 0; c < cols; ++c) {
      double sum = 0;
      for (auto at = static_cast<std::size_t>(c); at < values.size(); at += static_cast<std::size_t>(cols))
        sum += static_cast<double>(values[at]);
      for (auto at = static_cast<std::size_t>(c); at < values.size(); at += static_cast<std::size_t>(cols))
        values[at] = static_cast<float>(sum / rows);
    }
  }

  // The equation as it reads, with the knobs, keeping every state.
  void probe(const TrainingStep<Real>& step, MatrixView<Real> y) const {
    LayerProbe& out = *step.probe;
    const Knobs& knobs = step.knobs;
    const auto floats = [&](MatrixView<const Real> view) {
      const std::vector<Real> values = step.ops.download(view);
      return std::vector<float>(values.begin(), values.end());
    };
    const std::int64_t T = step.length;
    const std::vector<Real> A = step.ops.download(args_.A), D = step.ops.download(step.parameters.value(D_)),
                            bias = step.ops.download(step.parameters.value(dt_bias_));
    out.channels = E_;
    out.states = N_;
    out.x = floats(args_.x);
    out.B = floats(args_.B);
    out.C = floats(args_.C);
    out.delta = floats(args_.delta);
    for (std::int64_t i = 0; i < T * E_; ++i) {
      const double v = static_cast<double>(out.delta[static_cast<std::size_t>(i)]) +
                       static_cast<double>(bias[static_cast<std::size_t>(i % E_)]);
      const double softplus = std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));
      out.delta[static_cast<std::size_t>(i)] = static_cast<float>(knobs.delta_scale * softplus);
    }
    if (knobs.freeze_delta) freeze(out.delta, E_);
    if (knobs.freeze_B) freeze(out.B, N_);
    if (knobs.freeze_C) freeze(out.C, N_);
    out.A.resize(static_cast<std::size_t>(E_ * N_));
    out.h.resize(static_cast<std::size_t>(T * E_ * N_));
    out.written.resize(out.h.size());
    out.y.resize(static_cast<std::size_t>(T * E_));
    for (std::int64_t e = 0; e < E_; ++e) {
      for (std::int64_t n = 0; n < N_; ++n)
        out.A[static_cast<std::size_t>(e * N_ + n)] = static_cast<double>(A[static_cast<std::size_t>(n * E_ + e)]);
      std::vector<double> h(static_cast<std::size_t>(N_));
      for (std::int64_t t = 0; t < T; ++t) {
        const auto at = static_cast<std::size_t>(t * E_ + e);
        const double x = static_cast<double>(out.x[at]), delta = static_cast<double>(out.delta[at]);
        double sum = static_cast<double>(D[static_cast<std::size_t>(e)]) * x;
        for (std::int64_t n = 0; n < N_; ++n) {
          const double a = out.A[static_cast<std::size_t>(e * N_ + n)];
          const double held = knobs.input == Knobs::Input::zero_order_hold ? std::expm1(delta * a) / a : delta;
          const auto token = static_cast<std::size_t>(t * N_ + n);
          double& state = h[static_cast<std::size_t>(n)];
          const double written = held * static_cast<double>(out.B[token]) * x;
          state = std::exp(delta * a) * state + written;
          sum += static_cast<double>(out.C[token]) * state;
          const std::size_t place = at * static_cast<std::size_t>(N_) + static_cast<std::size_t>(n);
          out.h[place] = static_cast<float>(state);
          out.written[place] = static_cast<float>(written);
        }
        out.y[at] = static_cast<float>(sum);
      }
    }
    step.ops.upload(std::vector<Real>(out.y.begin(), out.y.end()), y);
  }

  std::int64_t projected() const { return R_ + B_rows_ + C_rows_; }

  std::int64_t E_, N_, R_, B_rows_, C_rows_;
  std::optional<LinearLayer<Real>> x_proj_, dt_proj_;
  std::size_t dt_bias_ = 0, B_ = 0, C_ = 0, A_log_ = 0, D_ = 0;
  kernels::SelectiveScanArgs<Real> args_;
};

}  // namespace

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_s6(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  return std::make_unique<S6<Real>>(recipe, builder);
}
template std::unique_ptr<TrainingLayer<float>> make_s6(const NetworkRecipe&, const ParameterBuilder<float>&);
template std::unique_ptr<TrainingLayer<double>> make_s6(const NetworkRecipe&, const ParameterBuilder<double>&);

}  // namespace statescope
