// SPDX-License-Identifier: GPL-3.0-or-later
// Causal attention as an inner layer (Vaswani et al. 2017), the baseline that looks at every earlier token again:
//
//   [q, k, v] = W x,  q and k turned by their positions (Su et al. 2021),  y_t = Σ_j softmax_j(q_t · k_j / √d) v_j
//
// What it carries from token to token is not a state of fixed size but every key and value.
#include "layers.h"

namespace statescope {
namespace {

template <class Real>
class Attention final : public TrainingLayer<Real> {
 public:
  Attention(const NetworkRecipe& recipe, const ParameterBuilder<Real>& builder)
      : E_(recipe.d_inner()), heads_(recipe.heads), qkv_proj_(builder.weight("qkv_proj.weight", 3 * E_, E_)) {}

  MatrixView<Real> forward(const TrainingStep<Real>& step, MatrixView<const Real> x) override {
    qkv_ = qkv_proj_.forward(step, x);
    // Heads of the queries and of the keys lie side by side.
    step.ops.rotary({qkv_.columns(0, 2 * E_), 2 * heads_}, step.length);
    const MatrixView<Real> y = step.tape.matrix(x.rows, E_);
    step.ops.attention({q(), k(), v(), heads_, y}, step.length);
    if (step.probe) leave_signals<Real>(step, x, y);
    return y;
  }

  MatrixView<Real> backward(const TrainingStep<Real>& step, MatrixView<const Real> dy) override {
    const MatrixView<Real> dqkv = step.tape.matrix(dy.rows, 3 * E_);
    step.ops.attention_backward(
        {q(), k(), v(), heads_, dy, dqkv.columns(0, E_), dqkv.columns(E_, E_), dqkv.columns(2 * E_, E_)}, step.length);
    step.ops.rotary({dqkv.columns(0, 2 * E_), 2 * heads_, 0, true}, step.length);
    return qkv_proj_.backward(step, dqkv);
  }

 private:
  MatrixView<const Real> q() const { return qkv_.columns(0, E_); }
  MatrixView<const Real> k() const { return qkv_.columns(E_, E_); }
  MatrixView<const Real> v() const { return qkv_.columns(2 * E_, E_); }

  std::int64_t E_, heads_;
  LinearLayer<Real> qkv_proj_;
  MatrixView<Real> qkv_;
};

}  // namespace

template <class Real>
std::unique_ptr<TrainingLayer<Real>> make_attention(const NetworkRecipe& recipe,
                                                    const ParameterBuilder<Real>& builder) {
  return std::make_unique<Attention<Real>>(recipe, builder);
}
template std::unique_ptr<TrainingLayer<float>> make_attention(const NetworkRecipe&, const ParameterBuilder<float>&);
template std::unique_ptr<TrainingLayer<double>> make_attention(const NetworkRecipe&, const ParameterBuilder<double>&);

}  // namespace statescope
