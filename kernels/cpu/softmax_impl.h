// SPDX-License-Identifier: GPL-3.0-or-later
// Softmax and cross-entropy. Included by ops_impl.h after vector_math.h.

constexpr float infinity = __builtin_inff();

// As load, with `rest` in the lanes beyond `count`.
inline Vec load_or(const float* p, std::int64_t count, float rest) {
  if (count >= lanes) return load(p);
  float buffer[lanes];
  store(buffer, splat(rest));
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = p[i];
  return load(buffer);
}

inline float largest_of(const float* x, std::int64_t count) {
  Vec most = splat(-infinity);
  for (std::int64_t i = 0; i < count; i += lanes) {
    const Vec v = load_or(x + i, count - i, -infinity);
    most = select(v > most, v, most);
  }
  float buffer[lanes];
  store(buffer, most);
  float result = buffer[0];
  for (std::int64_t i = 1; i < lanes; ++i) result = buffer[i] > result ? buffer[i] : result;
  return result;
}

// Σ term(i) over the vectors that start at i, in two levels: a vocabulary of 50,000 in one chain would lose 10 bits.
template <class Term>
inline float two_level_sum(std::int64_t count, const Term& term) {
  constexpr std::int64_t stretch = 64 * lanes;
  Vec total{};
  for (std::int64_t begin = 0; begin < count; begin += stretch) {
    Vec part{};
    for (std::int64_t i = begin; i < smaller(begin + stretch, count); i += lanes) part += term(i);
    total += part;
  }
  return sum(total);
}

// Lanes beyond the row's end hold e^-87, which would count: they are cleared.
inline Vec exp_or_0(const float* x, std::int64_t count, float largest) {
  const Vec v = exp(load(x, count) - largest);
  if (count >= lanes) return v;
  float buffer[lanes];
  store(buffer, v);
  return load(buffer, count);
}

inline float sum_of_exp(const float* x, std::int64_t count, float largest) {
  return two_level_sum(count, [&](std::int64_t i) { return exp_or_0(x + i, count - i, largest); });
}

void softmax(const SoftmaxArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t V = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float* x = args.x.row(t);
    const float largest = largest_of(x, V), total = sum_of_exp(x, V, largest);
    const float log_total = __builtin_logf(total), scale = 1.0f / total;
    for (std::int64_t v = 0; v < V; v += lanes) {
      const Vec shifted = load(x + v, V - v) - largest;
      store(args.y.row(t) + v, args.log ? shifted - log_total : exp(shifted) * scale, V - v);
    }
  }
}

void softmax_backward(const SoftmaxBackwardArgs<float>& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t V = args.y.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float *y = args.y.row(t), *dy = args.dy.row(t);
    const float total = two_level_sum(V, [&](std::int64_t v) {
      const Vec d = load(dy + v, V - v);
      return args.log ? d : d * load(y + v, V - v);
    });
    for (std::int64_t v = 0; v < V; v += lanes) {
      const Vec d = load(dy + v, V - v), out = load(y + v, V - v);
      store(args.dx.row(t) + v, args.log ? d - exp(out) * total : out * (d - total), V - v);
    }
  }
}

// `scale` is dloss divided by the number of targets that count.
void cross_entropy(const CrossEntropyArgs<float>& args, float scale, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t V = args.logits.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    const float* x = args.logits.row(t);
    float* dx = args.dlogits ? args.dlogits.row(t) : nullptr;
    const std::int32_t target = args.targets[t];
    if (target == ignored_target) {
      args.losses[t] = 0;
      for (std::int64_t v = 0; dx && v < V; ++v) dx[v] = 0;
      continue;
    }
    const float largest = largest_of(x, V), total = sum_of_exp(x, V, largest), target_logit = x[target];
    args.losses[t] = __builtin_logf(total) + (largest - target_logit);
    if (!dx) continue;
    const float factor = scale / total;
    for (std::int64_t v = 0; v < V; v += lanes) store(dx + v, exp(load(x + v, V - v) - largest) * factor, V - v);
    // p − 1 of a target that is nearly sure keeps its digits as −(1 − p) = expm1(log p).
    dx[target] = __builtin_expm1f(-args.losses[t]) * scale;
  }
}
