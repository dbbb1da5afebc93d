// SPDX-License-Identifier: GPL-3.0-or-later
// Products of more tokens, included by linear_impl.h: they reuse the weights, as Goto and van de Geijn (2008) do.
// Inputs are arranged in tiles of tile_rows tokens, [K][tile_rows], once; a block of k_block inputs of a strip is made,
// or is, groups of as many columns as a tile has, [k_block][columns] floats, one of which stays in the first-level
// cache while the tiles of a block of tokens stream past it from the second. The sums of a tile wait in an array from
// one block of inputs to the next, so that every output is one sum over rising k.

constexpr std::int64_t tile_rows = STATESCOPE_TILE_ROWS;
// Columns of a tile, and where a strip is too narrow for that.
constexpr int most_vectors = STATESCOPE_TILE_VECTORS;
constexpr int least_vectors = most_vectors < panel_vectors ? most_vectors : panel_vectors;
// Whether a panel's weights are a group of columns as they lie.
template <ElementType storage>
constexpr bool is_group = (storage == ElementType::f32) && most_vectors == panel_vectors;
// Tokens whose inputs and sums stay in the second-level cache while all groups of columns of a block pass over them.
constexpr std::int64_t row_block = 32 * tile_rows;
// Tokens that share the reading and arranging of a strip's weights; their sums are all kept.
constexpr std::int64_t most_rows = 3 * row_block;
// Inputs whose weights stay close while tiles pass over them: × the columns of a tile they fill half of a first-level
// cache of 32 KiB, or three quarters with AVX-512, whose tiles have more columns. Shorter blocks cost more in sums put
// by and taken up again. A multiple of scale_inputs.
constexpr std::int64_t k_block = STATESCOPE_LANES == 16 ? 96 : 256;

inline std::int64_t tile_columns(std::int64_t width) {
  return (width % (most_vectors * lanes) == 0 ? most_vectors : least_vectors) * lanes;
}

// Some panels of a strip whose panels are `pitch` bytes apart. It has `width` columns, of which theirs begin at
// `column`.
template <ElementType storage, int Vectors>
inline void expand_panels(const Byte* strip, std::int64_t pitch, std::int64_t width, std::int64_t column,
                          std::int64_t begin, std::int64_t count, float* out) {
  const std::int64_t columns = tile_columns(width);
  float* places[Vectors];
  for (int v = 0; v < Vectors; ++v) {
    const std::int64_t c = column + v * lanes;
    places[v] = out + c / columns * columns * count + c % columns;
  }
  for_each_input<storage, Vectors>(
      strip + column / panel_width * pitch, pitch, begin, count, bytes_ahead<storage>,
      [&](std::int64_t k, int v, Vec weights) { store(places[v] + (k - begin) * columns, weights); });
}

// A block of inputs of a strip as floats: groups of columns, [count, columns] each.
template <ElementType storage>
inline void expand(const Byte* strip, std::int64_t pitch, std::int64_t width, std::int64_t begin, std::int64_t count,
                   float* out) {
  std::int64_t column = 0;
  for (; column + row_vectors * lanes <= width; column += row_vectors * lanes)
    expand_panels<storage, row_vectors>(strip, pitch, width, column, begin, count, out);
  for (; column < width; column += panel_width)
    expand_panels<storage, panel_vectors>(strip, pitch, width, column, begin, count, out);
}

// Lines of memory that will be needed next, of all panels of a strip, handed out in small portions between the
// arithmetic.
struct ReadAhead {
  const Byte* next;  // in the first panel
  const Byte* end;
  std::int64_t portion_bytes;
  std::int64_t panels, pitch;
  void portion() {
    const Byte* const stop = end - next < portion_bytes ? end : next + portion_bytes;
    for (; next < stop; next += cache_line)
      for (std::int64_t p = 0; p < panels; ++p) __builtin_prefetch(next + p * pitch, 0, 2);
  }
};
constexpr std::int64_t portion_inputs = 32;

// A block of the inputs of a strip, in the form that tiles multiply by: floats, or pairs of bf16 as one integer.
template <class Number>
struct WeightBlock {
  const Number* weights;
  std::int64_t column_pitch;  // the group of columns from c on lies c · column_pitch numbers on
  std::int64_t vector_pitch;  // of pairs: numbers from a vector of a group to the next
  std::int64_t begin, count;  // inputs
  bool first, last;           // of the strip's blocks
};

// Adds the products over the block's inputs to the sums of a tile: x is [count, tile_rows], w one of its groups.
template <int Vectors>
inline void add_products(Vec (&sums)[tile_rows][Vectors], const float* x, const float* w,
                         const WeightBlock<float>& block, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < block.count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(block.count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, x += tile_rows, w += Vectors * lanes) {
      Vec weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = load(w + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
        const Vec input = splat(x[r]);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) sums[r][v] = fma(input, weights[v], sums[r][v]);
      }
    }
  }
}

#if defined(STATESCOPE_BF16_PAIRS)
// The same with bf16 weights, two inputs at a time.
template <int Vectors>
inline void add_products(Vec (&sums)[tile_rows][Vectors], const std::uint32_t* x, const std::uint32_t* w,
                         const WeightBlock<std::uint32_t>& block, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < block.count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(block.count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, x += tile_rows, w += panel_width) {
      __m512i weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = _mm512_loadu_si512(w + v * block.vector_pitch);
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
        const __m512i input = _mm512_set1_epi32(static_cast<int>(x[r]));
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v)
          sums[r][v] = reinterpret_cast<Vec>(
              _mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[r][v]), (__m512bh)input, (__m512bh)weights[v]));
      }
    }
  }
}
#endif

inline std::int64_t tiles_of(std::int64_t rows) {
  return (rows + tile_rows - 1) / tile_rows;
}

// The tokens and outputs that a pass over a block of weights is for. Number is float, or a pair of bf16 as one integer.
template <class Number>
struct Pass {
  const LinearArgs& args;
  const Number* x;  // all tiles, [tiles, depth, tile_rows]
  std::int64_t depth;
  std::int64_t row_begin, row_end;  // whole tiles, but for the end of x
  std::int64_t column;              // of the strip
  float* sums;                      // between blocks: [columns of the strip][tiles of the pass][tile_rows]
};

// The sums of a tile, of which `rows` are tokens, become outputs.
template <int Vectors>
inline void finish_tile(const LinearArgs& args, std::int64_t row, std::int64_t rows, std::int64_t column,
                        const Vec (&sums)[tile_rows][Vectors]) {
  if (rows < tile_rows || column + Vectors * lanes > args.y.cols) {
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v)
        if (r < rows) finish(args, row + r, column + v * lanes, sums[r][v]);
    }
    return;
  }
  Vec bias[Vectors] = {};
  if (args.bias)
    for (int v = 0; v < Vectors; ++v) bias[v] = load(args.bias + column + v * lanes);
  float* y = args.y.row(row) + column;
  const float* residual = args.residual ? args.residual.row(row) + column : nullptr;
#pragma GCC unroll 16
  for (int r = 0; r < tile_rows; ++r, y += args.y.stride) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      Vec total = sums[r][v];
      if (args.bias) total += bias[v];
      if (residual) total += load(residual + r * args.residual.stride + v * lanes);
      store(y + v * lanes, total);
    }
  }
}

// The tiles of some tokens over one group of columns of a block. Loops over the sums are unrolled, which keeps them in
// registers.
template <int Vectors, class Number>
inline void pass_over(const Pass<Number>& pass, const WeightBlock<Number>& block, std::int64_t row_begin,
                      std::int64_t row_end, std::int64_t offset, ReadAhead& ahead) {
  const Number* const weights = block.weights + offset * block.column_pitch;
  const std::int64_t column = pass.column + offset;
  float* put_by = pass.sums + offset * tiles_of(pass.row_end - pass.row_begin) * tile_rows +
                  (row_begin - pass.row_begin) * Vectors * lanes;
  for (std::int64_t row = row_begin; row < row_end; row += tile_rows) {
    const std::int64_t rows = smaller(tile_rows, row_end - row);
    Vec sums[tile_rows][Vectors];
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[r][v] = block.first ? Vec{} : load(put_by + (r * Vectors + v) * lanes);
    }
    if (block.last)  // the tile's place in y is there by the time the sums are
      for (std::int64_t r = 0; r < rows; ++r)
        for (int v = 0; v < Vectors; v += panel_vectors)
          __builtin_prefetch(pass.args.y.row(row + r) + column + v * lanes, 1);
    add_products<Vectors>(sums, pass.x + (row * pass.depth + block.begin * tile_rows), weights, block, ahead);
    if (block.last) {
      finish_tile(pass.args, row, rows, column, sums);
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) store(put_by + (r * Vectors + v) * lanes, sums[r][v]);
      }
    }
    put_by += tile_rows * Vectors * lanes;
  }
}

template <class Number>
inline void pass_over(const Pass<Number>& pass, const WeightBlock<Number>& block, std::int64_t width,
                      ReadAhead& ahead) {
  const std::int64_t columns = tile_columns(width), tiles = tiles_of(pass.row_end - pass.row_begin);
  const std::int64_t blocks = (tiles * tile_rows + row_block - 1) / row_block;
  for (std::int64_t i = 0; i < blocks; ++i) {
    const auto row_of = [&](std::int64_t b) {
      return smaller(pass.row_end, pass.row_begin + tiles * b / blocks * tile_rows);
    };
    for (std::int64_t offset = 0; offset < width; offset += columns) {
      if (columns == most_vectors * lanes)
        pass_over<most_vectors>(pass, block, row_of(i), row_of(i + 1), offset, ahead);
      else
        pass_over<least_vectors>(pass, block, row_of(i), row_of(i + 1), offset, ahead);
    }
  }
}

// Units are a few tiles of tokens of a strip, those of a strip one after the other: small ones, so that threads end
// together. Whoever takes several of a strip multiplies them together.
inline std::int64_t parts_of_rows(const LinearArgs& args) {
  constexpr std::int64_t tiles = 4;  // in a part
  return (tiles_of(args.x.rows) + tiles - 1) / tiles;
}
inline std::int64_t first_row(const LinearArgs& args, std::int64_t part) {
  return smaller(args.x.rows, tiles_of(args.x.rows) * part / parts_of_rows(args) * tile_rows);
}

// Reads, while `count` inputs of a strip from `begin` on are at work, what the following block will need: of the same
// panels, whose `inputs` take `pitch` bytes, or of the next ones.
inline ReadAhead read_during(std::int64_t rows, std::int64_t width, const Byte* strip, std::int64_t pitch,
                             std::int64_t begin, std::int64_t count, std::int64_t inputs) {
  const std::int64_t portions =
      tiles_of(rows) * (width / tile_columns(width)) * ((count + portion_inputs - 1) / portion_inputs);
  const std::int64_t panels = width / panel_width, per_input = pitch / (inputs > 0 ? inputs : 1), end = begin + count;
  const Byte* const next = end < inputs ? strip + per_input * end : strip + pitch * panels;
  const std::int64_t bytes = per_input * smaller(k_block, end < inputs ? inputs - end : inputs);
  return {next, next + bytes, (bytes / cache_line + portions) / (portions + 1) * cache_line, panels, pitch};
}

// Calls f(pass, strip, width) until all units are done; `depth` counts the inputs in Numbers.
template <class Number, class F>
inline void for_each_pass(const LinearArgs& args, const void* x, std::int64_t depth, std::int64_t unit_begin,
                          std::int64_t unit_end, const F& f) {
  alignas(cache_line) float sums[most_rows * strip_width];
  const std::int64_t parts = parts_of_rows(args);
  for (std::int64_t unit = unit_begin; unit < unit_end;) {
    const std::int64_t strip = unit / parts, next = smaller(unit_end, (strip + 1) * parts);
    const std::int64_t end = first_row(args, unit % parts + next - unit), p = strip * strip_panels;
    for (std::int64_t row = first_row(args, unit % parts); row < end; row += most_rows)
      f(Pass<Number>{args, static_cast<const Number*>(x), depth, row, smaller(row + most_rows, end), p * panel_width,
                     sums},
        panel_of(args, p), smaller(strip_panels, args.W->panels() - p) * panel_width);
    unit = next;
  }
}

template <ElementType storage>
void product_of_rows(const LinearArgs& args, const void* x, std::int64_t unit_begin, std::int64_t unit_end) {
  alignas(cache_line) float expanded[is_group<storage> ? 1 : k_block * strip_width];
  const std::int64_t K = args.x.cols, pitch = args.W->bytes_of_panel();
  for_each_pass<float>(args, x, K, unit_begin, unit_end, [&](const auto& pass, const Byte* strip, std::int64_t width) {
    for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
      const std::int64_t count = smaller(k_block, K - k);
      WeightBlock<float> block{expanded, count, 0, k, count, k == 0, k + k_block >= K};
      if constexpr (is_group<storage>) {
        block.weights = reinterpret_cast<const float*>(strip) + k * panel_width;
        block.column_pitch = K;
      } else {
        expand<storage>(strip, pitch, width, k, count, expanded);
      }
      ReadAhead ahead = read_during(pass.row_end - pass.row_begin, width, strip, pitch, k, count, K);
      pass_over(pass, block, width, ahead);
    }
  });
}

#if defined(STATESCOPE_BF16_PAIRS)
void pair_product_of_rows(const LinearArgs& args, const void* x, std::int64_t unit_begin, std::int64_t unit_end) {
  const std::int64_t K = (args.x.cols + 1) / 2, pitch = K * panel_width;
  for_each_pass<std::uint32_t>(
      args, x, K, unit_begin, unit_end, [&](const auto& pass, const Byte* strip, std::int64_t width) {
        for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
          const std::int64_t count = smaller(k_block, K - k);
          const WeightBlock<std::uint32_t> block{reinterpret_cast<const std::uint32_t*>(strip) + k * panel_width,
                                                 K,
                                                 pitch,
                                                 k,
                                                 count,
                                                 k == 0,
                                                 k + k_block >= K};
          ReadAhead ahead = read_during(pass.row_end - pass.row_begin, width, strip, pitch * 4, k, count, K);
          pass_over(pass, block, width, ahead);
        }
      });
}
#endif
