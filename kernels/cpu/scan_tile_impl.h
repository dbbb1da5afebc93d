// SPDX-License-Identifier: GPL-3.0-or-later
// What vectors of channels read of a tile of tokens and write of it: part of scan_impl.h.

struct Tile {
  std::int64_t t, tokens;  // the first token and how many
  std::int64_t e, count;   // the first channel and how many
  Vec x[tile_tokens];
  Vec delta[tile_tokens];     // Δ
  Vec exponent[tile_tokens];  // Δ log2 e
  Vec write[tile_tokens];     // Δ x
  Vec y[tile_tokens];         // D x, and then Σ C h on top
};

// Calls f(v, x, Δ, its exponent, what is written, what y begins with) for V vectors of token t from channel e on, of
// which a single one may be partial.
template <int V, class F>
inline void for_each_step(const SelectiveScanArgs<float>& args, std::int64_t t, std::int64_t e, std::int64_t count,
                          const F& f) {
  const Group<V> x = load_group<V>(args.x.row(t) + e, count);
  const Group<V> D = args.D ? load_group<V>(args.D + e, count) : Group<V>{};
  Group<V> delta = load_group<V>(args.delta.row(t) + e, count);
  if (args.delta_bias) delta = delta + load_group<V>(args.delta_bias + e, count);
  if (args.softplus) delta = softplus_of(delta);
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v)
    f(v, x.v[v], delta.v[v], bounded_exponent(delta.v[v] * log2_e), delta.v[v] * x.v[v], D.v[v] * x.v[v]);
}

template <int V>
inline void write_outputs(const SelectiveScanArgs<float>& args, std::int64_t t, std::int64_t e, std::int64_t count,
                          Group<V> y) {
  if (args.z) y = y * silu_of(load_group<V>(args.z.row(t) + e, count));
  store_group(args.y.row(t) + e, y, count);
}

// The tiles of V vectors side by side: row by row, as memory lies.
template <int V>
__attribute__((flatten, noinline)) void read_tiles(const SelectiveScanArgs<float>& args, Tile* tiles) {
  const std::int64_t t = tiles->t, e = tiles->e, last = args.x.rows - 1;
  for (std::int64_t i = 0; i < tiles->tokens; ++i) {
    const std::int64_t later = smaller(t + i + tokens_ahead, last);
    for (int c = 0; V > 1 && c < V * lanes; c += line_floats) {
      __builtin_prefetch(args.x.row(later) + e + c);
      __builtin_prefetch(args.delta.row(later) + e + c);
    }
    for_each_step<V>(args, t + i, e, tiles->count, [&](int v, Vec x, Vec delta, Vec exponent, Vec write, Vec y) {
      tiles[v].x[i] = x;
      tiles[v].delta[i] = delta;
      tiles[v].exponent[i] = exponent;
      tiles[v].write[i] = write;
      tiles[v].y[i] = y;
    });
  }
}
inline void read_tile(const SelectiveScanArgs<float>& args, Tile& tile) {
  read_tiles<1>(args, &tile);
}

template <int V>
__attribute__((flatten, noinline)) void write_tiles(const SelectiveScanArgs<float>& args, Tile* tiles) {
  const std::int64_t t = tiles->t, e = tiles->e, last = args.x.rows - 1;
  for (std::int64_t i = 0; i < tiles->tokens; ++i) {
    const std::int64_t later = smaller(t + i + tokens_ahead, last);
    for (int c = 0; V > 1 && c < V * lanes; c += line_floats) {
      __builtin_prefetch(args.y.row(later) + e + c, 1);
      if (args.z) __builtin_prefetch(args.z.row(later) + e + c);
    }
    write_outputs(args, t + i, e, tiles->count, side_by_side<V>([&](int v) { return tiles[v].y[i]; }));
  }
}
inline void write_tile(const SelectiveScanArgs<float>& args, Tile& tile) {
  write_tiles<1>(args, &tile);
}
