// SPDX-License-Identifier: GPL-3.0-or-later
// What CpuBackend computes at both ends of a model and for its gradients.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/ops.h"
#include "cpu/share.h"
#include "kernels/cpu_backend.h"

namespace statescope::kernels {
namespace {

std::vector<float> floats(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count));
}

}  // namespace

void CpuBackend::embedding(const EmbeddingArgs<float>& args) const {
  const std::size_t row_bytes = static_cast<std::size_t>(args.y.cols) * sizeof(float);
  share(args.y.rows, args.y.rows * args.y.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end && row_bytes > 0; ++t)
      std::memcpy(args.y.row(t), args.table.row(args.tokens[t]), row_bytes);
  });
}

// Divided by columns: two threads never add to the same number, and each number sees the tokens in order.
void CpuBackend::embedding_backward(const EmbeddingBackwardArgs<float>& args) const {
  share(args.dy.cols, args.dy.rows * args.dy.cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = 0; t < args.dy.rows; ++t) {
      const float* dy = args.dy.row(t);
      float* row = args.dtable.row(args.tokens[t]);
      for (std::int64_t d = begin; d < end; ++d) row[d] += dy[d];
    }
  });
}

void CpuBackend::softmax(const SoftmaxArgs<float>& args) const {
  share(args.x.rows, args.x.rows * args.x.cols * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->softmax(args, begin, end); });
}

void CpuBackend::softmax_backward(const SoftmaxBackwardArgs<float>& args) const {
  share(args.y.rows, args.y.rows * args.y.cols * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->softmax_backward(args, begin, end); });
}

void CpuBackend::cross_entropy(const CrossEntropyArgs<float>& args) const {
  const std::int64_t T = args.logits.rows;
  std::vector<float> own;
  CrossEntropyArgs<float> filled = args;
  if (!filled.losses) {
    own = floats(T);
    filled.losses = own.data();
  }
  const auto count = static_cast<double>(T - std::count(args.targets, args.targets + T, ignored_target));
  const auto scale = static_cast<float>(static_cast<double>(args.dloss) / count);  // unused when the count is 0
  share(T, T * args.logits.cols * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->cross_entropy(filled, scale, begin, end); });
  double total = 0;
  for (std::int64_t t = 0; t < T; ++t) total += static_cast<double>(filled.losses[t]);
  *args.loss = count > 0 ? static_cast<float>(total / count) : 0;
}

void CpuBackend::linear_backward(const LinearBackwardArgs<float>& args) const {
  const auto multiply = [&](const Product& p) {
    share(blocks(p.cols, ops_->product_strip), p.rows * p.cols * p.depth / 4,
          [&](std::int64_t begin, std::int64_t end) { ops_->product(p, begin, end); });
  };
  const std::int64_t T = args.dy.rows, M = args.dy.cols;
  if (args.dx)
    multiply({args.dy.data, args.dy.stride, 1, args.W.data, args.W.stride, args.dx.data, args.dx.stride, T,
              args.dx.cols, M, false});
  if (args.dW)
    multiply({args.dy.data, 1, args.dy.stride, args.x.data, args.x.stride, args.dW.data, args.dW.stride, M,
              args.dW.cols, T, false});
  if (args.dbias)
    share(blocks(M, ops_->lanes), T * M,
          [&](std::int64_t begin, std::int64_t end) { ops_->column_sums(args.dy, args.dbias, begin, end); });
}

// All weights of a head at once, as matrices: its five products are those of linear layers. Row t of P and dS ends
// with column t; what lies behind is 0.
void CpuBackend::attention_backward(const AttentionBackwardArgs<float>& args) const {
  const std::int64_t T = args.q.rows, d = args.q.cols / args.heads;
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(d)));
  std::vector<float> weights = floats(T * T), slopes = floats(T * T), turned = floats(d * T);
  const MatrixView<float> P(weights.data(), T, T), dS(slopes.data(), T, T);
  const auto multiply = [&](const Product& p) {
    share(blocks(p.cols, ops_->product_strip), p.rows * p.cols * p.depth / 4,
          [&](std::int64_t begin, std::int64_t end) { ops_->product(p, begin, end); });
  };
  // out = a bᵀ
  const auto dots = [&](MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> out) {
    for (std::int64_t t = 0; t < T; ++t)
      for (std::int64_t i = 0; i < d; ++i) turned[static_cast<std::size_t>(i * T + t)] = b(t, i);
    multiply({a.data, a.stride, 1, turned.data(), T, out.data, T, T, T, d, false});
  };
  const auto for_rows = [&](const auto& body) {
    share(T, T * T * 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) body(t);
    });
  };
  for (std::int64_t head = 0; head < args.heads; ++head) {
    const auto of_head = [&](auto view) { return view.columns(head * d, d); };
    const MatrixView<const float> q = of_head(args.q), k = of_head(args.k), dy = of_head(args.dy);
    const MatrixView<float> dq = of_head(args.dq), dk = of_head(args.dk), dv = of_head(args.dv);
    dots(q, k, P);
    for_rows([&](std::int64_t t) {
      const MatrixView<float> seen(P.row(t), 1, t + 1);
      for (std::int64_t j = 0; j <= t; ++j) seen(0, j) *= scale;
      ops_->softmax({seen, seen}, 0, 1);
      std::fill(P.row(t) + t + 1, P.row(t) + T, 0.0f);
    });
    dots(dy, of_head(args.v), dS);
    for_rows([&](std::int64_t t) {
      const MatrixView<float> seen(dS.row(t), 1, t + 1);
      ops_->softmax_backward({MatrixView<float>(P.row(t), 1, t + 1), seen, seen}, 0, 1);
      for (std::int64_t j = 0; j <= t; ++j) seen(0, j) *= scale;
      std::fill(dS.row(t) + t + 1, dS.row(t) + T, 0.0f);
    });
    multiply({dS.data, T, 1, k.data, k.stride, dq.data, dq.stride, T, d, T, false});
    multiply({dS.data, 1, T, q.data, q.stride, dk.data, dk.stride, T, d, T, false});
    multiply({P.data, 1, T, dy.data, dy.stride, dv.data, dv.stride, T, d, T, false});
  }
}

void CpuBackend::rms_norm_backward(const RmsNormBackwardArgs<float>& args) const {
  const std::int64_t T = args.s.rows, D = args.s.cols;
  std::vector<float> scales = floats(T);
  share(T, T * D * 2,
        [&](std::int64_t begin, std::int64_t end) { ops_->rms_norm_backward(args, scales.data(), begin, end); });
  share(blocks(D, ops_->lanes), T * D,
        [&](std::int64_t begin, std::int64_t end) { ops_->rms_norm_dweight(args, scales.data(), begin, end); });
}

void CpuBackend::causal_conv_backward(const CausalConvBackwardArgs<float>& args) const {
  share(blocks(args.x.cols, ops_->lanes), args.x.rows * args.x.cols * args.weight.rows * 4,
        [&](std::int64_t begin, std::int64_t end) { ops_->causal_conv_backward(args, begin, end); });
}

void CpuBackend::softplus_backward(const SoftplusBackwardArgs<float>& args) const {
  const std::int64_t T = args.y.rows, E = args.y.cols;
  share(T, T * E * 4, [&](std::int64_t begin, std::int64_t end) { ops_->softplus_backward(args, begin, end); });
  if (args.dbias)
    share(blocks(E, ops_->lanes), T * E,
          [&](std::int64_t begin, std::int64_t end) { ops_->column_sums(args.dx, args.dbias, begin, end); });
}

void CpuBackend::gate_backward(const GateBackwardArgs<float>& args) const {
  share(args.y.rows, args.y.rows * args.y.cols * 8,
        [&](std::int64_t begin, std::int64_t end) { ops_->gate_backward(args, begin, end); });
}

}  // namespace statescope::kernels
