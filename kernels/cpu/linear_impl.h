// SPDX-License-Identifier: GPL-3.0-or-later
// Products with packed weights, and rounding to 16 bits. Included once per instruction set, inside an anonymous
// namespace.
//
// One token (product_of_row) streams the weights from memory: all 64 columns of a panel at once, converting in
// registers, so that memory is what it waits for. More tokens (product_of_rows) reuse them: a block of k_block inputs
// of a panel stays in the caches as floats while tiles of Rows tokens × Vectors vectors of outputs pass over
// it. The sums of a tile wait in a small array from one block to the next, so that every output is one sum over rising
// k.

using Byte = unsigned char;
constexpr std::int64_t panel_width = PackedMatrix::panel_width;
constexpr std::int64_t scale_inputs = PackedMatrix::scale_inputs;
constexpr std::int64_t tile_rows = STATESCOPE_TILE_ROWS;
// Tokens that share a pass over a panel: enough to hide the reading of its weights from memory behind arithmetic, few
// enough that their inputs stay in the second-level cache and their sums in it too.
constexpr std::int64_t row_block = 16 * tile_rows;
// Inputs whose weights stay close while tiles pass over them: × 64 columns are 64 KiB of floats, of which a tile
// streams through the second-level cache what the first cannot hold. Shorter blocks cost more in sums put by and taken
// up again. A multiple of scale_inputs.
constexpr std::int64_t k_block = 256;
constexpr std::int64_t cache_line = 64;
// Vectors side by side where weights are streamed: a whole panel, or as many sums as leave registers for the weights of
// the 16 that vectors of 4 and 8 lanes have.
constexpr int row_vectors = STATESCOPE_LANES == 16 ? 4 : 8;
constexpr int step_vectors = PackedMatrix::width_step / STATESCOPE_LANES;
// Far enough ahead to cover the latency of memory, and across the page boundaries where the hardware stops looking.
constexpr std::int64_t prefetch_distance = 4096;

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
// outputs from `column` on. `begin` is a multiple of scale_inputs. `stream` reads ahead of itself from memory.
template <ElementType storage, int Vectors, bool stream, class Use>
inline void for_each_input(const Byte* panel, std::int64_t width, std::int64_t column, std::int64_t begin,
                           std::int64_t count, const Use& use) {
  Vec weights[Vectors];
  const auto read_ahead = [](const Byte* p, std::int64_t bytes) {
    if constexpr (stream) {
#pragma GCC unroll 8
      for (std::int64_t i = 0; i < bytes; i += cache_line) __builtin_prefetch(p + prefetch_distance + i);
    }
  };
  if constexpr (storage == ElementType::f32 || storage == ElementType::f16) {
    constexpr std::int64_t size = storage == ElementType::f32 ? 4 : 2;
    const Byte* w = panel + (begin * width + column) * size;
#pragma GCC unroll 4
    for (std::int64_t k = begin; k < begin + count; ++k, w += width * size) {
      read_ahead(w, Vectors * lanes * size);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        if constexpr (storage == ElementType::f32)
          __builtin_memcpy(&weights[v], w + v * lanes * size, sizeof weights[v]);
        else
          weights[v] = load_f16(w + v * lanes * size);
      }
      use(k, weights);
    }
  } else if constexpr (storage == ElementType::bf16) {
    const Byte* w = panel + (begin / 2 * width + column) * 4;
#pragma GCC unroll 2
    for (std::int64_t k = begin; k < begin + count; k += 2, w += width * 4) {
      read_ahead(w, Vectors * lanes * 4);
      IntVec pairs[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        pairs[v] = load_ints(w + v * lanes * 4);
        weights[v] = reinterpret_cast<Vec>(pairs[v] << 16);
      }
      use(k, weights);
      if (k + 1 == begin + count) break;
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) weights[v] = reinterpret_cast<Vec>(pairs[v] & static_cast<int>(0xFFFF0000u));
      use(k + 1, weights);
    }
  } else {
    for (std::int64_t k = begin; k < begin + count; k += scale_inputs) {
      const Byte* const block = panel + k / scale_inputs * width * (scale_inputs + 2);
      read_ahead(block + 2 * column, 2 * Vectors * lanes);
      Vec scales[Vectors];
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) scales[v] = load_bf16(block + 2 * (column + v * lanes));
      const Byte* w = block + 2 * width + column;
      const std::int64_t end = smaller(k + scale_inputs, begin + count);
#pragma GCC unroll 4
      for (std::int64_t i = k; i < end; ++i, w += width) {
        read_ahead(w, Vectors * lanes);
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) weights[v] = load_i8(w + v * lanes) * scales[v];
        use(i, weights);
      }
    }
  }
}

// y = sums + bias + residual for `lanes` outputs of one token.
inline void finish(const LinearArgs& args, std::int64_t row, std::int64_t column, Vec sums) {
  const std::int64_t count = smaller(lanes, args.y.cols - column);
  if (count <= 0) return;
  if (args.bias) sums += load(args.bias + column, count);
  if (args.residual) sums += load(args.residual.row(row) + column, count);
  store(args.y.row(row) + column, sums, count);
}

// ---- one token

template <ElementType storage, int Vectors>
inline void product_of_row(const LinearArgs& args, const Byte* panel, std::int64_t width, std::int64_t offset,
                           std::int64_t column) {
  const float* x = args.x.data;
  Vec sums[Vectors] = {};
  for_each_input<storage, Vectors, true>(panel, width, offset, 0, args.x.cols,
                                         [&](std::int64_t k, const Vec(&weights)[Vectors]) {
                                           const Vec input = splat(x[k]);
#pragma GCC unroll 16
                                           for (int v = 0; v < Vectors; ++v) sums[v] += input * weights[v];
                                         });
  for (int v = 0; v < Vectors; ++v) finish(args, 0, column + offset + v * lanes, sums[v]);
}

template <ElementType storage>
void product_of_row(const LinearArgs& args, std::int64_t panel_begin, std::int64_t panel_end) {
  for (std::int64_t p = panel_begin; p < panel_end; ++p) {
    const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
    const std::int64_t width = args.W->width(p);
    std::int64_t offset = 0;
    for (; offset + row_vectors * lanes <= width; offset += row_vectors * lanes)
      product_of_row<storage, row_vectors>(args, panel, width, offset, p * panel_width);
    for (; offset < width; offset += step_vectors * lanes)
      product_of_row<storage, step_vectors>(args, panel, width, offset, p * panel_width);
  }
}

// ---- more tokens

template <ElementType storage, int Vectors>
inline void expand_columns(const Byte* panel, std::int64_t width, std::int64_t column, std::int64_t begin,
                           std::int64_t count, float* out) {
  for_each_input<storage, Vectors, true>(panel, width, column, begin, count,
                                         [&](std::int64_t k, const Vec(&weights)[Vectors]) {
                                           float* const row = out + (k - begin) * width + column;
#pragma GCC unroll 16
                                           for (int v = 0; v < Vectors; ++v) store(row + v * lanes, weights[v]);
                                         });
}

// A block of inputs of a panel as floats, [count, width].
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

// Adds the products over `count` inputs to the sums of a tile. x is at the first of these inputs of the tile's first
// token; w at the first column of the tile.
template <int Rows, int Vectors>
inline void add_products(Vec (&sums)[Rows][Vectors], const float* x, std::int64_t x_stride, const float* w,
                         std::int64_t width, std::int64_t count, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, w += width) {
      Vec weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = load(w + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const Vec input = splat(x[r * x_stride + k]);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) sums[r][v] += input * weights[v];
      }
    }
  }
}

// A block of the inputs of a panel, in the form that tiles multiply by.
struct WeightBlock {
  const void* weights;  // [inputs, width] floats, or [inputs / 2, width] pairs of bf16
  std::int64_t width, begin, count;
  bool first, last;  // of the panel's blocks
};

#if defined(STATESCOPE_BF16_PAIRS)
// The same with bf16 weights, two inputs at a time. x and its stride count pairs.
template <int Rows, int Vectors>
inline void add_products(Vec (&sums)[Rows][Vectors], const std::uint32_t* x, std::int64_t x_stride,
                         const std::uint32_t* w, std::int64_t width, std::int64_t count, ReadAhead& ahead) {
  for (std::int64_t done = 0; done < count; done += portion_inputs) {
    ahead.portion();
    const std::int64_t end = smaller(count, done + portion_inputs);
#pragma GCC unroll 2
    for (std::int64_t k = done; k < end; ++k, w += width) {
      __m512i weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = _mm512_loadu_si512(w + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const __m512i input = _mm512_set1_epi32(static_cast<int>(x[r * x_stride + k]));
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

void pair_product_of_row(const LinearArgs& args, const std::uint32_t* x, std::int64_t panel_begin,
                         std::int64_t panel_end) {
  for (std::int64_t p = panel_begin; p < panel_end; ++p) {
    const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
    const std::int64_t width = args.W->width(p);
    if (width == panel_width)
      pair_product_of_row<4>(args, x, panel, width, 0, p * panel_width);
    else
      for (std::int64_t offset = 0; offset < width; offset += lanes)
        pair_product_of_row<1>(args, x, panel, width, offset, p * panel_width);
  }
}
#endif

// One tile over one block. `sums_of` holds the tile's sums between blocks, rows panel_width apart. Input is float, or
// a pair of bf16 as one integer.
template <class Input, int Rows, int Vectors>
inline void tile(const LinearArgs& args, MatrixView<const Input> x, const WeightBlock& block, std::int64_t row,
                 std::int64_t column, std::int64_t offset, float* sums_of, ReadAhead& ahead) {
  Vec sums[Rows][Vectors] = {};
  if (!block.first) {
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sums[r][v] = load(sums_of + r * panel_width + offset + v * lanes);
  }
  add_products<Rows, Vectors>(sums, x.row(row) + block.begin, x.stride,
                              static_cast<const Input*>(block.weights) + offset, block.width, block.count, ahead);
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      if (block.last)
        finish(args, row + r, column + offset + v * lanes, sums[r][v]);
      else
        store(sums_of + r * panel_width + offset + v * lanes, sums[r][v]);
    }
  }
}

template <class Input, int Rows>
inline void tiles_of_width(const LinearArgs& args, MatrixView<const Input> x, const WeightBlock& block,
                           std::int64_t row, std::int64_t column, float* sums_of, ReadAhead& ahead) {
  constexpr int most = STATESCOPE_TILE_VECTORS;
  constexpr int least =
      most < PackedMatrix::width_step / STATESCOPE_LANES ? most : PackedMatrix::width_step / STATESCOPE_LANES;
  std::int64_t offset = 0;
  for (; offset + most * lanes <= block.width; offset += most * lanes)
    tile<Input, Rows, most>(args, x, block, row, column, offset, sums_of, ahead);
  for (; offset < block.width; offset += least * lanes)
    tile<Input, Rows, least>(args, x, block, row, column, offset, sums_of, ahead);
}

// The last rows, fewer than a tile has.
template <class Input, int Rows>
inline void tiles_of_rest(const LinearArgs& args, MatrixView<const Input> x, const WeightBlock& block, std::int64_t row,
                          std::int64_t rows, std::int64_t column, float* sums_of, ReadAhead& ahead) {
  if constexpr (Rows > 0) {
    if (rows == Rows)
      tiles_of_width<Input, Rows>(args, x, block, row, column, sums_of, ahead);
    else
      tiles_of_rest<Input, Rows - 1>(args, x, block, row, rows, column, sums_of, ahead);
  }
}

template <class Input>
inline void tiles(const LinearArgs& args, MatrixView<const Input> x, const WeightBlock& block, std::int64_t row_begin,
                  std::int64_t row_end, std::int64_t column, float* sums, ReadAhead& ahead) {
  std::int64_t row = row_begin;
  for (; row + tile_rows <= row_end; row += tile_rows)
    tiles_of_width<Input, tile_rows>(args, x, block, row, column, sums + (row - row_begin) * panel_width, ahead);
  tiles_of_rest<Input, tile_rows - 1>(args, x, block, row, row_end - row, column,
                                      sums + (row - row_begin) * panel_width, ahead);
}

inline std::int64_t row_blocks(std::int64_t T) {
  return (T + row_block - 1) / row_block;
}

// Where a block of rows begins: after whole tiles, as many as in the other blocks.
inline std::int64_t first_row(std::int64_t T, std::int64_t part) {
  const std::int64_t tiles = (T + tile_rows - 1) / tile_rows;
  return smaller(T, tiles * part / row_blocks(T) * tile_rows);
}

// Reads, while one block of a panel is at work, the bytes from `next` on that the following one will need.
inline ReadAhead read_during(const WeightBlock& block, const Byte* next, std::int64_t bytes, std::int64_t rows,
                             std::int64_t steps) {
  const std::int64_t portions =
      (rows + tile_rows - 1) / tile_rows *
      ((block.width + STATESCOPE_TILE_VECTORS * lanes - 1) / (STATESCOPE_TILE_VECTORS * lanes)) *
      ((steps + portion_inputs - 1) / portion_inputs);
  return {next, (bytes / cache_line + portions) / (portions + 1)};
}

// Units are row blocks × panels, the panels of a row block side by side.
template <ElementType storage>
void product_of_rows(const LinearArgs& args, std::int64_t unit_begin, std::int64_t unit_end) {
  alignas(cache_line) float sums[row_block * panel_width];
  alignas(cache_line) float expanded[storage == ElementType::f32 ? 1 : k_block * panel_width];
  const std::int64_t T = args.x.rows, K = args.x.cols, panels = args.W->panels();
  for (std::int64_t unit = unit_begin; unit < unit_end; ++unit) {
    const std::int64_t part = unit / panels, p = unit % panels;
    const std::int64_t row_begin = first_row(T, part), row_end = first_row(T, part + 1);
    const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
    const std::int64_t width = args.W->width(p);
    for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
      const std::int64_t count = smaller(k_block, K - k);
      const void* weights = panel + k * width * 4;
      if constexpr (storage != ElementType::f32) {
        expand<storage>(panel, width, k, count, expanded);
        weights = expanded;
      }
      const WeightBlock block{weights, width, k, count, k == 0, k + k_block >= K};
      // A panel's bytes are spread nearly evenly over its inputs, whatever the storage.
      const std::int64_t bytes_per_input = args.W->bytes_of_panel(p) / (K > 0 ? K : 1);
      ReadAhead ahead = read_during(block, panel + bytes_per_input * (k + count), bytes_per_input * smaller(k_block, K),
                                    row_end - row_begin, count);
      tiles<float>(args, args.x, block, row_begin, row_end, p * panel_width, sums, ahead);
    }
  }
}

#if defined(STATESCOPE_BF16_PAIRS)
void pair_product_of_rows(const LinearArgs& args, const std::uint32_t* pairs, std::int64_t unit_begin,
                          std::int64_t unit_end) {
  alignas(cache_line) float sums[row_block * panel_width];
  const std::int64_t T = args.x.rows, K = (args.x.cols + 1) / 2, panels = args.W->panels();
  const MatrixView<const std::uint32_t> x(pairs, T, K);
  for (std::int64_t unit = unit_begin; unit < unit_end; ++unit) {
    const std::int64_t part = unit / panels, p = unit % panels;
    const std::int64_t row_begin = first_row(T, part), row_end = first_row(T, part + 1);
    const Byte* const panel = reinterpret_cast<const Byte*>(args.W->panel(p));
    const std::int64_t width = args.W->width(p);
    for (std::int64_t k = 0; k == 0 || k < K; k += k_block) {
      const std::int64_t count = smaller(k_block, K - k);
      const WeightBlock block{panel + k * width * 4, width, k, count, k == 0, k + k_block >= K};
      ReadAhead ahead = read_during(block, panel + (k + count) * width * 4, smaller(k_block, K) * width * 4,
                                    row_end - row_begin, count);
      tiles<std::uint32_t>(args, x, block, row_begin, row_end, p * panel_width, sums, ahead);
    }
  }
}

// Rows of x as pairs of bf16, [T, ⌈K/2⌉]; the last of an odd number meets a zero.
void pair_inputs(MatrixView<const float> x, std::uint32_t* out, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t K = x.cols, pairs = (K + 1) / 2;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    for (std::int64_t k = 0; k < K; k += 2 * lanes) {
      const auto low = reinterpret_cast<__m512>(load(x.row(t) + k, K - k));
      const auto high = reinterpret_cast<__m512>(K - k > lanes ? load(x.row(t) + k + lanes, K - k - lanes) : Vec{});
      const auto both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
      const std::int64_t count = smaller(lanes, pairs - k / 2);
      _mm512_mask_storeu_epi32(out + t * pairs + k / 2, static_cast<__mmask16>((1u << count) - 1), both);
    }
  }
}
#endif

std::int64_t linear_units(const LinearArgs& args) {
  return args.x.rows == 1 ? args.W->panels() : args.W->panels() * row_blocks(args.x.rows);
}

template <ElementType storage>
void linear_from(const LinearArgs& args, std::int64_t begin, std::int64_t end) {
  if (args.x.rows == 1)
    product_of_row<storage>(args, begin, end);
  else
    product_of_rows<storage>(args, begin, end);
}

void linear(const LinearArgs& args, const std::uint32_t* pairs, std::int64_t begin, std::int64_t end) {
  switch (args.W->storage()) {
    case ElementType::f32:
      return linear_from<ElementType::f32>(args, begin, end);
    case ElementType::f16:
      return linear_from<ElementType::f16>(args, begin, end);
    case ElementType::i8:
      return linear_from<ElementType::i8>(args, begin, end);
    case ElementType::bf16:
      break;
  }
#if defined(STATESCOPE_BF16_PAIRS)
  if (args.x.rows == 1)
    pair_product_of_row(args, pairs, begin, end);
  else
    pair_product_of_rows(args, pairs, begin, end);
#else
  (void)pairs;
  linear_from<ElementType::bf16>(args, begin, end);
#endif
}

// ---- rounding

inline Vec round_bf16(Vec x) {
  const IntVec bits = reinterpret_cast<IntVec>(x), magnitude = bits & 0x7FFFFFFF;
  const IntVec rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & static_cast<int>(0xFFFF0000u);
  return select(magnitude > 0x7F800000, x, reinterpret_cast<Vec>(rounded));
}

inline Vec round_f16(Vec x) {
#if STATESCOPE_LANES == 16
  const auto v = reinterpret_cast<__m512>(x);
  return reinterpret_cast<Vec>(
      _mm512_maskz_cvtph_ps(all_lanes, _mm512_maskz_cvtps_ph(all_lanes, v, _MM_FROUND_TO_NEAREST_INT)));
#elif STATESCOPE_LANES == 8
  const auto v = reinterpret_cast<__m256>(x);
  return reinterpret_cast<Vec>(_mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)));
#else
  const IntVec bits = reinterpret_cast<IntVec>(x), magnitude = bits & 0x7FFFFFFF, sign = bits ^ magnitude;
  // Adding 0.5, whose last bit is worth 2^-24, rounds what is below 2^-14 to the spacing of subnormals.
  const Vec small = (reinterpret_cast<Vec>(magnitude) + 0.5f) - 0.5f;
  const IntVec normal = (magnitude + 0xFFF + ((magnitude >> 13) & 1)) & ~0x1FFF;
  const Vec finite = select(magnitude < 0x38800000, small, reinterpret_cast<Vec>(normal));
  const Vec rounded = select(magnitude > 0x477FEFFF, reinterpret_cast<Vec>(IntVec{} + 0x7F800000), finite);
  const Vec result = select(magnitude > 0x7F800000, reinterpret_cast<Vec>(magnitude), rounded);
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(result) | sign);
#endif
}

void round_to(const RoundArgs& args, std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t cols = args.x.cols;
  for (std::int64_t t = row_begin; t < row_end; ++t) {
    float* x = args.x.row(t);
    for (std::int64_t e = 0; e < cols; e += lanes) {
      const Vec v = load(x + e, cols - e);
      store(x + e, args.type == ElementType::bf16 ? round_bf16(v) : round_f16(v), cols - e);
    }
  }
}
