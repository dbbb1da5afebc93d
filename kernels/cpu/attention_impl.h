// SPDX-License-Identifier: GPL-3.0-or-later
// Attention with a running softmax (Milakov & Gimelshein 2018), so that the scores of a long context never need memory.
// Included once per instruction set by ops_impl.h, inside an anonymous namespace.

// Keys judged at once, and queries that judge them while they are in the first-level cache.
constexpr std::int64_t key_block = 64;
constexpr std::int64_t query_block = 8;

// What a query carries from block to block: the weighted sum of values collects in y, relative to the largest score.
struct RunningSoftmax {
  float largest = -3e38f;
  Vec totals{};
};

// `count` keys from `begin` on, for one query and the columns of one head.
inline void attend(const AttentionArgs<float>& args, std::int64_t t, std::int64_t first, std::int64_t begin,
                   std::int64_t count, RunningSoftmax& running) {
  const std::int64_t d = args.q.cols / args.heads;
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(d));
  const float* q = args.q.row(t) + first;
  float* y = args.y.row(t) + first;
  float scores[key_block];
  float largest = running.largest;
  for (std::int64_t j = 0; j < count; ++j) {
    const float* k = args.k.row(begin + j) + first;
    Vec products{};
    for (std::int64_t i = 0; i < d; i += lanes) products = fma(load(q + i, d - i), load(k + i, d - i), products);
    scores[j] = sum(products) * scale;
    largest = scores[j] > largest ? scores[j] : largest;
  }
  const Vec shrink = exp(splat(running.largest - largest));
  running.largest = largest;
  running.totals *= shrink;
  // A score this low weighs nothing, so a partial block runs through the same arithmetic.
  for (std::int64_t j = count; j < key_block; ++j) scores[j] = -3e38f;
  for (std::int64_t j = 0; j < key_block; j += lanes) {
    const Vec in_block = load(scores + j);
    const Vec p = select(in_block > -1e38f, exp(in_block - largest), Vec{});
    store(scores + j, p);
    running.totals += p;
  }
  for (std::int64_t i = 0; i < d; i += lanes) {
    Vec values = load(y + i, d - i) * shrink;
    for (std::int64_t j = 0; j < count; ++j)
      values = fma(load(args.v.row(begin + j) + first + i, d - i), scores[j], values);
    store(y + i, values, d - i);
  }
}

// Unit u is head u / blocks and, of its blocks of queries, number u % blocks: a head's keys and values stay close.
void attention(const AttentionArgs<float>& args, std::int64_t unit_begin, std::int64_t unit_end) {
  const std::int64_t T = args.q.rows, d = args.q.cols / args.heads;
  const std::int64_t blocks = (T + query_block - 1) / query_block;
  for (std::int64_t unit = unit_begin; unit < unit_end; ++unit) {
    const std::int64_t first = unit / blocks * d, query_begin = unit % blocks * query_block;
    const std::int64_t query_end = smaller(query_begin + query_block, T);
    RunningSoftmax running[query_block];
    for (std::int64_t t = query_begin; t < query_end; ++t)
      for (std::int64_t i = 0; i < d; i += lanes) store(args.y.row(t) + first + i, Vec{}, d - i);
    const std::int64_t longest = args.k.rows - T + query_end;
    for (std::int64_t begin = 0; begin < longest; begin += key_block) {
      for (std::int64_t t = query_begin; t < query_end; ++t) {
        const std::int64_t count = smaller(key_block, args.k.rows - T + t + 1 - begin);
        if (count > 0) attend(args, t, first, begin, count, running[t - query_begin]);
      }
    }
    for (std::int64_t t = query_begin; t < query_end; ++t) {
      float* y = args.y.row(t) + first;
      const float total = sum(running[t - query_begin].totals);
      for (std::int64_t i = 0; i < d; i += lanes) store(y + i, load(y + i, d - i) / total, d - i);
    }
  }
}

inline std::int64_t attention_units(const AttentionArgs<float>& args) {
  return args.heads * ((args.q.rows + query_block - 1) / query_block);
}
