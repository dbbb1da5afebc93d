// SPDX-License-Identifier: GPL-3.0-or-later
// The chunked scan of Mamba-2. Included by ops_impl.h after product_impl.h.

// G[i, j] = C_i · B_j for j <= i, of one group and chunk [begin, begin + count). Bt is room for N · count floats.
// Rows come in tiles of product_rows, so up to product_rows − 1 entries right of the diagonal are filled as well.
void ssd_scores(const SsdArgs<float>& args, std::int64_t begin, std::int64_t count, std::int64_t group, float* Bt,
                float* G) {
  const std::int64_t N = args.states();
  for (std::int64_t j = 0; j < count; ++j)
    for (std::int64_t n = 0; n < N; ++n) Bt[n * count + j] = args.B(begin + j, group * N + n);
  for (std::int64_t i = 0; i < count; i += product_rows) {
    const std::int64_t rows = smaller(product_rows, count - i);
    product({args.C.row(begin + i) + group * N, args.C.stride, 1, Bt, count, G + i * count, count, rows, i + rows, N,
             false});
  }
}

// out[j] = exp(sums_at − sums_j) · factor_j for j < count, the sums in two parts.
inline void decays(const float* high, const float* low, std::int64_t at, std::int64_t count, const float* factor,
                   float* out) {
  for (std::int64_t j = 0; j < count; j += lanes) {
    const Vec exponent = (high[at] - load(high + j, count - j)) + (low[at] - load(low + j, count - j));
    store(out + j, exp(exponent) * load(factor + j, count - j), count - j);
  }
}

// One head over one chunk. `G` is its group's; state [N, P] is the head's, carried on. `scratch` is room for
// ssd_scratch(count, N) floats.
void ssd_head(const SsdArgs<float>& args, std::int64_t begin, std::int64_t count, std::int64_t head, const float* G,
              float* state, float* scratch) {
  const std::int64_t P = args.head_channels(), N = args.states(), group = args.group_of(head);
  float* high = scratch;  // a_0 + … + a_i as the sum of two floats: differences of near sums must stay exact
  float* low = high + count;
  float* delta = low + count;
  float* weights = delta + count;
  float* M = weights + count;         // [count, count]
  float* scaled = M + count * count;  // [count, N]
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    delta[i] = args.delta(begin + i, head);
    total += static_cast<double>(delta[i]) * static_cast<double>(args.A[head]);
    high[i] = static_cast<float>(total);
    low[i] = static_cast<float>(total - static_cast<double>(high[i]));
  }
  const std::int64_t x_row = args.x.stride, y_row = args.y.stride;
  const float* x = args.x.row(begin) + head * P;
  float* y = args.y.row(begin) + head * P;

  // What came before the chunk: y_i = exp(a_0 + … + a_i) C_i h.
  for (std::int64_t i = 0; i < count; ++i) {
    const float decay = exp(splat(high[i] + low[i]))[0];
    const float* C = args.C.row(begin + i) + group * N;
    for (std::int64_t n = 0; n < N; n += lanes) store(scaled + i * N + n, load(C + n, N - n) * decay, N - n);
  }
  product({scaled, N, 1, state, P, y, y_row, count, P, N, false});

  // What the chunk itself brings. Row by row beside the diagonal: a later token must not even multiply by 0.
  for (std::int64_t i = 0; i < count; ++i) {
    decays(high, low, i, i + 1, delta, M + i * count);
    for (std::int64_t j = 0; j <= i; j += lanes)
      store(M + i * count + j, load(M + i * count + j, i + 1 - j) * load(G + i * count + j, i + 1 - j), i + 1 - j);
  }
  for (std::int64_t i = 0; i < count; i += product_rows) {
    const std::int64_t rows = smaller(product_rows, count - i);
    if (i > 0) product({M + i * count, count, 1, x, x_row, y + i * y_row, y_row, rows, P, i, true});
    for (std::int64_t r = i; r < i + rows; ++r)
      product({M + r * count + i, count, 1, x + i * x_row, x_row, y + r * y_row, y_row, 1, P, r + 1 - i, true});
  }

  for (std::int64_t i = 0; args.D && i < count; ++i)
    for (std::int64_t p = 0; p < P; p += lanes) {
      const Vec D = args.D_per_channel ? load(args.D + head * P + p, P - p) : splat(args.D[head]);
      store(y + i * y_row + p, fma(D, load(x + i * x_row + p, P - p), load(y + i * y_row + p, P - p)), P - p);
    }

  // The state left behind: exp(a_0 + … + a_last) h + Σ_j exp(a_j+1 + … + a_last) Δ_j B_j x_jᵀ.
  decays(high, low, count - 1, count, delta, weights);
  for (std::int64_t j = 0; j < count; ++j) {
    const float* B = args.B.row(begin + j) + group * N;
    for (std::int64_t n = 0; n < N; n += lanes) store(scaled + j * N + n, load(B + n, N - n) * weights[j], N - n);
  }
  const float decay = exp(splat(high[count - 1] + low[count - 1]))[0];
  for (std::int64_t i = 0; i < N * P; i += lanes) store(state + i, load(state + i, N * P - i) * decay, N * P - i);
  product({scaled, 1, N, x, x_row, state, P, N, P, count, true});
}
