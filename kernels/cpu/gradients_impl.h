// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of the convolution and of what is elementwise. Included by ops_impl.h after vector_math.h.

inline Vec sigmoid_of(Vec x) {
  return 1.0f / (exp(-x) + 1.0f);
}

// The derivative of SiLU.
inline Vec silu_slope(Vec x) {
  const Vec s = sigmoid_of(x);
  return s * (x * (1.0f - s) + 1.0f);
}

// 1 − e^−y for y >= 0, relative error a few units: where the difference would cancel, the polynomial of exp does not
// add its 1.
inline Vec one_minus_exp(Vec y) {
  const Vec r = -y;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return select(y < 0.34f, y - p * (r * r), 1.0f - exp(r));
}

// Time runs backwards. The gradient of each input gathers its K terms where it will lie in the end, latest first, so
// that a call which ends in the middle of them hands on a sum that the next call continues.
void causal_conv_backward(const CausalConvBackwardArgs<float>& args, std::int64_t block_begin, std::int64_t block_end) {
  const std::int64_t T = args.x.rows, E = args.x.cols, K = args.weight.rows;
  for (std::int64_t block = block_begin; block < block_end; ++block) {
    const std::int64_t e = block * lanes, count = smaller(lanes, E - e);
    const auto input = [&](std::int64_t t) {
      return load((t >= 0 ? args.x.row(t) : args.history.row(t + K - 1)) + e, count);
    };
    const auto gradient = [&](std::int64_t t) { return (t >= 0 ? args.dx.row(t) : args.dhistory.row(t + K - 1)) + e; };
    for (std::int64_t t = 0; t < T - K + 1; ++t) store(gradient(t), Vec{}, count);
    // Input T-K+1+j is row j of the history left behind. Falling j reads a row before it is overwritten.
    for (std::int64_t j = K - 2; j >= 0; --j)
      store(gradient(T - K + 1 + j), load(args.dhistory.row(j) + e, count), count);
    for (std::int64_t t = -(K - 1); t < 0 && t < T - K + 1; ++t) store(gradient(t), Vec{}, count);

    for (std::int64_t j = 0; j < K; ++j) store(args.dweight.row(j) + e, Vec{}, count);
    const Vec bias = args.bias ? load(args.bias + e, count) : Vec{};
    Vec dbias{};
    for (std::int64_t t = T - 1; t >= 0; --t) {
      Vec v = bias;
      for (std::int64_t j = 0; j < K; ++j) v += load(args.weight.row(j) + e, count) * input(t - K + 1 + j);
      const Vec g = load(args.dy.row(t) + e, count) * silu_slope(v);
      dbias += g;
      for (std::int64_t j = 0; j < K; ++j) {
        const std::int64_t s = t - K + 1 + j;
        float *dweight = args.dweight.row(j) + e, *dx = gradient(s);
        store(dweight, load(dweight, count) + g * input(s), count);
        store(dx, load(dx, count) + g * load(args.weight.row(j) + e, count), count);
      }
    }
    if (args.dbias) store(args.dbias + e, dbias, count);
  }
}

void softplus_backward(const SoftplusBackwardArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t E = args.y.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t)
    for (std::int64_t e = 0; e < E; e += lanes)
      store(args.dx.row(t) + e, load(args.dy.row(t) + e, E - e) * one_minus_exp(load(args.y.row(t) + e, E - e)), E - e);
}

void gate_backward(const GateBackwardArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t E = args.y.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    for (std::int64_t e = 0; e < E; e += lanes) {
      const Vec y = load(args.y.row(t) + e, E - e), z = load(args.z.row(t) + e, E - e),
                dout = load(args.dout.row(t) + e, E - e);
      store(args.dy.row(t) + e, dout * silu_of(z), E - e);
      store(args.dz.row(t) + e, dout * y * silu_slope(z), E - e);
    }
  }
}
