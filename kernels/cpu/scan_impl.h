// SPDX-License-Identifier: GPL-3.0-or-later
// The selective scan, written once over vectors of STATESCOPE_LANES channels and compiled once per instruction set.
//
// A vector of channels takes a tile of tokens at once: what depends on the channel alone (Δ, the skip, the gate) in
// loops of its own before and after, and in between a few states at a time, which stay in registers from token to
// token.
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpu/scan_ops.h"

namespace statescope::kernels {
namespace {

#include "cpu/vector_math.h"

constexpr std::int64_t vectors_per_block = 4;
constexpr std::int64_t channel_block = vectors_per_block * lanes;
constexpr std::int64_t line_floats = 16;       // of a cache line
constexpr int state_chunk = STATESCOPE_LANES;  // states that go through a tile together
// The same where none is kept: with AVX-512 so few that they, A and the constants of a decay all have registers.
constexpr int passing_chunk = STATESCOPE_LANES == 16 ? 4 : state_chunk;
constexpr std::int64_t tile_tokens = 32;
constexpr std::int64_t tokens_ahead =
    8;  // rows lie pages apart, which the hardware does not see coming: asked for so early
constexpr std::int64_t kept_tokens = 8;  // tokens in a tile whose states are kept: they should fit the first cache

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

// 2^f for |f| <= 1/2, exact at 0: a minimax polynomial, off by 3e-9; with rounding about 1.05 units (half ulps).
inline Vec exp2_fraction(Vec f) {
  Vec p = fma(f, 1.532926399e-4f, 1.339096925e-3f);
  p = fma(p, f, 9.618499316e-3f);
  p = fma(p, f, 5.550359562e-2f);
  p = fma(p, f, 2.402264774e-1f);
  p = fma(p, f, 6.931471825e-1f);
  return fma(p, f, 1.0f);
}

constexpr float log2_e = 1.44269504088896341f;

// 2^(exponent · A), which with exponent = Δ log2 e is exp(Δ A). The product is never rounded before its integer part n
// is taken off, so the error is that of Δ log2 e (one unit of an exponent s, which e^-s turns into at most 0.4 units of
// the result) and of exp2_fraction. Where the result would not be a normal number it may be 0 or 2^-125.
#if STATESCOPE_LANES == 16
inline Vec decay(Vec exponent, Vec A) {
  const Vec shift = splat(12582912.0f);  // 1.5 · 2²³: adding it rounds to an integer
  const Vec n = fma(exponent, A, shift) - shift;
  return _mm512_maskz_scalef_ps(every_lane, exp2_fraction(_mm512_fmsub_ps(exponent, A, n)), n);
}
// Beyond 2^22 the fraction is no longer one; within these bounds the polynomial stays finite, and its product with
// 2^(less than -4 million) is 0 all the same.
inline Vec bounded_exponent(Vec v) {
  return max_of(splat(-0x1p29f), min_of(splat(0x1p29f), v));
}
inline Vec bounded_A(Vec A) {
  return max_of(splat(-0x1p17f), A);
}
#else
inline Vec decay(Vec exponent, Vec A) {
  const Vec shift = splat(12582912.0f);  // 1.5 · 2²³: adding it rounds to an integer, kept in the low mantissa bits
  const Vec product = max_of(splat(-125.0f), min_of(splat(126.0f), exponent * A));
  const Vec shifted = product + shift;
  const Vec p = exp2_fraction(product - (shifted - shift));
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(p) + (reinterpret_cast<IntVec>(shifted) << 23));
}
inline Vec bounded_exponent(Vec v) {
  return v;
}
inline Vec bounded_A(Vec A) {
  return A;
}
#endif

inline Vec sigmoid_of(Vec x) {
  return 1.0f / (exp(-x) + 1.0f);
}

#include "cpu/scan_tile_impl.h"

// B or C of some states for a tile: one number for all lanes, or a vector when the lanes belong to several groups.
struct Shared {
  const float* values;
  std::int64_t row;  // from one token to the next; 0 when constant
  Vec at(std::int64_t token, int n) const { return splat(values[token * row + n]); }
};
struct PerLane {
  const Vec* values;
  std::int64_t row;
  Vec at(std::int64_t token, int n) const { return values[token * row + n]; }
};

inline std::int64_t group_of(const SelectiveScanArgs<float>& args, std::int64_t e) {
  return e / (args.x.cols / args.groups);
}

template <int S>
inline Shared shared(const SelectiveScanArgs<float>& args, MatrixView<const float> m, const Tile& tile,
                     std::int64_t n) {
  return {m.row(tile.t) + group_of(args, tile.e) * args.A.rows + n, m.stride};
}
template <int S>
inline PerLane per_lane(const SelectiveScanArgs<float>& args, MatrixView<const float> m, const Tile& tile,
                        std::int64_t n, Vec* values) {
  const std::int64_t rows = m.stride == 0 ? 1 : tile.tokens;
  for (std::int64_t lane = 0; lane < tile.count; ++lane) {
    const std::int64_t column = group_of(args, tile.e + lane) * args.A.rows + n;
    for (std::int64_t i = 0; i < rows; ++i)
      for (int s = 0; s < S; ++s) values[i * S + s][lane] = m(tile.t + i, column + s);
  }
  return {values, m.stride == 0 ? 0 : S};
}

// Calls f(chunk, n) for chunks of S, S/2, ... 1 states until all N are covered; chunk.size is a constant.
template <int S>
struct Chunk {
  static constexpr int size = S;
};
template <int S, class F>
inline void for_state_chunks(std::int64_t n, std::int64_t N, const F& f) {
  for (; n + S <= N; n += S) f(Chunk<S>{}, n);
  if constexpr (S > 1) for_state_chunks<S / 2>(n, N, f);
}

template <int S>
inline void load_states(MatrixView<const float> m, std::int64_t n, const Tile& tile, Vec (&out)[S]) {
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) out[s] = load(m.row(n + s) + tile.e, tile.count);
}
template <int S>
inline void store_states(MatrixView<float> m, std::int64_t n, const Tile& tile, const Vec (&states)[S]) {
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) store(m.row(n + s) + tile.e, states[s], tile.count);
}
template <int S>
inline void load_A(const SelectiveScanArgs<float>& args, std::int64_t n, const Tile& tile, Vec (&A)[S]) {
  load_states(args.A, n, tile, A);
  for (int s = 0; s < S; ++s) A[s] = bounded_A(A[s]);
}

enum class Keep { nothing, squares, states, states_and_decays };

// S states through the tile. `kept` [tokens, S] gets every state, or [tokens] what their squares add; `decays` gets
// every exp(Δ A).
template <int S, Keep keep, class Projection>
__attribute__((noinline)) void advance(Tile& tile, const Vec (&A)[S], Projection B, Projection C, Vec (&states)[S],
                                       Vec* kept, Vec* decays) {
  Vec h[S];
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) h[s] = states[s];
  for (std::int64_t i = 0; i < tile.tokens; ++i) {
    const Vec exponent = tile.exponent[i], write = tile.write[i];
    Vec y = tile.y[i], square{};
    if constexpr (keep == Keep::squares) square = kept[i];
#pragma GCC unroll 16
    for (int s = 0; s < S; ++s) {
      const Vec a = decay(exponent, A[s]);
      h[s] = fma(a, h[s], write * B.at(i, s));
      y = fma(h[s], C.at(i, s), y);
      if constexpr (keep == Keep::squares) square = fma(h[s], h[s], square);
      if constexpr (keep == Keep::states || keep == Keep::states_and_decays) kept[i * S + s] = h[s];
      if constexpr (keep == Keep::states_and_decays) decays[i * S + s] = a;
    }
    tile.y[i] = y;
    if constexpr (keep == Keep::squares) kept[i] = square;
  }
#pragma GCC unroll 16
  for (int s = 0; s < S; ++s) states[s] = h[s];
}

// ---- Forward

// Where the states of a tile go: h_all and state_squares.
struct Emission {
  const SelectiveScanArgs<float>& args;
  Vec squares[tile_tokens];

  template <int S>
  void add(const Tile& tile, std::int64_t n, const Vec* kept) {
    if (args.state_squares)
      for (std::int64_t i = 0; i < tile.tokens; ++i)
        for (int s = 0; s < S; ++s) squares[i] = fma(kept[i * S + s], kept[i * S + s], squares[i]);
    if (!args.h_all) return;
    if (args.channel_list)
      add_listed<S>(tile, n, kept);
    else
      add_all<S>(tile, n, kept);
  }

  template <int S>
  void add_all(const Tile& tile, std::int64_t n, const Vec* kept) {
    const std::int64_t N = args.A.rows, E = args.x.cols;
    for (std::int64_t i = 0; i < tile.tokens; ++i) {
      Vec rows[STATESCOPE_LANES] = {};
#pragma GCC unroll 16
      for (int s = 0; s < S; ++s) rows[s] = kept[i * S + s];
      transpose(rows);
      float* out = args.h_all + ((tile.t + i) * E + tile.e) * N + n;
      for (std::int64_t lane = 0; lane < tile.count; ++lane) store(out + lane * N, rows[lane], S);
    }
  }

  template <int S>
  void add_listed(const Tile& tile, std::int64_t n, const Vec* kept) {
    const std::int64_t N = args.A.rows;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const std::int64_t lane = args.channel_list[c] - tile.e;
      if (lane < 0 || lane >= tile.count) continue;
      for (std::int64_t i = 0; i < tile.tokens; ++i) {
        float* out = args.h_all + ((tile.t + i) * args.channels + c) * N + n;
        for (int s = 0; s < S; ++s) out[s] = kept[i * S + s][lane];
      }
    }
  }

  void finish(const Tile& tile) {
    if (args.state_squares)
      for (std::int64_t i = 0; i < tile.tokens; ++i)
        store(args.state_squares.row(tile.t + i) + tile.e, squares[i], tile.count);
  }
};

// Calls f(B, C) with the projections of S states in the form that fits the lanes.
template <int S, class F>
inline void with_projections(const SelectiveScanArgs<float>& args, const Tile& tile, std::int64_t n, const F& f) {
  if (group_of(args, tile.e) == group_of(args, tile.e + tile.count - 1)) {
    f(shared<S>(args, args.B, tile, n), shared<S>(args, args.C, tile, n));
  } else {
    Vec B[tile_tokens * S] = {}, C[tile_tokens * S] = {};
    f(per_lane<S>(args, args.B, tile, n, B), per_lane<S>(args, args.C, tile, n, C));
  }
}

template <Keep keep>
void forward_tile(const SelectiveScanArgs<float>& args, Tile& tile) {
  constexpr bool emits = keep == Keep::states;
  Emission emission{args, {}};
  for_state_chunks<emits ? state_chunk : passing_chunk>(0, args.A.rows, [&](auto chunk, std::int64_t n) {
    constexpr int S = chunk.size;
    Vec A[S], states[S], kept[emits ? kept_tokens * S : 1];
    load_A(args, n, tile, A);
    load_states<S>(args.h, n, tile, states);
    with_projections<S>(args, tile, n, [&](auto B, auto C) {
      advance<S, keep>(tile, A, B, C, states, emits ? kept : emission.squares, nullptr);
    });
    store_states(args.h, n, tile, states);
    if constexpr (emits) emission.add<S>(tile, n, kept);
  });
  if constexpr (keep != Keep::nothing) emission.finish(tile);
}

// What the next block will read of A and h is asked for while this one is at work.
inline void fetch_states(const SelectiveScanArgs<float>& args, std::int64_t block) {
  const std::int64_t begin = block * channel_block, end = smaller(begin + channel_block, args.x.cols);
  for (std::int64_t n = 0; n < args.A.rows; ++n) {
    for (std::int64_t e = begin; e < end; e += line_floats) {
      __builtin_prefetch(args.A.row(n) + e);
      __builtin_prefetch(args.h.row(n) + e, 1);
    }
  }
}
template <int V, Keep keep>
void forward_tiles(const SelectiveScanArgs<float>& args, Tile* tiles) {
  read_tiles<V>(args, tiles);
  for (int v = 0; v < V; ++v) forward_tile<keep>(args, tiles[v]);
  write_tiles<V>(args, tiles);
}

template <Keep keep>
void scan_block(const SelectiveScanArgs<float>& args, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t step = keep == Keep::states ? kept_tokens : tile_tokens;
  Tile tiles[vectors_per_block];
  for (std::int64_t t = 0; t < args.x.rows; t += step) {
    const std::int64_t tokens = smaller(step, args.x.rows - t);
    const auto set = [&](Tile& tile, std::int64_t e) {
      tile.t = t;
      tile.tokens = tokens;
      tile.e = e;
      tile.count = smaller(lanes, end - e);
    };
    if (end - begin == channel_block) {
      for (std::int64_t v = 0; v < vectors_per_block; ++v) set(tiles[v], begin + v * lanes);
      forward_tiles<vectors_per_block, keep>(args, tiles);
    } else {
      for (std::int64_t e = begin; e < end; e += lanes) {
        set(tiles[0], e);
        forward_tiles<1, keep>(args, tiles);
      }
    }
  }
}

void selective_scan(const SelectiveScanArgs<float>& args, std::int64_t block_begin, std::int64_t block_end) {
  for (std::int64_t block = block_begin; block < block_end; ++block) {
    fetch_states(args, block + 1);
    const std::int64_t begin = block * channel_block, end = smaller(begin + channel_block, args.x.cols);
    if (args.h_all)
      scan_block<Keep::states>(args, begin, end);
    else if (args.state_squares)
      scan_block<Keep::squares>(args, begin, end);
    else
      scan_block<Keep::nothing>(args, begin, end);
  }
}

#include "cpu/scan_step_impl.h"

// ---- The ladder: the recurrence's a and b in memory

void form(const SelectiveScanArgs<float>& args, float* a, float* b, std::int64_t token_begin, std::int64_t token_end) {
  const std::int64_t E = args.x.cols, N = args.A.rows;
  Tile tile;
  for (tile.t = token_begin; tile.t < token_end; tile.t += tile.tokens) {
    tile.tokens = smaller(kept_tokens, token_end - tile.t);
    for (tile.e = 0; tile.e < E; tile.e += lanes) {
      tile.count = smaller(lanes, E - tile.e);
      read_tile(args, tile);
      for (std::int64_t n = 0; n < N; ++n) {
        Vec A[1];
        load_A(args, n, tile, A);
        with_projections<1>(args, tile, n, [&](auto B, auto) {
          for (std::int64_t i = 0; i < tile.tokens; ++i) {
            const std::int64_t at = ((tile.t + i) * N + n) * E + tile.e;
            store(a + at, decay(tile.exponent[i], A[0]), tile.count);
            store(b + at, tile.write[i] * B.at(i, 0), tile.count);
          }
        });
      }
    }
  }
}

void contract(const SelectiveScanArgs<float>& args, const float* h, std::int64_t token_begin, std::int64_t token_end) {
  const std::int64_t E = args.x.cols, N = args.A.rows;
  Tile tile;
  for (tile.t = token_begin; tile.t < token_end; tile.t += tile.tokens) {
    tile.tokens = smaller(kept_tokens, token_end - tile.t);
    for (tile.e = 0; tile.e < E; tile.e += lanes) {
      tile.count = smaller(lanes, E - tile.e);
      const Vec D = args.D ? load(args.D + tile.e, tile.count) : Vec{};
      for (std::int64_t i = 0; i < tile.tokens; ++i) tile.y[i] = D * load(args.x.row(tile.t + i) + tile.e, tile.count);
      Emission emission{args, {}};
      for_state_chunks<state_chunk>(0, N, [&](auto chunk, std::int64_t n) {
        constexpr int S = chunk.size;
        Vec kept[kept_tokens * S];
        with_projections<S>(args, tile, n, [&](auto, auto C) {
          for (std::int64_t i = 0; i < tile.tokens; ++i) {
            for (int s = 0; s < S; ++s) {
              kept[i * S + s] = load(h + ((tile.t + i) * N + n + s) * E + tile.e, tile.count);
              tile.y[i] = fma(kept[i * S + s], C.at(i, s), tile.y[i]);
            }
          }
        });
        emission.add<S>(tile, n, kept);
      });
      emission.finish(tile);
      write_tile(args, tile);
    }
  }
}

void combine(PairRow earlier, PairRow later, PairRow into, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const Vec a = load(later.a + i, count - i), b = load(later.b + i, count - i);
    if (into.a) store(into.a + i, load(earlier.a + i, count - i) * a, count - i);
    store(into.b + i, fma(a, load(earlier.b + i, count - i), b), count - i);
  }
}

void descend(PairRow left, PairRow right, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const Vec a = load(left.a + i, count - i), b = load(left.b + i, count - i);
    const Vec parent_a = load(right.a + i, count - i), parent_b = load(right.b + i, count - i);
    store(left.a + i, parent_a, count - i);
    store(left.b + i, parent_b, count - i);
    store(right.a + i, parent_a * a, count - i);
    store(right.b + i, fma(a, parent_b, b), count - i);
  }
}

constexpr int busy_chains = 12;  // that do not wait for each other

void exponentials(float* values, std::int64_t rounds) {
  Vec v[busy_chains];
  for (int c = 0; c < busy_chains; ++c) v[c] = load(values + c * lanes);
  const Vec A = splat(-0.5f);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int c = 0; c < busy_chains; ++c) v[c] = decay(v[c], A);
  }
  for (int c = 0; c < busy_chains; ++c) store(values + c * lanes, v[c]);
}

#include "cpu/scan_backward_impl.h"

}  // namespace

extern const ScanOps STATESCOPE_SCAN_OPS;
const ScanOps STATESCOPE_SCAN_OPS = {
    channel_block, backward_tile, selective_scan, step,    checkpoints, backward_workspace,
    backward,      form,          contract,       combine, descend,     busy_chains* std::int64_t{lanes},
    exponentials};

}  // namespace statescope::kernels
