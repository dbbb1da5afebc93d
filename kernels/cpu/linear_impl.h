// SPDX-License-Identifier: GPL-3.0-or-later
// Products with packed weights. Included once per instruction set, inside an anonymous namespace.
//
// One token (product_of_row) streams the weights from memory: all 64 columns of a panel at once, converting in
// registers, so that memory is what it waits for. More tokens (product_of_rows) reuse them, as Goto and van de Geijn
// (2008) do: inputs are arranged in tiles of tile_rows tokens, [K][tile_rows], once; a block of k_block inputs of a
// panel becomes groups of as many columns as a tile has, [k_block][columns] floats, one of which stays in the
// first-level cache while all tiles of a block of tokens stream past it from the second. The sums of a tile wait in a
// small array from one block of inputs to the next, so that every output is one sum over rising k.

using Byte = unsigned char;
constexpr std::int64_t panel_width = PackedMatrix::panel_width;
constexpr std::int64_t scale_inputs = PackedMatrix::scale_inputs;
constexpr std::int64_t tile_rows = STATESCOPE_TILE_ROWS;
// Columns of a tile, and where a panel is too narrow for that.
constexpr int most_vectors = STATESCOPE_TILE_VECTORS;
constexpr int least_vectors = most_vectors < PackedMatrix::width_step / STATESCOPE_LANES
                                  ? most_vectors
                                  : PackedMatrix::width_step / STATESCOPE_LANES;
// Tokens that share a pass over a panel: enough to hide the reading and arranging of its weights behind arithmetic, few
// enough that a block of their inputs and their sums fit the second-level cache.
constexpr std::int64_t row_block = 32 * tile_rows;
// Inputs whose weights stay close while tiles pass over them: × the columns of a tile they fill half of the first-level
// cache, or two thirds of the larger one that comes with AVX-512. Shorter blocks cost more in sums put by and taken up
// again. A multiple of scale_inputs.
constexpr std::int64_t k_block = STATESCOPE_LANES == 16 ? 128 : 256;
constexpr std::int64_t cache_line = 64;
// Vectors side by side where weights are streamed: a whole panel, or as many sums as leave registers for the weights of
// the 16 that vectors of 4 and 8 lanes have.
constexpr int row_vectors = STATESCOPE_LANES == 16 ? 4 : 8;
constexpr int step_vectors = PackedMatrix::width_step / STATESCOPE_LANES;
// How weights are asked for ahead of use, the distance a page of memory, where the hardware stops looking. Loads of
// float32 run far enough ahead by themselves, and requests beside them would cost a tenth of the bandwidth. What has to
// be converted keeps the processor from seeing so far: line by line, or, where it sees least, a page at a time, which
// memory answers faster.
constexpr std::int64_t prefetch_distance = 4096;
enum class Ahead { none, lines, pages };
template <ElementType storage>
constexpr Ahead ahead_of = storage == ElementType::f32                            ? Ahead::none
                           : storage == ElementType::i8 || STATESCOPE_LANES == 16 ? Ahead::lines
                                                                                  : Ahead::pages;
constexpr std::int64_t page_inputs = 32;  // inputs whose 16-bit weights fill a page

#if STATESCOPE_LANES == 16
// GCC 12 takes the unmasked conversions for uses of something uninitialised (GCC bug 105593).
constexpr __mmask16 all_lanes = 0xFFFF;
#endif

inline IntVec load_ints(const void* p) {
  IntVec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// `lanes` numbers of 16 bits, each in the low half of an integer.
inline IntVec load_halves(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<IntVec>(
      _mm512_maskz_cvtepu16_epi32(all_lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<IntVec>(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#else
  std::uint16_t bits[lanes];
  __builtin_memcpy(bits, p, sizeof bits);
  IntVec v;
  for (int i = 0; i < lanes; ++i) v[i] = bits[i];
  return v;
#endif
}

inline Vec load_bf16(const Byte* p) {
  return reinterpret_cast<Vec>(load_halves(p) << 16);
}

inline Vec load_f16(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<Vec>(
      _mm512_maskz_cvtph_ps(all_lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<Vec>(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#else
  // from_f16 of kernels/half.h, in vectors.
  const IntVec bits = load_halves(p), magnitude = bits & 0x7FFF;
  const Vec scaled = reinterpret_cast<Vec>(magnitude << 13) * 0x1p112f;
  const IntVec special = (magnitude > 0x7BFF) & 0x7F800000;
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(scaled) | special | (bits & 0x8000) << 16);
#endif
}

inline Vec load_i8(const Byte* p) {
#if STATESCOPE_LANES == 16
  return reinterpret_cast<Vec>(_mm512_maskz_cvtepi32_ps(
      all_lanes, _mm512_maskz_cvtepi8_epi32(all_lanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))));
#elif STATESCOPE_LANES == 8
  return reinterpret_cast<Vec>(
      _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))));
#else
  Vec v;
  for (int i = 0; i < lanes; ++i) v[i] = static_cast<float>(static_cast<signed char>(p[i]));
  return v;
#endif
}

// Calls use(k, weights) for the inputs k of [begin, begin + count), in order, with the weights of Vectors vectors of
// outputs from `column` on. `begin` is a multiple of scale_inputs. Reads ahead of itself as `ahead` says.
template <ElementType storage, int Vectors, Ahead ahead, class Use>
inline void for_each_input(const Byte* panel, std::int64_t width, std::int64_t column, std::int64_t begin,
                           std::int64_t count, const Use& use) {
  Vec weights[Vectors];
  const auto fetch = [](const Byte* p, std::int64_t bytes) {
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(p + prefetch_distance + i);
  };
  const auto fetch_line = [&](const Byte* p, std::int64_t bytes) {
    if constexpr (ahead == Ahead::lines) fetch(p, bytes);
  };
  // `count` rows of weights, a page further on.
  const auto fetch_page = [&](const Byte* p, std::int64_t rows, std::int64_t row_bytes, std::int64_t bytes) {
    if constexpr (ahead == Ahead::pages) {
      for (std::int64_t i = 0; i < rows; ++i) fetch(p + i * row_bytes, bytes);
    }
  };
  const std::int64_t end = begin + count;
  if constexpr (storage == ElementType::f32 || storage == ElementType::f16) {
    constexpr std::int64_t size = storage == ElementType::f32 ? 4 : 2;
    const Byte* w = panel + (begin * width + column) * size;
    for (std::int64_t page = begin; page < end; page += page_inputs) {
      fetch_page(w, page_inputs, width * size, Vectors * lanes * size);
      const std::int64_t page_end = smaller(page + page_inputs, end);
#pragma GCC unroll 4
      for (std::int64_t k = page; k < page_end; ++k, w += width * size) {
        fetch_line(w, Vectors * lanes * size);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
          if constexpr (storage == ElementType::f32)
            __builtin_memcpy(&weights[v], w + v * lanes * size, sizeof weights[v]);
          else
            weights[v] = load_f16(w + v * lanes * size);
        }
        use(k, weights);
      }
    }
  } else if constexpr (storage == ElementType::bf16) {
    const Byte* w = panel + (begin / 2 * width + column) * 4;
    for (std::int64_t page = begin; page < end; page += page_inputs) {
      fetch_page(w, page_inputs / 2, width * 4, Vectors * lanes * 4);
      const std::int64_t page_end = smaller(page + page_inputs, end);
#pragma GCC unroll 2
      for (std::int64_t k = page; k < page_end; k += 2, w += width * 4) {
        fetch_line(w, Vectors * lanes * 4);
        IntVec pairs[Vectors];
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
          pairs[v] = load_ints(w + v * lanes * 4);
          weights[v] = reinterpret_cast<Vec>(pairs[v] << 16);
        }
        use(k, weights);
        if (k + 1 == end) break;
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) weights[v] = reinterpret_cast<Vec>(pairs[v] & static_cast<int>(0xFFFF0000u));
        use(k + 1, weights);
      }
    }
  } else {
    for (std::int64_t k = begin; k < end; k += scale_inputs) {
      const Byte* const block = panel + k / scale_inputs * width * (scale_inputs + 2);
      fetch_line(block + 2 * column, 2 * Vectors * lanes);
      Vec scales[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) scales[v] = load_bf16(block + 2 * (column + v * lanes));
      const Byte* w = block + 2 * width + column;
      const std::int64_t block_end = smaller(k + scale_inputs, end);
#pragma GCC unroll 4
      for (std::int64_t i = k; i < block_end; ++i, w += width) {
        fetch_line(w, Vectors * lanes);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) weights[v] = load_i8(w + v * lanes) * scales[v];
        use(i, weights);
      }
    }
  }
}

// y = sums + bias + residual for `count` outputs of one token, at most `lanes`.
__attribute__((noinline)) void finish_some(const LinearArgs& args, std::int64_t row, std::int64_t column, Vec sums,
                                           std::int64_t count) {
  if (args.bias) sums += load(args.bias + column, count);
  if (args.residual) sums += load(args.residual.row(row) + column, count);
  store(args.y.row(row) + column, sums, count);
}

inline void finish(const LinearArgs& args, std::int64_t row, std::int64_t column, Vec sums) {
  const std::int64_t count = args.y.cols - column;
  if (count < lanes) return count > 0 ? finish_some(args, row, column, sums, count) : void();
  if (args.bias) sums += load(args.bias + column);
  if (args.residual) sums += load(args.residual.row(row) + column);
  store(args.y.row(row) + column, sums);
}

// ---- one token

template <ElementType storage, int Vectors>
inline void product_of_row(const LinearArgs& args, const Byte* panel, std::int64_t width, std::int64_t offset,
                           std::int64_t column) {
  const float* x = args.x.data;
  Vec sums[Vectors] = {};
  for_each_input<storage, Vectors, ahead_of<storage>>(panel, width, offset, 0, args.x.cols,
                                                      [&](std::int64_t k, const Vec(&weights)[Vectors]) {
                                                        const Vec input = splat(x[k]);
#pragma GCC unroll 16
                                                        for (int v = 0; v < Vectors; ++v) sums[v] += input * weights[v];
                                                      });
  for (int v = 0; v < Vectors; ++v) finish(args, 0, column + offset + v * lanes, sums[v]);
}

// A unit is a panel; of a matrix with very few of them half a panel, or one thread would wait for the other.
inline std::int64_t parts_of_panel(const PackedMatrix& W) {
  return W.panels() < 4 ? 2 : 1;
}

// Calls f(panel, width, first offset, last offset) for units of one token.
template <class F>
inline void for_each_unit_of_row(const PackedMatrix& W, std::int64_t begin, std::int64_t end, const F& f) {
  const std::int64_t parts = parts_of_panel(W), columns = panel_width / parts;
  for (std::int64_t unit = begin; unit < end; ++unit) {
    const std::int64_t p = unit / parts, offset = unit % parts * columns;
    f(p, W.width(p), offset, smaller(offset + columns, W.width(p)));
  }
}

template <ElementType storage>
void product_of_row(const LinearArgs& args, std::int64_t unit_begin, std::int64_t unit_end) {
  for_each_unit_of_row(*args.W, unit_begin, unit_end,
                       [&](std::int64_t p, std::int64_t width, std::int64_t offset, std::int64_t end) {
                         const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
                         for (; offset + row_vectors * lanes <= end; offset += row_vectors * lanes)
                           product_of_row<storage, row_vectors>(args, panel, width, offset, p * panel_width);
                         for (; offset < end; offset += step_vectors * lanes)
                           product_of_row<storage, step_vectors>(args, panel, width, offset, p * panel_width);
                       });
}

// ---- more tokens

inline std::int64_t tile_columns(std::int64_t width) {
  return (width % (most_vectors * lanes) == 0 ? most_vectors : least_vectors) * lanes;
}

template <ElementType storage, int Vectors>
inline void expand_columns(const Byte* panel, std::int64_t width, std::int64_t column, std::int64_t begin,
                           std::int64_t count, float* out) {
  const std::int64_t columns = tile_columns(width);
  float* places[Vectors];
  for (int v = 0; v < Vectors; ++v) {
    const std::int64_t c = column + v * lanes;
    places[v] = out + c / columns * columns * count + c % columns;
  }
  for_each_input<storage, Vectors, ahead_of<storage>>(panel, width, column, begin, count,
                                                      [&](std::int64_t k, const Vec(&weights)[Vectors]) {
#pragma GCC unroll 16
                                                        for (int v = 0; v < Vectors; ++v)
                                                          store(places[v] + (k - begin) * columns, weights[v]);
                                                      });
}

// A block of inputs of a panel as floats: groups of columns, [count, columns] each.
template <ElementType storage>
inline void expand(const Byte* panel, std::int64_t width, std::int64_t begin, std::int64_t count, float* out) {
  std::int64_t column = 0;
  for (; column + row_vectors * lanes <= width; column += row_vectors * lanes)
    expand_columns<storage, row_vectors>(panel, width, column, begin, count, out);
  for (; column < width; column += step_vectors * lanes)
    expand_columns<storage, step_vectors>(panel, width, column, begin, count, out);
}

// Lines of memory that will be needed next, handed out in small portions between the arithmetic.
struct ReadAhead {
  const Byte* next = nullptr;
  std::int64_t lines = 0;  // in a portion
  void portion() {
    for (std::int64_t i = 0; i < lines; ++i, next += cache_line) __builtin_prefetch(next, 0, 2);
  }
};
constexpr std::int64_t portion_inputs = 32;

// Adds the products over `count` inputs to the sums of a tile: x is [count, tile_rows], rows of w are `stride` apart.
template <int Vectors>
inline void add_products(Vec (&sums)[tile_rows][Vectors], const float* x, const float* w, std::int64_t stride,
                         std::int64_t count, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, x += tile_rows, w += stride) {
      Vec weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = load(w + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r) {
        const Vec input = splat(x[r]);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) sums[r][v] += input * weights[v];
      }
    }
  }
}

// A block of the inputs of a panel, in the form that tiles multiply by: floats, or pairs of bf16 as one integer.
template <class Number>
struct WeightBlock {
  const Number* weights;
  std::int64_t group_pitch, stride;  // numbers from a group to the next, for a column; from an input to the next
  std::int64_t begin, count;         // inputs
  bool first, last;                  // of the panel's blocks
};

#if defined(STATESCOPE_BF16_PAIRS)
// The same with bf16 weights, two inputs at a time.
template <int Vectors>
inline void add_products(Vec (&sums)[tile_rows][Vectors], const std::uint32_t* x, const std::uint32_t* w,
                         std::int64_t stride, std::int64_t count, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, x += tile_rows, w += stride) {
      __m512i weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = _mm512_loadu_si512(w + v * lanes);
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

template <int Vectors>
inline void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, const Byte* panel, std::int64_t width,
                                std::int64_t offset, std::int64_t column) {
  const std::int64_t count = (args.x.cols + 1) / 2;
  const Byte* w = panel + offset * 4;
  Vec sums[Vectors] = {};
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < count; ++k, w += width * 4) {
    const __m512i input = _mm512_set1_epi32(static_cast<int>(x[k]));
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      __builtin_prefetch(w + prefetch_distance + v * cache_line);
      sums[v] = reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[v]), (__m512bh)input,
                                                       (__m512bh)_mm512_loadu_si512(w + v * cache_line)));
    }
  }
  for (int v = 0; v < Vectors; ++v) finish(args, 0, column + offset + v * lanes, sums[v]);
}

void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, std::int64_t unit_begin,
                         std::int64_t unit_end) {
  for_each_unit_of_row(*args.W, unit_begin, unit_end,
                       [&](std::int64_t p, std::int64_t width, std::int64_t offset, std::int64_t end) {
                         const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
                         if (end - offset == panel_width)
                           pair_product_of_row<4>(args, x, panel, width, 0, p * panel_width);
                         else
                           for (; offset < end; offset += lanes)
                             pair_product_of_row<1>(args, x, panel, width, offset, p * panel_width);
                       });
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
  std::int64_t column;              // of the panel
  float* sums;                      // between blocks: [columns of the panel][tiles of the pass][tile_rows]
};

// All tiles over one group of columns of a block. Loops over the sums are unrolled, which keeps them in registers.
template <int Vectors, class Number>
inline void pass_over(const Pass<Number>& pass, const WeightBlock<Number>& block, std::int64_t offset,
                      ReadAhead& ahead) {
  const Number* const weights = block.weights + offset * block.group_pitch;
  const std::int64_t column = pass.column + offset;
  float* put_by = pass.sums + offset * tiles_of(pass.row_end - pass.row_begin) * tile_rows;
  for (std::int64_t row = pass.row_begin; row < pass.row_end; row += tile_rows) {
    const std::int64_t rows = smaller(tile_rows, pass.row_end - row);
    Vec sums[tile_rows][Vectors];
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[r][v] = block.first ? Vec{} : load(put_by + (r * Vectors + v) * lanes);
    }
    if (block.last)  // the tile's place in y is there by the time the sums are
      for (std::int64_t r = 0; r < rows; ++r)
        for (int v = 0; v < Vectors; v += step_vectors)
          __builtin_prefetch(pass.args.y.row(row + r) + column + v * lanes, 1);
    add_products<Vectors>(sums, pass.x + (row * pass.depth + block.begin * tile_rows), weights, block.stride,
                          block.count, ahead);
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) {
        if (!block.last)
          store(put_by + (r * Vectors + v) * lanes, sums[r][v]);
        else if (r < rows)
          finish(pass.args, row + r, column + v * lanes, sums[r][v]);
      }
    }
    put_by += tile_rows * Vectors * lanes;
  }
}

template <class Number>
inline void pass_over(const Pass<Number>& pass, const WeightBlock<Number>& block, std::int64_t width,
                      ReadAhead& ahead) {
  const std::int64_t columns = tile_columns(width);
  for (std::int64_t offset = 0; offset < width; offset += columns) {
    if (columns == most_vectors * lanes)
      pass_over<most_vectors>(pass, block, offset, ahead);
    else
      pass_over<least_vectors>(pass, block, offset, ahead);
  }
}

// Blocks of tokens: as large as pays, but enough units for threads to share.
inline std::int64_t row_blocks(const LinearArgs& args) {
  constexpr std::int64_t units = 16, smallest = 4;  // tiles in a block
  const std::int64_t tiles = tiles_of(args.x.rows), panels = args.W->panels() > 0 ? args.W->panels() : 1;
  const std::int64_t needed = (tiles * tile_rows + row_block - 1) / row_block;
  const std::int64_t wanted = smaller((units + panels - 1) / panels, (tiles + smallest - 1) / smallest);
  return wanted > needed ? wanted : needed;
}

// Where a block of tokens begins: after whole tiles, as many as in the other blocks.
inline std::int64_t first_row(const LinearArgs& args, std::int64_t part) {
  return smaller(args.x.rows, tiles_of(args.x.rows) * part / row_blocks(args) * tile_rows);
}

// Reads, while one block of a panel is at work, the bytes from `next` on that the following one will need.
inline ReadAhead read_during(std::int64_t rows, std::int64_t width, std::int64_t count, const Byte* next,
                             std::int64_t bytes) {
  const std::int64_t columns = tile_columns(width);
  const std::int64_t portions =
      tiles_of(rows) * ((width + columns - 1) / columns) * ((count + portion_inputs - 1) / portion_inputs);
  return {next, (bytes / cache_line + portions) / (portions + 1)};
}

// Units are blocks of tokens × panels, the panels of a block side by side. Calls f(pass, panel, p) for each; `depth`
// counts the inputs in Numbers.
template <class Number, class F>
inline void for_each_pass(const LinearArgs& args, const void* x, std::int64_t depth, std::int64_t unit_begin,
                          std::int64_t unit_end, const F& f) {
  alignas(cache_line) float sums[row_block * panel_width];
  const std::int64_t panels = args.W->panels();
  for (std::int64_t unit = unit_begin; unit < unit_end; ++unit) {
    const std::int64_t part = unit / panels, p = unit % panels;
    f(Pass<Number>{args, static_cast<const Number*>(x), depth, first_row(args, part), first_row(args, part + 1),
                   p * panel_width, sums},
      reinterpret_cast<const Byte*>(args.W->panel(p)), p);
  }
}

template <ElementType storage>
void product_of_rows(const LinearArgs& args, const void* x, std::int64_t unit_begin, std::int64_t unit_end) {
  alignas(cache_line) float expanded[k_block * panel_width];
  const std::int64_t K = args.x.cols;
  for_each_pass<float>(args, x, K, unit_begin, unit_end, [&](const auto& pass, const Byte* panel, std::int64_t p) {
    // A panel's bytes are spread nearly evenly over its inputs, whatever the storage.
    const std::int64_t width = args.W->width(p), bytes_per_input = args.W->bytes_of_panel(p) / (K > 0 ? K : 1);
    for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
      const std::int64_t count = smaller(k_block, K - k);
      expand<storage>(panel, width, k, count, expanded);
      const WeightBlock<float> block{expanded, count, tile_columns(width), k, count, k == 0, k + k_block >= K};
      ReadAhead ahead = read_during(pass.row_end - pass.row_begin, width, count, panel + bytes_per_input * (k + count),
                                    bytes_per_input * smaller(k_block, K));
      pass_over(pass, block, width, ahead);
    }
  });
}

#if defined(STATESCOPE_BF16_PAIRS)
void pair_product_of_rows(const LinearArgs& args, const void* x, std::int64_t unit_begin, std::int64_t unit_end) {
  const std::int64_t K = (args.x.cols + 1) / 2;
  for_each_pass<std::uint32_t>(
      args, x, K, unit_begin, unit_end, [&](const auto& pass, const Byte* panel, std::int64_t p) {
        const std::int64_t width = args.W->width(p);
        for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
          const std::int64_t count = smaller(k_block, K - k);
          const WeightBlock<std::uint32_t> block{
              reinterpret_cast<const std::uint32_t*>(panel) + k * width, 1, width, k, count, k == 0, k + k_block >= K};
          ReadAhead ahead = read_during(pass.row_end - pass.row_begin, width, count, panel + (k + count) * width * 4,
                                        smaller(k_block, K) * width * 4);
          pass_over(pass, block, width, ahead);
        }
      });
}
#endif

// ---- all of them

std::int64_t linear_units(const LinearArgs& args) {
  return args.W->panels() * (args.x.rows == 1 ? parts_of_panel(*args.W) : row_blocks(args));
}

template <ElementType storage>
void linear_from(const LinearArgs& args, const void* x, std::int64_t begin, std::int64_t end) {
  if (args.x.rows == 1)
    product_of_row<storage>(args, begin, end);
  else
    product_of_rows<storage>(args, x, begin, end);
}

void linear(const LinearArgs& args, const void* x, std::int64_t begin, std::int64_t end) {
  switch (args.W->storage()) {
    case ElementType::f32:
      return linear_from<ElementType::f32>(args, x, begin, end);
    case ElementType::f16:
      return linear_from<ElementType::f16>(args, x, begin, end);
    case ElementType::i8:
      return linear_from<ElementType::i8>(args, x, begin, end);
    case ElementType::bf16:
      break;
  }
#if defined(STATESCOPE_BF16_PAIRS)
  if (args.x.rows == 1)
    pair_product_of_row(args, static_cast<const std::uint32_t*>(x), begin, end);
  else
    pair_product_of_rows(args, x, begin, end);
#else
  linear_from<ElementType::bf16>(args, x, begin, end);
#endif
}
