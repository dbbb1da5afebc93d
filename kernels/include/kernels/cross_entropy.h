// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/matrix_view.h"

namespace statescope::kernels {

/// y = e^x / Σ e^x row by row, or its logarithm x − log Σ e^x. The largest x of a row is taken out first, so nothing
/// overflows. V >= 1; values are finite or −∞, not all of a row −∞.
template <class Real>
struct SoftmaxArgs {
  MatrixView<const Real> x;  // [T, V]
  MatrixView<Real> y;        // [T, V]; may be x itself
  bool log = false;
};

/// The gradient of softmax, dx = y ⊙ (dy − Σ dy ⊙ y), or of log-softmax, dx = dy − e^y Σ dy.
template <class Real>
struct SoftmaxBackwardArgs {
  MatrixView<const Real> y;   // [T, V] what the forward call gave
  MatrixView<const Real> dy;  // [T, V]
  MatrixView<Real> dx;        // [T, V]; may be y or dy
  bool log = false;
};

/// Targets of this value have no part in the loss.
constexpr std::int32_t ignored_target = -1;

/// The mean, over the tokens whose target counts, of −log softmax(logits_t)[target_t], and its gradient
/// dloss · (softmax(logits_t) − onehot(target_t)) / count. When none counts, loss and gradient are 0.
template <class Real>
struct CrossEntropyArgs {
  MatrixView<const Real> logits;          // [T, V]
  const std::int32_t* targets = nullptr;  // [T], each in [0, V) or ignored_target
  Real* loss = nullptr;                   // [1], nats
  Real* losses = nullptr;                 // [T] or null: each token's own, 0 where ignored
  MatrixView<Real> dlogits = {};          // [T, V] or empty; may be logits
  Real dloss = 1;                         // the gradient that reaches the loss
};

namespace reference {
void softmax(const SoftmaxArgs<double>& args);
void softmax_backward(const SoftmaxBackwardArgs<double>& args);
void cross_entropy(const CrossEntropyArgs<double>& args);
}  // namespace reference

}  // namespace statescope::kernels
