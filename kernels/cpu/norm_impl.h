// SPDX-License-Identifier: GPL-3.0-or-later
// RMSNorm and its gradients. Included by ops_impl.h after vector_math.h.

void rms_norm(const RmsNormArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t D = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float *x = args.x.row(t), *residual = args.residual ? args.residual.row(t) : nullptr;
    const auto input = [&](std::int64_t d) {
      return residual ? load(x + d, D - d) + load(residual + d, D - d) : load(x + d, D - d);
    };
    Vec squares{};
    for (std::int64_t d = 0; d < D; d += lanes) {
      const Vec s = input(d);
      squares = fma(s, s, squares);
      if (args.sum) store(args.sum.row(t) + d, s, D - d);
    }
    const float scale = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(D) + args.epsilon);
    if (args.sum) {  // which may have replaced x or the residual
      x = args.sum.row(t);
      residual = nullptr;
    }
    for (std::int64_t d = 0; d < D; d += lanes)
      store(args.y.row(t) + d, input(d) * scale * load(args.weight + d, D - d), D - d);
  }
}

// ds, and 1 / r of each row for what comes after.
void rms_norm_backward(const RmsNormBackwardArgs<float>& args, float* scales, std::int64_t row_begin,
                       std::int64_t row_end) {
  const std::int64_t D = args.s.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float *s = args.s.row(t), *dy = args.dy.row(t);
    const auto g = [&](std::int64_t d) { return load(dy + d, D - d) * load(args.weight + d, D - d); };
    Vec squares{}, products{};
    for (std::int64_t d = 0; d < D; d += lanes) {
      const Vec v = load(s + d, D - d);
      squares = fma(v, v, squares);
      products = fma(v, g(d), products);
    }
    const float scale = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(D) + args.epsilon);
    const float mean = sum(products) * scale / static_cast<float>(D);  // of g ⊙ n
    for (std::int64_t d = 0; d < D; d += lanes) {
      Vec ds = (g(d) - load(s + d, D - d) * scale * mean) * scale;
      if (args.dsum) ds += load(args.dsum.row(t) + d, D - d);
      store(args.ds.row(t) + d, ds, D - d);
    }
    scales[t] = scale;
  }
}

// Time outside, so that rows are read as they lie; the sums stay in the first-level cache.
void rms_norm_dweight(const RmsNormBackwardArgs<float>& args, const float* scales, std::int64_t block_begin,
                      std::int64_t block_end) {
  const std::int64_t D = args.s.cols, first = block_begin * lanes, last = smaller(block_end * lanes, D);
  for (std::int64_t d = first; d < last; ++d) args.dweight[d] = 0;
  for (std::int64_t t = 0; t < args.s.rows; ++t)
    for (std::int64_t d = first; d < last; d += lanes) {
      const Vec n = load(args.s.row(t) + d, D - d) * scales[t];
      store(args.dweight + d, fma(load(args.dy.row(t) + d, D - d), n, load(args.dweight + d, D - d)), D - d);
    }
}

void column_sums(const MatrixView<const float>& m, float* sums, std::int64_t block_begin, std::int64_t block_end) {
  const std::int64_t first = block_begin * lanes, last = smaller(block_end * lanes, m.cols);
  for (std::int64_t d = first; d < last; ++d) sums[d] = 0;
  for (std::int64_t t = 0; t < m.rows; ++t)
    for (std::int64_t d = first; d < last; d += lanes)
      store(sums + d, load(sums + d, m.cols - d) + load(m.row(t) + d, m.cols - d), m.cols - d);
}
