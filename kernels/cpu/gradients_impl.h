// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients of the convolution and of what is elementwise. Included by ops_impl.h after vector_math.h.

inline Vec sigmoid_of(Vec x) {
  return 1.0f / (exp(-x) + 1.0f);
}

// The derivative of SiLU.
inline Vec silu_slope(Vec x) {
  const Vec s = sigmoid_of(x);
  return s * fma(x, 1.0f - s, 1.0f);
}

// 1 − e^−y for y >= 0, relative error a few units: where the difference would cancel, the polynomial of exp does not
// add its 1.
inline Vec one_minus_exp(Vec y) {
  const Vec r = -y;
  Vec p = fma(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = fma(p, r, 8.3334519073e-3f);
  p = fma(p, r, 4.1665795894e-2f);
  p = fma(p, r, 1.6666665459e-1f);
  p = fma(p, r, 5.0000001201e-1f);
  return select(y < 0.34f, fma(-p, r * r, y), 1.0f - exp(r));
}

// Time runs backwards, row by row as in causal_conv. The gradient of each input gathers its K terms where it will lie
// in the end, latest first, so that a call which ends in the middle of them hands on a sum that the next call
// continues.
void causal_conv_backward(const CausalConvBackwardArgs<float>& args, std::int64_t block_begin, std::int64_t block_end) {
  constexpr std::int64_t vectors = 16;  // of channels that go through time together
  const std::int64_t T = args.x.rows, K = args.weight.rows, last = smaller(block_end * lanes, args.x.cols);
  const auto input = [&](std::int64_t t) { return t >= 0 ? args.x.row(t) : args.history.row(t + K - 1); };
  const auto gradient = [&](std::int64_t t) { return t >= 0 ? args.dx.row(t) : args.dhistory.row(t + K - 1); };
  for (std::int64_t first = block_begin * lanes; first < last; first += vectors * lanes) {
    const std::int64_t count = smaller(vectors * lanes, last - first);
    const auto for_each_vector = [&](const auto& body) {
      for (std::int64_t e = 0; e < count; e += lanes) body(first + e, count - e, e / lanes);
    };
    const auto clear = [&](float* row) {
      for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t) { store(row + e, Vec{}, rest); });
    };
    for (std::int64_t t = 0; t < T - K + 1; ++t) clear(gradient(t));
    // Input T-K+1+j is row j of the history left behind. Falling j reads a row before it is overwritten.
    for (std::int64_t j = K - 2; j >= 0; --j)
      for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t) {
        store(gradient(T - K + 1 + j) + e, load(args.dhistory.row(j) + e, rest), rest);
      });
    for (std::int64_t t = -(K - 1); t < 0 && t < T - K + 1; ++t) clear(gradient(t));
    for (std::int64_t j = 0; j < K; ++j) clear(args.dweight.row(j));

    Vec dbias[vectors] = {};
    for (std::int64_t t = T - 1; t >= 0; --t) {
      Vec g[vectors];
      for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t i) {
        g[i] = args.bias ? load(args.bias + e, rest) : Vec{};
      });
      for (std::int64_t j = 0; j < K; ++j) {
        const float *weight = args.weight.row(j), *x = input(t - K + 1 + j);
        for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t i) {
          g[i] = fma(load(weight + e, rest), load(x + e, rest), g[i]);
        });
      }
      const float* const dy = args.dy.row(t);
      for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t i) {
        g[i] = load(dy + e, rest) * silu_slope(g[i]);
        dbias[i] += g[i];
      });
      for (std::int64_t j = 0; j < K; ++j) {
        const float *weight = args.weight.row(j), *x = input(t - K + 1 + j);
        float *dweight = args.dweight.row(j), *dx = gradient(t - K + 1 + j);
        for_each_vector([&](std::int64_t e, std::int64_t rest, std::int64_t i) {
          store(dweight + e, fma(g[i], load(x + e, rest), load(dweight + e, rest)), rest);
          store(dx + e, fma(g[i], load(weight + e, rest), load(dx + e, rest)), rest);
        });
      }
    }
    if (args.dbias)
      for_each_vector(
          [&](std::int64_t e, std::int64_t rest, std::int64_t i) { store(args.dbias + e, dbias[i], rest); });
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
