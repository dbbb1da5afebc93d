// SPDX-License-Identifier: GPL-3.0-or-later
// What surrounds the inner layer.
//
//   mamba   [x, z] = W_in u,  y = inner(SiLU(conv(x))),  out = W_out (y ⊙ SiLU(z))     (mamba_simple.py)
//   h3      [q, k, v] = W_in u + b,  k̃ = shift * k + D_k k,  y = inner(k̃ ⊙ v),  out = W_out (q ⊙ y) + b
//           (Fu et al. 2023; ss_kernel_shift.py, heads of one channel: `shift` is a learnt filter of d_state taps)
//   plain   x = W_in u,       y = inner(x),              out = W_out SiLU(y)
//
// The plain block has neither gate nor short convolution, so all that it knows of other tokens comes through the inner
// layer; SiLU is what makes it more than linear.
#include "layers.h"

namespace statescope {
namespace {

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_inner(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  if (recipe.inner == InnerKind::s6) return make_s6(recipe, builder);
  if (recipe.inner == InnerKind::attention) return make_attention(recipe, builder);
  return recipe.inner == InnerKind::hyena ? make_hyena(recipe, builder) : make_s4d(recipe, builder);
}

// GPT-2's scaling, as mixer_seq_simple.py: the residual stream's variance does not grow with depth.
double output_scale(const NetworkRecipe& recipe) {
  return 1 / std::sqrt(static_cast<double>(recipe.layers));
}

template <class Real>
std::size_t output_weight(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  return builder.weight("out_proj.weight", recipe.d_model, recipe.d_inner(), output_scale(recipe));
}

template <class Real>
class MambaBlock final : public TrainingLayer<Real> {
 public:
  MambaBlock(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()),
        in_proj_(builder.weight("in_proj.weight", 2 * E_, recipe.d_model)),
        conv_weight_(builder.add({.name = "conv1d.weight",
                                  .shape = {E_, 1, recipe.d_conv},
                                  .rows = recipe.d_conv,
                                  .cols = E_,
                                  .transposed = true,
                                  .initial = conv_initial(recipe)})),
        conv_bias_(builder.vector("conv1d.bias", E_, conv_initial(recipe))),
        inner_(make_inner(recipe, builder)),
        out_proj_(output_weight(recipe, builder)) {}

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> u) override {
    xz_ = in_proj_.forward(step, u);
    const MatrixView<Real> conv = step.tape.matrix(u.rows, E_), out = step.tape.matrix(u.rows, E_);
    step.ops.causal_conv({xz_.columns(0, E_), weight(step), bias(step), {}, conv}, step.length);
    y_ = inner_->forward(step, conv);
    step.ops.gate({y_, xz_.columns(E_, E_), {}, out});
    return out_proj_.forward(step, out);
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dout) override {
    const Parameters<Real>& p = step.parameters;
    const MatrixView<Real> dxz = step.tape.matrix(dout.rows, 2 * E_), dy = step.tape.matrix(dout.rows, E_);
    const MatrixView<const Real> dgated = out_proj_.backward(step, dout);
    step.ops.gate_backward({y_, xz_.columns(E_, E_), dgated, dy, dxz.columns(E_, E_)});
    const MatrixView<const Real> dconv = inner_->backward(step, dy);
    step.ops.causal_conv_backward({xz_.columns(0, E_),
                                   weight(step),
                                   bias(step),
                                   {},
                                   dconv,
                                   dxz.columns(0, E_),
                                   p.gradient(conv_weight_),
                                   p.gradient(conv_bias_).data,
                                   {}},
                                  step.length);
    return in_proj_.backward(step, dxz);
  }

 private:
  MatrixView<const Real> weight(const TrainingStep<Real>& step) const { return step.parameters.value(conv_weight_); }
  const Real* bias(const TrainingStep<Real>& step) const { return step.parameters.value(conv_bias_).data; }

  static auto conv_initial(const NetworkRecipe& recipe) {
    return ParameterBuilder<Real>::within(1 / std::sqrt(static_cast<double>(recipe.d_conv)));
  }

  std::int64_t E_;
  LinearLayer<Real> in_proj_;
  std::size_t conv_weight_, conv_bias_;
  std::unique_ptr<TrainingLayer<Real>> inner_;
  LinearLayer<Real> out_proj_;
  MatrixView<Real> xz_, y_;
};

template <class Real>
class H3Block final : public TrainingLayer<Real> {
 public:
  H3Block(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()),
        in_proj_(affine(builder, "in_proj", 3 * E_, recipe.d_model)),
        shift_(builder.add(
            {.name = "shift.weight",
             .shape = {E_, recipe.d_state},
             .rows = recipe.d_state,
             .cols = E_,
             .transposed = true,
             .decays = false,
             .initial = ParameterBuilder<Real>::within(1 / std::sqrt(static_cast<double>(recipe.d_state)))})),
        shift_D_(builder.vector("shift.D", E_, ParameterBuilder<Real>::constant(1))),
        inner_(make_inner(recipe, builder)),
        out_proj_(affine(builder, "out_proj", recipe.d_model, E_, output_scale(recipe))) {}

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> u) override {
    const Parameters<Real>& p = step.parameters;
    qkv_ = in_proj_.forward(step, u);
    shifted_ = step.tape.matrix(u.rows, E_);
    const MatrixView<Real> kv = step.tape.matrix(u.rows, E_), out = step.tape.matrix(u.rows, E_);
    step.ops.fft_conv({k(), p.value(shift_), p.value(shift_D_).data, shifted_}, step.length);
    step.ops.multiply(shifted_, v(), kv);
    y_ = inner_->forward(step, kv);
    step.ops.multiply(q(), y_, out);
    return out_proj_.forward(step, out);
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dout) override {
    const Parameters<Real>& p = step.parameters;
    const MatrixView<Real> dqkv = step.tape.matrix(dout.rows, 3 * E_), dy = step.tape.matrix(dout.rows, E_),
                           dshifted = step.tape.matrix(dout.rows, E_);
    const MatrixView<const Real> dproduct = out_proj_.backward(step, dout);
    step.ops.multiply(dproduct, y_, dqkv.columns(0, E_));
    step.ops.multiply(dproduct, q(), dy);
    const MatrixView<const Real> dkv = inner_->backward(step, dy);
    step.ops.multiply(dkv, shifted_, dqkv.columns(2 * E_, E_));
    step.ops.multiply(dkv, v(), dshifted);
    step.ops.fft_conv_backward({k(), p.value(shift_), p.value(shift_D_).data, dshifted, dqkv.columns(E_, E_),
                                p.gradient(shift_), p.gradient(shift_D_).data},
                               step.length);
    return in_proj_.backward(step, dqkv);
  }

 private:
  // The bias is made before the weight, not in whatever order a compiler evaluates arguments: parameters draw their
  // first values one after the other, so a seed means the same network everywhere.
  static LinearLayer<Real> affine(const ParameterBuilder<Real>& builder, const std::string& name, std::int64_t outputs,
                                  std::int64_t inputs, double scale = 1) {
    const std::size_t bias = builder.vector(name + ".bias", outputs,
                                            ParameterBuilder<Real>::within(1 / std::sqrt(static_cast<double>(inputs))));
    return LinearLayer<Real>(builder.weight(name + ".weight", outputs, inputs, scale), bias);
  }
  MatrixView<const Real> q() const { return qkv_.columns(0, E_); }
  MatrixView<const Real> k() const { return qkv_.columns(E_, E_); }
  MatrixView<const Real> v() const { return qkv_.columns(2 * E_, E_); }

  std::int64_t E_;
  LinearLayer<Real> in_proj_;
  std::size_t shift_, shift_D_;
  std::unique_ptr<TrainingLayer<Real>> inner_;
  LinearLayer<Real> out_proj_;
  MatrixView<Real> qkv_, shifted_, y_;
};

template <class Real>
class PlainBlock final : public TrainingLayer<Real> {
 public:
  PlainBlock(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : in_proj_(builder.weight("in_proj.weight", recipe.d_inner(), recipe.d_model)),
        inner_(make_inner(recipe, builder)),
        out_proj_(output_weight(recipe, builder)) {}

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> u) override {
    y_ = inner_->forward(step, in_proj_.forward(step, u));
    const MatrixView<Real> out = step.tape.matrix(y_.rows, y_.cols);
    ones_ = step.tape.matrix(y_.rows, y_.cols);
    step.ops.fill(ones_, 1);
    step.ops.gate({ones_, y_, {}, out});
    return out_proj_.forward(step, out);
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dout) override {
    const MatrixView<Real> dy = step.tape.matrix(y_.rows, y_.cols), dones = step.tape.matrix(y_.rows, y_.cols);
    step.ops.gate_backward({ones_, y_, out_proj_.backward(step, dout), dones, dy});
    return in_proj_.backward(step, inner_->backward(step, dy));
  }

 private:
  LinearLayer<Real> in_proj_;
  std::unique_ptr<TrainingLayer<Real>> inner_;
  LinearLayer<Real> out_proj_;
  MatrixView<Real> ones_, y_;
};

}  // namespace

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_block(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder) {
  if (recipe.block == BlockKind::mamba) return std::make_unique<MambaBlock<Real>>(recipe, builder);
  if (recipe.block == BlockKind::h3) return std::make_unique<H3Block<Real>>(recipe, builder);
  return std::make_unique<PlainBlock<Real>>(recipe, builder);
}
template std::unique_ptr<TrainingLayer<float>> make_block(const NetworkRecipe&, const ParameterBuilder<float>&);
template std::unique_ptr<TrainingLayer<double>> make_block(const NetworkRecipe&, const ParameterBuilder<double>&);

}  // namespace statescope
