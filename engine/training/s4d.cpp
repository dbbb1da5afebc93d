// SPDX-License-Identifier: GPL-3.0-or-later
// The diagonal state space layer without selection (Gu et al. 2022; s4d.py), as a convolution with its kernel
//
//   K_l = 2 Re Σ_n C_n B̄_n w_n^l,   w = e^{ΔA},   B̄ = (w − 1) / A,   y = K * x + D x
//
// over N/2 conjugate pairs A = −e^{log_A_real} + i A_imag; or over N real A, without the 2 and all imaginary parts.
#include <complex>
#include <numbers>
#include <vector>

#include "layers.h"

namespace statescope {
namespace {

template <class Real>
class S4d final : public TrainingLayer<Real> {
 public:
  S4d(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()),
        complex_(recipe.inner == InnerKind::s4d_complex),
        N_(complex_ ? recipe.d_state / 2 : recipe.d_state) {
    using Builder = ParameterBuilder<Real>;
    const auto matrix = [&](const std::string& name, const auto& initial) {
      return builder.add(
          {.name = name, .shape = {E_, N_}, .rows = E_, .cols = N_, .decays = false, .initial = initial});
    };
    log_dt_ = builder.vector(
        "log_dt", E_, [](Uniform& uniform, std::int64_t, std::int64_t) { return std::log(random_time_step(uniform)); });
    log_A_real_ =
        matrix("log_A_real", [initial = initial_A_log(recipe.initial_A)](
                                 Uniform& uniform, std::int64_t, std::int64_t n) { return initial(uniform, n); });
    const auto normal = [](Uniform& uniform, std::int64_t, std::int64_t) { return uniform.normal() * std::sqrt(0.5); };
    C_real_ = matrix("C_real", normal);
    if (complex_) {
      A_imag_ = matrix("A_imag", [inverse = recipe.initial_A == InitialA::s4d_inv,
                                  N = static_cast<double>(recipe.d_state)](Uniform&, std::int64_t, std::int64_t state) {
        const auto n = static_cast<double>(state);
        return inverse ? N / std::numbers::pi * (N / (2 * n + 1) - 1) : std::numbers::pi * n;
      });
      C_imag_ = matrix("C_imag", normal);
    }
    D_ = builder.vector("D", E_, Builder::constant(1));
  }

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) override {
    if (step.probe) return probe(step, x);
    x_ = x;
    kernel_ = step.tape.matrix(step.length, E_);
    const MatrixView<Real> y = step.tape.matrix(x.rows, E_);
    std::vector<Real> host(static_cast<std::size_t>(step.length * E_));
    for_each_mode(step, [&](std::int64_t e, std::int64_t, const Mode& mode) {
      std::complex<double> term = factor() * mode.C * mode.B;
      for (std::int64_t l = 0; l < step.length; ++l, term *= mode.w)
        host[static_cast<std::size_t>(l * E_ + e)] += static_cast<Real>(term.real());
    });
    step.ops.upload(host, kernel_);
    step.ops.fft_conv({x, kernel_, step.parameters.value(D_).data, y}, step.length);
    return y;
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) override {
    const Parameters<Real>& p = step.parameters;
    const MatrixView<Real> dx = step.tape.matrix(x_.rows, E_), dkernel = step.tape.matrix(step.length, E_);
    step.ops.fft_conv_backward({x_, kernel_, p.value(D_).data, dy, dx, dkernel, p.gradient(D_).data}, step.length);
    const std::vector<Real> dK = step.ops.download(dkernel);
    std::vector<Real> dlog_dt(static_cast<std::size_t>(E_)), dlog_A(static_cast<std::size_t>(E_ * N_)),
        dA_imag(dlog_A.size()), dC_real(dlog_A.size()), dC_imag(dlog_A.size());
    for_each_mode(step, [&](std::int64_t e, std::int64_t n, const Mode& mode) {
      // S_k = Σ_l l^k dK_l w^l. The kernel is holomorphic in A, C and Δ: dL/dθ = Re(2 S ∂/∂θ) for a real θ.
      std::complex<double> power = 1, S0 = 0, S1 = 0;
      for (std::int64_t l = 0; l < step.length; ++l, power *= mode.w) {
        const std::complex<double> term = static_cast<double>(dK[static_cast<std::size_t>(l * E_ + e)]) * power;
        S0 += term;
        S1 += static_cast<double>(l) * term;
      }
      const std::complex<double> A = mode.A, w = mode.w;
      const std::complex<double> to_C = factor() * mode.B * S0;
      const std::complex<double> dB_dA = (mode.dt * w - mode.B) / A;
      const std::complex<double> to_A = factor() * mode.C * (dB_dA * S0 + mode.B * mode.dt * S1);
      const std::complex<double> to_dt = factor() * mode.C * (w * S0 + mode.B * A * S1);
      const auto at = static_cast<std::size_t>(e * N_ + n);
      dC_real[at] = static_cast<Real>(to_C.real());
      dC_imag[at] = static_cast<Real>(-to_C.imag());
      dlog_A[at] = static_cast<Real>(to_A.real() * A.real());
      dA_imag[at] = static_cast<Real>(-to_A.imag());
      dlog_dt[static_cast<std::size_t>(e)] += static_cast<Real>(to_dt.real() * mode.dt);
    });
    step.ops.upload(dlog_dt, p.gradient(log_dt_));
    step.ops.upload(dlog_A, p.gradient(log_A_real_));
    step.ops.upload(dC_real, p.gradient(C_real_));
    if (complex_) {
      step.ops.upload(dA_imag, p.gradient(A_imag_));
      step.ops.upload(dC_imag, p.gradient(C_imag_));
    }
    return dx;
  }

 private:
  struct Mode {
    double dt;
    std::complex<double> A, C, w, B;  // B is B̄
  };

  // The same system as a recurrence, h ← w h + B̄ x, keeping every state.
  MatrixView<Real> probe(const TrainingStep<Real>& step, MatrixView<const Real> x) const {
    LayerProbe& out = *step.probe;
    const std::int64_t T = step.length;
    const std::vector<Real> input = step.ops.download(x), D = step.ops.download(step.parameters.value(D_));
    out.channels = E_;
    out.states = N_;
    out.complex = complex_;
    out.x.assign(input.begin(), input.end());
    out.A.resize(static_cast<std::size_t>(E_ * N_));
    out.delta.resize(static_cast<std::size_t>(T * E_));
    out.h.resize(static_cast<std::size_t>(T * E_ * N_));
    out.written.resize(out.h.size());
    std::vector<double> y(static_cast<std::size_t>(T * E_));
    for_each_mode(step, [&](std::int64_t e, std::int64_t n, const Mode& mode) {
      const double dt = mode.dt * step.knobs.delta_scale;
      const std::complex<double> w = std::exp(dt * mode.A);
      const std::complex<double> B = step.knobs.input == Knobs::Input::euler ? dt : (w - 1.0) / mode.A;
      out.A[static_cast<std::size_t>(e * N_ + n)] = mode.A.real();
      std::complex<double> h = 0;
      for (std::int64_t t = 0; t < T; ++t) {
        const auto at = static_cast<std::size_t>(t * E_ + e);
        const double input_now = static_cast<double>(out.x[at]);
        h = w * h + B * input_now;
        y[at] += (factor() * mode.C * h).real();
        out.delta[at] = static_cast<float>(dt);
        const std::size_t place = at * static_cast<std::size_t>(N_) + static_cast<std::size_t>(n);
        out.h[place] = static_cast<float>(h.real());
        out.written[place] = static_cast<float>((complex_ ? std::abs(B) : B.real()) * input_now);
      }
    });
    for (std::size_t i = 0; i < y.size(); ++i)
      y[i] += static_cast<double>(D[i % static_cast<std::size_t>(E_)]) * static_cast<double>(out.x[i]);
    out.y.assign(y.begin(), y.end());
    const MatrixView<Real> result = step.tape.matrix(T, E_);
    step.ops.upload(std::vector<Real>(y.begin(), y.end()), result);
    return result;
  }

  double factor() const { return complex_ ? 2 : 1; }

  template <class Body>
  void for_each_mode(const TrainingStep<Real>& step, const Body& body) const {
    const TrainingOps<Real>& ops = step.ops;
    const Parameters<Real>& p = step.parameters;
    const std::vector<Real> log_dt = ops.download(p.value(log_dt_)), log_A = ops.download(p.value(log_A_real_)),
                            C_real = ops.download(p.value(C_real_));
    const std::vector<Real> A_imag = complex_ ? ops.download(p.value(A_imag_)) : std::vector<Real>(),
                            C_imag = complex_ ? ops.download(p.value(C_imag_)) : std::vector<Real>();
    const auto pair = [&](const std::vector<Real>& imag, std::size_t at, double real) {
      return std::complex<double>(real, complex_ ? static_cast<double>(imag[at]) : 0);
    };
    for (std::int64_t e = 0; e < E_; ++e) {
      const double dt = std::exp(static_cast<double>(log_dt[static_cast<std::size_t>(e)]));
      for (std::int64_t n = 0; n < N_; ++n) {
        const auto at = static_cast<std::size_t>(e * N_ + n);
        Mode mode;
        mode.dt = dt;
        mode.A = pair(A_imag, at, -std::exp(static_cast<double>(log_A[at])));
        mode.C = pair(C_imag, at, static_cast<double>(C_real[at]));
        mode.w = std::exp(dt * mode.A);
        mode.B = (mode.w - 1.0) / mode.A;
        body(e, n, mode);
      }
    }
  }

  std::int64_t E_;
  bool complex_;
  std::int64_t N_;  // modes: pairs, or real ones
  std::size_t log_dt_ = 0, log_A_real_ = 0, A_imag_ = 0, C_real_ = 0, C_imag_ = 0, D_ = 0;
  MatrixView<const Real> x_;
  MatrixView<Real> kernel_;
};

}  // namespace

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_s4d(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  return std::make_unique<S4d<Real>>(recipe, builder);
}
template std::unique_ptr<TrainingLayer<float>> make_s4d(const NetworkRecipe&, const ParameterBuilder<float>&);
template std::unique_ptr<TrainingLayer<double>> make_s4d(const NetworkRecipe&, const ParameterBuilder<double>&);

}  // namespace statescope
