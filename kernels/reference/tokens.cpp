// SPDX-License-Identifier: GPL-3.0-or-later
// What meets the vocabulary, as the equations read, in double precision.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cross_entropy.h"
#include "kernels/embedding.h"

namespace statescope::kernels::reference {
namespace {

// log Σ e^x of row t.
double log_sum(MatrixView<const double> x, std::int64_t t) {
  const double largest = *std::max_element(x.row(t), x.row(t) + x.cols);
  double total = 0;
  for (std::int64_t v = 0; v < x.cols; ++v) total += std::exp(x(t, v) - largest);
  return largest + std::log(total);
}

}  // namespace

void embedding(const EmbeddingArgs<double>& args) {
  for (std::int64_t t = 0; t < args.y.rows; ++t) {
    for (std::int64_t d = 0; d < args.y.cols; ++d) args.y(t, d) = args.table(args.tokens[t], d);
  }
}

void embedding_backward(const EmbeddingBackwardArgs<double>& args) {
  for (std::int64_t t = 0; t < args.dy.rows; ++t) {
    for (std::int64_t d = 0; d < args.dy.cols; ++d) args.dtable(args.tokens[t], d) += args.dy(t, d);
  }
}

void softmax(const SoftmaxArgs<double>& args) {
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    const double norm = log_sum(args.x, t);
    for (std::int64_t v = 0; v < args.x.cols; ++v) {
      const double log_p = args.x(t, v) - norm;
      args.y(t, v) = args.log ? log_p : std::exp(log_p);
    }
  }
}

void softmax_backward(const SoftmaxBackwardArgs<double>& args) {
  for (std::int64_t t = 0; t < args.y.rows; ++t) {
    double total = 0;
    for (std::int64_t v = 0; v < args.y.cols; ++v) total += args.dy(t, v) * (args.log ? 1 : args.y(t, v));
    for (std::int64_t v = 0; v < args.y.cols; ++v) {
      args.dx(t, v) =
          args.log ? args.dy(t, v) - std::exp(args.y(t, v)) * total : args.y(t, v) * (args.dy(t, v) - total);
    }
  }
}

void cross_entropy(const CrossEntropyArgs<double>& args) {
  const std::int64_t T = args.logits.rows, V = args.logits.cols;
  const auto count = static_cast<double>(T - std::count(args.targets, args.targets + T, ignored_target));
  *args.loss = 0;
  for (std::int64_t t = 0; t < T; ++t) {
    const std::int32_t target = args.targets[t];
    const bool counts = target != ignored_target;
    const double norm = log_sum(args.logits, t), loss = counts ? norm - args.logits(t, target) : 0;
    if (counts) *args.loss += loss / count;
    if (args.losses) args.losses[t] = loss;
    if (!args.dlogits) continue;
    for (std::int64_t v = 0; v < V; ++v) {
      const double p = std::exp(args.logits(t, v) - norm);
      args.dlogits(t, v) = counts ? args.dloss * (p - (v == target)) / count : 0;
    }
  }
}

}  // namespace statescope::kernels::reference
